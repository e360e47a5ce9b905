"""`GET /journal/search`: the events of one message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad.control.client import DoorRefused
from postroad.control.search import search_route
from postroad.journal import Journal, Kind
from tests.common.control.test_door import client_of, opened

if TYPE_CHECKING:
    from pathlib import Path


async def test_one_message_and_what_was_reported_about_it(tmp_path: Path) -> None:
    relay, store = Journal(tmp_path, service="relay"), Journal(tmp_path, service="store")
    relay.record(Kind.ACCEPTED, "Q1", "<same@alpha.test>", session="in", sender="alice@alpha.test")
    relay.record(Kind.ACCEPTED, "Q2", "<same@alpha.test>", session="other")  # submitted again: another message
    store.record(Kind.STORED, "s1", "<same@alpha.test>", account="bob", mailbox="INBOX", uid_validity=7, uid=1)
    store.record(Kind.STORED, "s2", "<same@alpha.test>", account="bob", mailbox="INBOX", uid_validity=7, uid=2)
    store.record(Kind.RETRIEVED, account="bob", mailbox="INBOX", uid_validity=7, uid=1, session="imap")
    relay.record(Kind.DELIVERED, "Q1", "<same@alpha.test>", reply="250 OK stored as s1")
    relay.record(Kind.FAILED, "Q1", "<same@alpha.test>", recipient="x")
    relay.record(Kind.REPORTED, "Q1", "<same@alpha.test>", dsn_queue_id="Q3")
    relay.record(Kind.QUEUED, "Q3", "<dsn@alpha.test>", reports="Q1")
    relay.close()
    store.close()
    async with opened(search_route(tmp_path)) as door, client_of(door) as client:
        messages = (await client.get("/journal/search", queue_id="Q1"))["messages"]
        assert [message["queue_ids"] for message in messages] == [["Q1", "s1"], ["Q3"]]
        assert messages[1]["reports"] == ["Q1"]
        kinds = sorted(entry["kind"] for entry in messages[0]["entries"])
        assert kinds == ["accepted", "delivered", "failed", "reported", "retrieved", "stored"]
        (accepted,) = [entry for entry in messages[0]["entries"] if entry["kind"] == "accepted"]
        assert accepted["detail"] == {"session": "in", "sender": "alice@alpha.test"}
        assert (accepted["service"], accepted["message_id"]) == ("relay", "<same@alpha.test>")
        assert accepted["at"] > 1_700_000_000
        assert (await client.get("/journal/search", queue_id="none"))["messages"] == []
        with pytest.raises(DoorRefused, match="queue_id"):
            await client.get("/journal/search")
