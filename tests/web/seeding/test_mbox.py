from __future__ import annotations

import mailbox
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_web.seeding.found import Found, NotReadable
from postroad_web.seeding.mbox import LONGEST, Mbox

if TYPE_CHECKING:
    from pathlib import Path


def read(octets: bytes, *, step: int = 1 << 20, most: int = 1000) -> list[Found]:
    source = Mbox(most)
    messages: list[Found] = []
    for start in range(0, len(octets), step):
        messages += source.feed(octets[start : start + step])
    return [*messages, *source.end()]


@pytest.mark.parametrize("step", [1, 5, 1000])
def test_what_is_quoted_and_what_is_not(step: int) -> None:
    octets = (
        b"From a\nSubject: one\n\nbody\nFrom here\n>From the start\n>>From >From\n>from\n\n"
        b"From b\nSubject: two\n\n\n\nFrom c\nx: y\n"
    )
    assert [(message.content, message.place) for message in read(octets, step=step)] == [
        (b"Subject: one\n\nbody\nFrom here\nFrom the start\n>From >From\n>from\n", "message 1 (line 1)"),
        (b"Subject: two\n\n\n", "message 2 (line 10)"),
        (b"x: y\n", "message 3 (line 15)"),
    ]


def test_crlf() -> None:
    octets = b"From a\r\nSubject: one\r\n\r\n>From x\r\n\r\nFrom b\r\nSubject: two\r\n\r\nbody\r\n\r\n"
    assert [message.content for message in read(octets, step=1)] == [
        b"Subject: one\r\n\r\nFrom x\r\n",
        b"Subject: two\r\n\r\nbody\r\n",
    ]


@pytest.mark.parametrize(
    ("line", "date"),
    [
        (b"From a@x Thu Jan  1 00:01:40 1970", 100.0),
        (b"From a@x Thu Jan  1 00:00:00 1970", 0.0),
        (b"From a@x Thu Jan 01 00:01 1970", 60.0),
        (b"From a@x Fri Jan  2 11:31:40 +1130 1970", 86_500.0),
        (b"From a@x Thu Jan  1 01:01:40 CET 1970", 3700.0),
        (b"From a@x Thu Jan  1 01:01:40 +0100 1970", 100.0),
        (b"From a@x Thu Jan  1 00:01:40 1970 -0100", 3700.0),
        (b"From a@x Thu Jan  1 00:01:40 1960", None),
        (b"From a@x Thu Xyz  1 00:01:40 1970", None),
        (b"From a@x Thu Jan 32 00:01:40 1970", None),
        (b"From a@x", None),
        (b"From ", None),
    ],
)
def test_dates(line: bytes, date: float | None) -> None:
    (message,) = read(line + b"\nx: y\n")
    assert message.date == date


@pytest.mark.parametrize(
    ("octets", "given", "sentence"),
    [
        (b"", 0, 'line 1 does not begin with "From ", so this is no mbox'),
        (b"Fro", 0, 'line 1 does not begin with "From ", so this is no mbox'),
        (b"Subject: x\n", 0, 'line 1 does not begin with "From ", so this is no mbox'),
        (b"From a", 0, "message 1 (line 1) has no octets"),
        (b"From a\nx: y\n\nFrom b\n\nFrom c\nx: y\n", 1, "message 2 (line 4) has no octets"),
        (b"From a\nx: y\n\nFrom b\n" + b"x" * 1001 + b"\n\nFrom c\nx: y\n", 1, "message 2 (line 4) has more than 1000"),
        (b"From a\nx: y\n\nFrom b\n" + b"x" * 5000, 1, "message 2 (line 4) has more than 1000 octets"),
        (b"From " + b"x" * 2000 + b"\n\nFrom b", 0, "line 1 is longer than 2000 octets"),
    ],
)
@pytest.mark.parametrize("step", [100, 10_000])
def test_faults(octets: bytes, given: int, sentence: str, step: int) -> None:
    source = Mbox(1000)
    messages: list[Found] = []
    with pytest.raises(NotReadable) as caught:  # noqa: PT012 - what came before counts too
        for start in range(0, len(octets), step):
            for message in source.feed(octets[start : start + step]):
                messages.append(message)  # noqa: PERF402
        for message in source.end():
            messages.append(message)  # noqa: PERF402
    assert str(caught.value).startswith(sentence)
    assert len(messages) == given


@given(
    bodies=st.lists(st.text("From >\nab:", min_size=1).map(str.encode), min_size=1, max_size=5), step=st.integers(1, 50)
)
def test_what_mboxrd_quotes_comes_back(bodies: list[bytes], step: int) -> None:
    messages = [b"x: y\n\n" + body + b"\n" for body in bodies]
    octets = b""
    for message in messages:
        quoted = b"".join(
            b">" + line if line.lstrip(b">").startswith(b"From ") else line
            for line in message.splitlines(keepends=True)
        )
        octets += b"From a@x.test Thu Jan  1 00:00:10 1970\n" + quoted + b"\n"
    assert [message.content for message in read(octets, step=step)] == messages


def test_a_file_that_is_no_mbox_is_refused_at_once() -> None:
    source = Mbox(1000)
    assert list(source.feed(b"From")) == []
    with pytest.raises(NotReadable, match="line 1"):
        list(source.feed(b"!"))
    with pytest.raises(NotReadable, match="line 1"):
        list(Mbox(1000).feed(b"Subject: x\n\n"))
    assert Mbox(1000).skipped == 0


def test_a_message_that_never_ends_is_not_collected() -> None:
    source = Mbox(1000)
    assert list(source.feed(b"From a\n" + b"x" * (1000 + LONGEST))) == []
    with pytest.raises(NotReadable, match="more than 1000 octets"):
        list(source.feed(b"x"))


@pytest.mark.parametrize("step", [1, 10_000])
def test_the_longest_line_and_message(step: int) -> None:
    octets = b"From " + b"a" * (LONGEST - 5) + b"\n" + b"x" * 1000 + b"\n\nFrom b\nx: y\n"
    assert [len(message.content) for message in read(octets, step=step, most=1001)] == [1001, 5]


@pytest.mark.parametrize("step", [1, 10_000])
def test_the_longest_line_of_the_last_message(step: int) -> None:
    assert [len(message.content) for message in read(b"From ".ljust(LONGEST, b"a") + b"\nx: y\n", step=step)] == [5]
    with pytest.raises(NotReadable, match=f"line 1 is longer than {LONGEST} octets"):
        read(b"From ".ljust(LONGEST + 1, b"a") + b"\nx: y\n", step=step)


def test_what_python_writes(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    for number in range(3):
        box.add(f"Subject: {number}\n\nFrom here to {number}\n")
    box.close()
    messages = read((tmp_path / "box").read_bytes())
    assert [message.content for message in messages] == [
        f"Subject: {number}\n\nFrom here to {number}\n".encode() for number in range(3)
    ]
