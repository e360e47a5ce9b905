"""Mail data in blocks, against the rules read line by line."""

from __future__ import annotations

import pytest

from postroad.mail.envelope import BodyType
from postroad.mail.reply import BAD_CONTENT, LOCAL_ERROR, TOO_LARGE, Reply
from postroad.smtp.server.data import HEADER_TOO_LARGE, MISLABELLED, TEXT_LINE_TOO_LONG, MailData
from postroad.smtp.server.service import Limits

LIMITS = Limits(message_size=5000, header_size=200, header_lines=5)


def receive(
    octets: bytes, size: int, body: BodyType | None = None, limits: Limits = LIMITS
) -> tuple[bytes, bytes | None, Reply | None]:
    """Return content, what follows the end of data, and the refusal."""
    data = MailData(limits, body)
    content = b""
    for start in range(0, len(octets), size):
        block, rest = data.receive(octets[start : start + size])
        content += block
        if rest is not None:
            return content, rest + octets[start + size :], data.refusal
    return content, None, data.refusal


SIZES = [1, 2, 3, 4, 5, 7, 1000, 10_000]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("octets", "content", "rest"),
    [
        (b".\r\n", b"", b""),
        (b".\r\nQUIT\r\n", b"", b"QUIT\r\n"),
        (b"\r\n.\r\n", b"\r\n", b""),
        (b"a\r\n.\r\n.\r\n", b"a\r\n", b".\r\n"),
        (b"..\r\n.\r\n", b".\r\n", b""),
        (b".a\r\n.\r\n", b"a\r\n", b""),
        (b"a.\r\n.\r\n", b"a.\r\n", b""),
        (b"..a\r\n...\r\n.\r\n", b".a\r\n..\r\n", b""),
        (b"a: b\r\n\r\nc\r\n\r\n\r\n.\r\n", b"a: b\r\n\r\nc\r\n\r\n\r\n", b""),
        (b"x" * 998 + b"\r\n.\r\n", b"x" * 998 + b"\r\n", b""),
        (b"." + b"x" * 998 + b"\r\n.\r\n", b"x" * 998 + b"\r\n", b""),
        (b"." + b"." * 998 + b"\r\n.\r\n", b"." * 998 + b"\r\n", b""),
    ],
)
def test_sound(octets: bytes, content: bytes, rest: bytes, size: int) -> None:
    wide = Limits(header_size=5000)
    assert receive(octets, size, limits=wide) == (content, rest, None)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("octets", "refusal"),
    [
        (b"a\nb\r\n", BAD_CONTENT),
        (b"a\rb\r\n", BAD_CONTENT),
        (b"a\r\r\n", BAD_CONTENT),
        (b"a\n\r\n", BAD_CONTENT),
        (b"a\0\r\n", BAD_CONTENT),
        (b"a\n.\n\r\n", BAD_CONTENT),
        (b"a\n.\r\nb\r\n", BAD_CONTENT),
        (b"a\r.\r\nb\r\n", BAD_CONTENT),
        (b"a\r\n.\nb\r\n", BAD_CONTENT),
        (b"a\r\n.\rb\r\n", BAD_CONTENT),
        (b"\n.\n\r\n", BAD_CONTENT),
        (b"\r.\r\nb\r\n", BAD_CONTENT),
        (b"\r\n" + b"x" * 999 + b"\r\n", TEXT_LINE_TOO_LONG),
        (b"\r\n" + b"y\r\n" * 3 + b"x" * 999 + b"\r\nz\r\n", TEXT_LINE_TOO_LONG),
        (b"\r\n" + b"." + b"x" * 999 + b"\r\n", TEXT_LINE_TOO_LONG),
        (b"\r\n" + (b"x" * 98 + b"\r\n") * 50, TOO_LARGE),
        (b"\r\n" + (b"x" * 98 + b"\r\n") * 500, TOO_LARGE),
        (b"\r\n" + b"x" * 999 + b"\r\na\nb\r\n", BAD_CONTENT),  # of several faults the worst counts
        (b"\r\n" + (b"x" * 98 + b"\r\n") * 50 + b"x" * 999 + b"\r\n", TEXT_LINE_TOO_LONG),
        (b"a: b\r\n" * 6 + b"\r\n", HEADER_TOO_LARGE),
        (b"a: b\r\n" * 6, HEADER_TOO_LARGE),
        (b"a: " + b"b" * 197 + b"\r\n\r\n", HEADER_TOO_LARGE),
    ],
)
def test_refused(octets: bytes, refusal: Reply, size: int) -> None:
    content, rest, reply = receive(octets + b".\r\nQUIT\r\n", size)
    assert reply == refusal
    assert rest == b"QUIT\r\n"
    assert octets.replace(b"\r\n.", b"\r\n").startswith(content)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "octets",
    [
        b"a: b\r\n" * 5 + b"\r\n" + b"c\r\n" * 50,
        b"a: " + b"b" * 195 + b"\r\n\r\n" + b"c\r\n" * 50,
        b"a: " + b"b" * 195 + b"\r\n",
        b"\r\n" + b"c\r\n" * 50,
        b"\r\n" + b"x" * 998 + b"\r\n" + b"x" * 998 + b"\r\n" + b"\r\n" * 10 + b"x" * 998 + b"\r\n",
        b"\r\n" + (b"x" * 98 + b"\r\n") * 49 + b"y" * 96 + b"\r\n",  # 5000 octets
    ],
)
def test_at_the_limits(octets: bytes, size: int) -> None:
    assert receive(octets + b".\r\n", size) == (octets, b"", None)


@pytest.mark.parametrize("size", SIZES)
def test_eight_bit(size: int) -> None:
    octets = b"\r\nx\xfc\r\n\xfc\r\n.\r\n"
    assert receive(octets, size)[2] is None
    assert receive(octets, size, BodyType.EIGHT_BIT_MIME)[2] is None
    assert receive(octets, size, BodyType.SEVEN_BIT)[2] == MISLABELLED


def test_eight_bit_is_noticed() -> None:
    for octets, eight_bit in ((b"x\r\n", False), (b"\xfc\r\n", True)):
        data = MailData(LIMITS, None)
        data.receive(octets + b"more\r\n")
        assert data.eight_bit == eight_bit


def test_the_first_refusal_stays() -> None:
    data = MailData(LIMITS, None)
    data.refuse(LOCAL_ERROR)
    data.refuse(BAD_CONTENT)
    assert data.receive(b"a\nb\r\n") == (b"", None)
    assert data.receive(b".\r\nrest") == (b"", b"rest")
    assert data.refusal == LOCAL_ERROR


@pytest.mark.parametrize(
    ("block", "held"),
    [(b"abc", 0), (b"ab.", 0), (b"abc\r", 1), (b"abc\r\n", 2), (b"abc\r\n.", 3), (b"abc\r\n.\r", 4),
     (b"abc\r\nx", 0), (b"abc\r\n.x", 0), (b"abc\r\n\r", 1)],
)  # fmt: skip
def test_only_what_may_be_the_end_waits_for_the_next_block(block: bytes, held: int) -> None:
    data = MailData(LIMITS, None)
    content, rest = data.receive(block)
    assert rest is None
    assert content == block[: len(block) - held].replace(b"\r\n.", b"\r\n")
