"""Files of messages, any octets, in any pieces: readers fail with a sentence or not at all, and pieces don't matter."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.control.door import Refusal
from postroad_store.control.appending import _messages
from postroad_web.seeding.found import Found, NotReadable
from postroad_web.seeding.maildir import Maildir
from postroad_web.seeding.mbox import Mbox
from postroad_web.seeding.single import Single

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad_web.seeding.found import Source

EXAMPLES = settings(max_examples=300)
MOST = 300  # octets of a message

_LINES = [
    b"From a Thu Jan  1 00:00:00 1970",
    b"From ",
    b">From x",
    b"\n",
    b"\r\n",
    b"\n\n",
    b"\r",
    b"x: y\n",
    b">",
    b"\0",
]
mboxes = st.lists(st.sampled_from(_LINES) | st.binary(max_size=3), max_size=30).map(b"".join)


@st.composite
def tars(draw: st.DrawFn) -> bytes:
    """Return a tar, of which some octets may be wrong, or missing at the end."""
    out = io.BytesIO()
    form = draw(st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for _ in range(draw(st.integers(0, 4))):
            folder = draw(st.sampled_from(["cur/", "new/", "tmp/", ".Sent/cur/", "a/" * 60 + "cur/"]))
            entry = tarfile.TarInfo(folder + draw(st.text("ab:2,SFé", min_size=1, max_size=20)))
            content = draw(st.binary(max_size=MOST + 10))
            entry.size, entry.mtime = len(content), draw(st.integers(0, (1 << 33) - 1))
            entry.type = draw(st.sampled_from([b"0", b"0", b"0", b"5", b"x", b"L", b"S"]))
            archive.addfile(entry, io.BytesIO(content))
    octets = bytearray(out.getvalue())
    for place in draw(st.lists(st.integers(0, len(octets) - 1), max_size=2)):
        octets[place] = draw(st.integers(0, 255))
    return bytes(octets[: draw(st.none() | st.integers(0, len(octets)))])


def read(make: Callable[[int], Source], octets: bytes, steps: list[int]) -> tuple[list[Found], str, int]:
    """Return what is found, the fault, and how many were skipped; each step is the size of a piece."""
    source = make(MOST)
    messages: list[Found] = []
    try:
        at = 0
        for step in [*steps, len(octets)]:
            for message in source.feed(octets[at : at + step]):
                messages.append(message)  # noqa: PERF402 - those before a fault count
            at += step
        for message in source.end():
            messages.append(message)  # noqa: PERF402
    except NotReadable as fault:
        return messages, str(fault), source.skipped
    return messages, "", source.skipped


pieces = st.lists(st.integers(1, 700), max_size=20)


@EXAMPLES
@given(mboxes, pieces)
def test_an_mbox(octets: bytes, steps: list[int]) -> None:
    messages, fault, _ = read(Mbox, octets, steps)
    assert messages or fault
    assert all(0 < len(message.content) <= MOST for message in messages)
    if not fault:
        assert read(Mbox, octets, []) == (messages, "", 0)


@EXAMPLES
@given(tars() | st.binary(max_size=2000), pieces)
def test_a_maildir(octets: bytes, steps: list[int]) -> None:
    messages, fault, skipped = read(Maildir, octets, steps)
    assert all(0 < len(message.content) <= MOST for message in messages)
    assert read(Maildir, octets, []) == (messages, fault, skipped)


@EXAMPLES
@given(st.binary(max_size=MOST + 50), pieces)
def test_a_single_message(octets: bytes, steps: list[int]) -> None:
    messages, fault, _ = read(Single, octets, steps)
    assert bool(fault) == (len(octets) not in range(1, MOST + 1))
    assert [message.content for message in messages] == ([] if fault else [octets])


frames = st.lists(
    st.binary(max_size=10) | st.just(b'{"flags":["\\\\Seen"],"date":null}') | st.just(b'{"flags":[],"date":1e999}')
).map(lambda listed: b"".join(len(frame).to_bytes(4, "big") + frame for frame in listed))


@EXAMPLES
@given(frames | st.binary(max_size=50))
def test_the_body_of_many_messages(body: bytes) -> None:
    with suppress(Refusal):
        assert all(0 <= date < 1 << 40 for _, date, _ in _messages(body, 0))
