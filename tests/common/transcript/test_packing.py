"""Blocks of a tape as one object."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.tap import Carried, LoggedIn, Read
from postroad.transcript.cutting import ENTRY
from postroad.transcript.packing import GAP, LARGE, packed, unpacked
from postroad.transcript.view import whole
from tests.common.transcript.test_recorder import CONTENT, carry, consistent, incoming, outbound, recorder, submit

SAID = st.tuples(st.booleans(), st.binary(max_size=100), st.floats(allow_nan=False), st.booleans())
FACTS = st.one_of(
    st.builds(Carried, st.text(), st.text()),
    st.builds(LoggedIn, st.text(), st.text()),
    st.builds(Read, st.text(), st.text(), st.integers(1, 1 << 32), st.text(), st.text()),
)


@given(st.lists(st.lists(st.one_of(SAID, FACTS, st.none()))), st.booleans())
def test_blocks_come_back(pieces: list[list[Any]], begins: bool) -> None:
    packs = [packed(blocks, begins=begins) for blocks in pieces]
    again = unpacked(packs)
    assert again == [block for blocks in pieces for block in blocks]
    assert [type(block) for block in again] == [type(block) for blocks in pieces for block in blocks]
    for pack, blocks in zip(packs, pieces, strict=True):
        said = [len(block[1]) for block in blocks if type(block) is tuple]
        assert pack.begins is begins
        assert pack.weight == sum(said) + ENTRY * sum(block is not None for block in blocks)
        assert pack.carried == tuple(block.queue_id for block in blocks if isinstance(block, Carried))
    assert packed([]).begins is False


def test_large_blocks_stay_as_they_are() -> None:
    large = [(True, bytes([digit]) * (LARGE + 1), 1.0, False) for digit in b"12"]
    blocks: list[Any] = [large[0], (False, b"250 OK\r\n", 2.0, True), (True, b"x" * LARGE, 2.0, True), large[1]]
    pack = packed(blocks)
    assert unpacked([pack]) == blocks
    assert [octets is block[1] for octets, block in zip(pack.large, large, strict=True)] == [True, True]


def test_a_large_mail_transaction_among_small_ones_goes_as_a_whole() -> None:
    heard = recorder(size=20_000)
    tape = outbound(heard)
    tape.noted(Carried("large", "default"))
    tape.sent(b"MAIL FROM:<a@alpha.test>\r\nRCPT TO:<b@beta.test>\r\nDATA\r\n", 1.0, tls=True)
    tape.received(b"250 OK\r\n250 OK\r\n354 Go\r\n", 1.0, tls=True)
    for _ in range(12):  # more than goes at once
        tape.sent(CONTENT[:1200], 1.0, tls=True)
    tape.sent(b"\r\n.\r\n", 1.0, tls=True)
    tape.received(b"250 stored\r\n", 1.0, tls=True)
    for number in range(3):
        carry(tape, number)
    assert tape.lines == []
    assert tape.held <= 20_000
    tape.closed(2.0)
    assert consistent(heard)
    assert "large" not in tape.messages
    shown = whole(tape, None)["lines"]
    assert [line["text"] for line in shown[:3]] == ["220 mx.test", "EHLO relay.test", "250 mx.test"]
    assert shown[-1]["text"] == "250 stored as S2"


@pytest.mark.parametrize("direction", ["in", "out"])
def test_old_transactions_go_pack_by_pack(direction: str) -> None:
    heard = recorder(size=40_000)
    tape = outbound(heard) if direction == "out" else incoming(heard)
    gone = False
    for number in range(60):
        before, omitted = list(tape._packs), tape.omitted
        (carry if direction == "out" else submit)(tape, number)
        if tape.omitted > omitted:
            kept = [pack for pack in tape._packs if pack is not GAP]
            # None is made anew, but for the beginning of the session, with which the first one was packed.
            assert all(any(pack is old for old in before) for pack in kept[not gone : -1])
            assert sum(pack is GAP for pack in tape._packs) == 1
            gone = True
    assert gone
    tape.closed(2.0)
    assert consistent(heard)
    assert list(tape.messages) == [f"Q{number}" for number in range(60 - len(tape.messages), 60)]
    assert 3 < len(tape.messages) < 20
    assert whole(tape, None)["messages"] == list(tape.messages)


def test_transactions_that_follow_one_that_was_read_are_cut_too() -> None:
    heard = recorder(size=40_000)
    tape = outbound(heard)
    carry(tape, 0)
    tape.noted(Carried("Q1", "default"))
    tape.sent(b"MAIL FROM:<a@alpha.test>\r\n", 1.0, tls=True)
    tape.read()
    tape.received(b"250 OK\r\n", 1.0, tls=True)
    tape.sent(b"RSET\r\n", 1.0, tls=True)
    tape.received(b"250 OK\r\n", 1.0, tls=True)
    for number in range(2, 60):
        carry(tape, number)
    tape.closed(2.0)
    assert consistent(heard)
    shown = whole(tape, None)
    said = [line["text"] for line in shown["lines"]]
    assert said.count("RSET") == 1
    assert said[-1] == "250 stored as S59"
    assert "{?line}" not in said
    assert [fact["message"] for fact in shown["facts"]] == shown["messages"]


def test_tls_is_that_of_the_last_block_wherever_it_is() -> None:
    tape = outbound(recorder())
    seen = [tape.tls]
    carry(tape, 1)
    tape.closed(2.0)
    seen.append(tape.tls)
    tape.read()
    assert [*seen, tape.tls] == [False, True, True]
