"""ihave (RFC 5463): use an extension only where it is there; `error` ends a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.sieve.errors import RunError
from postroad_store.sieve.spec import Extension, Kind, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import Context

# RFC 5463 §4: not for extensions that change how the content of scripts is interpreted; then the test fails.
_NEVER = frozenset({"encoded-character", "variables"})


def _check(context: Context, step: Step) -> bool:
    wanted: tuple[str, ...] = step.arguments[0]
    if all(context.has(capability) for capability in wanted):
        return True
    return context.enable(wanted, never=_NEVER)


def _ihave(_run: Run, step: Step) -> bool:
    return bool(step.prepared)


def _error(run: Run, step: Step) -> None:
    raise RunError(run.text(step.arguments[0]))


EXTENSION = Extension(
    "ihave",
    (Word("ihave", (Kind.CONSTANTS,), test=_ihave, check=_check), Word("error", (Kind.STRING,), run=_error)),
)
