"""Plays a sequence of commands on Postroad's store and on Dovecot, side by side, and says where they part."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from postroad_store.imap.registry import Registry
from tests.harness.imap import Place, Wire
from tests.interop.beside.answers import Answer, Ear
from tests.interop.beside.commands import MADE, Step
from tests.interop.test_imap_oracle import LATER, QUOTA, Client, oracle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


SPECIAL = "".join(f"  mailbox {name} {{\n    special_use = \\{name}\n  }}\n" for name in MADE[1:])
MORE = f"""
mail_fsync = never
mail_max_userip_connections = 1000
namespace inbox {{
{SPECIAL}}}
service imap-login {{
  service_count = 0
  client_limit = 1000
}}
service imap {{
  service_count = 0
  process_min_avail = 1
}}
service auth {{
  client_limit = 2000
}}
"""
GOES_ON = re.compile(rb"(?i)\{\d+\}\r\n|IDLE\r\n")  # what the server answers with a + before more is sent


class Line(Protocol):
    """A connection to one of the servers."""

    async def say(self, octets: bytes, end: re.Pattern[bytes]) -> bytes:
        """Send, and return what is answered, up to the line that ends it."""


class Ours:
    """A connection to Postroad's store."""

    def __init__(self, place: Place) -> None:
        self.wire = Wire(place)

    async def say(self, octets: bytes, end: re.Pattern[bytes]) -> bytes:
        got = await self.wire.exchange(octets)
        assert end.search(got), (octets, got)
        return got


class Theirs:
    """A connection to Dovecot."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def say(self, octets: bytes, end: re.Pattern[bytes]) -> bytes:
        return await self.client.ask(octets, end)


@dataclass
class Side:
    """One of the servers, with its connections and what is known of its numbers."""

    ear: Ear
    lines: list[Line]
    selected: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    tag: int = 0

    def __post_init__(self) -> None:
        self.selected = [""] * len(self.lines)
        self.counts = [0] * len(self.lines)

    def replaced(self, command: bytes) -> bytes:
        def own(match: re.Match[bytes]) -> bytes:
            kind, name, number = match.groups()
            if kind == b"V":
                return self.ear.validities.get(name.decode("latin-1"), "1").encode()
            moments = self.ear.moments.get(name.decode("latin-1"), [])
            at = int(number) - 1
            return b"%d" % ((moments[at] if at < len(moments) else 1) + (kind == b"N"))

        return re.sub(rb"<<([VMN]) ([^>]*?)(?: (\d+))?>>", own, command)

    async def raw(self, who: int, command: bytes) -> tuple[bytes, bytes]:
        """Send a command, in pieces where it has to be; return its tag and all of the answer."""
        self.tag += 1
        tag = b"t%d" % self.tag
        octets = tag + b" " + self.replaced(command) + b"\r\n"
        done = re.compile(rb"^%b (?:OK|NO|BAD)[^\n]*\n" % tag, re.MULTILINE)
        answer, at = b"", 0
        for match in GOES_ON.finditer(octets):
            if match.end() == len(octets):
                break
            piece = await self.lines[who].say(
                octets[at : match.end()], re.compile(rb"^\+[^\n]*\n|" + done.pattern, re.MULTILINE)
            )
            answer += piece
            at = match.end()
            if done.search(piece):
                return tag, answer
        answer += await self.lines[who].say(octets[at:], done)
        return tag, answer

    async def moment(self, name: str) -> None:
        """Remember a mailbox's HIGHESTMODSEQ and UIDVALIDITY as of now."""
        quoted = name.replace("\\", "\\\\").replace('"', '\\"').encode("latin-1")
        _, answer = await self.raw(len(self.lines) - 1, b'STATUS "%b" (UIDVALIDITY HIGHESTMODSEQ)' % quoted)
        if status := re.search(rb"UIDVALIDITY (\d+) HIGHESTMODSEQ (\d+)", answer):
            self.ear.validities[name] = status[1].decode()
            self.ear.moments.setdefault(name, []).append(int(status[2]))

    async def do(self, step: Step) -> tuple[Answer, bytes]:
        """Give a command; return the answer as it is compared, and as it came."""
        if mark := re.fullmatch(rb"<<M ([^>]*)>>", step.command):
            await self.moment(mark[1].decode("latin-1"))
            return Answer(), b""
        who, selecting = step.who, selects(step.command)
        tag, octets = await self.raw(who, step.command)
        answer = self.ear.hear(octets, tag, step.command, selecting or self.selected[who])
        self.follow(who, step.command, selecting, answer)
        if self.selected[who]:
            answer.responses.append(f"{self.counts[who]} messages")
        return answer, octets

    def follow(self, who: int, command: bytes, selecting: str | None, answer: Answer) -> None:
        if selecting is not None:
            self.selected[who] = selecting if answer.status.startswith("OK") else ""
            self.counts[who] = 0
        elif re.match(rb"(?i)(CLOSE|UNSELECT)\Z", command) and answer.status == "OK":
            self.selected[who] = ""
        self.counts[who] = answer.exists if answer.exists is not None else self.counts[who] - answer.expunged


def selects(command: bytes) -> str | None:
    """Return the mailbox that a command selects."""
    match = re.match(rb'(?i)(?:SELECT|EXAMINE) (?:"((?:[^"\\]|\\.)*)"|\{\d+\+?\}\r\n(.*)|(\S+))', command)
    if match is None:
        return None
    name = re.sub(rb"\\(.)", rb"\1", match[1]) if match[1] is not None else match[2] or match[3]
    text = (name or b"").decode("latin-1")
    return "INBOX" if text.upper() == "INBOX" else text


@dataclass
class Difference:
    """Where the two part."""

    number: int
    step: Step
    ours: list[str]
    theirs: list[str]
    octets: tuple[bytes, bytes]

    def __str__(self) -> str:
        mine = [line for line in self.ours if line not in self.theirs]
        other = [line for line in self.theirs if line not in self.ours]
        return f"{self.number} ({self.step.who}) {self.step.command!r}\n  ours:   {mine}\n  theirs: {other}"


class Pair:
    """Both servers; each sequence has an account of its own."""

    def __init__(self, address: str) -> None:
        self.dovecot, self.accounts = oracle(address, MORE), 0

    async def __aenter__(self) -> Self:
        await self.dovecot.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.dovecot.__aexit__()

    async def compare(self, steps: list[Step]) -> Difference | None:
        """Play the commands; return the first difference."""
        sessions = max((step.who for step in steps), default=0) + 1
        async with self.sides(sessions + 1) as both:  # the last session only looks
            return await play(both, steps, sessions)

    @contextlib.asynccontextmanager
    async def sides(self, sessions: int) -> AsyncIterator[tuple[Side, Side]]:
        """Log in to a new account on both servers."""
        self.accounts += 1
        login = f"user{self.accounts}@alpha.test"
        with contextlib.ExitStack() as ends, tempfile.TemporaryDirectory() as folder:
            place = Place(Path(folder), quota=QUOTA, registry=Registry(without=(*LATER, "UTF8=ACCEPT")))
            ends.callback(place.close)
            ours: list[Line] = []
            theirs: list[Line] = []
            for _ in range(sessions):
                wire = Ours(place)
                ends.callback(wire.wire.end)
                ours.append(wire)
                client = Client(await self.dovecot.connect())
                ends.callback(client.writer.close)
                theirs.append(Theirs(client))
            both = Side(Ear("alice@alpha.test"), ours), Side(Ear(login), theirs)
            for side in both:
                for who in range(sessions):
                    await side.raw(who, b"LOGIN %b wonderland" % side.ear.login.encode())
            for name in MADE:
                await both[1].raw(0, b"CREATE " + name.encode())
                await both[1].raw(0, b"SUBSCRIBE " + name.encode())
            yield both


async def play(both: tuple[Side, Side], steps: list[Step], sessions: int) -> Difference | None:
    for number, step in enumerate([*steps, *[Step(who, b"NOOP") for who in range(sessions)]]):
        if sessions > 1 and both[0].selected[step.who] and not step.loose:
            for side in both:
                await side.do(Step(step.who, b"NOOP"))
        if difference := await once(both, number, step):
            return difference
    number = len(steps) + sessions
    looks = [b'LIST "" *', b'LSUB "" *', b"GETQUOTAROOT INBOX"]
    for look in looks:
        if difference := await once(both, number, Step(sessions, look)):
            return difference
    _, answer = await both[0].raw(sessions, b'LIST "" *')
    for match in re.finditer(rb'^\* LIST \(([^)]*)\) "/" ([^\r]*)\r\n', answer, re.MULTILINE):
        if b"\\Noselect" in match[1] or b"{" in match[2]:
            continue
        for look in (
            b"STATUS %b (MESSAGES UIDNEXT UNSEEN SIZE)" % match[2],
            b"EXAMINE %b" % match[2],
            b"UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])",
        ):
            if difference := await once(both, number, Step(sessions, look)):
                return difference
    return None


async def once(both: tuple[Side, Side], number: int, step: Step) -> Difference | None:
    try:
        (ours, mine), (theirs, other) = [await side.do(step) for side in both]
    except asyncio.IncompleteReadError:
        raise ConnectionError(f"Dovecot has ended: {number} {step}") from None
    if step.loose and (ours.status == theirs.status or not re.match(rb"(?i)CREATE|DELETE|RENAME", step.command)):
        return None
    settle(step, ours, theirs)
    if ours.lines() == theirs.lines():
        return None
    return Difference(number, step, ours.lines(), theirs.lines(), (mine, other))


SECTION = re.compile(r"(BODY|BINARY)(?:\.SIZE)?\[(?:\d+\.)+1(?:\.MIME)?\]")


def settle(step: Step, ours: Answer, theirs: Answer) -> None:
    """Take away those differences of which it is known who is right, or that both are."""
    command = step.command.upper()
    if ours.refused and (step.spoilt or b"BINARY" in command):
        # RFC 3501 section 9: what Dovecot takes beyond the grammar is its own.
        # RFC 9051 section 6.4.5: multiparts and messages are no leaves; Dovecot has BINARY of them.
        theirs.__dict__.update(ours.__dict__)
    if b"RETURN (SAVE)" in command:
        # RFC 5182 section 2.1: nothing is returned; Dovecot says so where MODSEQ is searched for.
        theirs.responses = [line for line in theirs.responses if not re.match(r"ESEARCH (UID)?\Z", line)]
    if b"STORE " in command:
        # RFC 7162 section 3.1.3 and RFC 3501 section 6.4.6: the value is told, though it is the old one.
        ours.fetched = {number: items for number, items in ours.fetched.items() if number in theirs.fetched}
    for number, items in ours.fetched.items():
        for name in [name for name in items if SECTION.match(name) and items[name] in {b"", "0"}]:
            # RFC 3501 section 6.4.5: only messages and multiparts have parts; Dovecot's leaves have themselves.
            del items[name]
            theirs.fetched.get(number, {}).pop(name, None)
