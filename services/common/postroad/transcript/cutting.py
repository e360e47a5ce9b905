"""Where a tape may be cut: blocks that go without having been read, so that an observer understands what is left. Pure.

Behind a gap an observer begins with a command of the client. So a gap ends with a block of the client that begins with
one, when the server has answered what came before. Should it be the rest of something nevertheless, no secret shows:
behind a gap a line that is no command counts as one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias, cast

from postroad.tap import Carried
from postroad.transcript import imap, managesieve, pop3

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postroad.tap import Fact

ENTRY = 120  # octets of memory that a block takes besides its own
TAIL = 512  # octets of the last line of an answer

# A block: whether the client has sent it, octets, time, TLS. Such tuples cost the garbage collector nothing.
Said: TypeAlias = "tuple[bool, bytes, float, bool]"
Block: TypeAlias = "Said | Fact | None"

# How the answer to a command ends: its last line, and the CRLF before it.
_ANSWERED = {
    "imap": re.compile(rb"(?:\A|\r\n)[^\s*+]\S* (?:OK|NO|BAD)\b[^\r\n]*\r\n\Z", re.IGNORECASE),
    "pop3": re.compile(rb"(?:\r\n\.|(?:\A|\r\n)(?:\+OK|-ERR)[^\r\n]*)\r\n\Z", re.IGNORECASE),
    "managesieve": re.compile(rb"(?:\A|\r\n)(?:OK|NO|BYE)\b[^\r\n]*\r\n\Z", re.IGNORECASE),
}


def _is_answered(tail: bytes, answered: re.Pattern[bytes]) -> bool:
    """Whether what the server has said last ends an answer; only its last line can match."""
    return answered.match(tail, max(tail.rfind(b"\r\n", 0, -2), 0)) is not None


def _begins(octets: bytes, protocol: str) -> bool:
    """Whether a block of the client begins with a command."""
    words = octets[:TAIL].upper().split(maxsplit=2)
    if protocol == "imap":
        return len(words) > 1 and words[1] in imap.COMMANDS
    return bool(words) and words[0] in (pop3.VERBS if protocol == "pop3" else managesieve.COMMANDS)


def ends_transaction(octets: bytes) -> bool:
    """Whether behind these octets of the server a mail transaction may begin.

    While 354 or 334 is the last word, the client's octets are content, or a response of AUTH.
    """
    return octets[:3] == b"250" and b"\n3" not in octets


def begins_transaction(octets: bytes) -> bool:
    """Whether octets of the client begin with MAIL."""
    return octets[:5].upper() == b"MAIL "


def starts(blocks: Sequence[Block], *, inbound: bool) -> Iterator[int]:
    """Yield where transactions of SMTP begin: with a block that begins with MAIL, behind a reply that ends another."""
    between = False
    for index, block in enumerate(blocks):
        if type(block) is not tuple:
            continue
        from_client, octets, _, _ = cast("Said", block)
        if from_client:
            if between and begins_transaction(octets):
                # Outbound, the message was named a moment before.
                yield index - (not inbound and type(blocks[index - 1]) is Carried)
            between = False
        else:
            between = ends_transaction(octets)


def transactions(blocks: Sequence[Block], room: int, *, inbound: bool) -> tuple[int, int, int]:
    """Return between which blocks there are whole transactions of `room` octets, or fewer; how many octets."""
    first = last = -1
    gone = 0
    for start in starts(blocks, inbound=inbound):
        if first < 0:
            first = start
        else:
            gone += sum(_sizes(blocks[last:start]))
        last = start
        if gone >= room:
            break
    return first, last, gone


def dialogues(blocks: Sequence[Block], room: int, protocol: str) -> tuple[int, int, int]:
    """Return the same for commands with their answers, of a protocol in which the client waits for answers."""
    ends = _dialogues(blocks, room, protocol, least=room)
    return ends if ends[2] >= room else _dialogues(blocks, room, protocol, least=0)


def _dialogues(blocks: Sequence[Block], room: int, protocol: str, *, least: int) -> tuple[int, int, int]:
    """Do that, but do not look for an end that leaves less than so many octets before it: nearly all lie there."""
    answered = _ANSWERED[protocol]
    first = last = -1
    size = gone = 0
    before = b""
    for index, block in enumerate(blocks):
        if type(block) is not tuple:
            size += ENTRY
            continue
        from_client, octets, _, _ = cast("Said", block)
        if (
            from_client
            and (size >= least or first < 0)
            and _is_answered(before[-TAIL:], answered)
            and _begins(octets, protocol)
        ):
            last = index
            if first < 0:
                first, size = last, 0
            gone = size
            if gone >= room:
                break
        before = b"" if from_client else octets
        size += ENTRY + len(octets)
    return first, last, gone


def cut_at(blocks: Sequence[Block], limit: int) -> tuple[int, int]:
    """Return the index of the first block beyond so many octets, and how many octets there are from it on."""
    sizes = _sizes(blocks)
    kept = 0
    for index, size in enumerate(sizes):
        kept += size
        if kept > limit:
            return index, sum(sizes[index:])
    return len(blocks), 0


def _sizes(blocks: Sequence[Block]) -> list[int]:
    return [ENTRY + (len(cast("Said", block)[1]) if type(block) is tuple else 0) for block in blocks]


class Passing:
    """An answer that is passed over, until the client gives a command."""

    __slots__ = ("_answered", "_protocol", "_tail")

    def __init__(self, protocol: str, tail: bytes) -> None:
        self._protocol = protocol
        self._answered = _ANSWERED[protocol]
        self._tail = tail[-TAIL:]

    def over(self, octets: bytes, *, from_client: bool) -> bool:
        """Take a block; True if the client gives a command with it."""
        if from_client:
            if _is_answered(self._tail, self._answered) and _begins(octets, self._protocol):
                return True
            self._tail = b""
        else:
            self._tail = octets[-TAIL:] if len(octets) >= TAIL else (self._tail + octets)[-TAIL:]
        return False
