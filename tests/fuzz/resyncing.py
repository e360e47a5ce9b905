"""Clients that keep a cache of one mailbox by responses alone, and the mailbox as a plain model: for `test_resync`.

The model is what RFC 3501 and RFC 7162 say of a mailbox, in lists and sets. A client believes what it is told, as
RFC 7162 §6 tells it to, and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.harness.imap import Wire

Flags = frozenset[str]
FETCHED = re.compile(r"\* (\d+) (UID)?FETCH \((.*)")
UID, MODSEQ, FLAGS = re.compile(r"UID (\d+)"), re.compile(r"MODSEQ \((\d+)\)"), re.compile(r"FLAGS \(([^)]*)\)")
HIGHEST = re.compile(r"\[HIGHESTMODSEQ (\d+)\]")
MODIFIED = re.compile(r"\[MODIFIED ([\d:,]+)\]")


def numbers_of(text: str, largest: int) -> set[int]:
    """Return the numbers of a sequence set."""
    numbers: set[int] = set()
    for part in text.split(","):
        low, _, high = part.replace("*", str(largest)).partition(":")
        first, last = sorted((int(low), int(high or low)))
        numbers.update(range(first, min(last, 1000) + 1))
    return numbers


@dataclass
class Message:
    """A message of the model."""

    flags: Flags
    modseq: int


@dataclass
class Model:
    """The mailbox."""

    messages: dict[int, Message] = field(default_factory=dict)  # by UID, ascending
    uid_next: int = 1
    modseq: int = 1
    keywords: set[str] = field(default_factory=set)  # that the mailbox has ever had: a new one is a change of it

    def arrive(self, flags: Iterable[Flags]) -> None:
        """Add messages in one step."""
        self.modseq += 1
        for each in flags:
            self._learn(each)
            self.messages[self.uid_next] = Message(each, self.modseq)
            self.uid_next += 1

    def remove(self, uids: Iterable[int]) -> None:
        """Remove messages in one step."""
        gone = [uid for uid in uids if uid in self.messages]
        self.modseq += bool(gone)
        for uid in gone:
            del self.messages[uid]

    def store(self, uids: list[int], change: str, flags: Flags, since: int | None = None) -> set[int]:
        """Change flags in one step; return the UIDs that fail UNCHANGEDSINCE (RFC 7162 §3.1.3, §3.1.12)."""
        failed: set[int] = set()
        if not uids:
            return failed
        changed: dict[int, Flags] = {}
        for uid in uids:
            message = self.messages.get(uid)
            if message is None:
                continue
            had = message.flags
            new = {"+FLAGS": had | flags, "-FLAGS": had - flags, "FLAGS": flags}[change]
            if since is not None and message.modseq > since:
                untouched = {"+FLAGS": not had & flags, "-FLAGS": had >= flags, "FLAGS": False}[change]
                if not flags or not untouched or not since:
                    failed.add(uid)
                    continue
            if new != had:
                changed[uid] = new
        learned = change != "-FLAGS" and self._learn(flags)
        self.modseq += bool(changed or learned)
        for uid, new in changed.items():
            self.messages[uid] = Message(new, self.modseq)
        return failed

    def _learn(self, flags: Flags) -> bool:
        new = {flag for flag in flags if not flag.startswith("\\")} - self.keywords
        self.keywords |= new
        return bool(new)

    def contents(self) -> dict[int, Flags]:
        """Return what a client must find."""
        return {uid: message.flags for uid, message in self.messages.items()}


class Client:
    """One client: its cache, which it keeps when the connection is lost, and its session."""

    def __init__(self, model: Model, mode: frozenset[str]) -> None:
        self.model = model
        self.mode = mode  # of CONDSTORE, QRESYNC, UIDONLY, NOTIFY
        self.aware = bool(mode & {"CONDSTORE", "QRESYNC"})
        self.wire: Wire | None = None
        self.cache: dict[int, Flags | None] = {}  # by UID; None: not known yet
        self.highest = 0
        self.numbers: list[int] = []  # UIDs by message number, of this session
        self.idling = False
        self._seen = 0  # the highest MODSEQ since the last tagged response
        self._code: int | None = None  # the last HIGHESTMODSEQ since then
        self._vanished_may_come = True
        self.tag = 0
        self.found: set[int] = set()  # by the last SEARCH
        self.result = ""  # the tagged response to the last command, if it was heard

    # -- what the client hears ------------------------------------------------------------------------------------

    def hear(self, text: str, *, lines: int | None = None) -> None:
        """Take responses in, or the first few of them: then the connection is lost."""
        told = text.split("\r\n")[:-1]
        for line in told if lines is None else told[:lines]:
            self._line(line)

    def _line(self, line: str) -> None:
        if code := HIGHEST.search(line):
            self._code = int(code[1])
        if line.startswith(f"t{self.tag} "):
            self.result = line.partition(" ")[2]
            self.may_expunge = True
            self._tagged()
        elif fetched := FETCHED.match(line):
            self._fetched(int(fetched[1]), fetched[3], uid_only=fetched[2] is not None)
        elif line.startswith("* VANISHED (EARLIER) "):
            for uid in numbers_of(line.rpartition(" ")[2], 0):
                assert uid not in self.numbers  # RFC 7162 §3.2.10: these are told without EARLIER
                self.cache.pop(uid, None)
        elif line.startswith("* VANISHED "):
            assert self.mode & {"QRESYNC", "UIDONLY"}
            for uid in numbers_of(line.rpartition(" ")[2], 0):
                self.numbers.remove(uid)  # RFC 7162 §3.2.10.2: only what the client has been told of
                self.cache.pop(uid, None)
        elif line.endswith(" EXPUNGE"):
            assert not self.mode & {"QRESYNC", "UIDONLY"}
            assert self.may_expunge
            self.cache.pop(self.numbers.pop(int(line.split()[1]) - 1), None)
        elif line.endswith(" EXISTS"):
            last = self.numbers[-1] if self.numbers else 0
            self.numbers += [uid for uid in self.model.messages if uid > last]
            assert len(self.numbers) == int(line.split()[1])
        elif line.startswith("* SEARCH"):
            self.found = set(map(int, line.split("(", maxsplit=1)[0].split()[2:]))

    def _tagged(self) -> None:
        # RFC 7162 §6: the code counts, even if it is lower; else the highest that has been seen
        self.highest = max(self.highest, self._seen) if self._code is None else self._code
        self._seen, self._code = 0, None

    def _fetched(self, number: int, text: str, *, uid_only: bool) -> None:
        assert uid_only == ("UIDONLY" in self.mode)
        uid = number if uid_only else self.numbers[number - 1]
        assert uid in self.numbers
        if told := UID.search(text):
            assert int(told[1]) == uid
        if told := FLAGS.search(text):
            self.cache[uid] = frozenset(told[1].split()) - {"\\Recent"}
        if told := MODSEQ.search(text):
            self._seen = max(self._seen, int(told[1]))
            if uid in self.model.messages:
                assert int(told[1]) == self.model.messages[uid].modseq

    # -- what the client says -------------------------------------------------------------------------------------

    async def say(self, command: str, *, lines: int | None = None) -> str:
        """Send a command and hear the answer, or as many lines of it as come before the connection is lost."""
        assert self.wire is not None
        self.tag += 1
        self.result = ""
        self.may_expunge = not command.startswith(("FETCH", "STORE", "SEARCH"))
        answer = await self.wire.say(f"t{self.tag} {command}")
        assert "SERVERBUG" not in answer
        self.hear(answer, lines=lines)
        return answer

    async def begin(self, wire: Wire) -> None:
        """Log in, and enable what the client knows of."""
        self.wire = wire
        self.idling = False
        self.numbers, self._seen, self._code = [], 0, None
        self.hear(await wire.say("l LOGIN alice@alpha.test wonderland"))
        if self.mode & {"QRESYNC", "UIDONLY"}:
            await self.say("ENABLE " + " ".join(sorted(self.mode & {"QRESYNC", "UIDONLY", "CONDSTORE"})))
        if "NOTIFY" in self.mode:
            items = "(UID FLAGS MODSEQ)" if self.aware else "(UID FLAGS)"
            await self.say(f"NOTIFY SET (SELECTED (MessageNew {items} MessageExpunge FlagChange))")

    async def select(self, *, known: str = "", match: str = "", by_fetch: bool = False) -> None:
        """Select the mailbox, and learn what has happened meanwhile, by SELECT itself or by UID FETCH with VANISHED."""
        mode = self.mode
        last = max(self.cache, default=0)
        before, self.numbers = self.highest, []
        if "QRESYNC" in mode and before and by_fetch:
            await self.say("SELECT INBOX")
            await self.say(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {before} VANISHED)")
        elif "QRESYNC" in mode and before:
            await self.say(f"SELECT INBOX (QRESYNC (1772366400 {before}{known}{match}))")
        else:
            await self.say("SELECT INBOX (CONDSTORE)" if "CONDSTORE" in mode else "SELECT INBOX")
            if self.aware and before and last:
                await self.say(f"UID FETCH 1:{last} (FLAGS) (CHANGEDSINCE {before})")
                await self.say("UID SEARCH ALL")
                self.cache = {uid: flags for uid, flags in self.cache.items() if uid in self.found}
            else:
                self.cache = {}
        await self.learn()

    async def learn(self) -> None:
        """Ask for the flags of messages that the client does not know."""
        unknown = [uid for uid in self.numbers if self.cache.get(uid) is None]
        if unknown:
            await self.say(f"UID FETCH {','.join(map(str, unknown))} (UID FLAGS{' MODSEQ' * self.aware})")

    def lose(self) -> None:
        """Lose the connection."""
        if self.wire is not None:
            self.wire.end()
            self.wire = None
            self.idling = False
