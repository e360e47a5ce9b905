"""servermetadata (RFC 5490 §4): test the annotations of the server (RFC 5464)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.sieve.matching import any_match
from postroad_store.sieve.spec import Extension, Kind, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step, Text
    from postroad_store.sieve.run import Run


def match_annotation(run: Run, step: Step, mailbox: str | None, entry: Text, keys: tuple[Text, ...]) -> bool:
    """Return whether an annotation, of a mailbox or of the server (None), exists and matches a key."""
    assert step.matching is not None  # noqa: S101 - `Word.matches`
    value = run.around.annotation(mailbox, run.text(entry))
    return value is not None and any_match(run, step.matching, [value], run.texts(keys))


def _servermetadata(run: Run, step: Step) -> bool:
    entry, keys = step.arguments
    return match_annotation(run, step, None, entry, keys)


def _servermetadataexists(run: Run, step: Step) -> bool:
    return all(run.around.annotation(None, entry) is not None for entry in run.texts(step.arguments[0]))


EXTENSION = Extension(
    "servermetadata",
    (
        Word("servermetadata", (Kind.STRING, Kind.STRINGS), test=_servermetadata, matches=True),
        Word("servermetadataexists", (Kind.STRINGS,), test=_servermetadataexists),
    ),
)
