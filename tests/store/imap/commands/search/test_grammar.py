"""SEARCH's grammar: what it parses to, and what is refused (RFC 3501 §6.4.4, §9 search-key)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.search import SPECS, BadCharset, Search
from postroad_store.imap.commands.search.grammar import read_program, words_of
from postroad_store.imap.grammar.reader import Reader, SyntaxFault
from postroad_store.imap.grammar.sequence import SAVED, parse_sequence_set
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from postroad_store.mail.search import dates, modseq, strings
from postroad_store.mail.search import keys as search
from postroad_store.mail.search.key import Argument, Combination, Key, Leaf, Numbers, Word

if TYPE_CHECKING:
    from postroad_store.mail.search.evaluate import Evaluation
    from tests.harness.imap import Place

T = b"t"
PARSERS = {spec.name: spec.parse for spec in SPECS}


def parse(line: bytes, *more: bytes) -> object:
    name = b"UID SEARCH" if line.startswith(b"UID") else b"SEARCH"
    return PARSERS[name](T, Reader([line.removeprefix(name), *more]))


def key_of(line: bytes, *more: bytes) -> Key:
    command = parse(line, *more)
    assert isinstance(command, Search)
    assert command.options is None
    return command.program.key


def numbers(text: bytes, *, uid: bool = False) -> search.InSet:
    return search.InSet(uid, parse_sequence_set(text))


UNKNOWN = BadCharset(T, saves=False, answer=b"NO [BADCHARSET] Unknown charset")
DAY = date(2020, 2, 1)
FLAG = {"ANSWERED": 2, "DELETED": 8, "DRAFT": 16, "FLAGGED": 4, "SEEN": 1}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b"ALL", search.And(())),
        (b"new", search.And((search.Recent(), search.Not(search.Flag(1))))),
        (b"OLD", search.Not(search.Recent())),
        (b"RECENT", search.Recent()),
        *[(name.encode(), search.Flag(bit)) for name, bit in FLAG.items()],
        *[(b"UN" + name.encode(), search.Not(search.Flag(bit))) for name, bit in FLAG.items()],
        (b"KEYWORD $a", search.Keyword("$a")),
        (b"UNKEYWORD $a", search.Not(search.Keyword("$a"))),
        *[(name.encode() + b' "x y"', strings.Addresses(name, "x y")) for name in ("BCC", "CC", "FROM", "TO")],
        (b'SUBJECT "x y"', strings.Header("SUBJECT", "x y")),
        (b'HEADER x-a ""', strings.Header("X-A", "")),
        (b"BODY x", strings.Body("x")),
        (b'TEXT "\xc3\xa4"', strings.Text("ä")),
        (b'CHARSET ISO-8859-1 TEXT "\xe4"', strings.Text("ä")),
        (b'CHARSET "utf-8" ALL', search.And(())),
        (b'CHARSET US-ASCII TEXT "\xc3\xa4"', strings.Text("ä")),
        (b"BEFORE 1-Feb-2020", dates.InternalDate(dates.When.BEFORE, DAY)),
        (b'ON "01-feb-2020"', dates.InternalDate(dates.When.ON, DAY)),
        (b"SINCE 1-FEB-2020", dates.InternalDate(dates.When.SINCE, DAY)),
        (b"SENTBEFORE 1-Feb-2020", dates.SentDate(dates.When.BEFORE, DAY)),
        (b"SENTON 1-Feb-2020", dates.SentDate(dates.When.ON, DAY)),
        (b"SENTSINCE 1-Feb-2020", dates.SentDate(dates.When.SINCE, DAY)),
        *[
            (b'MODSEQ "/flags/%b" %b 7' % (flag, kind), modseq.ModSeq(7))
            for flag in (b"\\\\Seen", b"$a")
            for kind in (b"priv", b"shared", b"ALL")
        ],
        (b"LARGER 0", search.Larger(0)),
        (b"SMALLER 4294967295", search.Smaller(4294967295)),
        (b"UID 1:*", numbers(b"1:*", uid=True)),
        (b"1:3,*", numbers(b"1:3,*")),
        (b"*", numbers(b"*")),
        (b"$", search.InSet(uid=False, messages=SAVED)),
        (b"UID $", search.InSet(uid=True, messages=SAVED)),
        (b"7,$", search.Or(numbers(b"7"), search.InSet(uid=False, messages=SAVED))),
        (b"NOT (SEEN)", search.Not(search.Flag(1))),
        (b"OR SEEN NOT 1", search.Or(search.Flag(1), search.Not(numbers(b"1")))),
        (b"SEEN (FROM a) 2", search.And((search.Flag(1), strings.Addresses("FROM", "a"), numbers(b"2")))),
        (b"(SEEN DRAFT)", search.And((search.Flag(1), search.Flag(16)))),
    ],
)
def test_search(text: bytes, key: Key) -> None:
    assert key_of(b"SEARCH " + text) == key_of(b"UID SEARCH " + text) == key


@pytest.mark.parametrize("name", [b"foo", b"base64", b"\xff", b"rot13", b"idna", b"punycode", b"unicode_escape"])
def test_unknown_charset(name: bytes) -> None:
    assert parse(b"SEARCH CHARSET {9}", name, b" ALL") == BadCharset(
        T, saves=False, answer=b"NO [BADCHARSET] Unknown charset"
    )
    assert parse(b"SEARCH CHARSET {9}", name, b" TEXT {4}", b"xn--", b"") == BadCharset(
        T, saves=False, answer=b"NO [BADCHARSET] Unknown charset"
    )


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b" ()",
        b" FOO",
        b" FOO x",
        b" SEEN ",
        b" SEEN)",
        b" (SEEN",
        b" CHARSET utf-8",
        b" CHARSET",
        b" OR SEEN",
        b" NOT",
        b" FROM",
        b" HEADER x",
        b" LARGER x",
        b" LARGER 4294967296",
        b" ON 32-Feb-2020",
        b" ON 31-Feb-2020",
        b" ON 1-Foo-2020",
        b' ON "1-Feb-2020',
        b" ON 1-Feb-20200",
        b" UID x",
        b" KEYWORD \\Seen",
        b' TEXT "\xe4"',
        b" " + b"(" * 20000 + b"SEEN" + b")" * 19999,
        b" " + b"OR " * 9999 + b"SEEN " * 9998 + b"SEEN",
    ],
)
def test_search_refused(text: bytes) -> None:
    with pytest.raises(SyntaxFault):
        parse(b"SEARCH" + text)


def test_a_literal() -> None:
    assert key_of(b"SEARCH SUBJECT {2}", b"\r\n", b"") == strings.Header("SUBJECT", "\r\n")


def depth(key: Key) -> int:
    levels = 0
    while isinstance(key, Combination):
        key = key.parts[-1]
        levels += 1
    return levels


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        (b"NOT " * 15000 + b"SEEN", 15000),
        (b"(" * 30000 + b"SEEN" + b")" * 30000, 0),
        (b"OR SEEN " * 7000 + b"SEEN", 7000),
        (b"OR " * 9000 + b"SEEN " * 9000 + b"SEEN", 1),  # nested on the left
        (b"(SEEN " * 6000 + b"SEEN" + b")" * 6000, 6000),
        (b"SEEN " * 12000 + b"SEEN", 1),
    ],
)
def test_only_the_length_of_the_command_bounds_the_tree(text: bytes, levels: int) -> None:
    assert depth(key_of(b"SEARCH " + text)) == levels


@dataclass(frozen=True, slots=True)
class Toy(Leaf):
    """A key that is not in the server: one class and one entry in the list."""

    number: int

    @staticmethod
    def words() -> tuple[Word, ...]:
        return (Word("X-TOY", (Argument.NUMBER,), Toy),)

    async def among(self, numbers: Numbers, _: Evaluation) -> Numbers:
        return [number for number in numbers if number % self.number == 0]


async def test_a_toy_key(place: Place) -> None:
    words = words_of((*search.KEYS, Toy))
    key = read_program(Reader([b" NOT X-TOY 2 4"]), "OR", words).key
    assert key == search.Or(search.Not(Toy(2)), numbers(b"4"))
    account = await place.storage.account("alice@alpha.test")
    for _ in range(5):
        await place.storage.append([Arrival((account.inbox,), b"A: b\r\n\r\n", 0, NO_FLAGS)])
    assert list(await place.storage.finder.search(place.storage.view(account.inbox), key)) == [1, 3, 4, 5]
    with pytest.raises(SyntaxFault, match="Unknown argument X-TOY"):
        parse(b"SEARCH X-TOY 2")
