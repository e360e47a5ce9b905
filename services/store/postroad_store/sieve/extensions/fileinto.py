"""fileinto (RFC 5228 §4.1): store the message in a mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.model.account import INBOX, checked_name
from postroad_store.mail.model.errors import NameNotAllowed
from postroad_store.sieve.errors import RunError
from postroad_store.sieve.extensions.base import file
from postroad_store.sieve.program import constants
from postroad_store.sieve.spec import Extension, Kind, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import Context


def _check(context: Context, step: Step) -> None:
    # RFC 5228 §4.1: "use of an invalid mailbox name MAY be treated as an error"
    for name in constants(step.arguments):
        try:
            checked_name(name)
        except NameNotAllowed as error:
            context.refuse(f"{name[:60]!r}: {error}")


def _fileinto(run: Run, step: Step) -> None:
    name = run.text(step.arguments[0])
    try:
        name = checked_name(name)
    except NameNotAllowed as error:
        raise RunError(f"{name[:60]!r}: {error}") from None
    file(run, step, None if name == INBOX else name)


EXTENSION = Extension("fileinto", (Word("fileinto", (Kind.STRING,), run=_fileinto, check=_check),))
