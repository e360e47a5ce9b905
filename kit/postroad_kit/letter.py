"""What a message is to a test: a frozen value with everything decoded, as Postroad's API has it.

`link`, `code` and the like give exactly one or raise `NotOne` with the list: a test that takes the first of several is
wrong on the day when their order changes.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from postroad_kit.errors import NotOne

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

CERTAIN = 20  # points by which a one-time code has to lead the next one


@dataclass(frozen=True, slots=True)
class Person:
    """A name and an address of the header."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Copy:
    """Where a message lies in a mailbox."""

    account: str
    mailbox: str
    uid_validity: int
    uid: int
    removed: bool


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient of the envelope, and what has become of the message for it.

    `state` is queued, deferred, held, delivered, captured, failed or dropped; `reason` the last reply, and `host` who
    gave it.
    """

    address: str
    state: str
    reason: str
    host: str
    due: datetime | None
    attempts: int
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A link that a message shows. `kind` is link, unsubscribe, mail, phone or other; `source` html or text."""

    url: str
    text: str
    kind: str
    source: str


@dataclass(frozen=True, slots=True)
class Code:
    """What may be a one-time code; the likeliest has the highest score (1 to 100)."""

    value: str
    reason: str
    score: int


@dataclass(frozen=True)
class File:
    """An attachment, or a part that the HTML shows. `sha256` is that of the decoded content."""

    part_id: str
    filename: str
    content_type: str
    content_id: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Attachment(File):
    """A file with its decoded content."""

    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The List-Unsubscribe fields (RFC 2369 §3.2, RFC 8058), and what is wrong with them."""

    links: tuple[str, ...] = ()
    one_click: bool = False
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What is in a message."""

    text: str = ""
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    links: tuple[Link, ...] = ()
    codes: tuple[Code, ...] = ()
    files: tuple[File, ...] = ()
    inline: tuple[File, ...] = ()
    list_unsubscribe: Unsubscribe = Unsubscribe()


@dataclass(frozen=True, repr=False)
class Letter:
    """A message, as it was when it was asked for. Line ends of text and HTML are those of Python.

    `sender` is that of the envelope, None the null reverse-path; `login` who submitted it; `about` the message that a
    notification (DSN) is about; `seen` is a question of its own, because mail clients change it.
    """

    id: str
    number: int
    world: str
    origin: str
    state: str
    arrived: datetime
    sender: str | None
    recipients: tuple[Recipient, ...]
    message_id: str | None
    size: int
    subject: str
    from_: tuple[Person, ...]
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    bcc: tuple[Person, ...]
    reply_to: tuple[Person, ...]
    date: datetime | None
    read: bool
    tags: tuple[str, ...]
    about: str | None
    reports: tuple[str, ...]
    login: str | None
    content: Content

    def __repr__(self) -> str:
        to = ", ".join(recipient.address for recipient in self.recipients)
        return f"<{type(self).__name__} {self.id} {self.subject!r} to {to}, {self.state}>"

    @property
    def text(self) -> str:
        """The text that people read; made from the HTML if no part is plain text."""
        return self.content.text

    @property
    def html(self) -> str:
        """The HTML that people read, or nothing."""
        return self.content.html

    @property
    def links(self) -> tuple[Link, ...]:
        """All links, those of the HTML first."""
        return self.content.links

    @property
    def codes(self) -> tuple[Code, ...]:
        """What may be one-time codes, the likeliest first."""
        return self.content.codes

    @property
    def files(self) -> tuple[File, ...]:
        """All attachments."""
        return self.content.files

    @property
    def copies(self) -> tuple[Copy, ...]:
        """Where it lies in mailboxes."""
        return tuple(copy for recipient in self.recipients for copy in recipient.copies)

    def link(self, text: str | None = None, *, url: str | None = None) -> str:
        """Return the URL of the one link whose visible text, and whose URL, contains this (case makes no difference).

        Without either, of the one link that is no unsubscribe link. The same URL twice is one link. Raises `NotOne`.
        """
        __tracebackhide__ = True
        urls = {
            link.url: link
            for link in reversed(self.links)
            if (text is None or text.casefold() in link.text.casefold())
            and (url is None or url.casefold() in link.url.casefold())
            and (text is not None or url is not None or link.kind == "link")
        }
        wanted = "".join([f" with the text “{text}”" if text else "", f" with “{url}” in its URL" if url else ""])
        shown = [f"{link.text!r} → {link.url}" for link in self.links]
        return self._one(list(urls), "link", wanted, shown)

    def code(self) -> str:
        """Return the one-time code: the only one, or the one that is by far the likeliest. Raises `NotOne`."""
        __tracebackhide__ = True
        ranked = self.codes
        if len(ranked) > 1 and ranked[0].score - ranked[1].score >= CERTAIN:
            ranked = ranked[:1]
        shown = [f"{code.value} ({code.score} of 100: {code.reason})" for code in self.codes]
        return self._one([code.value for code in ranked], "one-time code", "", shown)

    def file(self, name: str = "*") -> File:
        """Return the one attachment whose file name matches, with `*` and `?`. Raises `NotOne`."""
        __tracebackhide__ = True
        matching = [file for file in self.files if fnmatch.fnmatch(file.filename.casefold(), name.casefold())]
        shown = [f"{file.filename} ({file.content_type}, {file.size} octets)" for file in self.files]
        by_id = {file.part_id: file for file in matching}
        return by_id[self._one(list(by_id), "attachment", "" if name == "*" else f" named {name}", shown)]

    def header(self, name: str) -> str | None:
        """Return the decoded value of the first field with this name, or None."""
        return next(iter(self.headers(name)), None)

    def headers(self, name: str | None = None) -> tuple[str, ...]:
        """Return the decoded values of all fields with this name, or of all fields."""
        fields = self.content.headers
        return tuple(value for field, value in fields if name is None or field.casefold() == name.casefold())

    def unsubscribe_link(self, *, one_click: bool = False) -> str:
        """Return the web link of List-Unsubscribe; with `one_click` it has to obey RFC 8058. Raises `NotOne`."""
        __tracebackhide__ = True
        told = self.content.list_unsubscribe
        links = [link for link in told.links if link.casefold().startswith(("https:", "http:"))]
        if one_click:
            links = [link for link in links if told.one_click and link.casefold().startswith("https:")]
        where = " in List-Unsubscribe"
        return self._one(links, "one-click link" if one_click else "web link", where, [*told.links, *told.errors])

    def _one(self, matching: Sequence[str], noun: str, which: str, there: Iterable[str]) -> str:
        __tracebackhide__ = True
        if len(matching) == 1:
            return matching[0]
        count = f"{len(matching)} {noun}s{which}, where one is expected" if matching else f"no {noun}{which}"
        listed = "".join(f"\n  {present}" for present in there) or " nothing"
        if self.content == Content():
            listed += " of its content, which is in no mailbox: it was removed, or went to another server"
        raise NotOne(f"“{self.subject}” has {count}; it has:{listed}")
