"""SEARCH and UID SEARCH: the commands, and how they are carried out (RFC 3501 §6.4.4, §6.4.8, RFC 4731)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.commands.search.answer import NOT_SAVED, send_list, send_options
from postroad_store.imap.commands.search.filters import undefined_filter
from postroad_store.imap.commands.search.found import Found
from postroad_store.imap.commands.search.grammar import EXTENSIONS, NUMBERS, CharsetUnknown, first_word, read_program
from postroad_store.imap.commands.search.options import (
    DEFAULT,
    items_of_new,
    offered_options,
    read_options,
    saves,
    scores,
    updates,
)
from postroad_store.imap.contexts import Context, Contexts, known, refusal
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import CONDSTORE, CONTEXT_SEARCH, ESEARCH, I18NLEVEL, PARTIAL, SEARCHRES
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.limits import refusal as too_many
from postroad_store.imap.limits import searched, told
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import SELECT
from postroad_store.mail.model.errors import MailError
from postroad_store.mail.search.fuzzy import Scores

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from postroad_store.imap.commands.search.grammar import Program
    from postroad_store.imap.commands.search.options import Options
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Handler
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.order.ordering import Order
    from postroad_store.protocol.contract import Event


@value
class Searching(Command):
    """SEARCH, SORT and their UID forms; the strings have been decoded from their CHARSET."""

    uid: bool
    program: Program
    options: Options | None  # None: there is no RETURN


@value
class Search(Searching):
    """SEARCH, or UID SEARCH."""


@value
class BadCharset(Command):
    """A search whose CHARSET is not known here."""

    saves: bool
    answer: bytes


def _read(tag: bytes, reader: Reader, *, uid: bool) -> Command:
    # search = "SEARCH" [search-return-opts] SP search-program                                (RFC 4466 §6)
    options: Options | None = None
    word = first_word(reader)
    if word == "RETURN" and (offered := offered_options(reader)):
        options = read_options(reader, offered)
        word = first_word(reader)
    try:
        program = read_program(reader, word, pins=updates(options))
    except CharsetUnknown as unknown:
        return BadCharset(tag, saves(options), unknown.answer)
    check_fuzzy(program, relevancy=scores(options))
    return Search(tag, uid, program, options)


def check_fuzzy(program: Program, *, relevancy: bool) -> None:
    """Refuse to tell the relevancy of a search that is exact."""
    # RFC 6203 §4, §6: RELEVANCY "MUST NOT be used unless a FUZZY search key is also given"
    if relevancy and "FUZZY" not in program.words:
        raise SyntaxFault("RELEVANCY without FUZZY")


def parse(tag: bytes, reader: Reader) -> Command:
    """Read the arguments of SEARCH."""
    return _read(tag, reader, uid=False)


def parse_uid(tag: bytes, reader: Reader) -> Command:
    """Read the arguments of UID SEARCH."""
    return _read(tag, reader, uid=True)


async def handle(session: Session, command: Search) -> None:
    """Search the selected mailbox, until the client goes away."""
    options = command.options
    if options is None and session.rev2:
        options = DEFAULT  # RFC 9051 §6.4.4: IMAP4rev2 knows no SEARCH response
    if not begun(session, command):
        return
    pause, noted = session.connection.wait_writable, Scores()
    view = session.selected_view()
    key, lowest = await searched(session, view, command.program.key)
    search = session.storage.finder.search(view, key, between=pause, scores=noted)
    await answer(session, command, search, noted, options, lowest=lowest)


def begun(session: Session, command: Searching) -> bool:
    """Make ready for a search; return False if it cannot be followed as it asks, which has been answered then."""
    if updates(command.options) and session.contexts is not None and command.tag in session.contexts:
        # RFC 5267 §4.3: "SHALL result in the server rejecting the searching command with a BAD response"
        session.engine.complete(command.tag, b"BAD Tag reuse")
        return False
    undefined = undefined_filter(session, command.program)
    if undefined is not None:
        refuse_filter(session, command, undefined, saves=saves(command.options))
        return False
    if session.view is not None:
        for messages in command.program.pinned:
            messages.pin(session.view.uids, session.view.saved)
    return True


def refuse_filter(session: Session, command: Command, name: bytes, *, saves: bool) -> None:
    """Refuse a search by a filter that is not there (RFC 5466 §3.1)."""
    if saves and session.view is not None:  # RFC 5182 §2.1: then NO makes it empty
        session.view.saved = ()
    session.engine.complete(command.tag, b"NO [UNDEFINED-FILTER %b] There is no such filter." % name)


async def answer(
    session: Session,
    command: Searching,
    search: Awaitable[Sequence[int]],
    noted: Scores,
    options: Options | None,
    *,
    orders: Sequence[Order] | None = None,
    lowest: UID | None = None,
) -> None:
    """Answer SEARCH or, with `orders`, SORT with what the search finds, and the scores that it notes.

    `lowest` is the UID of the lowest message that was looked at, unless all were.
    """
    view = session.selected_view()
    word = b"SEARCH" if orders is None else b"SORT"
    text = b"OK %b completed." % word.capitalize()
    upto = known(view)
    try:
        numbers = await search
    except MailError:
        if saves(options):  # RFC 5182 §2.1: then NO makes it empty
            view.saved = ()
        raise
    modseq = modseq_asked(session, command)
    result = Found(view, numbers, command.uid, sorted=orders is not None, scores=noted, modseq=modseq)
    if options is None:
        await send_list(session, word, result)
    elif not await send_options(session, command.tag, options, result):
        view.saved = ()
        text = NOT_SAVED
    if updates(options):
        follow(session, command, result, upto, orders, whole=lowest is None)
    # RFC 7162 §3.2.10.2: no VANISHED while message numbers are searched for, even by UID SEARCH
    expunges = command.uid and NUMBERS not in command.program.words
    session.finish(command, told(session, text, lowest), expunges=expunges, uid=command.uid)


def modseq_asked(session: Session, command: Searching) -> bool:
    """Return True if mod-sequences are searched for, which enables CONDSTORE (RFC 7162 §3.1)."""
    asked = "MODSEQ" in command.program.words
    if asked:
        session.enable(CONDSTORE)
    return asked


def follow(
    session: Session,
    command: Searching,
    result: Found,
    upto: int,
    orders: Sequence[Order] | None = None,
    *,
    whole: bool = True,
    correlators: bytes = b"",
) -> None:
    """Keep a result up to date that has all up to a mod-sequence (RFC 5267 §4.3), or say that it is not done."""
    session.contexts = session.contexts or Contexts(result.view)
    context = Context(command.tag, command.program.key, orders, uid=command.uid, items=items_of_new(command.options))
    context.correlators = correlators
    lasting = all(order.criterion.lasting for order in orders or ())
    if not lasting or not whole or not session.contexts.keep(context, result, upto):
        session.engine.send(refusal(command.tag))


def refuse_large(session: Session, command: Command, lowest: UID, *, saves: bool) -> None:
    """Refuse what cannot be done with a part of the messages (RFC 9738 §3.3)."""
    if saves:  # RFC 5182 §2.1: then NO makes it empty
        session.selected_view().saved = ()
    session.engine.complete(command.tag, too_many(session, lowest))


def refuse_charset(session: Session, command: BadCharset) -> None:
    """Refuse a search in an unknown charset."""
    if command.saves and session.view is not None:  # RFC 5182 §2.1: then NO makes it empty
        session.view.saved = ()
    session.engine.complete(command.tag, command.answer)


FOLLOW: Mapping[type[Event], Handler] = MappingProxyType({BadCharset: refuse_charset})
_EXTENSIONS = (I18NLEVEL, ESEARCH, SEARCHRES, PARTIAL, CONTEXT_SEARCH, *EXTENSIONS.values())

SPECS = (
    Spec(b"SEARCH", SELECT, Search, parse, handle, "RFC 3501 §6.4.4", extensions=_EXTENSIONS, follow=FOLLOW),
    Spec(b"UID SEARCH", SELECT, Search, parse_uid, handle, "RFC 3501 §6.4.8", extensions=_EXTENSIONS, follow=FOLLOW),
)
