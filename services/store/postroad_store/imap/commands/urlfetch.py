"""URLFETCH: the text that authorized URLs name, of whoever's mailbox (RFC 4467 §7, RFC 5524).

A URL that is not valid is answered NIL, whatever the reason: the one who asks must not learn which mailboxes exist. The
text is read with the rights that the URL's owner has by then, whoever asks.
"""

from __future__ import annotations

import asyncio
import os
from itertools import chain
from typing import TYPE_CHECKING

from postroad.mime.bodies import body_of, elements
from postroad.mime.part import Kind
from postroad.value import value
from postroad_store.imap.commands.fetch.binary import Binary, decoded_figures
from postroad_store.imap.commands.fetch.item import Gone, Message, Refused
from postroad_store.imap.commands.fetch.section import Section, Text
from postroad_store.imap.directory import Directory
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import ACL, URLAUTH, URLAUTH_BINARY
from postroad_store.imap.grammar.reader import Reader, SyntaxFault
from postroad_store.imap.grammar.responses import astring
from postroad_store.imap.grammar.url import Authorization, Url, UrlFault, parse
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH
from postroad_store.imap.urlauth import MECHANISM, is_valid
from postroad_store.imap.urls import mailbox_in, piece_at
from postroad_store.mail.model.errors import NotPermitted
from postroad_store.mail.model.message import UID, Column
from postroad_store.protocol.waiting import give_way

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from postroad_store.imap.session import Session
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.storage import Storage

# RFC 4467 §6: a URL without a mailbox is checked as well, so that it takes as long. Nobody knows this key.
_NOBODYS = os.urandom(32)
_PARAMETERS = frozenset({b"BODY", b"BINARY", b"BODYPARTSTRUCTURE"})


@value
class Wanted:
    """One URL, and what is wanted of it; without parameters the plain text (RFC 5524 §3.1)."""

    url: bytes
    parameters: tuple[bytes, ...] = ()


@value
class UrlFetch(Command):
    """Read what URLs name."""

    urls: tuple[Wanted, ...]


def parse_command(tag: bytes, reader: Reader) -> UrlFetch:
    """Take the URLs."""
    # urlfetch = "URLFETCH" 1*(SP url-fetch-arg); url-fetch-arg = url-full / "(" url-full *(SP url-fetch-param) ")"
    urls: list[Wanted] = []
    while not urls or not reader.at_end():
        reader.space()
        urls.append(_read_extended(reader) if reader.peek() == b"(" else Wanted(reader.astring()))
    return UrlFetch(tag, tuple(urls))


def _read_extended(reader: Reader) -> Wanted:
    if not reader.offers(URLAUTH_BINARY):
        raise SyntaxFault("Invalid argument")
    reader.take(b"(")
    url = reader.astring()
    parameters: list[bytes] = []
    while not reader.skip(b")"):
        reader.space()
        parameters.append(reader.keyword())
        if parameters[-1] not in _PARAMETERS:
            raise SyntaxFault("Unknown URLFETCH parameter")
    # RFC 5524 §3.1: each once, and not both of BINARY and BODY
    if len(set(parameters)) < len(parameters) or {b"BINARY", b"BODY"}.issubset(parameters):
        raise SyntaxFault("URLFETCH parameters exclude each other")
    return Wanted(url, tuple(parameters))


async def handle(session: Session, command: UrlFetch) -> None:
    """Give each URL's text, as fast as the client reads."""
    for wanted in command.urls:
        begin = b"* URLFETCH " + astring(wanted.url)
        try:
            fetched = await _found(session, wanted.url)
            answer = fetched.plain() if not wanted.parameters else fetched.extended(wanted.parameters)
            while not (first := next(answer)):  # a pause
                await session.connection.wait_writable()
                await asyncio.sleep(0)
        except (UrlFault, Gone):
            session.engine.send(begin + b" NIL\r\n")
            continue
        session.in_literal = True
        session.engine.send(begin + b" ")
        try:
            for octets in chain((first,), answer):
                session.engine.send(octets)
                await give_way(session.connection)
        except Gone:  # in the middle of its literal
            session.connection.close()
            return
        session.engine.send(b"\r\n")
        session.in_literal = False
    session.finish(command, b"OK Urlfetch completed.")


async def _found(session: Session, text: bytes) -> _Found:
    """Return the message that an authorized URL names; raises `UrlFault`."""
    url = parse(text)
    authorization = url.authorization
    if url.host is None or url.user is None or authorization is None or authorization.token is None:
        raise UrlFault("URL is not authorized")
    storage = session.storage
    fellows = storage.sharing.fellows(url.user, session.current_account().login)
    owner = storage.known_account(url.user) if fellows else None
    mailbox, key = None, None
    if owner is not None:
        try:
            mailbox = mailbox_in(Directory(storage, owner, shares=session.offers(ACL)), url)
            key = storage.url_keys.find(owner, mailbox)
        except (UrlFault, NotPermitted):
            mailbox = None
    valid = is_valid(authorization.rump, key or _NOBODYS, authorization.token)
    if not valid or mailbox is None or not _may_use(session, authorization):
        raise UrlFault("URL is not valid")
    return _Found(storage, mailbox, url)


def _may_use(session: Session, authorization: Authorization) -> bool:
    """Return True if this session may use a URL now (RFC 4467 §3)."""
    if authorization.mechanism != MECHANISM:
        return False
    if authorization.expire is not None and session.shared.clock.now() > authorization.expire:
        return False
    if authorization.kind == "user+":
        return (authorization.user or "").casefold() == session.current_account().login.casefold()
    # No session is logged in as a message submission entity, which submit+ is for.
    return authorization.kind in {"authuser", "anonymous"}


class _Found(Message):
    """A message outside of any view, and the piece of it that a URL names."""

    __slots__ = ("_part", "_section", "_url")

    def __init__(self, storage: Storage, mailbox: Mailbox, url: Url) -> None:  # pylint: disable=super-init-not-called
        """Find the message; raises `UrlFault`."""
        self._opened, self._part, section = piece_at(storage, mailbox, url)
        self.storage, self.mailbox, self.uid, self._url = storage, mailbox, UID(url.uid), url
        self._section = Section(b"BODY", section.part, section.kind, section.fields, section.partial, peek=True)

    def plain(self) -> Iterator[bytes]:
        """Yield the text as a literal."""
        pieces = self._section.write(self)
        yield next(pieces).removeprefix(b"BODY ")
        yield from pieces

    def extended(self, parameters: tuple[bytes, ...]) -> Iterator[bytes]:
        """Yield the metadata elements that are wanted (RFC 5524 §3.2)."""
        space = b""
        if b"BODYPARTSTRUCTURE" in parameters:
            structure = yield from self._structure(decoded=b"BINARY" in parameters)
            yield b"(BODYPARTSTRUCTURE %b)" % structure
            space = b" "
        if b"BODY" in parameters:
            yield space + b"("
            yield from self._section.write(self)
            yield b")"
        if b"BINARY" in parameters:
            yield space + b"("
            yield from self._binary()
            yield b")"

    @property
    def _may_be_encoded(self) -> bool:
        """Whether the piece is a part that has no parts (RFC 2045 §6.4: others have no encoding)."""
        return self._section.kind is Text.ALL and bool(self._section.part) and self._part.kind is Kind.LEAF

    def _binary(self) -> Iterator[bytes]:
        section = self._section
        if not self._may_be_encoded:
            yield from Section(b"BINARY", section.part, section.kind, section.fields, section.partial, True).write(self)
            return
        item = Binary(b"BINARY", section.part, section.partial, peek=True)
        try:
            item.check(self)
        except Refused:
            yield b"BINARY NIL"  # RFC 5524 §3.2: an encoding that is unknown
            return
        yield from item.write(self)

    def _structure(self, *, decoded: bool) -> Generator[bytes, None, bytes]:
        """Return the BODY of the part; `decoded`, as BINARY gives it. Raises `UrlFault` if it is no part."""
        if self._section.kind is not Text.ALL:
            raise UrlFault("a header section has no structure")
        body = body_of(self.read(Column.BODY), self._section.part)
        if body is None:
            raise UrlFault("there is no such part")
        figures = None
        if decoded and self._may_be_encoded:
            figures = yield from decoded_figures(self, self._section.part)
        if figures is None:
            return body
        listed = elements(body)
        size, lines, has_nul = figures
        listed[5:7] = [b'"BINARY"' if has_nul else b'"8BIT"', b"%d" % size]
        if len(listed) == 8:
            listed[7] = b"%d" % lines
        return b"(%b)" % b" ".join(listed)


SPECS = (
    Spec(b"URLFETCH", AUTH, UrlFetch, parse_command, handle, "RFC 4467 §7", URLAUTH, extensions=(URLAUTH_BINARY,)),
)
