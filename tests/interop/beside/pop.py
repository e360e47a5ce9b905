"""Random POP3 sessions on Postroad's store and on Dovecot: what is answered, and what is left behind.

python -m tests.interop.beside.pop [--first 1] [--seeds 500]
"""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.golden.structure.dovecot import Generator
from tests.harness.dovecot import Dovecot, closed
from tests.harness.pop3 import Place, Wire
from tests.harness.wire import PATIENCE
from tests.interop.beside.seeds import Seeds, options

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
ADDRESS, PORT = "127.0.0.78", 42144
ODD = (
    *(b"RETR", b"RETR 0", b"RETR -1", b"RETR x", b"RETR 99999999999999999999", b"TOP 1", b"TOP 1 -1", b"TOP x 1"),
    *(b"TOP 0 1", b"LIST x", b"LIST 0", b"UIDL 0", b"UIDL x", b"DELE", b"DELE 0", b"DELE x", b"XYZZY", b"XYZZY 1", b""),
    *(b"TOP 99 0", b"DELE 99", b"LIST 99", b"UIDL 99", b"RETR 99", b"USER bob@beta.test", b"PASS builder"),
)
MULTILINE = re.compile(rb"(?i)(?:(?:RETR|TOP) .*|LIST|UIDL|CAPA)\Z")


def session(seed: int) -> tuple[list[bytes], list[list[bytes]]]:
    """Return messages, and commands: those of a list are sent at once."""
    chance, generator = random.Random(seed), Generator(seed)
    messages = []
    for _ in range(chance.randint(0, 4)):
        content = generator.entity()
        for _ in range(chance.randint(0, 2)):
            at = chance.choice([match.end() for match in re.finditer(rb"\r\n", content)] or [0])
            content = content[:at] + chance.choice([b".", b"..", b".\r\n", b"\r\n", b".x\r\n"]) + content[at:]
        messages.append(content)

    def command() -> bytes:
        number = b"%d" % chance.randint(1, len(messages) + 1)
        kinds = [b"STAT", b"LIST", b"UIDL", b"NOOP", b"RSET", b"CAPA", b"LIST " + number, b"UIDL " + number]
        kinds += [
            b"RETR " + number,
            b"DELE " + number,
            b"DELE " + number,
            b"TOP %b %d" % (number, chance.randint(0, 9)),
        ]
        line = chance.choice(kinds if chance.random() < 0.85 else ODD)
        return line.lower() if chance.random() < 0.15 else line

    groups = [[command() for _ in range(chance.choice([1, 1, 1, 2, 5]))] for _ in range(chance.randint(1, 12))]
    return messages, [*groups, [b"QUIT"] if chance.random() < 0.8 else [b"STAT"]]


def split(octets: bytes, commands: list[bytes]) -> list[bytes] | None:
    """Return the answer to each command; None if not all is there."""
    answers, at = [], 0
    for command in commands:
        end = octets.find(b"\r\n", at) + 2
        if end < 2:
            return None
        if octets.startswith(b"+OK", at) and MULTILINE.match(command):
            end = octets.find(b"\r\n.\r\n", end - 2) + 5
            if end < 5:
                return None
        answers.append(octets[at:end])
        at = end
    return answers


class Compared:
    """What is told of a server's answers, without what each may word as it likes."""

    def __init__(self) -> None:
        self.ids: dict[bytes, bytes] = {}

    def __call__(self, command: bytes, answer: bytes) -> bytes:
        first, _, rest = answer.partition(b"\r\n")
        word = command.split(b" ")[0].upper()
        status = first[:3] if first.startswith(b"+OK") else b"-ERR"
        if status == b"-ERR":
            return status
        if word == b"CAPA":
            return b"capabilities"
        if word == b"UIDL":
            lines = rest.split(b"\r\n")[:-2] if rest else [first[4:]]
            return b"|".join(number + b" " + self.named(own) for number, _, own in (x.partition(b" ") for x in lines))
        if word in {b"STAT", b"LIST"} and not (word == b"LIST" and rest):
            return first
        return status + rest

    def named(self, own: bytes) -> bytes:
        return self.ids.setdefault(own, b"id%d" % len(self.ids))


class Pair:
    """Both servers."""

    def __init__(self, address: str = ADDRESS) -> None:
        self.dovecot = Dovecot("pop3", address, PORT, password="builder", layout="maildir", more="mail_fsync = never\n")
        self.accounts = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        await self.dovecot.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.dovecot.__aexit__()

    async def theirs(self, login: bytes) -> Callable[[list[bytes]], Awaitable[list[bytes]]]:
        reader, writer = await self.dovecot.connect()
        self.writers.append(writer)
        await reader.readuntil(b"\r\n")

        async def ask(commands: list[bytes]) -> list[bytes]:
            writer.write(b"".join(line + b"\r\n" for line in commands))
            got = b""
            async with asyncio.timeout(PATIENCE):
                while (answers := split(got, commands)) is None:
                    more = await reader.read(65536)
                    assert more, (commands, got)
                    got += more
            return answers

        await ask([b"USER " + login, b"PASS builder"])
        return ask

    async def ours(self, place: Place) -> Callable[[list[bytes]], Awaitable[list[bytes]]]:
        wire = Wire(place, secure=True)
        await wire.exchange(b"")

        async def ask(commands: list[bytes]) -> list[bytes]:
            got = await wire.exchange(b"".join(line + b"\r\n" for line in commands))
            answers = split(got, commands)
            assert answers is not None, (commands, got)
            return answers

        await ask([b"USER bob@beta.test", b"PASS builder"])
        return ask

    async def compare(self, messages: list[bytes], groups: list[list[bytes]]) -> tuple[bytes, bytes, bytes] | None:
        """Play a session, and look again behind it; return the first command that is answered otherwise."""
        self.accounts += 1
        login = f"user{self.accounts}@beta.test"
        maildir = self.dovecot.mail / login
        for kind in ("new", "cur", "tmp"):
            (maildir / kind).mkdir(parents=True)
        for number, content in enumerate(messages):
            (maildir / "new" / f"{1_772_366_400 + number}.M1P1.a").write_bytes(content)
        for path in [maildir, *maildir.rglob("*")]:
            shutil.chown(path, "mail", "mail")
        with tempfile.TemporaryDirectory() as folder:
            place = Place(Path(folder))
            try:
                await place.put(*messages)
                sides = Compared(), Compared()
                for part in (groups, [[b"STAT", b"LIST", b"UIDL"], [b"QUIT"]]):
                    both = await self.ours(place), await self.theirs(login.encode())
                    for commands in part:
                        mine, other = [await ask(commands) for ask in both]
                        for command, own, their in zip(commands, mine, other, strict=True):
                            if sides[0](command, own) != sides[1](command, their):
                                return command, own, their
                    if part[-1] != [b"QUIT"]:
                        return None
            finally:
                place.close()
                while self.writers:
                    await closed(self.writers.pop())
        return None


async def main(seeds: Seeds) -> None:
    """Play a session for each seed."""
    async with Pair() as pair:
        for seed in seeds:
            messages, groups = session(seed)
            difference = await pair.compare(messages, groups)
            if difference is not None:
                command, ours, theirs = difference
                shown = f"{groups}\n{messages}\n  {command!r}\n  ours:   {ours!r}\n  theirs: {theirs!r}\n"
                seeds.differs(seed, shown)


if __name__ == "__main__":
    seeds = Seeds(options(seeds=500, most=10).parse_args())
    asyncio.run(main(seeds))
    sys.exit(seeds.status)
