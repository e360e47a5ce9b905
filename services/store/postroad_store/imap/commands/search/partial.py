"""The option PARTIAL of RETURN: a page of the result (RFC 9394 §3.1, RFC 5267 §4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.commands.search.option import ReturnOption
from postroad_store.imap.extensions import CONTEXT_SEARCH, CONTEXT_SORT, PARTIAL
from postroad_store.imap.grammar.partial import read_page
from postroad_store.imap.grammar.reader import SyntaxFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from postroad_store.imap.commands.search.found import Found
    from postroad_store.imap.grammar.partial import Page
    from postroad_store.imap.grammar.reader import Reader


@value
class Partial(ReturnOption):
    """A page of what was found, in its order."""

    page: Page

    word = b"PARTIAL"
    search, sort = (PARTIAL, CONTEXT_SEARCH), (CONTEXT_SORT,)
    repeats = False  # RFC 9394 §3.1: "A single command MUST NOT contain more than one PARTIAL or ALL"
    conflicts = b"ALL"
    chooses = True

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Take the range."""
        reader.space()
        page = read_page(reader)
        if page.from_end and not reader.offers(PARTIAL):  # RFC 5267 §4.4 counts from the beginning alone
            raise SyntaxFault("Invalid partial range")
        return cls(page)

    def chosen(self, result: Found) -> Sequence[int]:
        """Return the page."""
        places = self.page.of(len(result.numbers))
        return result.numbers[places.start : places.stop]

    def data(self, result: Found) -> Iterator[bytes]:
        """Write the range as it was asked for, and what is there of it: NIL if there is nothing."""
        numbers = self.chosen(result)
        yield b" PARTIAL (%b " % bytes(self.page)
        yield from result.compact(numbers) if numbers else (b"NIL",)
        yield b")"
