"""The options of RETURN (RFC 4731 §3.1, RFC 5182, RFC 5267, RFC 9394).

A new option is one class and one entry in `OPTIONS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.commands.fetch import READER, ItemList
from postroad_store.imap.commands.search.option import ReturnOption
from postroad_store.imap.commands.search.partial import Partial
from postroad_store.imap.extensions import (
    CONTEXT_SEARCH,
    CONTEXT_SORT,
    ESEARCH,
    ESORT,
    NOTIFY,
    SEARCH_FUZZY,
    SEARCHRES,
)
from postroad_store.imap.grammar.reader import SyntaxFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

    from postroad_store.imap.commands.search.found import Found
    from postroad_store.imap.grammar.reader import Reader


@value
class Min(ReturnOption):
    """The lowest number; of a SORT, the first."""

    word = b"MIN"
    search, sort = (ESEARCH,), (ESORT,)
    chooses = True

    def chosen(self, result: Found) -> Sequence[int]:
        """Return the first, if there is one."""
        return result.numbers[:1]

    def data(self, result: Found) -> Iterator[bytes]:
        """Write it."""
        return (b" MIN %d" % number for number in result.written(result.numbers[:1]))


@value
class Max(ReturnOption):
    """The highest number; of a SORT, the last."""

    word = b"MAX"
    search, sort = (ESEARCH,), (ESORT,)
    chooses = last = True

    def chosen(self, result: Found) -> Sequence[int]:
        """Return the last, if there is one."""
        return result.numbers[-1:]

    def data(self, result: Found) -> Iterator[bytes]:
        """Write it."""
        return (b" MAX %d" % number for number in result.written(result.numbers[-1:]))


@value
class All(ReturnOption):
    """All of them, as a sequence set."""

    word = b"ALL"
    search, sort = (ESEARCH,), (ESORT,)
    everything = True

    def data(self, result: Found) -> Iterator[bytes]:
        """Write them; without any, nothing (RFC 4731 §3.1)."""
        if result.numbers:
            yield b" ALL "
            yield from result.compact(result.numbers)


@value
class Count(ReturnOption):
    """How many there are."""

    word = b"COUNT"
    search, sort = (ESEARCH,), (ESORT,)
    everything = True

    def data(self, result: Found) -> Iterator[bytes]:
        """Count them."""
        yield b" COUNT %d" % len(result.numbers)


@value
class Save(ReturnOption):
    """Keep the result for `$` (RFC 5182)."""

    word = b"SAVE"
    search, sort = (SEARCHRES,), (SEARCHRES,)
    answers = False  # RFC 5182 §1: alone, it suppresses the response


@value
class Context(ReturnOption):
    """A hint that the same will be searched for again (RFC 5267 §4.2); it needs nothing here."""

    word = b"CONTEXT"
    search, sort = (CONTEXT_SEARCH,), (CONTEXT_SORT,)


@value
class Update(ReturnOption):
    """Tell how the result changes from now on (RFC 5267 §4.3); of new messages in it also items (RFC 5465 §7)."""

    items: ItemList | None = None

    word = b"UPDATE"
    search, sort = (CONTEXT_SEARCH,), (CONTEXT_SORT,)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Take the items, which only servers with NOTIFY know."""
        # modifier-update = "UPDATE" ["(" fetch-att *(SP fetch-att) ")"]     (RFC 5465 §8; §7 has a space in between)
        if not reader.offers(NOTIFY) or not (reader.sees(b"(") or reader.sees(b" (")):
            return cls()
        reader.skip(b" ")
        return cls(READER.read(reader))


class Relevancy(ReturnOption):
    """How relevant each message is that is returned (RFC 6203 §4); written where it is known which ones are."""

    __slots__ = ()
    word = b"RELEVANCY"
    search, sort, besides = (ESEARCH,), (ESORT,), (SEARCH_FUZZY,)


# In the order in which their data are written.
OPTIONS: tuple[type[ReturnOption], ...] = (Min, Max, All, Partial, Count, Relevancy, Save, Context, Update)
Options = tuple[ReturnOption, ...]
DEFAULT: Options = (All(),)


def offered_options(reader: Reader, *, sort: bool = False) -> dict[bytes, type[ReturnOption]]:
    """Return the options of SEARCH, or of SORT, that the client is offered; without any, RETURN is unknown."""
    return {
        option.word: option
        for option in OPTIONS
        if any(map(reader.offers, option.sort if sort else option.search)) and all(map(reader.offers, option.besides))
    }


def read_options(reader: Reader, offered: Mapping[bytes, type[ReturnOption]]) -> Options:
    """Take ` (...)`, after RETURN."""
    # search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"    (RFC 4466 §6)
    reader.take(b" (")
    read: dict[bytes, ReturnOption] = {}
    for _ in reader.items(may_be_none=True):
        word = reader.keyword()
        option = offered.get(word)
        if option is None:
            raise SyntaxFault(f"Unknown return option {word.decode('ascii')}")
        if word in read and not option.repeats:
            raise SyntaxFault(f"{word.decode('ascii')} twice")
        read[word] = option.read(reader)
    for word, each in read.items():
        if each.conflicts in read:
            raise SyntaxFault(f"{word.decode('ascii')} conflicts with {each.conflicts.decode('ascii')}")
    # RFC 4731 §3.1: "If the list of result options is empty, that requests the server to return an ESEARCH response
    # instead of the SEARCH response. This is equivalent to "(ALL)"."
    return tuple(read[option.word] for option in OPTIONS if option.word in read) or DEFAULT


def saves(options: Options | None) -> bool:
    """Return True if the result is to be kept for `$`."""
    return options is not None and any(isinstance(option, Save) for option in options)


def scores(options: Options | None) -> bool:
    """Return True if the relevancy of what is found is asked for."""
    return options is not None and any(isinstance(option, Relevancy) for option in options)


def updates(options: Options | None) -> bool:
    """Return True if the client is to be told how the result changes."""
    return options is not None and any(isinstance(option, Update) for option in options)


def items_of_new(options: Options | None) -> ItemList | None:
    """Return what is to be told of messages that come into the result; None for nothing."""
    return next((option.items for option in options or () if isinstance(option, Update)), None)
