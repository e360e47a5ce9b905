"""Framing alone: where commands end, and what is thrown away with those that are refused."""

from __future__ import annotations

import pytest

from postroad_store.imap.framing import Announced, Flooded, Frame, Framing, Limits, Refused

SMALL = Limits(line=200, line_before_login=100, literal=50, literal_before_login=20)


def frames(framing: Framing, octets: bytes) -> list[Frame]:
    """Return what the octets come to; literals are kept if they may be."""
    framing.receive(octets)
    seen: list[Frame] = []
    while (frame := framing.next()) is not None:
        seen.append(frame)
        if isinstance(frame, Flooded):
            break
        if isinstance(frame, Announced) and not framing.keep(frame):
            framing.refuse(frame.parts[-1])
    return seen


def test_lines_and_literals() -> None:
    assert frames(Framing(SMALL), b"a\r\nb {2}\r\n\r\n c\r\nd") == [
        [b"a"],
        ([b"b {2}", b"\r\n", b" c"], 2, True),
        [b"b {2}", b"\r\n", b" c"],
    ]


def test_a_line_in_pieces_makes_the_next_one_no_shorter() -> None:
    framing = Framing(SMALL)
    assert frames(framing, b"a NO") == []
    assert frames(framing, b"OP\r\n") == [[b"a NOOP"]]
    assert frames(framing, b"b\r\n") == [[b"b"]]


def test_an_empty_line_at_the_very_beginning_is_one() -> None:
    assert frames(Framing(SMALL), b"\r\na\r\n") == [[b""], [b"a"]]
    (refused,) = frames(Framing(SMALL), b"\n")
    assert refused == Refused(b"", "A line must end in CRLF (with netcat: nc -C)")


@pytest.mark.parametrize("text", [b"a {3-}", b"a {+}", b"a {}", b"a }", b"a {3+} ", b"a {12345678901234567890}"])
def test_no_announcement(text: bytes) -> None:
    assert frames(Framing(SMALL), text + b"\r\n") == [[text]]


def test_the_room_of_a_command_is_as_large_as_its_limit() -> None:
    framing = Framing(SMALL)
    assert frames(framing, b"x" * 98 + b"\r\n") == [[b"x" * 98]]
    assert frames(framing, b"y" * 98 + b"\r\n") == [[b"y" * 98]]
    assert frames(framing, b"x" * 99 + b"\r\n") == [Refused(b"x" * 65, "Command line too long")]
    assert frames(framing, b"a {20}\r\n" + b"y" * 20 + b"z" * 70 + b"\r\n") == [
        ([b"a {20}", b"y" * 20, b"z" * 70], 20, True),
        [b"a {20}", b"y" * 20, b"z" * 70],
    ]
    assert frames(framing, b"a {20}\r\n" + b"y" * 20 + b"z" * 71 + b"\r\n")[1] == Refused(
        b"a {20}", "Command line too long"
    )
    framing.trust()
    assert frames(framing, b"x" * 198 + b"\r\n") == [[b"x" * 198]]


def test_room_for_a_literal() -> None:
    framing = Framing(SMALL)
    assert framing.keep(Announced([b"a {20}"], 20, synchronizing=True))
    assert not Framing(SMALL).keep(Announced([b"a {21}"], 21, synchronizing=True))
    framing = Framing(Limits(line=30, line_before_login=30))
    framing.receive(b"a {22}\r\n")
    announced = framing.next()
    assert isinstance(announced, Announced)
    assert framing.keep(announced)
    framing.refuse(b"")
    framing.receive(b"a {23}\r\n")
    announced = framing.next()
    assert isinstance(announced, Announced)
    assert not framing.keep(announced)


@pytest.mark.parametrize("size", [0, 1, 20])
def test_a_refused_line_takes_its_literal_with_it(size: int) -> None:
    framing = Framing(SMALL)
    octets = b"a {%d+}\n" % size + b"y" * size + b" {1+}\r\nz\r\nb\r\n"
    assert frames(framing, octets) == [
        Refused(b"a {%d+}" % size, "A line must end in CRLF (with netcat: nc -C)"),
        [b"b"],
    ]


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_refused_line_takes_its_literal_with_it_wherever_they_are_cut(cut: int) -> None:
    octets = b"before\r\na {20+}\n" + b"y\r\nx" * 5 + b" {1+}\r\nz\r\nb\r\nc {3+}\r\nabc\r\nd\r\n"
    framing = Framing(SMALL)
    assert frames(framing, octets[:cut]) + frames(framing, octets[cut:]) == frames(Framing(SMALL), octets)
    framing = Framing(SMALL)
    assert [frame for at in range(0, len(octets), cut) for frame in frames(framing, octets[at : at + cut])] == [
        [b"before"],
        Refused(b"a {20+}", "A line must end in CRLF (with netcat: nc -C)"),
        [b"b"],
        ([b"c {3+}", b"abc", b""], 3, False),
        [b"c {3+}", b"abc", b""],
        [b"d"],
    ]


def test_a_carriage_return_elsewhere_is_not_the_end_of_an_empty_line() -> None:
    bare = "A line must end in CRLF (with netcat: nc -C)"
    assert frames(Framing(SMALL), b"\nb\r") == [Refused(b"", bare)]
    assert frames(Framing(SMALL), b"a {1}\r\n\r\nb\r\n") == [
        ([b"a {1}", b"\r"], 1, True),
        Refused(b"a {1}", bare),
        [b"b"],
    ]


def test_a_stranger_floods() -> None:
    framing = Framing(SMALL)
    assert [type(frame) for frame in frames(framing, b"a {21+}\n")] == [Refused, Flooded]
    framing = Framing(SMALL)
    framing.trust()
    assert [type(frame) for frame in frames(framing, b"a {4294967295+}\n")] == [Refused]
    framing.clear()
    assert [type(frame) for frame in frames(framing, b"a {4294967296+}\n")] == [Refused, Flooded]


def test_a_literal_in_pieces() -> None:
    framing = Framing(SMALL)
    framing.receive(b"a {5}\r\nab")
    announced = framing.next()
    assert isinstance(announced, Announced)
    framing.stream(announced.size)
    assert framing.next() == b"ab"
    assert framing.streaming
    assert framing.next() is None
    assert frames(framing, b"cde\r\n") == [b"cde", [b""]]
    assert not framing.streaming


def test_without_literal_plus() -> None:
    framing = Framing(SMALL, non_synchronizing=None)
    assert frames(framing, b"a {3+}\r\nb {3+}\nc\r\n") == [
        Refused(b"a {3+}", "Invalid literal"),
        Refused(b"b {3+}", "A line must end in CRLF (with netcat: nc -C)"),
        [b"c"],
    ]


def test_a_line_whose_end_has_not_come_is_bounded() -> None:
    framing = Framing(SMALL)
    assert frames(framing, b"x" * 100) == []
    assert frames(framing, b"y") == [Refused(b"x" * 65, "Command line too long")]
    assert frames(framing, b"z" * 1000 + b"\r\nb\r\n") == [[b"b"]]
    framing = Framing(SMALL)
    assert len(frames(framing, b"a {20+}\r\n" + b"y" * 20 + b"z" * 71)) == 1
    assert frames(framing, b"z") == [Refused(b"a {20+}", "Command line too long")]


def test_what_is_skipped_may_end_in_a_literal_that_comes_in_pieces() -> None:
    framing = Framing(SMALL)
    assert len(frames(framing, b"x" * 101)) == 1
    for octet in b"{00000000000000000003+}\r\nabc {1+}\r\n":
        assert frames(framing, bytes([octet])) == []
    assert frames(framing, b"\n\r\nb\r\n") == [[b"b"]]


def test_a_line_that_comes_in_pieces_behind_another() -> None:
    framing = Framing(SMALL)
    assert frames(framing, b"aaaa\r\nb") == [[b"aaaa"]]
    assert framing.has_input
    assert frames(framing, b"b\r\n") == [[b"bb"]]
    assert not framing.has_input


def test_an_empty_line() -> None:
    assert frames(Framing(SMALL), b"\n\r\n") == [Refused(b"", "A line must end in CRLF (with netcat: nc -C)"), [b""]]


def test_a_line_too_long_takes_its_literal_with_it() -> None:
    octets = b"x" * 99 + b" {3+}\r\nabc\r\nb\r\n"
    assert frames(Framing(SMALL), octets) == [Refused(b"x" * 65, "Command line too long"), [b"b"]]


def test_the_rest_of_a_refused_command_ends_with_the_first_octet() -> None:
    framing = Framing(SMALL)
    assert len(frames(framing, b"a {1+}\n")) == 1
    assert frames(framing, b"x") == []
    assert frames(framing, b"\nb\r\n") == [[b"b"]]


def test_what_is_skipped_is_not_kept() -> None:
    framing = Framing(SMALL)
    assert len(frames(framing, b"x" * 101)) == 1
    for _ in range(3):
        assert frames(framing, b"y" * 1000) == []
        framing.receive(b"")
        assert len(framing._buffer) < 100


def test_the_largest_literal_that_is_not_asked_for() -> None:
    framing = Framing(SMALL, non_synchronizing=5)
    assert frames(framing, b"a {5+}\r\n12345\r\nb {6}\r\n123456\r\nc {6+}\r\n\r\nd\r\nx\r\ne\r\n") == [
        ([b"a {5+}", b"12345", b""], 5, False),
        [b"a {5+}", b"12345", b""],
        ([b"b {6}", b"123456", b""], 6, True),
        [b"b {6}", b"123456", b""],
        Refused(b"c {6+}", "[TOOBIG] Non-synchronizing literal too large"),
        [b"e"],
    ]
