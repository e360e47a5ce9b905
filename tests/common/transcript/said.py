"""A session as a list of what each side says, and the lines that an observer makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.tap import Opened
from postroad.transcript.line import Side
from postroad.transcript.observers import observer_of
from tests.harness.script import Step, add

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from postroad.transcript.line import Line
    from postroad.transcript.observer import Observer


def opened(protocol: str = "smtp", session: str = "s1", *, outbound: bool = False, at: float = 1.0) -> Opened:
    return Opened(protocol, session, "192.0.2.1:4000", "127.0.0.25:2525", outbound, at)


def steps_of(text: str) -> list[Step]:
    """Read `C:` and `S:` lines, as the dialogues have them."""
    steps: list[Step] = []
    for line in text.splitlines():
        if line.strip():
            add(steps, line.strip("\n"))
    return steps


def observed(protocol: str, steps: Iterable[Step], *, outbound: bool = False, size: int | None = None) -> Observer:
    """Let an observer hear a session, in pieces of `size` octets."""
    observer = observer_of(opened(protocol, outbound=outbound))
    tls = False
    for step in steps:
        if step.kind == "T":
            tls = True
        side = {"C": Side.CLIENT, "S": Side.SERVER}.get(step.kind)
        if side is not None:
            for piece in pieces(step.octets, size):
                observer.take(side, piece, 2.0, tls=tls)
    observer.end()
    return observer


def pieces(octets: bytes, size: int | None) -> Iterator[bytes]:
    width = size or len(octets) or 1
    for start in range(0, len(octets), width):
        yield octets[start : start + width]


def shown(lines: Iterable[Line]) -> list[str]:
    """Return lines as text: `C `, `S `, with `~` where no CRLF follows, and the size of content."""
    return [
        f"{line.side.value[0].upper()}{' ' if line.whole else '~'}{line.text}"
        + (f"<{line.reference.size}>" if line.reference is not None else "")
        for line in lines
    ]


def told(protocol: str, text: str, *, outbound: bool = False) -> list[str]:
    """Return the lines of a session that is written as a dialogue; they are the same in pieces of one octet."""
    steps = steps_of(text)
    whole = shown(observed(protocol, steps, outbound=outbound).lines)
    assert shown(observed(protocol, steps, outbound=outbound, size=1).lines) == whole
    return whole
