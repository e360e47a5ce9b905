"""Blocks of a tape as one object."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from postroad.tap import Carried, LoggedIn, Read
from postroad.transcript.packing import LARGE, TOGETHER, packed, size_of, unpacked
from postroad.transcript.view import whole
from tests.common.transcript.test_recorder import CONTENT, carry, consistent, outbound, recorder

SAID = st.tuples(st.booleans(), st.binary(max_size=100), st.floats(allow_nan=False), st.booleans())
FACTS = st.one_of(
    st.builds(Carried, st.text(), st.text()),
    st.builds(LoggedIn, st.text(), st.text()),
    st.builds(Read, st.text(), st.text(), st.integers(1, 1 << 32), st.text(), st.text()),
)


@given(st.lists(st.one_of(SAID, FACTS, st.none())))
def test_blocks_come_back(blocks: list[tuple[bool, bytes, float, bool] | Carried | LoggedIn | Read | None]) -> None:
    again = unpacked(packed(blocks))
    assert again == blocks
    assert [type(block) for block in again] == [type(block) for block in blocks]


def test_large_blocks_stay_as_they_are_and_packs_are_bounded() -> None:
    small, large = (True, b"NOOP\r\n", 1.0, False), (False, b"x" * (LARGE + 1), 2.0, True)
    blocks = [large, *[small] * TOGETHER, small, large, small]
    packs = packed(blocks)
    assert [type(pack) is bytes for pack in packs] == [False, True, True, False, True]
    assert packs[0] is packs[3] is large
    assert unpacked(packs) == blocks
    assert size_of(large) == LARGE + 1
    assert size_of(packs[1]) > TOGETHER * len(small[1])
    assert packed([small] * TOGETHER) == packs[1:2]


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


def test_tls_is_that_of_the_last_block_wherever_it_is() -> None:
    tape = outbound(recorder())
    seen = [tape.tls]
    carry(tape, 1)
    tape.closed(2.0)
    seen.append(tape.tls)
    tape.read()
    assert [*seen, tape.tls] == [False, True, True]
