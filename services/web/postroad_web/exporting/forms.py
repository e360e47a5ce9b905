"""The forms of a file of messages, each written message by message; the seeding of mailboxes reads them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from postroad.mail import tar
from postroad.mail.dates import DAYS, MONTHS, utc
from postroad_web.seeding.maildir import FLAGS

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUOTED = re.compile(rb"^(>*From )", re.MULTILINE)
_LETTERS = {name.lower(): letter for letter, name in FLAGS.items()}


class Form(Protocol):
    """How messages are written into a file."""

    media_type: str
    suffix: str  # of the file's name

    def write(self, uid: int, flags: Sequence[str], date: int, content: bytes) -> bytes:
        """Return what the file has of a message; `date` is in seconds since 1970."""
        ...

    def end(self) -> bytes:
        """Return the end of the file."""
        ...


class Mbox:
    """An mbox (RFC 4155) in the mboxrd form, with the line ends of Unix; flags are not kept."""

    media_type = "application/mbox"
    suffix = ".mbox"

    def write(self, uid: int, flags: Sequence[str], date: int, content: bytes) -> bytes:  # noqa: ARG002 - Form's
        """Return the From line, the message and an empty line."""
        body = _QUOTED.sub(rb">\1", _unix(content))
        end = b"\n" if body.endswith(b"\n") else b"\n\n"
        return b"From MAILER-DAEMON %b\n%b%b" % (_ctime(date), body, end)

    def end(self) -> bytes:
        """Return nothing."""
        return b""


class Maildir:
    """A tar of a Maildir: its names have the flags, its times are the internal dates; keywords are not kept."""

    media_type = "application/x-tar"
    suffix = ".maildir.tar"

    def write(self, uid: int, flags: Sequence[str], date: int, content: bytes) -> bytes:
        """Return the entry of a file in cur."""
        letters = sorted(_LETTERS[flag.lower()] for flag in flags if flag.lower() in _LETTERS)
        return tar.entry(f"cur/{date}.U{uid}.postroad:2,{''.join(letters)}", date, _unix(content))

    def end(self) -> bytes:
        """Return the end of the archive."""
        return tar.END


class Eml:
    """A tar of files UID.eml, each exactly as it is stored."""

    media_type = "application/x-tar"
    suffix = ".eml.tar"

    def write(self, uid: int, flags: Sequence[str], date: int, content: bytes) -> bytes:  # noqa: ARG002 - Form's
        """Return the entry of a file."""
        return tar.entry(f"{uid}.eml", date, content)

    def end(self) -> bytes:
        """Return the end of the archive."""
        return tar.END


FORMS: dict[str, type[Form]] = {"mbox": Mbox, "maildir": Maildir, "eml": Eml}


def _unix(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def _ctime(date: int) -> bytes:
    """Return the time as C's asctime writes it, in UTC (RFC 4155 appendix A)."""
    at = utc(date)
    return f"{DAYS[at.weekday()]} {MONTHS[at.month - 1]} {at.day:2} {at:%H:%M:%S} {at.year}".encode("ascii")
