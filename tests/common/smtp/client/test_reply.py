from __future__ import annotations

import pytest

from postroad.mail.reply import EnhancedStatus, Reply
from postroad.smtp.client.reply import MAX_LINE, MAX_LINES, MAX_TEXT, ReplyError, ReplyReader


def read(octets: bytes, *, step: int | None = None) -> list[Reply]:
    reader = ReplyReader()
    replies: list[Reply] = []
    for start in range(0, len(octets), step or len(octets)):
        reader.feed(octets[start : start + (step or len(octets))])
        while (reply := reader.next()) is not None:
            replies.append(reply)
    assert reader.is_empty
    return replies


REPLIES = {
    b"250 OK\r\n": Reply(250, None, ("OK",)),
    b"250\r\n": Reply(250, None, ("",)),
    b"250 \r\n": Reply(250, None, ("",)),
    b"220 bare line feed\n": Reply(220, None, ("bare line feed",)),
    b"550 5.1.1 No such user\r\n": Reply(550, EnhancedStatus(5, 1, 1), ("No such user",)),
    b"550 5.1.1\r\n": Reply(550, EnhancedStatus(5, 1, 1), ("",)),
    b"250-one\r\n250-two\r\n250 three\r\n": Reply(250, None, ("one", "two", "three")),
    b"550-5.7.1 No\r\n550-5.7.1 not\r\n550 5.7.1 here\r\n": Reply(550, EnhancedStatus(5, 7, 1), ("No", "not", "here")),
    b"550-5.7.1 No\r\n550 see http://example\r\n": Reply(550, EnhancedStatus(5, 7, 1), ("No", "see http://example")),
    b"550-5.7.1 No\r\n550 5.7.2 other\r\n": Reply(550, EnhancedStatus(5, 7, 1), ("No", "5.7.2 other")),
    b"550 5.1.1no\r\n": Reply(550, None, ("5.1.1no",)),
    b"550 6.1.1 no\r\n": Reply(550, None, ("6.1.1 no",)),
    "550 5.1.1 Keine Käfer\r\n".encode(): Reply(550, EnhancedStatus(5, 1, 1), ("Keine Käfer",)),
    b"250 \xff\x00\x1b[31m\r\n": Reply(250, None, ("�??[31m",)),
}


@pytest.mark.parametrize("step", [1, 3, None])
@pytest.mark.parametrize("octets", REPLIES)
def test_a_reply_is_read(octets: bytes, step: int | None) -> None:
    assert read(octets, step=step) == [REPLIES[octets]]


def test_replies_that_come_together_are_told_apart() -> None:
    assert read(b"".join(REPLIES)) == list(REPLIES.values())


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n",
        b"\r\n",
        b"25 OK\r\n",
        b"2500 OK\r\n",
        b"150 OK\r\n",
        b"650 OK\r\n",
        b"250+OK\r\n",
        b"250 bare\rreturn\r\n",
        b"250-one\r\n251 two\r\n",
        b"x" * (MAX_LINE + 1),
        b"250 " + b"x" * MAX_LINE + b"\r\n",
        b"250-x\r\n" * (MAX_LINES + 1),
    ],
)
def test_what_is_no_reply_is_refused(octets: bytes) -> None:
    reader = ReplyReader()
    reader.feed(octets)
    with pytest.raises(ReplyError):
        reader.next()


def test_of_a_book_the_beginning_is_kept() -> None:
    lines = [b"%03d" % number + b"x" * 500 for number in range(MAX_LINES)]
    book = b"".join(b"550-5.7.1 " + line + b"\r\n" for line in lines) + b"550 5.7.1 The end\r\n"
    kept = tuple(line.decode() for line in lines[: MAX_TEXT // 500 + 1])
    assert read(book + b"250 OK\r\n") == [
        Reply(550, EnhancedStatus(5, 7, 1), kept),
        Reply(250, None, ("OK",)),
    ]


def test_the_limits_themselves_are_kept_to() -> None:
    long = "x" * 2047
    assert read(f"250-{long}\r\n250-y\r\n250 z\r\n".encode()) == [Reply(250, None, (long, "y"))]
    assert read(f"250-{long}x\r\n250-y\r\n250 z\r\n".encode() * 2) == [Reply(250, None, (f"{long}x",))] * 2
    assert len(read(b"250 " + b"x" * (4096 - 6) + b"\r\n")) == 1
    with pytest.raises(ReplyError, match="too long"):
        read(b"250 " + b"x" * (4097 - 6) + b"\r\n")
    assert len(read(b"250-\r\n" * 200 + b"250 \r\n")) == 1
    with pytest.raises(ReplyError, match="more than 200 lines"):
        read(b"250-\r\n" * 201)
    reader = ReplyReader()
    reader.feed(b"x" * 4096)
    assert reader.next() is None
    reader.feed(b"x")
    with pytest.raises(ReplyError, match="too long"):
        reader.next()


def test_a_half_reply_is_waited_for_and_may_be_thrown_away() -> None:
    reader = ReplyReader()
    reader.feed(b"250-one\r\n25")
    assert reader.next() is None
    empty = [reader.is_empty]
    reader.clear()
    assert [*empty, reader.is_empty] == [False, True]
    reader.feed(b"220 fresh\r\n")
    assert reader.next() == Reply(220, None, ("fresh",))
