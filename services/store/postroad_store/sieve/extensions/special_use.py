r"""special-use (RFC 8579): mailboxes by their use, such as `\Junk`, whatever they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad_store.sieve.spec import Extension, Kind, Tagged, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run


def _exists(run: Run, step: Step) -> bool:
    mailbox = None if step.arguments[0] is None else run.text(step.arguments[0])
    if mailbox is not None and not run.around.has_mailbox(mailbox):
        return False
    return all(run.around.has_special_use(use, mailbox) for use in run.texts(step.arguments[1]))


def _effect(run: Run, value: Any) -> dict[str, Any]:
    return {"special_use": run.text(value)}


EXTENSION = Extension(
    "special-use",
    (Word("specialuse_exists", (Kind.STRINGS,), test=_exists, optional=Kind.STRING),),
    {"fileinto": (Tagged(":specialuse", Kind.STRING, effect=_effect),)},
)
