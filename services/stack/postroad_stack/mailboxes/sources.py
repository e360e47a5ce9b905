"""What there is to import below a path: which mailboxes, and the files of each.

mail.mbox                an mbox, or a single message
Maildir/{cur,new}/…      a Maildir; its folders `.Sent.2026` are mailboxes `Sent/2026`
tree/Work/2026/one.eml   a tree of messages: each folder is a mailbox; an mbox or a Maildir in it is one too
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from postroad.mail import tar
from postroad_stack.mailboxes.names import decode, mailbox_of_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECE = 1 << 20  # octets that are read of a file at a time

_FROM = b"From "
_IN_MAILDIR = ("cur", "new")
_MESSAGES = frozenset({".eml", ".mail", ".msg", ".txt"})
_MBOXES = frozenset({".mbox", ".mbx"})


class NothingThere(Exception):  # noqa: N818 - what the path is
    """There is no mail at a path; the sentence says so."""


@dataclass(slots=True)
class Source:
    """The files of one mailbox: an mbox, or files with one message each, which are sent as a Maildir."""

    mailbox: str
    is_mbox: bool
    files: list[Path] = field(default_factory=list)

    @property
    def media_type(self) -> str:
        """The type of `pieces`."""
        return "application/mbox" if self.is_mbox else "application/x-tar"

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """Yield the octets to send, each with the number of files that are read before them."""
        for number, path in enumerate(self.files):
            if self.is_mbox:
                with path.open("rb") as file:
                    while octets := file.read(PIECE):
                        yield number, octets
            else:
                yield number, _entry(number, path)
        if not self.is_mbox:
            yield len(self.files), tar.END


def _entry(number: int, path: Path) -> bytes:
    """Return a file as an entry of a tar of a Maildir, with the flags that its name has."""
    content = path.read_bytes()
    _, mark, flags = path.name.rpartition(":2,")
    return tar.entry(f"cur/{number}{mark}{flags if mark else ''}", int(path.stat().st_mtime), content)


def sources(path: Path, mailbox: str | None) -> list[Source]:
    """Return what is to be imported; `mailbox` is where the files of the path itself go, INBOX if left out.

    Raises `NothingThere`, and `OSError`.
    """
    top = mailbox or "INBOX"
    if path.is_dir():
        filled = [source for source in _of_folder(path, top, mailbox or "") if source.files]
        if not filled:
            raise NothingThere(f"{path} has no mail: no Maildir, no mbox, no file NAME.eml")
        return filled
    return [Source(top, _is_mbox(path), [path])]


def _of_folder(folder: Path, mailbox: str, prefix: str) -> Iterator[Source]:
    """Yield the mailboxes of a folder; those below it have names that begin with `prefix`."""
    if _is_maildir(folder):
        inner = (file for part in _IN_MAILDIR for file in _sorted(folder / part) if file.is_file())
        yield Source(mailbox, is_mbox=False, files=[file for file in inner if not file.name.startswith(".")])
        for below in _sorted(folder):
            if below.name.startswith(".") and _is_maildir(below):
                yield from _of_folder(below, _joined(prefix, mailbox_of_folder(below.name)), prefix)
            elif below.is_dir() and below.name not in {*_IN_MAILDIR, "tmp"} and not below.name.startswith("."):
                name = _joined(prefix, decode(below.name))
                yield from _of_folder(below, name, name)
        return
    messages: list[Path] = []
    for below in _sorted(folder):
        if below.name.startswith("."):
            continue
        if below.is_dir():
            name = _joined(prefix, decode(below.name))
            yield from _of_folder(below, name, name)
        elif not below.is_file():
            continue
        elif _is_mbox(below):
            name = below.stem if below.suffix.lower() in _MBOXES else below.name
            yield Source(_joined(prefix, decode(name)), is_mbox=True, files=[below])
        elif below.suffix.lower() in _MESSAGES:
            messages.append(below)
    yield Source(mailbox, is_mbox=False, files=messages)


def _sorted(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_maildir(folder: Path) -> bool:
    return any((folder / part).is_dir() for part in _IN_MAILDIR)


def _is_mbox(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_FROM)) == _FROM


def _joined(prefix: str, name: str) -> str:
    if name.upper() == "INBOX" and not prefix:
        return "INBOX"
    return f"{prefix}/{name}" if prefix else name
