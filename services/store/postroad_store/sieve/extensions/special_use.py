r"""special-use (RFC 8579): mailboxes by their use, such as `\Junk`, whatever they are called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from postroad_store.sieve.errors import RunError
from postroad_store.sieve.spec import Extension, Kind, Tagged, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import Context

_USE = re.compile(r"\\[!#$&'+-\[^-z|}~]+\Z")  # RFC 6154 §6: use-attr, which is a backslash and an atom


def _exists(run: Run, step: Step) -> bool:
    mailbox = None if step.arguments[0] is None else run.text(step.arguments[0])
    if mailbox is not None and not run.around.has_mailbox(mailbox):
        return False
    return all(run.around.has_special_use(use, mailbox) for use in run.texts(step.arguments[1]))


def _fault(use: str) -> str | None:
    # RFC 8579 §4: "handle an invalid special-use attribute in the same way as an invalid mailbox name is handled"
    return None if _USE.match(use) else f"{use[:60]!r} is no use of a mailbox, such as \\Junk"


def _check(context: Context, use: str) -> None:
    fault = _fault(use)
    if fault is not None:
        context.refuse(fault)


def _effect(run: Run, value: Any) -> dict[str, Any]:
    use = run.text(value)
    fault = _fault(use)
    if fault is not None:
        raise RunError(fault)
    return {"special_use": use}


EXTENSION = Extension(
    "special-use",
    (Word("specialuse_exists", (Kind.STRINGS,), test=_exists, optional=Kind.STRING),),
    {"fileinto": (Tagged(":specialuse", Kind.STRING, effect=_effect, check=_check),)},
)
