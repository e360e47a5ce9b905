"""The text that an IMAP URL names (RFC 5092), for CATENATE and URLFETCH."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from postroad_store.imap.commands.fetch.section import read_section, text_of
from postroad_store.imap.grammar.reader import Reader, SyntaxFault
from postroad_store.imap.grammar.url import Url, UrlFault, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad.mime.part import Part
    from postroad_store.imap.commands.fetch.section import Section
    from postroad_store.imap.directory import Directory
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.opened import OpenMessage
    from postroad_store.mail.storage import Storage

_EVERYTHING = 1 << 62  # octets: more than any message has


def find_text(session: Session, text: bytes) -> tuple[int, Iterator[bytes]]:
    """Return the octets that a relative URL names: how many, and in pieces (RFC 4469 §3); raises `UrlFault`."""
    url = parse(text)
    if url.host is not None:
        raise UrlFault("URL must be relative to this server")
    if url.authorization is not None:
        raise UrlFault("URL has an authorization, which is for URLFETCH")
    if url.mailbox is None:
        if session.view is None:
            raise UrlFault("URL names the selected mailbox, and none is selected")
        mailbox = session.view.mailbox
    else:
        mailbox = mailbox_in(session.directory, url)
    message, _, section = piece_at(session.storage, mailbox, url)
    return text_of(section, message.root, message.octets, section.partial)


def mailbox_in(directory: Directory, url: Url) -> Mailbox:
    """Return the mailbox that a URL names, if the account may read it; raises `UrlFault`, `NotPermitted`."""
    mailbox = directory.usable(url.mailbox or "")  # RFC 4314 §4: r, as for FETCH
    if mailbox is None or not mailbox.selectable:
        raise UrlFault("URL names a mailbox that doesn't exist")
    if url.uid_validity is not None and url.uid_validity != mailbox.uid_validity:
        raise UrlFault("URL names a mailbox that has been replaced")
    return mailbox


class Piece(NamedTuple):
    """A piece of a message."""

    message: OpenMessage
    part: Part  # that it is, or belongs to
    section: Section


def piece_at(storage: Storage, mailbox: Mailbox, url: Url) -> Piece:
    """Return the piece that a URL names in its mailbox; raises `UrlFault`."""
    message = storage.opened.open(mailbox, url.uid)
    if message is None:
        raise UrlFault("URL names a message that is not there")
    try:
        reader = Reader([b"[" + url.section + b"]"])
        section = read_section(reader, peek=True)
        reader.end()
    except SyntaxFault:
        raise UrlFault("URL names a section that can't be read") from None
    part = message.root.find(section.part)
    if part is None:
        raise UrlFault("URL names a part that is not there")
    if url.partial is not None:
        first, length = url.partial
        section = replace(section, partial=(first, _EVERYTHING if length is None else length))
    return Piece(message, part, section)
