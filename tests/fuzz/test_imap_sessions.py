"""Several IMAP sessions on one mailbox, under Hypothesis: each client's picture of it stays true.

A client knows the mailbox by what it is told: EXISTS, EXPUNGE, FETCH. Whatever the sessions do, and in whatever order,
the UIDs that a client has worked out are those that FETCH gives it, and no EXPUNGE comes when RFC 3501 §7.4.1
forbids it.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.imap import Place, Wire

SETS = st.sampled_from(["1", "2", "*", "1:*", "2:3", "1,3", "3:2", "5:*", "9"])
FLAGS = st.sampled_from(["(\\Seen)", "(\\Deleted)", "()", "(\\Flagged Work)", "(k1 k2)"])
UID = st.sampled_from(["", "UID "])
COMMANDS = st.one_of(
    st.sampled_from(["NOOP", "CHECK", "EXPUNGE", "SEARCH ALL", "UID SEARCH DELETED", "STATUS INBOX (MESSAGES)"]),
    st.sampled_from(["LIST", "UNSELECT", "CLOSE", "EXAMINE INBOX", "SELECT INBOX", "SELECT nope", "IDLE"]),
    st.builds("{}FETCH {} {}".format, UID, SETS, st.sampled_from(["FLAGS", "BODY[]", "ALL"])),
    st.builds("{}STORE {} {} {}".format, UID, SETS, st.sampled_from(["FLAGS", "+FLAGS", "-FLAGS.SILENT"]), FLAGS),
    st.builds("{}COPY {} {}".format, UID, SETS, st.sampled_from(["INBOX", "Sent", "nope"])),
    st.builds("{}MOVE {} {}".format, UID, SETS, st.sampled_from(["INBOX", "Sent"])),
    st.builds("UID EXPUNGE {}".format, SETS),
    st.just("APPEND INBOX (\\Deleted) {6+}\r\na: b\r\n"),
)
STEPS = st.lists(st.tuples(st.integers(0, 2), COMMANDS), min_size=1, max_size=25)


class Client:
    """What a client knows."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.count = 0
        self.uids: list[int | None] = []  # by sequence number; None where it has not been told
        self.idling = False

    async def do(self, command: str) -> None:
        if self.idling:
            self.idling = False
            self.hear(await self.wire.say("DONE"), "IDLE")
        answer = await self.wire.say(f"a {command}")
        assert "SERVERBUG" not in answer
        self.idling = command == "IDLE" and answer.startswith("+ ")
        if command.startswith(("SELECT", "EXAMINE")):
            self.uids = []
        self.hear(answer, command)
        if not self.idling:
            await self.look()

    async def look(self) -> None:
        """Compare the picture with the mailbox as this session has it."""
        answer = await self.wire.say("b FETCH 1:* UID")
        if answer.startswith("b BAD"):
            assert not self.uids or self.wire.session.view is None, answer
            return
        told = {
            int(number): int(uid) for number, uid in re.findall(r"^\* (\d+) FETCH \(UID (\d+)\)", answer, re.MULTILINE)
        }
        for number, uid in told.items():
            assert self.uids[number - 1] in {None, uid}
            self.uids[number - 1] = uid
        known = [uid for uid in self.uids if uid is not None]
        assert known == sorted(set(known))
        assert len(told) == len(self.uids) or "EXPUNGEISSUED" in answer
        self.hear(answer, "FETCH")

    def hear(self, answer: str, command: str) -> None:
        for number, what in re.findall(r"^\* (\d+) (EXISTS|EXPUNGE)", answer, re.MULTILINE):
            if what == "EXISTS":
                assert int(number) >= len(self.uids)  # RFC 3501 §5.2: only EXPUNGE makes it smaller
                self.uids += [None] * (int(number) - len(self.uids))
            else:
                assert not command.startswith(("FETCH", "STORE", "SEARCH"))
                del self.uids[int(number) - 1]


async def play(folder: Path, steps: list[tuple[int, str]]) -> None:
    place = Place(folder)
    clients = [Client(Wire(place)) for _ in range(3)]
    try:
        for client in clients:
            await client.wire.say("l LOGIN alice@alpha.test wonderland")
            await client.do("SELECT INBOX")
        await clients[0].do("APPEND INBOX {6+}\r\na: b\r\n")
        await clients[0].do("COPY 1 INBOX")
        await clients[0].do("COPY 1:2 INBOX")
        for who, command in steps:
            await clients[who].do(command)
        for client in clients:
            await client.do("NOOP")
    finally:
        for client in clients:
            client.wire.end()
        place.close()


@settings(max_examples=25)
@given(STEPS)
def test_every_client_has_a_true_picture(steps: list[tuple[int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), steps))
