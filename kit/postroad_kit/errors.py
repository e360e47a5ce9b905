"""The kit's errors. Each is a sentence, with what a program needs as attributes.

Exception
├── PostroadError
│   ├── Refused        the API said no: `status` and `problem`
│   ├── Away           the API can't be reached
│   └── CannotStart    no stack was found, and none could be started
└── AssertionError
    └── MailError      what a test expects of its mail is not so
        ├── NotArrived time is over
        ├── TooMany    more came than were expected
        ├── NotQuiet   something is still under way
        └── NotOne     a mail has no such link, code or attachment, or several
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class PostroadError(Exception):
    """The kit can't do what it was asked for."""


class Refused(PostroadError):  # noqa: N818 - what has happened
    """The API has refused; `problem` is what it says (RFC 9457)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        sentence = problem.get("detail") or problem.get("title") or "it does not say why"
        super().__init__(f"Postroad answers {status}: {sentence}")
        self.status = status
        self.problem = problem

    def __reduce__(self) -> tuple[Any, ...]:  # test runners send errors from process to process
        return type(self), (self.status, self.problem), self.__dict__


class Away(PostroadError):  # noqa: N818 - a state of affairs
    """The API can't be reached."""

    def __init__(self, url: str, reason: object) -> None:
        super().__init__(f"Postroad at {url} can't be reached: {reason}. Does the stack run?")
        self.url = url
        self.reason = str(reason)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.url, self.reason), self.__dict__


class CannotStart(PostroadError):  # noqa: N818 - what has happened
    """No stack could be started; the message says why and what to do."""


class MailError(AssertionError):
    """What a test expects of its mail is not so; `problem` is what the API says, if it was asked."""

    def __init__(self, sentence: str, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.problem: Mapping[str, Any] = problem or {}


class NotArrived(MailError):  # noqa: N818 - what is so
    """Time is over, and what was expected has not come."""


class TooMany(MailError):  # noqa: N818 - what is so
    """More messages match than were expected."""


class NotQuiet(MailError):  # noqa: N818 - what is so
    """Something is still under way."""


class NotOne(MailError):  # noqa: N818 - what is so
    """A mail has none of what was asked for, or several."""
