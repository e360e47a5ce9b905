"""SORT and UID SORT (RFC 5256 §3), with what is returned (RFC 5267 §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.commands.search.command import (
    FOLLOW,
    BadCharset,
    Searching,
    answer,
    begun,
    check_fuzzy,
    refuse_large,
)
from postroad_store.imap.commands.search.grammar import CharsetUnknown, read_criteria
from postroad_store.imap.commands.search.options import offered_options, read_options, saves, scores, updates
from postroad_store.imap.extensions import CONTEXT_SORT, ESORT, SEARCH_FUZZY
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.limits import searched
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import SELECT
from postroad_store.mail.order.criteria import CRITERIA, Relevancy
from postroad_store.mail.order.ordering import Order
from postroad_store.mail.search.fuzzy import Scores

if TYPE_CHECKING:
    from postroad_store.imap.commands.search.options import Options
    from postroad_store.imap.events import Command
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Parser

SORT = Capability(b"SORT", "RFC 5256", after_login)
SORT_DISPLAY = Capability(b"SORT=DISPLAY", "RFC 5957", after_login, requires=(b"SORT",))
_EXTENSIONS = {"": SORT, "SORT=DISPLAY": SORT_DISPLAY, "SEARCH=FUZZY": SEARCH_FUZZY}
_CRITERIA = {criterion.word.encode("ascii"): (criterion(), _EXTENSIONS[criterion.extension]) for criterion in CRITERIA}


@value
class Sort(Searching):
    """SORT, or UID SORT."""

    orders: tuple[Order, ...]


def _parser(*, uid: bool) -> Parser:
    def parse(tag: bytes, reader: Reader) -> Command:
        # extended-sort = ["UID" SP] "SORT" search-return-opts SP sort-criteria SP search-criteria      (RFC 5267 §5)
        if reader.at_end():
            raise SyntaxFault("Invalid sort argument")
        reader.space()
        options: Options | None = None
        if reader.peek() != b"(":
            offered = offered_options(reader, sort=True)
            if not offered or reader.keyword() != b"RETURN":
                raise SyntaxFault("Invalid sort argument")
            options = read_options(reader, offered)
            reader.space()
        orders = _read_orders(reader)
        try:
            program = read_criteria(reader, pins=updates(options))
        except CharsetUnknown as unknown:
            return BadCharset(tag, saves(options), unknown.answer)
        check_fuzzy(program, relevancy=scores(options) or any(isinstance(each.criterion, Relevancy) for each in orders))
        return Sort(tag, uid, program, options, orders)

    return parse


def _read_orders(reader: Reader) -> tuple[Order, ...]:
    # sort-criteria = "(" sort-criterion *(SP sort-criterion) ")"; sort-criterion = ["REVERSE" SP] sort-key
    reader.take(b"(")
    if reader.peek() == b")":
        raise SyntaxFault("Empty sort program")
    orders: dict[bytes, Order] = {}
    for _ in reader.items():
        word = reader.keyword()
        reverse = word == b"REVERSE"
        if reverse:
            if reader.peek() == b")":
                raise SyntaxFault("Sort list ends with REVERSE")
            reader.space()
            word = reader.keyword()
        criterion, extension = _CRITERIA.get(word, (None, SORT))
        if criterion is None or not reader.offers(extension):
            raise SyntaxFault(f"Unknown sort argument: {word.decode('ascii')}")
        # The same criterion once more, in whatever direction, finds nothing left to sort.
        orders.setdefault(word, Order(criterion, reverse))
    return tuple(orders.values())


async def handle(session: Session, command: Sort) -> None:
    """Search the selected mailbox, and sort what is found, until the client goes away."""
    if not begun(session, command):
        return
    pause, noted = session.connection.wait_writable, Scores()
    view, key, orders = session.selected_view(), command.program.key, command.orders
    _, lowest = await searched(session, view, key)
    if lowest is not None:
        refuse_large(session, command, lowest, saves=saves(command.options))
        return
    numbers = session.storage.finder.sort(view, key, orders, between=pause, scores=noted)
    await answer(session, command, numbers, noted, command.options, orders=orders)


SPECS = (
    Spec(
        b"SORT",
        SELECT,
        Sort,
        _parser(uid=False),
        handle,
        "RFC 5256 §3",
        capability=SORT,
        extensions=(SORT_DISPLAY, ESORT, CONTEXT_SORT),
        follow=FOLLOW,
    ),
    Spec(b"UID SORT", SELECT, Sort, _parser(uid=True), handle, "RFC 5256 §3", capability=SORT, follow=FOLLOW),
)
