"""duplicate (RFC 7352): whether the same message, or the same event, was here before."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from postroad_store.sieve.actions import Remember
from postroad_store.sieve.extensions.base import FIELD_NAME
from postroad_store.sieve.spec import Extension, Kind, Tagged, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run

DEFAULT, MOST = 7 * 86_400, 90 * 86_400  # seconds (RFC 7352 §3.3)


def _duplicate(run: Run, step: Step) -> bool:
    tags = step.tags
    unique = _unique(run, step)
    seconds = min(tags.get(":seconds", DEFAULT), MOST)
    if unique is None or not seconds:  # RFC 7352 §3.3: with 0 seconds it is false, whatever was seen
        return False
    handle = run.text(tags[":handle"]) if ":handle" in tags else ""
    key = hashlib.sha256(repr((handle, unique)).encode()).hexdigest()
    seen = run.around.is_remembered(key)
    # RFC 7352 §3.3: the time counts from the first one, or from the last one with ":last"
    if not seen or ":last" in tags:
        run.take(Remember(key, seconds))
    return seen


def _unique(run: Run, step: Step) -> str | None:
    """Return the unique ID (RFC 7352 §3.1); None if the message has none."""
    if ":uniqueid" in step.tags:
        return run.text(step.tags[":uniqueid"])
    name = run.text(step.tags[":header"]) if ":header" in step.tags else "message-id"
    # RFC 7352 §3.1: no error for a name that no field can have
    values = run.message.values(name) if FIELD_NAME.fullmatch(name) else []
    return values[0] if values else None


EXTENSION = Extension(
    "duplicate",
    (
        Word(
            "duplicate",
            tagged=(
                Tagged(":handle", Kind.STRING),
                Tagged(":header", Kind.STRING, group="id"),
                Tagged(":uniqueid", Kind.STRING, group="id"),
                Tagged(":seconds", Kind.NUMBER),
                Tagged(":last"),
            ),
            test=_duplicate,
        ),
    ),
)
