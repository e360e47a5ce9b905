"""What is found in a file of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Iterator


@value
class Found:
    """One message, with what the file says about it."""

    content: bytes
    flags: tuple[str, ...] = ()  # by their IMAP names
    date: float | None = None  # when it was received, seconds since 1970
    place: str = ""  # in the file, for a sentence about it


class NotReadable(Exception):  # noqa: N818 - what the file is
    """The file can't be read further; the sentence says where and why."""


class Source(Protocol):
    """A file of messages that comes in pieces."""

    skipped: int  # messages that were passed over, because they are not of this mailbox

    def feed(self, octets: bytes) -> Iterator[Found]:
        """Take a piece, and give the messages that are whole; raises `NotReadable` after the last of them."""
        ...

    def end(self) -> Iterator[Found]:
        """Give what is left at the end of the file; raises `NotReadable`."""
        ...


def checked(message: Found, most: int) -> Found:
    """Return the message; raises `NotReadable` if it has no octets, or more than `most`."""
    if not message.content:
        raise NotReadable(f"{message.place} has no octets")
    if len(message.content) > most:
        raise too_large(message.place, most)
    return message


def too_large(place: str, most: int) -> NotReadable:
    """Return the error that says that a message is too large."""
    return NotReadable(f"{place} has more than {most} octets, which is the most that a message may have")
