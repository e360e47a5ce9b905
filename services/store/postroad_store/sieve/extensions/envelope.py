"""envelope (RFC 5228 §5.4): test the reverse-path and the forward-paths that led here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.sieve.errors import RunError
from postroad_store.sieve.extensions.base import match_addresses
from postroad_store.sieve.program import constants
from postroad_store.sieve.spec import Extension, Kind, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import Context

_PARTS = frozenset({"from", "to"})


def _check(context: Context, step: Step) -> None:
    # RFC 5228 §5.4: "If one of the envelope-part strings is ... not supported, it is an error"
    for part in constants(step.arguments[0]):
        if part.lower() not in _PARTS:
            context.refuse(f"{part[:60]!r} is no part of an envelope: from, to")


def _envelope(run: Run, step: Step) -> bool:
    pairs: list[tuple[str, str]] = []
    for part in run.texts(step.arguments[0]):
        match part.lower():
            case "from":
                # RFC 5228 §5.4: the null reverse-path has the empty string, "regardless of the ADDRESS-PART argument"
                pairs.append(run.around.sender or ("", ""))
            case "to":
                pairs += run.around.recipients
            case _:
                raise RunError(f"{part[:60]!r} is no part of an envelope: from, to")
    return match_addresses(run, step, pairs, run.texts(step.arguments[1]))


EXTENSION = Extension(
    "envelope",
    (Word("envelope", (Kind.STRINGS, Kind.STRINGS), test=_envelope, check=_check, matches=True, parts=True),),
)
