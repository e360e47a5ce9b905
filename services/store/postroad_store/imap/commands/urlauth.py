"""RESETKEY and GENURLAUTH: URLs that let others read a message (RFC 4467 §7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.announcements import Announcements
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import URLAUTH
from postroad_store.imap.grammar.responses import astring
from postroad_store.imap.grammar.url import Url, UrlFault, parse
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH
from postroad_store.imap.updates import URLMECH
from postroad_store.imap.urlauth import MECHANISM, token_of
from postroad_store.imap.urls import mailbox_in

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.mailbox import Mailbox

# mechanism = "INTERNAL" / 1*(ALPHA / DIGIT / "-" / ".")
_MECHANISM = re.compile(rb"[A-Za-z0-9.-]+(?![^ ])")
_INTERNAL = MECHANISM.encode("ascii")


@value
class ResetKey(Command):
    """Make the key of a mailbox anew, or drop all keys."""

    mailbox: bytes | None
    mechanisms: tuple[bytes, ...]  # in capitals


@value
class GenUrlAuth(Command):
    """Authorize URLs."""

    urls: tuple[tuple[bytes, bytes], ...]  # with their mechanisms, in capitals


def parse_reset(tag: bytes, reader: Reader) -> ResetKey:
    """Take the mailbox and the mechanisms, if there are any."""
    # resetkey = "RESETKEY" [SP mailbox *(SP mechanism)]
    if reader.at_end():
        return ResetKey(tag, None, ())
    reader.space()
    mailbox = reader.astring()
    mechanisms: list[bytes] = []
    while not reader.at_end():
        reader.space()
        mechanisms.append(reader.match(_MECHANISM, "mechanism").upper())
    return ResetKey(tag, mailbox, tuple(mechanisms))


def parse_generate(tag: bytes, reader: Reader) -> GenUrlAuth:
    """Take the pairs."""
    # genurlauth = "GENURLAUTH" 1*(SP url-rump SP mechanism)
    urls: list[tuple[bytes, bytes]] = []
    while not urls or not reader.at_end():
        reader.space()
        url = reader.astring()
        reader.space()
        urls.append((url, reader.match(_MECHANISM, "mechanism").upper()))
    return GenUrlAuth(tag, tuple(urls))


async def reset(session: Session, command: ResetKey) -> None:
    """Make or drop keys: URLs that were authorized by them are valid no longer."""
    account = session.current_account()
    if command.mailbox is None:
        await session.storage.url_keys.drop(account)
        session.finish(command, b"OK All keys removed.")
        return
    if not {_INTERNAL}.issuperset(command.mechanisms):
        session.finish(command, b"NO [CANNOT] Only the mechanism INTERNAL is known.")
        return
    mailbox = session.find_mailbox(command.mailbox)
    await session.storage.url_keys.make(account, mailbox, renew=True)
    for other in session.shared.sessions:
        # RFC 4467 §7: "Any current IMAP session logged in as the user that has the mailbox selected"
        if other is not session and other.account is account and other.view and other.view.mailbox is mailbox:
            announcements = other.announcements = other.announcements or Announcements()
            announcements.add(other, URLMECH)
    session.finish(command, b"OK [URLMECH INTERNAL] Key made anew.")


async def generate(session: Session, command: GenUrlAuth) -> None:
    """Authorize the URLs, all or none."""
    account = session.current_account()
    try:
        checked = [_checked(session, text, mechanism) for text, mechanism in command.urls]
    except UrlFault as fault:
        # RFC 4467 §7: a check that fails is answered BAD
        session.finish(command, b"BAD %b" % str(fault).encode("ascii"))
        return
    keys = {
        mailbox: await session.storage.url_keys.make(account, mailbox)
        for mailbox in dict.fromkeys(at for _, at in checked)
    }
    authorized = [
        astring(text + b":" + _INTERNAL + b":" + token_of(url.authorization.rump, keys[mailbox]).encode("ascii"))
        for (text, _), (url, mailbox) in zip(command.urls, checked, strict=True)
        if url.authorization is not None
    ]
    session.engine.send(b"* GENURLAUTH %b\r\n" % b" ".join(authorized))
    session.finish(command, b"OK Genurlauth completed.")


def _checked(session: Session, text: bytes, mechanism: bytes) -> tuple[Url, Mailbox]:
    """Return a URL that may be authorized, and its mailbox (RFC 4467 §7, GENURLAUTH).

    Raises `UrlFault`; `NotPermitted` where its text is not the client's to give away.
    """
    if mechanism != _INTERNAL:
        raise UrlFault("Only the mechanism INTERNAL is known")
    url = parse(text)
    if url.host is None or url.user is None:
        raise UrlFault("URL lacks its server or the name of its owner")
    if url.authorization is None:
        raise UrlFault("URL lacks an access identifier")
    if url.authorization.token is not None:
        raise UrlFault("URL is authorized already")
    if url.user.casefold() != session.current_account().login.casefold():
        raise UrlFault("URL has another owner")
    return url, mailbox_in(session.directory, url)


SPECS = (
    Spec(b"RESETKEY", AUTH, ResetKey, parse_reset, reset, "RFC 4467 §7", URLAUTH),
    Spec(b"GENURLAUTH", AUTH, GenUrlAuth, parse_generate, generate, "RFC 4467 §7", URLAUTH),
)
