"""ESEARCH: a search of several mailboxes at once (RFC 7377)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.commands.search.answer import NOT_SAVED, send_options
from postroad_store.imap.commands.search.command import (
    FOLLOW,
    BadCharset,
    Searching,
    begun,
    check_fuzzy,
    follow,
    modseq_asked,
)
from postroad_store.imap.commands.search.found import Found
from postroad_store.imap.commands.search.grammar import NUMBERS, CharsetUnknown, first_word, read_program
from postroad_store.imap.commands.search.options import DEFAULT, offered_options, read_options, saves, scores, updates
from postroad_store.imap.contexts import known
from postroad_store.imap.filters import FILTERS, Filter, covers, names_of, read_filter
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.limits import refusal, searched, told
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import AUTH
from postroad_store.mail.model.errors import LimitReached
from postroad_store.mail.search.fuzzy import Scores

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.events import Command
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.view import View

MULTISEARCH = Capability(b"MULTISEARCH", "RFC 7377", after_login, requires=(b"ESEARCH",))
COMPLETED = b"OK Search completed."
MAX_MAILBOXES = 1_000  # of one command (RFC 7377 §2.4)


@value
class Source:
    """Mailboxes to be searched: the selected one (None), or those of a filter, with names as the client writes them."""

    filter: Filter | None
    names: tuple[bytes, ...] = ()


SELECTED: tuple[Source, ...] = (Source(None),)


@value
class ESearch(Searching):
    """ESEARCH."""

    sources: tuple[Source, ...]


def parse(tag: bytes, reader: Reader) -> Command:
    """Take the sources, the options and the keys."""
    # esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program          (RFC 7377 §4)
    sources, options = SELECTED, DEFAULT
    word = first_word(reader)
    if word == "IN":
        sources = _read_sources(reader)
        word = first_word(reader)
    if word == "RETURN":
        options = read_options(reader, offered_options(reader))
        word = first_word(reader)
    if sources != SELECTED and saves(options):
        # RFC 7377 §2.2: "If any source option other than "selected" is specified, the ESEARCH command MUST return a
        # "BAD" result."
        raise SyntaxFault("SAVE is for the selected mailbox alone")
    if sources != SELECTED and updates(options):
        raise SyntaxFault("UPDATE is for the selected mailbox alone")
    try:
        program = read_program(reader, word, pins=updates(options))
    except CharsetUnknown as unknown:
        return BadCharset(tag, saves(options), unknown.answer)
    check_fuzzy(program, relevancy=scores(options))
    return ESearch(tag, True, program, options, sources)


def _read_sources(reader: Reader) -> tuple[Source, ...]:
    # esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"
    # source-mbox = filter-mailboxes *(SP filter-mailboxes)
    reader.take(b" (")
    sources: list[Source] = []
    for _ in reader.items():
        word = reader.keyword()
        sources.append(Source(None) if word == b"SELECTED" else Source(*read_filter(reader, word, FILTERS)))
    return tuple(sources)


def handle(session: Session, command: ESearch) -> Awaitable[None] | None:
    """Search mailbox after mailbox, until the client goes away."""
    if session.view is None and any(source.filter is None for source in command.sources):
        raise SyntaxFault("No mailbox selected")
    return _search(session, command)


async def _search(session: Session, command: ESearch) -> None:
    if not begun(session, command):
        return
    directory = session.directory
    names = _names(session, command.sources)
    if len(names) > MAX_MAILBOXES:
        raise LimitReached(f"at most {MAX_MAILBOXES} mailboxes can be searched at once")
    text = COMPLETED
    for name, needs in names.items():
        mailbox = directory.find(name)
        # RFC 7377 §2.2: mailboxes for which rights are lacking "MUST be ignored"
        if mailbox is None or not mailbox.selectable or not directory.rights(mailbox).issuperset(needs):
            continue
        if session.view is not None and session.view.mailbox is mailbox:
            answer = await _search_one(session, command, session.view)
        else:
            view = await session.storage.view_large(mailbox, read_only=True, claim_recent=False)
            try:
                answer = await _search_one(session, command, view)
            finally:
                view.close()
        if answer != COMPLETED:
            text = answer
    expunges = NUMBERS not in command.program.words
    session.finish(command, text, expunges=expunges, uid=True)


async def _search_one(session: Session, command: ESearch, view: View) -> bytes:
    """Search one mailbox; return the completion."""
    upto = known(view)
    options = command.options or DEFAULT
    pause, noted = session.connection.wait_writable, Scores()
    key, lowest = await searched(session, view, command.program.key)
    if lowest is not None and command.sources != SELECTED:  # a UID alone does not say in which mailbox
        return refusal(session)
    numbers = await session.storage.finder.search(view, key, between=pause, scores=noted)
    result = Found(view, numbers, uid=True, scores=noted, modseq=modseq_asked(session, command))
    kept = True
    # RFC 7377 §2.1: "An ESEARCH response MUST NOT be returned for mailboxes that contain no matching messages."
    mailbox = view.mailbox
    name = session.written(session.directory.name_of(mailbox))
    correlators = b" MAILBOX %b UIDVALIDITY %d" % (name, mailbox.uid_validity)
    if numbers:
        kept = await send_options(session, command.tag, options, result, correlators)
    if saves(options) and not (numbers and kept):
        view.saved = ()
    if updates(options):
        follow(session, command, result, upto, whole=lowest is None, correlators=correlators)
    return told(session, COMPLETED, lowest) if kept else NOT_SAVED


def _names(session: Session, sources: tuple[Source, ...]) -> dict[str, str]:
    """Return the names of the mailboxes that the sources mean, each once, and the rights that a search of it needs."""
    account, directory = session.current_account(), session.directory
    named: set[str] = set()
    filters: list[tuple[Filter, frozenset[str]]] = []
    for source in sources:
        names = names_of(session, source.names)
        if source.filter is Filter.MAILBOXES:
            named |= names
        elif source.filter is not None:
            filters.append((source.filter, names))
        elif session.view is not None:
            named.add(directory.name_of(session.view.mailbox))
    rights = dict.fromkeys(named, "r")
    subscriptions = account.subscriptions
    for name in (*account.names, *directory.shared()):
        own = not directory.is_foreign(name)
        if name not in named and any(covers(*each, name, subscriptions, own=own) for each in filters):
            rights[name] = "lr"
    return dict(sorted(rights.items()))


SPECS = (Spec(b"ESEARCH", AUTH, ESearch, parse, handle, "RFC 7377 §2", capability=MULTISEARCH, follow=FOLLOW),)
