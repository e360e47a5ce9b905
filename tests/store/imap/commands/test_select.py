"""SELECT with QRESYNC: a long answer is sent in pieces, and others have their turn in between (RFC 7162 §3.2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from tests.harness.imap import NOW, Place, Wire

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

COUNT = 7


async def test_a_long_answer_is_that_of_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path)
    inbox = (await place.storage.account("alice@alpha.test")).inbox
    await place.storage.append([Arrival((inbox,), b"x", int(NOW), NO_FLAGS) for _ in range(COUNT)])
    await place.storage.expunge(inbox, [3], only_deleted=False)
    examine = f"b EXAMINE INBOX (QRESYNC ({inbox.uid_validity} 1))"  # all is recent in both
    wires = [Wire(place), Wire(place)]
    for wire in wires:
        await wire.say("a LOGIN alice@alpha.test wonderland")
        await wire.say("a ENABLE QRESYNC")
    expected = await wires[0].say(examine)
    assert expected.count(" FETCH (UID ") == COUNT - 1
    assert "* VANISHED (EARLIER) 3\r\n" in expected

    monkeypatch.setattr("postroad_store.imap.commands.fetch.blocks.IN_MEMORY", 1)
    assert await wires[1].say(examine) == expected
    for wire in wires:
        wire.end()
    place.close()
