"""Sessions of every kind on one mailbox, under Hypothesis: no client ever misses a change.

Clients with and without CONDSTORE, QRESYNC, UIDONLY and NOTIFY change a mailbox in turns, lose their connections, amid
answers too, and come back; the server is stopped and started. What a client has cached by the responses alone is what
is in the mailbox, once it has been told; and after it has come back, whatever it had missed (RFC 7162 §3.2, §6).
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.fuzz.resyncing import MODIFIED, Client, Model, numbers_of
from tests.harness.imap import Place, Wire

if TYPE_CHECKING:
    from collections.abc import Coroutine

Result = TypeVar("Result")
MODES = [
    frozenset(word for word, is_on in zip(("CONDSTORE", "QRESYNC", "UIDONLY", "NOTIFY"), chosen, strict=True) if is_on)
    for chosen in product((False, True), repeat=4)
]
WHO = st.integers(0, 2)
SETS = st.sampled_from(["1", "2", "*", "1:*", "2:3", "1,3", "3:2", "1:2,4:5"])
UID_SETS = st.sampled_from(["1", "2:4", "*", "1:*", "3,5,7", "6:9", "4:30", "2,8"])
FLAGS = st.sampled_from(
    [frozenset({"\\Seen"}), frozenset({"\\Deleted"}), frozenset({"\\Flagged", "k1"}), frozenset({"k2"})]
)
DELETED = frozenset({"\\Deleted"})
KNOWN = st.sampled_from(["", "all", "more", "fetch"])  # the UIDs that SELECT names, or UID FETCH asks in place of it
CHANGES = st.sampled_from(["FLAGS", "+FLAGS", "-FLAGS"])


class Sessions(RuleBasedStateMachine):
    """Three clients, one mailbox."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="postroad-resync-"))
        self.loop = asyncio.new_event_loop()
        self.place = self.run(self._place())
        self.model = Model()
        self.clients: list[Client] = []

    async def _place(self) -> Place:
        return Place(self.folder)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(work)

    @initialize(modes=st.tuples(*[st.sampled_from(MODES)] * 3), count=st.integers(0, 8))
    def begin(self, modes: tuple[frozenset[str], ...], count: int) -> None:
        self.clients = [Client(self.model, mode) for mode in modes]
        self.run(self._begin(count))

    async def _begin(self, count: int) -> None:
        for client in self.clients:
            await client.begin(Wire(self.place))
        for _ in range(count):
            await self._append(self.clients[0], frozenset())
        for client in self.clients:
            await client.select()
        self._hear()

    def teardown(self) -> None:
        for client in self.clients:
            client.lose()
        self.place.close()
        self.loop.close()
        shutil.rmtree(self.folder)

    def _hear(self) -> None:
        """Let idling clients hear what they are told."""
        for client in self.clients:
            if client.wire is not None and client.wire.received:
                assert client.idling or "NOTIFY" in client.mode
                client.may_expunge = True
                client.hear(client.wire.received.decode())
                client.wire.received.clear()

    async def _on(self, who: int) -> Client:
        """Return the client, connected, and in no IDLE."""
        client = self.clients[who]
        if client.wire is None:
            await client.begin(Wire(self.place))
            await client.select()
        if client.idling:
            client.idling = False
            client.may_expunge = True
            assert client.wire is not None
            client.hear(await client.wire.say("DONE"))
        return client

    async def _settled(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        self._hear()

    async def _append(self, client: Client, flags: frozenset[str]) -> None:
        self.model.arrive([flags])
        await client.say(f"APPEND INBOX ({' '.join(flags)}) {{8+}}\r\nx: y\r\n\r\n")
        await self._settled()

    def _targets(self, client: Client, messages: str, *, uid: bool) -> list[int] | None:
        """Return the UIDs that a set means to the server; None if it is BAD."""
        numbers = client.numbers
        if uid:
            wanted = numbers_of(messages, numbers[-1] if numbers else self.model.uid_next)
            return [each for each in numbers if each in wanted]
        wanted = numbers_of(messages, len(numbers))
        if not numbers or max(wanted) > len(numbers):
            return None
        return [numbers[number - 1] for number in sorted(wanted)]

    # -- what clients do --------------------------------------------------------------------------------------

    @rule(
        who=WHO,
        messages=SETS,
        uids=UID_SETS,
        uid=st.booleans(),
        change=CHANGES,
        flags=FLAGS,
        silent=st.booleans(),
        since=st.sampled_from([None, "known", 1]),
        lines=st.none() | st.integers(0, 4),
    )
    def store(
        self,
        who: int,
        messages: str,
        uids: str,
        *,
        uid: bool,
        change: str,
        flags: frozenset[str],
        silent: bool,
        since: object,
        lines: int | None,
    ) -> None:
        self.run(
            self._store(
                who, messages, uids, uid=uid, change=change, flags=flags, silent=silent, since=since, lines=lines
            )
        )

    async def _store(
        self,
        who: int,
        messages: str,
        uids: str,
        *,
        uid: bool,
        change: str,
        flags: frozenset[str],
        silent: bool,
        since: object,
        lines: int | None,
    ) -> None:
        client = await self._on(who)
        uid = uid or "UIDONLY" in client.mode
        wanted = uids if uid else messages
        targets = self._targets(client, wanted, uid=uid)
        modifier = ""
        modseq = None
        if since is not None and client.aware:
            modseq = max(client.highest, 1) if since == "known" else 1
            modifier = f" (UNCHANGEDSINCE {modseq})"
        before = list(client.numbers)
        failed = set() if targets is None else self.model.store(targets, change, flags, modseq)
        silence = ".SILENT" if silent else ""
        text = await client.say(
            f"{'UID ' * uid}STORE {wanted}{modifier} {change}{silence} ({' '.join(sorted(flags))})", lines=lines
        )
        if targets is None:
            assert " BAD " in text
        if targets is not None and client.result:  # else the connection was lost before
            told = MODIFIED.search(client.result)
            modified = numbers_of(told[1], 0) if told else set()
            assert modified == (failed if uid else {before.index(each) + 1 for each in failed})
            if silent:  # the client knows what it has done
                for each in set(targets) - failed:
                    had = client.cache.get(each)
                    if had is not None and each in client.numbers:
                        client.cache[each] = {"+FLAGS": had | flags, "-FLAGS": had - flags, "FLAGS": flags}[change]
        if lines is not None:
            client.lose()
        await self._settled()

    @rule(
        who=WHO,
        messages=SETS,
        uids=UID_SETS,
        uid=st.booleans(),
        body=st.booleans(),
        lines=st.none() | st.integers(0, 4),
    )
    def fetch(self, who: int, messages: str, uids: str, *, uid: bool, body: bool, lines: int | None) -> None:
        self.run(self._fetch(who, messages, uids, uid=uid, body=body, lines=lines))

    async def _fetch(self, who: int, messages: str, uids: str, *, uid: bool, body: bool, lines: int | None) -> None:
        client = await self._on(who)
        uid = uid or "UIDONLY" in client.mode
        wanted = uids if uid else messages
        targets = self._targets(client, wanted, uid=uid)
        if body and targets is not None:
            self.model.store(targets, "+FLAGS", frozenset({"\\Seen"}))
        items = "BODY[]" if body else "FLAGS MODSEQ" if client.aware else "FLAGS"
        await client.say(f"{'UID ' * uid}FETCH {wanted} ({items})", lines=lines)
        if lines is not None:
            client.lose()
        await self._settled()

    @rule(who=WHO, uids=st.none() | UID_SETS, lines=st.none() | st.integers(0, 3))
    def expunge(self, who: int, uids: str | None, lines: int | None) -> None:
        self.run(self._expunge(who, uids, lines))

    async def _expunge(self, who: int, uids: str | None, lines: int | None) -> None:
        client = await self._on(who)
        among = client.numbers if uids is None else self._targets(client, uids, uid=True) or []
        deleted = [uid for uid in among if uid in self.model.messages and "\\Deleted" in self.model.messages[uid].flags]
        self.model.remove(deleted)
        await client.say("EXPUNGE" if uids is None else f"UID EXPUNGE {uids}", lines=lines)
        if lines is not None:
            client.lose()
        elif deleted and "QRESYNC" in client.mode:
            assert "[HIGHESTMODSEQ " in client.result  # RFC 7162 §3.2.7
        await self._settled()

    @rule(who=WHO, messages=SETS)
    def remove(self, who: int, messages: str) -> None:
        """Others may be in the middle of something, and have to wait before they are told."""

        self.run(self._remove(who, messages))

    async def _remove(self, who: int, messages: str) -> None:
        await self._store(
            who, messages, messages, uid=False, change="+FLAGS", flags=DELETED, silent=True, since=None, lines=None
        )
        await self._expunge(who, None, None)

    @rule(who=WHO, other=WHO, messages=SETS, known=KNOWN)
    def remove_while_one_is_away(self, who: int, other: int, messages: str, known: str) -> None:
        async def removed() -> None:
            await self._on(who)  # it knows what is there
            self.clients[who].lose()
            await self._remove(other, messages)
            await self._come_back(who, known, match=False)

        self.run(removed())

    @rule(who=WHO, messages=SETS, flags=FLAGS, silent=st.booleans(), known=st.sampled_from(["", "all"]))
    def store_and_come_back(self, who: int, messages: str, *, flags: frozenset[str], silent: bool, known: str) -> None:
        """The tagged response is the last that the client gets."""

        async def stored() -> None:
            await self._store(
                who, messages, messages, uid=False, change="+FLAGS", flags=flags, silent=silent, since=None, lines=None
            )
            await self._come_back(who, known, match=False)

        self.run(stored())

    @rule(who=WHO, uids=UID_SETS, move=st.booleans(), lines=st.none() | st.integers(0, 4))
    def copy(self, who: int, uids: str, *, move: bool, lines: int | None) -> None:
        self.run(self._copy(who, uids, move=move, lines=lines))

    async def _copy(self, who: int, uids: str, *, move: bool, lines: int | None) -> None:
        client = await self._on(who)
        targets = [uid for uid in self._targets(client, uids, uid=True) or [] if uid in self.model.messages]
        if move:
            self.model.remove(targets)
        elif targets:
            self.model.arrive([self.model.messages[uid].flags for uid in targets])
        await client.say(f"UID MOVE {uids} Archive" if move else f"UID COPY {uids} INBOX", lines=lines)
        if lines is not None:
            client.lose()
        await self._settled()

    @rule(who=WHO, flags=FLAGS)
    def append(self, who: int, flags: frozenset[str]) -> None:
        async def appended() -> None:
            await self._append(await self._on(who), flags)

        self.run(appended())

    @rule(
        who=WHO,
        command=st.sampled_from(
            ["NOOP", "CHECK", "UID SEARCH ALL", "STATUS INBOX (MESSAGES)", "SEARCH 1", 'LIST "" INBOX']
        ),
        lines=st.none() | st.integers(0, 2),
    )
    def ask(self, who: int, command: str, lines: int | None) -> None:
        async def asked() -> None:
            client = await self._on(who)
            await client.say(command, lines=lines)
            if lines is not None:
                client.lose()
            await self._settled()

        self.run(asked())

    @rule(who=WHO)
    def idle(self, who: int) -> None:
        async def idled() -> None:
            client = await self._on(who)
            client.idling = True
            await client.say("IDLE")

        self.run(idled())

    # -- what becomes of them ---------------------------------------------------------------------------------

    @rule(who=WHO)
    def lose(self, who: int) -> None:
        self.clients[who].lose()

    @rule(who=WHO, known=KNOWN, match=st.booleans())
    def come_back(self, who: int, known: str, *, match: bool) -> None:
        self.run(self._come_back(who, known, match=match))

    async def _come_back(self, who: int, known: str, *, match: bool) -> None:
        client = self.clients[who]
        had = sorted(client.cache)
        client.lose()
        await client.begin(Wire(self.place))
        uids = {"": "", "all": f" {','.join(map(str, had))}" if had else "", "more": " 1:100000", "fetch": ""}[known]
        data = ""
        if match and had and "UIDONLY" not in client.mode:
            every = range(1, len(had) + 1, 2)
            data = f" ({','.join(map(str, every))} {','.join(str(had[number - 1]) for number in every)})"
        await client.select(known=uids, match=data, by_fetch=known == "fetch")
        self._equal(client)

    @rule(who=WHO)
    def look(self, who: int) -> None:
        """Once it has been told everything, the client has everything."""

        async def looked() -> None:
            client = await self._on(who)
            if "NOTIFY" not in client.mode:
                await client.say("NOOP")
            await client.learn()  # a client that has asked for NOTIFY has been told of all but its own messages
            assert client.cache == self.model.contents()
            await client.say("NOOP")
            self._equal(client)

        self.run(looked())

    def _equal(self, client: Client) -> None:
        assert client.cache == self.model.contents()
        assert client.numbers == list(self.model.messages)
        if client.aware:
            assert client.highest == self.model.modseq

    @rule()
    def restart(self) -> None:
        for client in self.clients:
            client.lose()
        self.place.close()
        self.place.incoming.rmdir()
        self.place = self.run(self._place())

    @precondition(lambda self: self.clients)
    @rule()
    def the_model_is_right(self) -> None:
        async def compared() -> None:
            wire = Wire(self.place)
            witness = Client(self.model, frozenset({"CONDSTORE"}))
            await witness.begin(wire)
            await witness.select()
            self._equal(witness)
            witness.lose()

        self.run(compared())


Sessions.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestSessions = Sessions.TestCase
TestSessions.pytestmark = pytest.mark.timeout(600)  # type: ignore[attr-defined]  # a failure takes long to be made short
