"""environment (RFC 5183): what the script may know of the server and of the delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.sieve.matching import any_match
from postroad_store.sieve.spec import Extension, Kind, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run


def _environment(run: Run, step: Step) -> bool:
    assert step.matching is not None  # noqa: S101 - `Word.matches`
    value = run.around.environment.get(run.text(step.arguments[0]).lower())
    if value is None:  # RFC 5183 §4: "MUST fail unconditionally"
        return False
    # RFC 5183 §4: an empty string counts as none
    values = [value] if value or not step.matching.type.counts else []
    return any_match(run, step.matching, values, run.texts(step.arguments[1]))


EXTENSION = Extension(
    "environment", (Word("environment", (Kind.STRING, Kind.STRINGS), test=_environment, matches=True),)
)
