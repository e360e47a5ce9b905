"""Where tapes are cut, against a plain model: every place that will do, and of those the first and the last needed."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.tap import Carried, LoggedIn
from postroad.transcript.cutting import ENTRY, TAIL, Passing, cut_at, dialogues, transactions

if TYPE_CHECKING:
    from collections.abc import Sequence

CARRIED = Carried("Q1", "default")
FACTS: list[Any] = [None, CARRIED, LoggedIn("bob", "default")]
ROOM = st.integers(0, 3000)

# What begins with a command, what does not, what ends an answer, what does not.
WORDS: dict[str, tuple[list[bytes], list[bytes], list[bytes], list[bytes]]] = {
    "imap": (
        [b"a NOOP\r\n", b"1.2 fetch 1 BODY[]\r\n", b"x uid"],
        [b"", b"a\r\n", b"NOOP\r\n", b"a b NOOP\r\n", b"a NOOPS\r\n", b"x" * TAIL + b" NOOP\r\n"],
        [b"a OK\r\n", b"* 1 EXISTS\r\nb no done\r\n", b"c Bad [X] y\r\n", b"x\r\nd OK y\r\n"],
        [b"", b"* OK\r\n", b"+ OK\r\n", b"a OK", b"a OKAY\r\n", b"a BYE\r\n", b"xa\r\n OK\r\n", b"a OK\r\nb FETCH\r\n"],
    ),
    "pop3": (
        [b"QUIT\r\n", b"top 1 0\r\n", b"  RETR 1\r\n"],
        [b"", b"1 RETR\r\n", b"QUITS\r\n", b"."],
        [b"+OK\r\n", b"-err no\r\n", b"x\r\n.\r\n", b"x\r\n+OK y\r\n"],
        [b"", b".\r\n", b"x+OK\r\n", b"+OK", b"+OK\r\nx\r\n", b"x\r\n.", b"..\r\n"],
    ),
    "managesieve": (
        [b"NOOP\r\n", b'putscript "x" {3}\r\n'],
        [b"", b"a NOOP\r\n", b'"NOOP"\r\n'],
        [b"OK\r\n", b'x\r\nno "y"\r\n', b"BYE\r\n"],
        [b"", b"OKAY\r\n", b'"OK"\r\n', b"OK", b"OK\r\nx\r\n", b"xOK\r\n"],
    ),
    "smtp": (
        [b"MAIL FROM:<>\r\n", b"mail x"],
        [b"", b"MAILX\r\n", b"RCPT TO:<a>\r\n", b"x\r\nMAIL FROM:<>\r\n", b"MAIL\r\n"],
        [b"250 OK\r\n", b"250-a\r\n250 b\r\n", b"250"],
        [
            b"",
            b"354 Go\r\n",
            b"220 x\r\n",
            b"251 x\r\n",
            b"250 OK\r\n354 Go\r\n",
            b"250-a\r\n334 x\r\n",
            b"x\r\n250 y\r\n",
        ],
    ),
}


def sessions(protocol: str) -> st.SearchStrategy[list[Any]]:
    commands, others, answers, parts = WORDS[protocol]
    client, server = st.sampled_from([*commands, *others]), st.sampled_from([*answers, *parts])
    said = st.tuples(st.just(True), client) | st.tuples(st.just(False), server)
    return st.lists(said.map(lambda spoken: (*spoken, 0.0, False)) | st.sampled_from(FACTS), max_size=14)


def weight(blocks: Sequence[Any]) -> int:
    return sum(ENTRY + (len(block[1]) if type(block) is tuple else 0) for block in blocks)


def places(blocks: Sequence[Any], protocol: str) -> list[int]:
    """Return where blocks of the client begin with a command, right behind one of the server that ends an answer."""
    said = [(index, block) for index, block in enumerate(blocks) if type(block) is tuple]
    return [
        index
        for (_, before), (index, block) in itertools.pairwise(said)
        if not before[0] and before[1] in WORDS[protocol][2] and block[0] and block[1] in WORDS[protocol][0]
    ]


def span(blocks: Sequence[Any], begins: Sequence[int], room: int) -> tuple[int, int, int]:
    """Return the first place, and the next that is far enough from it or the last one."""
    if not begins:
        return -1, -1, 0
    last = next((place for place in begins if weight(blocks[begins[0] : place]) >= room), begins[-1])
    return begins[0], last, weight(blocks[begins[0] : last])


@pytest.mark.parametrize("protocol", ["imap", "pop3", "managesieve"])
@given(st.data(), ROOM)
def test_dialogues(protocol: str, data: st.DataObject, room: int) -> None:
    blocks = data.draw(sessions(protocol))
    assert dialogues(blocks, room, protocol) == span(blocks, places(blocks, protocol), room)


@pytest.mark.parametrize("inbound", [False, True])
@given(blocks=sessions("smtp"), room=ROOM)
def test_transactions(*, inbound: bool, blocks: list[Any], room: int) -> None:
    begins = places(blocks, "smtp")
    if not inbound:  # the message was named a moment before
        begins = [place - (place > 0 and blocks[place - 1] is CARRIED) for place in begins]
    assert transactions(blocks, room, inbound=inbound) == span(blocks, begins, room)


@given(sessions("smtp"), ROOM)
def test_what_is_kept_of_a_tape(blocks: list[Any], limit: int) -> None:
    index, rest = cut_at(blocks, limit)
    assert weight(blocks[:index]) <= limit
    assert rest == weight(blocks[index:])
    assert index == len(blocks) or weight(blocks[: index + 1]) > limit


@pytest.mark.parametrize("protocol", ["imap", "pop3", "managesieve"])
@given(st.data())
def test_an_answer_is_passed_over(protocol: str, data: st.DataObject) -> None:
    """The answer may come in pieces; once the client has said anything, another one has to end."""
    passing = Passing(protocol, b"x")
    heard = b"x"
    for block in data.draw(sessions(protocol)):
        if type(block) is not tuple:
            continue
        from_client, octets, _, _ = block
        over = passing.over(octets, from_client=from_client)
        assert over == (from_client and ends(heard, protocol) and octets in WORDS[protocol][0])
        if over:
            return
        heard = b"" if from_client else heard + octets


def ends(heard: bytes, protocol: str) -> bool:
    """Whether what the server has said ends an answer: its last line says so, or a lone dot of POP3."""
    if not heard.endswith(b"\r\n"):
        return False
    *before, last = heard[:-2].upper().split(b"\r\n")
    # Blocks may meet in the midst of a line: `OK* OK` begins with the word OK as well.
    words = [
        re.split(rb"\W", word)[0] if number == (protocol == "imap") else word
        for number, word in enumerate(last.split(b" "))
    ]
    if protocol == "imap":
        return len(words) > 1 and words[1] in {b"OK", b"NO", b"BAD"} and last[:1] not in {b"*", b"+", b" ", b""}
    if protocol == "pop3":
        return last.startswith((b"+OK", b"-ERR")) or (last == b"." and bool(before))
    return words[0] in {b"OK", b"NO", b"BYE"}


@pytest.mark.parametrize("protocol", ["imap", "pop3", "managesieve"])
@pytest.mark.parametrize(("more", "over"), [(0, True), (1, False)])
def test_so_much_of_an_answer_is_looked_at(protocol: str, more: int, *, over: bool) -> None:
    answer = {"imap": b"a OK ", "pop3": b"+OK ", "managesieve": b"OK "}[protocol]
    answer += b"x" * (TAIL - len(answer) - 2 + more) + b"\r\n"
    command = WORDS[protocol][0][0]
    for pieces in ([answer], [answer[:9], answer[9:]]):
        passing = Passing(protocol, b"")
        for piece in pieces:
            assert not passing.over(piece, from_client=False)
        assert passing.over(command, from_client=True) is over
    assert Passing(protocol, answer).over(command, from_client=True) is over
    blocks = [(False, answer, 0.0, False), (True, command, 0.0, False)]
    assert dialogues(blocks, 0, protocol) == ((1, 1, 0) if over else (-1, -1, 0))
