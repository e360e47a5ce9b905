"""SELECT and EXAMINE: the commands, and how a mailbox is opened (RFC 3501 §6.3.1, §6.3.2)."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap import updates
from postroad_store.imap.commands.list.response import list_response
from postroad_store.imap.commands.select.parameters import PARAMETERS
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import CONDSTORE, OBJECTID, QRESYNC, URLAUTH
from postroad_store.imap.grammar.arguments import read_mailbox
from postroad_store.imap.grammar.options import read_options
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH, SELECTED
from postroad_store.mail.model.rights import CHANGING
from postroad_store.protocol.waiting import give_way

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from postroad_store.imap.commands.select.parameters import Parameter
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Parser
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.view import View

_UIDS = b"* OK [UIDVALIDITY %d] UIDs valid\r\n* OK [UIDNEXT %d] Predicted next UID\r\n"
AT_ONCE = 2  # pieces of what a client has missed that are sent before others get their turn: what has gone, and flags


@value
class Select(Command):
    """SELECT, or EXAMINE which is the same read-only."""

    mailbox: bytes
    read_only: bool
    parameters: tuple[Parameter, ...] = ()


def _parser(*, read_only: bool) -> Parser:
    def parse(tag: bytes, reader: Reader) -> Select:
        # select = "SELECT" SP mailbox [select-params] (RFC 4466 §3)
        mailbox = read_mailbox(reader)
        parameters = read_options(reader, PARAMETERS) if reader.skip(b" ") else ()
        reader.end()
        return Select(tag, mailbox, read_only, parameters)

    return parse


def handle(session: Session, command: Select) -> Awaitable[None] | None:
    """Open a mailbox, and report its contents."""
    engine = session.engine
    if session.view is not None:
        # RFC 3501 §6.3.1: the selected mailbox is given up before the new one is tried, whether or not that succeeds.
        session.leave_mailbox()
        engine.send(updates.CLOSED)
    mailbox = session.find_mailbox(command.mailbox)
    if session.storage.is_large(mailbox):
        return _select_large(session, command, mailbox)
    view = session.storage.view(mailbox, read_only=command.read_only, recent=not session.rev2)
    return _enter(session, command, view)


async def _select_large(session: Session, command: Select, mailbox: Mailbox) -> None:
    view = await session.storage.view_large(mailbox, read_only=command.read_only, recent=not session.rev2)
    rest = _enter(session, command, view)
    if rest is not None:
        await rest


def _enter(session: Session, command: Select, view: View) -> Awaitable[None] | None:
    engine = session.engine
    session.view = view
    view.foreign = view.mailbox.account != session.current_account().id
    view.rights = session.directory.rights(view.mailbox)  # RFC 4314 §5.1.1: they may be kept until the mailbox is left
    session.watch.follow()
    engine.enter(SELECTED)
    for parameter in command.parameters:
        parameter.begin(session)
    engine.send(_contents(session, command, view))
    if not command.parameters:
        engine.complete(command.tag, _completed(command, view))
        return None
    pieces = chain.from_iterable(parameter.answer(session, view) for parameter in command.parameters)
    for octets in islice(pieces, AT_ONCE):
        engine.send(octets)
    more = next(pieces, None)
    if more is not None:
        return _answer(session, command, view, chain((more,), pieces))
    session.finish(command, _completed(command, view), expunges=False)
    return None


async def _answer(session: Session, command: Select, view: View, pieces: Iterator[bytes]) -> None:
    """Send the rest of a long answer as fast as the client reads, and let others run in between."""
    for octets in pieces:
        await give_way(session.connection)
        session.engine.send(octets)
    session.finish(command, _completed(command, view), expunges=False)


def _completed(command: Select, view: View) -> bytes:
    if command.read_only:
        return b"OK [READ-ONLY] Examine completed."
    if not view.rights & CHANGING:  # RFC 4314 §5.2
        return b"OK [READ-ONLY] Select completed."
    return b"OK [READ-WRITE] Select completed."


def _contents(session: Session, command: Select, view: View) -> bytes:
    mailbox = view.mailbox
    manner = session.manner
    lines = [updates.flags_line(mailbox), updates.permanent_flags(view), b"* %d EXISTS\r\n" % len(view.uids)]
    if not manner.rev2:  # RFC 9051 appendix E items 11, 12
        lines.append(b"* %d RECENT\r\n" % len(view.recent))
        unseen = None if manner.uid_only else view.first_unseen()
        if unseen is not None:
            lines.append(b"* OK [UNSEEN %d] First unseen.\r\n" % unseen)
    lines.append(_UIDS % (mailbox.uid_validity, mailbox.uid_next))
    registry = session.engine.offer.registry
    if registry.offers(OBJECTID):  # RFC 8474 §4.2
        lines.append(b"* OK [MAILBOXID (%b)] Mailbox's id\r\n" % mailbox.object_id.encode("ascii"))
    if registry.offers(URLAUTH):
        lines.append(updates.URLMECH)
    # RFC 7162 §3.1.2.1; every mailbox keeps its mod-sequences, so NOMODSEQ is never sent.
    if registry.offers(CONDSTORE):
        lines.append(session.highest.selected(view, aware=manner.modseq))
    if manner.rev2:  # RFC 9051 §6.3.2, and OLDNAME where the name is another one here: RFC 9051 §8, RFC 9051 §9
        name, given = session.directory.name_of(mailbox), command.mailbox.decode()
        lines.append(list_response(session, name, old_name=None if name == given else given))
    return b"".join(lines)


SPECS = (
    Spec(b"SELECT", AUTH, Select, _parser(read_only=False), handle, "RFC 3501 §6.3.1", extensions=(CONDSTORE, QRESYNC)),
    Spec(b"EXAMINE", AUTH, Select, _parser(read_only=True), handle, "RFC 3501 §6.3.2", extensions=(CONDSTORE, QRESYNC)),
)
