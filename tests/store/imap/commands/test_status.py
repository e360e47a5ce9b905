r"""STATUS of the octets of messages with \Deleted, which are looked for (RFC 9208 §4.1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.status import command
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import DELETED, NO_FLAGS, FlagSet
from tests.harness.imap import NOW, Place, Wire

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("many", [0, 20_000])
async def test_in_a_thread_or_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr(command, "MANY", many)
    place = Place(tmp_path)
    inbox = (await place.storage.account("alice@alpha.test")).inbox
    for size, flags in ((5, NO_FLAGS), (70, FlagSet(DELETED)), (900, FlagSet(DELETED)), (10, NO_FLAGS)):
        await place.storage.append([Arrival((inbox,), b"x" * size, int(NOW), flags)])
    wire = Wire(place)
    wire.feed(b"a LOGIN alice@alpha.test wonderland\r\n")
    await wire.idle()
    wire.received.clear()
    wire.feed(b"b STATUS INBOX (DELETED-STORAGE DELETED)\r\n")
    await wire.idle()
    assert bytes(wire.received) == b"* STATUS INBOX (DELETED 2 DELETED-STORAGE 970)\r\nb OK Status completed.\r\n"
    wire.end()
    place.close()


async def test_a_client_that_is_offered_less_is_refused_what_another_has_asked_for(tmp_path: Path) -> None:
    place = Place(tmp_path, hidden=frozenset({"STATUS=SIZE"}))
    text = "b STATUS INBOX (MESSAGES SIZE)"
    alice, bob = Wire(place), Wire(place)
    await alice.say("a LOGIN alice@alpha.test wonderland")
    await bob.say("a LOGIN bob@alpha.test builder")
    for _ in range(2):
        assert await alice.say(text) == "* STATUS INBOX (MESSAGES 0 SIZE 0)\r\nb OK Status completed.\r\n"
        assert (await bob.say(text)).startswith("b BAD Error in IMAP command STATUS: Invalid status item SIZE")
    assert (await alice.say("c ENABLE IMAP4rev2")).startswith("* ENABLED")
    for _ in range(2):
        assert (await bob.say("d STATUS INBOX (RECENT)")).startswith("* STATUS INBOX (RECENT 0)")
        assert (await alice.say("d STATUS INBOX (RECENT)")).startswith("d BAD Error in IMAP command STATUS")
        assert await alice.say(b'e STATUS "b\xff" (MESSAGES)') == (
            "e BAD Error in IMAP command STATUS: A string is not valid UTF-8\r\n"
        )
        assert (await bob.say(b'e STATUS "b\xff" (MESSAGES)')).startswith("e NO ")
    for wire in (alice, bob):
        wire.end()
    place.close()
