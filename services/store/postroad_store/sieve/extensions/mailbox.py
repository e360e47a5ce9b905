"""mailbox (RFC 5490 §3): mailboxexists, and fileinto that makes its mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.sieve.spec import Extension, Kind, Tagged, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run


def _mailboxexists(run: Run, step: Step) -> bool:
    # RFC 5490 §3.1: true if every mailbox exists and takes messages
    return all(run.around.has_mailbox(name) for name in run.texts(step.arguments[0]))


EXTENSION = Extension(
    "mailbox",
    (Word("mailboxexists", (Kind.STRINGS,), test=_mailboxexists),),
    {"fileinto": (Tagged(":create", effect=lambda _run, _value: {"create": True}),)},
)
