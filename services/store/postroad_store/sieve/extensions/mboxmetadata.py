"""mboxmetadata (RFC 5490 §3.3, §3.4): test the annotations of a mailbox (RFC 5464)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.sieve.extensions.servermetadata import match_annotation
from postroad_store.sieve.spec import Extension, Kind, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run


def _metadata(run: Run, step: Step) -> bool:
    mailbox, entry, keys = step.arguments
    return match_annotation(run, step, run.text(mailbox), entry, keys)


def _metadataexists(run: Run, step: Step) -> bool:
    mailbox = run.text(step.arguments[0])
    return all(run.around.annotation(mailbox, entry) is not None for entry in run.texts(step.arguments[1]))


EXTENSION = Extension(
    "mboxmetadata",
    (
        Word("metadata", (Kind.STRING, Kind.STRING, Kind.STRINGS), test=_metadata, matches=True),
        Word("metadataexists", (Kind.STRING, Kind.STRINGS), test=_metadataexists),
    ),
)
