"""reject and ereject (RFC 5429): refuse the message. The delivery decides how, by what the RFC allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.sieve.actions import Reject
from postroad_store.sieve.spec import Extension, Kind, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run


def _reject(run: Run, step: Step) -> None:
    run.take(Reject(run.text(step.arguments[0]), early=step.word.name == "ereject"))
    run.implicit_keep = False


EXTENSIONS = tuple(Extension(name, (Word(name, (Kind.STRING,), run=_reject),)) for name in ("reject", "ereject"))
