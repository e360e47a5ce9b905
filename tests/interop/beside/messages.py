"""Random messages with faults: what the store and Dovecot make of their structure.

    python -m tests.interop.beside.messages [--first 1] [--seeds 1000]

What differs is printed with the fewest lines that show it, and the kind of fault. docs/mime.md has the differences that
are settled.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING

from tests.golden.structure.dovecot import Generator
from tests.interop.beside.answers import shown
from tests.interop.beside.commands import Step
from tests.interop.beside.servers import Pair, Side

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.interop.beside.answers import Value

ADDRESS = "127.0.0.77"
FIELDS = b"(From Subject X-None Content-Type received date)"
WHOLE = b"ENVELOPE BODY BODYSTRUCTURE RFC822.SIZE BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[1] BODY.PEEK[1.MIME]"
FIELD_ITEMS = b"BODY.PEEK[HEADER.FIELDS %b] BODY.PEEK[HEADER.FIELDS.NOT %b]" % (FIELDS, FIELDS)
MARKS = (b"(", b")", b'"', b";", b"<", b">", b",", b"\\", b":", b"=", b"@", b"[", b"]", b"\t", b" ", b".", b"*0=", b"'")


class Faults:
    """Makes one fault in a message."""

    def __init__(self, chance: random.Random) -> None:
        self.random = chance
        self.kinds: dict[str, Callable[[list[bytes]], list[bytes]]] = {
            "no line": lambda lines: self.at(lines, lambda line: []),
            "line twice": lambda lines: self.at(lines, lambda line: [line, line]),
            "empty line": lambda lines: self.at(lines, lambda line: [line, b""]),
            "no empty line": self.no_empty,
            "delimiter": lambda lines: self.at(lines, lambda line: [line, self.delimiter(lines)]),
            "last delimiter": lambda lines: self.at(lines, lambda line: [line, self.delimiter(lines) + b"--"]),
            "longer delimiter": self.longer,
            "one boundary": self.one_boundary,
            "cut": lambda lines: lines[: self.random.randint(1, len(lines))],
            "bare LF": lambda lines: self.within(lines, lambda line, at: line[:at] + b"\n" + line[at:]),
            "bare CR": lambda lines: self.within(lines, lambda line, at: line[:at] + b"\r" + line[at:]),
            "8-bit": lambda lines: self.within(lines, lambda line, at: line[:at] + b"\xc3\xa9\xff" + line[at:]),
            "fold": lambda lines: self.within(lines, lambda line, at: line[:at] + b"\r\n " + line[at:]),
            "mark": lambda lines: self.within(lines, lambda line, at: line[:at] + self.mark() + line[at:]),
            "no octet": lambda lines: self.within(lines, lambda line, at: line[:at] + line[at + 1 :]),
            "exchanged": lambda lines: self.at(lines, lambda line: [self.random.choice(lines), line]),
            "encoding": lambda lines: self.at(lines, lambda line: [line, b"Content-Transfer-Encoding: base64"]),
            "type": lambda lines: self.at(lines, lambda line: [line, b"Content-Type: message/rfc822"]),
        }

    def at(self, lines: list[bytes], change: Callable[[bytes], list[bytes]]) -> list[bytes]:
        at = self.random.randrange(len(lines))
        return lines[:at] + change(lines[at]) + lines[at + 1 :]

    def within(self, lines: list[bytes], change: Callable[[bytes, int], bytes]) -> list[bytes]:
        return self.at(lines, lambda line: [change(line, self.random.randint(0, len(line)))])

    def mark(self) -> bytes:
        return self.random.choice(MARKS)

    def delimiter(self, lines: list[bytes]) -> bytes:
        return self.random.choice([line for line in lines if line.startswith(b"--")] or [b"--b"]).strip()

    def no_empty(self, lines: list[bytes]) -> list[bytes]:
        empty = [at for at, line in enumerate(lines) if not line]
        at = self.random.choice(empty) if empty else 0
        return lines[:at] + lines[at + 1 :]

    def longer(self, lines: list[bytes]) -> list[bytes]:
        end = self.random.choice([b"x", b"-", b" x", b"--x", b"\t", b" ", b"-- "])
        boundaries = [at for at, line in enumerate(lines) if line.startswith(b"--")]
        at = self.random.choice(boundaries) if boundaries else 0
        return [*lines[:at], lines[at] + end, *lines[at + 1 :]]

    def one_boundary(self, lines: list[bytes]) -> list[bytes]:
        names = re.findall(rb'boundary="?(b\d+)', b"\n".join(lines))
        if len(names) < 2:
            return lines
        old, new = self.random.sample(names, 2)
        return [line.replace(old, new + self.random.choice([b"", b"", b"1"])) for line in lines]

    def make(self, content: bytes) -> tuple[str, bytes]:
        kind = self.random.choice(list(self.kinds))
        changed = self.kinds[kind](content.split(b"\r\n"))
        return kind, b"\r\n".join(changed)


def message(seed: int) -> tuple[str, bytes]:
    """Return the kind of fault, and a message."""
    content = Generator(seed).entity()
    # RFC 5322 section 2.2.3: docs/mime.md has what becomes of the white space of folding.
    content = content.replace(b"\r\n\t", b"\r\n ").replace(b"  Name   Two   ", b"Name Two ")
    content = content.replace(b"charset=us-ascii", b"charset=koi8-r")
    kind, content = Faults(random.Random(seed)).make(content)
    # A CR alone in front of a line end is a line of its own to Dovecot; RFC 5322 section 2.3 forbids it.
    return kind, re.sub(rb"\r+(?=\r\n|\Z)|\r\n(?= *:)", b"", content)


def numbers(structure: object, prefix: str = "") -> list[str]:
    """Return the numbers of the parts in a BODYSTRUCTURE."""
    if not isinstance(structure, list) or not structure:
        return []
    if not isinstance(structure[0], list):
        own = [prefix or "1"]
        if [str(value).lower() for value in (structure[0], structure[1])] == ["b'message'", "b'rfc822'"]:
            inner = structure[8]
            deeper = isinstance(inner, list) and inner and isinstance(inner[0], list)
            return own + numbers(inner, own[0] if deeper else f"{own[0]}.1")
        return own
    part_numbers = [prefix] if prefix else []
    for number, part in enumerate([part for part in structure if isinstance(part, list) and part], 1):
        if not isinstance(part[0], list | bytes) or (structure.index(part) != number - 1):
            break
        part_numbers += numbers(part, f"{prefix}.{number}" if prefix else str(number))
    return part_numbers


def alike(ours: Value, theirs: Value) -> bool:
    """Return True if two values are the same, or differ as docs/mime.md has it."""
    if ours == theirs:
        return True
    if isinstance(ours, bytes) and isinstance(theirs, bytes):
        # RFC 3501 section 6.4.5: no empty line where the message has none; RFC 2046 section 5.1.1: a delimiter's CRLF.
        return b" ".join(ours.split()) == b" ".join(theirs.split())
    if not isinstance(ours, list) or not isinstance(theirs, list):
        return False
    if addresses(ours) and addresses(theirs):
        # Behind a fault Dovecot leaves out the rest; what can be read there is of use.
        return ours[: len(theirs)] == theirs or re.search("MISSING_|SYNTAX_", shown([ours, theirs])) is not None
    if len(ours) == len(theirs) == 2 and ours == [b"attachment", theirs[1]]:
        return True  # RFC 2183 section 2.8: what an unknown disposition counts as
    if bodily(ours) and b"" in theirs[:2]:
        return True  # RFC 2045 section 5.2: a type that cannot be read
    if bodily(ours) and bodily(theirs):
        mine, other = list(ours), list(theirs)
        if other[3:6] == [None, None, b"7bit"]:
            mine[3:6] = other[3:6]  # RFC 2045 section 3: fields that stand without a Content-Type
        if other[5] == b"7bit":
            mine[5] = other[5]  # the same; and what is behind the name of an encoding
        at = {"text": 8, "message": 10}.get(shown(mine[0]).strip("'").lower(), 7)
        if len(mine) > at and other[at:] == [None] * (len(mine) - at):
            mine = mine[:at] + other[at:]
        if [str(value).lower() for value in mine[:2]] == ["b'message'", "b'rfc822'"]:
            mine[6], mine[9] = other[6], other[9]  # RFC 2046 section 5.1.1: a delimiter's CRLF
        return len(mine) == len(other) and all(map(alike, mine, other))
    return len(ours) == len(theirs) and all(map(alike, ours, theirs))


def addresses(value: list[Value]) -> bool:
    return bool(value) and all(isinstance(each, list) and len(each) == 4 for each in value)


def bodily(value: list[Value]) -> bool:
    return len(value) >= 7 and isinstance(value[0], bytes) and isinstance(value[5], bytes)


async def differences(both: tuple[Side, Side], content: bytes) -> dict[str, tuple[str, str]]:
    """Return the items that differ: what ours says, and theirs."""
    number = 0
    for side in both:
        answer, _ = await side.do(Step(0, b"APPEND INBOX {%d+}\r\n%b" % (len(content), content)))
        assert not answer.refused, (content, answer)
        await side.do(Step(0, b"NOOP"))
        number = side.counts[0]
    differing: dict[str, tuple[str, str]] = {}
    items = WHOLE + b" " + FIELD_ITEMS
    for _ in range(2):
        told = [await side.do(Step(0, b"FETCH %d (%b)" % (number, items))) for side in both]
        (mine, _), (other, _) = told
        assert not mine.refused
        assert not other.refused, (content, items)
        ours, theirs = mine.fetched[number], other.fetched[number]
        for name in ours:
            if not alike(ours[name], theirs.get(name)):
                differing[name] = (shown(ours[name]), shown(theirs.get(name)))
        if differing or "BODYSTRUCTURE" not in ours or ours["BODYSTRUCTURE"] != theirs["BODYSTRUCTURE"]:
            break
        parts = numbers(ours["BODYSTRUCTURE"])[:12]
        items = b" ".join(
            b"BODY.PEEK[%b] BODY.PEEK[%b.MIME] BODY.PEEK[%b.HEADER] BODY.PEEK[%b.TEXT]" % ((part.encode(),) * 4)
            for part in parts
        )
        if not items:
            break
    return differing


async def fewest(both: tuple[Side, Side], content: bytes, name: str) -> bytes:
    """Leave out lines as long as the item differs."""
    lines = content.split(b"\r\n")
    size = max(len(lines) // 2, 1)
    while size:
        at = 0
        while at < len(lines):
            fewer = lines[:at] + lines[at + size :]
            octets = b"\r\n".join(fewer)
            if octets and name in await differences(both, octets):
                lines = fewer
            else:
                at += size
        size //= 2
    return b"\r\n".join(lines)


async def main(first: int, seeds: int, kinds: list[str]) -> int:
    """Return how many messages differ."""
    told: Counter[tuple[str, str]] = Counter()
    async with Pair(ADDRESS) as pair:
        for start in range(first, first + seeds, 100):
            async with pair.sides(1) as both:
                for side in both:
                    await side.do(Step(0, b"SELECT INBOX"))
                for seed in range(start, min(start + 100, first + seeds)):
                    kind, content = message(seed)
                    if kinds and kind not in kinds:
                        continue
                    differing = await differences(both, content)
                    for name in list(differing)[:1]:
                        told[kind, name] += 1
                        if told[kind, name] > 3:
                            continue
                        least = await fewest(both, content, name)
                        ours, theirs = (await differences(both, least))[name]
                        sys.stdout.write(f"{seed} {kind}: {name}\n{least!r}\n  ours:   {ours}\n  theirs: {theirs}\n\n")
                        sys.stdout.flush()
    for (kind, name), count in sorted(told.items()):
        sys.stdout.write(f"{count:5} {kind}: {name}\n")
    return told.total()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--kinds", nargs="*", default=[])
    given = parser.parse_args()
    sys.exit(min(asyncio.run(main(given.first, given.seeds, given.kinds)), 1))
