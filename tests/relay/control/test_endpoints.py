"""The relay's control door over a live socket, with the relay whole behind it."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from typing import TYPE_CHECKING, Any

import aiosmtplib
import orjson
import pytest

from postroad.control import names
from postroad.control.client import DoorAway, DoorClient, DoorRefused, quote_path
from postroad.control.token import ensure_token, read_token
from postroad.journal import Kind
from postroad_relay.queue import administration
from tests.harness.tls import certificate, server_tls
from tests.relay.test_relay import CONTENT, WHOLE, Site

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from pathlib import Path

__all__ = ["certificate", "server_tls"]  # fixtures

BUSY = "450 4.2.1 Busy"
NO_USER = "550 5.1.1 No such user here"


class Desk:
    """A relay with its surroundings, and a client of its control door."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.open()

    def open(self) -> None:
        token = read_token(self.site.folder / "control")
        self.door = DoorClient("relay", f"{self.site.network}.25", 8026, token)

    async def send(self, *recipients: str, sender: str = "app@example.org", content: bytes = CONTENT) -> str:
        """Send by the app door and return the queue ID."""
        async with aiosmtplib.SMTP(hostname=f"{self.site.network}.1", port=1025, timeout=10) as client:
            _, reply = await client.sendmail(sender, recipients or ["bob@beta.test"], content)
        return reply.split("queued as ")[1]

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """Wait until the state has these values."""
        for _ in range(1000):
            state: dict[str, Any] = await self.door.get("/state")
            if wanted.items() <= state.items():
                return state
            await asyncio.sleep(0.01)
        raise AssertionError(state)

    async def queue_id_of_dsn(self) -> str:
        (event,) = [event for event in await self.events() if event["kind"] == "reported"]
        return str(event["dsn_queue_id"])

    async def events(self) -> list[dict[str, Any]]:
        """Return what the journal has so far."""
        last = (await self.door.get("/state"))["last"]
        got: list[dict[str, Any]] = []
        while not got or got[-1]["n"] < last:
            lines = await self.door.journal(got[-1]["n"] if got else 0, wait=5)
            got += map(orjson.loads, lines.lines)
        return got

    async def kinds(self, ident: str) -> list[str]:
        return [event["kind"] for event in await self.events() if event.get("queue_id") == ident]


@pytest.fixture
async def desk(tmp_path: Path, server_tls: ssl.SSLContext) -> AsyncIterator[Desk]:
    (tmp_path / "control").mkdir()
    ensure_token(tmp_path / "control")
    site = Site(tmp_path, server_tls)
    site.settings["POSTROAD_RETRY"] = "10m"
    async with site:
        desk = Desk(site)
        yield desk
        await desk.door.close()


async def test_without_a_token_the_relay_serves_and_has_no_door(tmp_path: Path) -> None:
    async with Site(tmp_path, None) as site:
        await site.send(port=2525)
        await site.store.wait_for(1)
        client = DoorClient("relay", f"{site.network}.25", 8026, "t" * 43)
        with pytest.raises(DoorAway):
            await client.get("/state")


async def test_a_wrong_token_opens_nothing(desk: Desk) -> None:
    client = DoorClient("relay", f"{desk.site.network}.25", 8026, "t" * 43)
    with pytest.raises(DoorRefused) as error:
        await client.get("/state")
    assert error.value.status == 401
    await client.close()


async def test_an_empty_relay(desk: Desk) -> None:
    state = await desk.door.get("/state")
    assert {name: state[name] for name in ("queued", "active", "held", "deferred", "accepting")} == {
        "queued": 0,
        "active": 0,
        "held": 0,
        "deferred": 0,
        "accepting": 0,
    }
    assert state["messages"] == []
    assert await desk.door.get("/queue") == {"messages": [], "next": None, "total": 0}


async def test_a_deferred_message_is_shown_and_tried_at_once(desk: Desk) -> None:
    desk.site.store.replies["RCPT TO:<busy@beta.test>"] = BUSY
    ident = await desk.send("bob@beta.test", "busy@beta.test", content=WHOLE)
    state = await desk.until(deferred=1, active=0)
    (shown,) = state["messages"]
    assert shown == await desk.door.get(quote_path("queue", ident))
    arrived, due = shown.pop("arrived"), shown.pop("due")
    assert 590 < due - arrived < 700
    assert shown.pop("recipients") == [
        {"address": "bob@beta.test", "state": "delivered", "status": None, "reason": "", "host": None},
        {
            "address": "busy@beta.test",
            "state": "deferred",
            "status": "4.2.1",
            "reason": f"host mx.postroad.test[{desk.site.network}.143] said: {BUSY} (in reply to RCPT TO)",
            "host": f"mx.postroad.test[{desk.site.network}.143]",
        },
    ]
    size = shown.pop("size")
    content = await desk.door.octets(quote_path("content", ident))
    assert len(content) == size
    assert content.endswith(WHOLE)
    assert shown == {
        "queue_id": ident,
        "message_id": "<m@b.c>",
        "sender": "app@example.org",
        "attempts": 1,
        "held": False,
        "active": False,
        "login": None,
        "reports": None,
        "world": "default",
    }
    desk.site.store.replies.clear()
    await desk.door.post(quote_path("queue", ident, "retry"))
    await desk.until(queued=0)
    assert (await desk.kinds(ident))[-1] == "delivered"
    with pytest.raises(DoorRefused) as error:
        await desk.door.get(quote_path("queue", ident))
    assert error.value.status == 404


async def test_quiet_can_be_told_from_state_and_journal(desk: Desk) -> None:
    for _ in range(20):
        ident = await desk.send()
        state = await desk.door.get("/state")
        while state["queued"] or state["accepting"]:
            state = await desk.door.get("/state")
        kinds = [event["kind"] for event in await desk.events() if event.get("queue_id") == ident]
        assert kinds[-1] == "delivered"


async def test_who_waits_for_quiet_is_answered_by_it(desk: Desk) -> None:
    desk.site.store.replies["RCPT"] = BUSY
    idents = [await desk.send() for _ in range(4)]
    waiting = [asyncio.create_task(desk.door.get("/state", wait=20)) for _ in range(2)]
    await desk.until(deferred=4, active=0)
    assert (await desk.door.get("/state", wait=0.05))["queued"] == 4
    await desk.door.post(quote_path("queue", idents[0], "hold"))
    await desk.door.delete(quote_path("queue", idents[1]))
    desk.site.store.replies.clear()
    await desk.door.post(quote_path("queue", idents[2], "retry"))
    assert not any(task.done() for task in waiting)
    await desk.door.post("/queue/retry", {"ids": None})
    for state in await asyncio.gather(*waiting):
        assert (state["queued"], state["held"]) == (1, 1)
    assert (await desk.door.get("/state", wait=20))["queued"] == 1
    assert desk.site.relay.manager.watcher is None


async def test_a_page_at_a_time(desk: Desk) -> None:
    desk.site.store.replies["RCPT"] = BUSY
    idents = [await desk.send() for _ in range(5)]
    await desk.until(deferred=5)
    first = await desk.door.get("/queue", limit=2)
    assert [message["queue_id"] for message in first["messages"]] == idents[:2]
    second = await desk.door.get("/queue", limit=3, after=first["next"])
    assert [message["queue_id"] for message in second["messages"]] == idents[2:]
    assert second["next"] is None
    assert second["total"] == 5


async def test_hold_survives_a_restart_and_release_lets_go(desk: Desk) -> None:
    desk.site.store.replies["RCPT"] = BUSY
    ident = await desk.send()
    await desk.until(deferred=1)
    held = await desk.door.post(quote_path("queue", ident, "hold"))
    assert (held["held"], held["due"], held["attempts"]) == (True, None, 1)
    assert await desk.door.post(quote_path("queue", ident, "hold")) == held
    with pytest.raises(DoorRefused) as error:
        await desk.door.post(quote_path("queue", ident, "retry"))
    assert error.value.status == 409
    assert await desk.door.post("/queue/retry", {"ids": None}) == {"count": 0}
    await desk.door.close()
    await desk.site.restart(POSTROAD_RETRY="20ms")
    desk.open()
    state = await desk.door.get("/state")
    assert (state["queued"], state["held"], state["deferred"]) == (1, 1, 0)
    assert state["messages"] == [held]
    desk.site.store.replies.clear()
    released = await desk.door.post(quote_path("queue", ident, "release"))
    assert not released["held"]
    await desk.until(queued=0, held=0)
    assert (await desk.kinds(ident))[-5:] == ["held", "released", "resolved", "attempted", "delivered"]


async def test_a_message_is_dropped_with_a_dsn(desk: Desk) -> None:
    desk.site.store.replies["RCPT TO:<busy@beta.test>"] = BUSY
    ident = await desk.send("bob@beta.test", "busy@beta.test", sender="x@elsewhere.example")
    await desk.until(deferred=1)
    await desk.door.delete(quote_path("queue", ident), report=True)
    await desk.site.store.wait_for(2)
    report = desk.site.store.mails[1]
    assert report.recipients == ["x@elsewhere.example"]
    assert b"Delivery was cancelled by the administrator" in report.content
    assert b"busy@beta.test" in report.content
    assert b"bob@beta.test" not in report.content.partition(b"Undelivered message")[0]
    assert (await desk.kinds(ident))[-3:] == ["failed", "reported", "dropped"]
    assert (await desk.door.octets(quote_path("content", ident))).endswith(CONTENT)


async def test_a_message_is_dropped_without_a_dsn(desk: Desk) -> None:
    desk.site.store.replies["RCPT"] = BUSY
    ident = await desk.send()
    await desk.until(deferred=1)
    await desk.door.delete(quote_path("queue", ident))
    await desk.until(queued=0)
    (dropped,) = [event for event in await desk.events() if event["kind"] == "dropped"]
    assert (dropped["recipients"], dropped["report"]) == (["bob@beta.test"], False)
    assert desk.site.store.mails == []
    assert (await desk.door.octets(quote_path("content", ident))).endswith(CONTENT)


async def test_a_purge_empties_the_queue(desk: Desk) -> None:
    desk.site.store.replies["RCPT"] = BUSY
    idents = [await desk.send() for _ in range(3)]
    await desk.until(deferred=3)
    await desk.door.post(quote_path("queue", idents[0], "hold"))
    assert await desk.door.delete("/queue") == {"removed": 3}
    state = await desk.door.get("/state")
    assert (state["queued"], state["held"]) == (0, 0)
    assert [(await desk.kinds(ident))[-1] for ident in idents] == ["dropped"] * 3
    with pytest.raises(DoorRefused) as error:
        await desk.door.octets(quote_path("content", idents[0]))
    assert error.value.status == 404


async def test_what_has_failed_is_kept(desk: Desk) -> None:
    desk.site.store.replies["RCPT"] = NO_USER
    ident = await desk.send(sender="x@elsewhere.example")
    await desk.until(queued=0)
    assert (await desk.door.octets(quote_path("content", ident))).endswith(CONTENT)
    # and the DSN about it, which has the null reverse-path and fails too
    dsn = await desk.queue_id_of_dsn()
    assert b"multipart/report" in await desk.door.octets(quote_path("content", dsn))
    assert (await desk.kinds(dsn))[-1] == "failed"


async def test_many_recipients_are_shown(desk: Desk) -> None:
    """Their record is longer than what is read at first."""
    desk.site.store.replies["RCPT"] = BUSY
    recipients = [f"{'x' * 50}{number}@beta.test" for number in range(100)]
    ident = await desk.send(*recipients)
    await desk.until(deferred=1)
    shown = await desk.door.get(quote_path("queue", ident))
    assert [recipient["address"] for recipient in shown["recipients"]] == recipients


async def test_a_failed_recipient_is_shown_beside_one_that_waits(desk: Desk) -> None:
    desk.site.store.replies |= {"RCPT TO:<busy@beta.test>": BUSY, "RCPT TO:<nobody@beta.test>": NO_USER}
    ident = await desk.send("nobody@beta.test", "busy@beta.test", sender="x@elsewhere.example")
    await desk.until(deferred=1, active=0)
    shown = await desk.door.get(quote_path("queue", ident))
    assert [recipient["state"] for recipient in shown["recipients"]] == ["failed", "deferred"]


async def test_a_message_under_way_is_shown_cut_off_and_gone(desk: Desk) -> None:
    desk.site.store.replies["RCPT"] = "wait"
    ident = await desk.send()
    state = await desk.until(active=1)
    (shown,) = state["messages"]
    assert (shown["active"], shown["due"], shown["recipients"][0]["state"]) == (True, None, "pending")
    assert await desk.door.post(quote_path("queue", ident, "retry")) == shown
    assert (await desk.door.get("/figures"))["attempts"] == {"made": 1, "under_way": 1}
    await desk.door.delete(quote_path("queue", ident))
    await desk.until(queued=0, active=0)
    assert desk.site.store.mails == []
    assert (await desk.kinds(ident))[-1] == "dropped"


async def test_a_server_that_has_the_content_is_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(administration, "FINAL", 0.2)
    desk.site.store.replies["."] = "wait"
    ident = await desk.send()
    running = desk.site.relay.manager.lanes._running
    while not [job for job in running if job.session is not None and job.session.is_final]:
        await desk.door.get("/state")
    assert (await desk.door.octets(quote_path("content", ident))).endswith(CONTENT)
    began = time.monotonic()
    await desk.door.delete(quote_path("queue", ident))
    assert time.monotonic() - began > 0.2
    assert (await desk.kinds(ident))[-1] == "dropped"


async def test_where_a_domain_rests_the_next_probe_is_told(desk: Desk) -> None:
    await desk.site.store.close()
    first = await desk.send()
    await desk.until(deferred=1, active=0)
    second = await desk.send()
    state = await desk.until(queued=2, active=0)
    due = {message["queue_id"]: message["due"] - message["arrived"] for message in state["messages"]}
    assert due[second] < 3 < due[first]
    assert (await desk.door.get("/figures"))["queue"]["resting_domains"] == 1


async def test_a_record_that_is_rotten(desk: Desk) -> None:
    desk.site.store.replies["RCPT"] = BUSY
    ident = await desk.send()
    await desk.until(deferred=1, active=0)
    (path,) = (desk.site.folder / "spool" / "log").iterdir()
    octets = path.read_bytes()
    path.write_bytes(octets[:60] + bytes(len(octets) - 60))
    shown = await desk.door.get(quote_path("queue", ident))
    assert (shown["recipients"], shown["sender"], shown["attempts"]) == ([], None, 1)
    with pytest.raises(DoorRefused, match="can't be read") as error:
        await desk.door.post(quote_path("queue", ident, "hold"))
    assert error.value.status == 507
    assert not (await desk.door.post(quote_path("queue", ident, "release")))["held"]  # it was not
    with pytest.raises(DoorRefused) as error:
        await desk.door.octets(quote_path("content", ident))
    assert error.value.status == 404
    await desk.door.delete(quote_path("queue", ident), report=True)
    await desk.until(queued=0)


async def test_a_full_disk_is_told(desk: Desk) -> None:
    desk.site.store.replies["RCPT"] = BUSY
    ident = await desk.send()
    await desk.until(deferred=1, active=0)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    desk.site.relay.spool.log.writev = full
    for change in (
        desk.door.post(quote_path("queue", ident, "hold")),
        desk.door.delete(quote_path("queue", ident)),
    ):
        with pytest.raises(DoorRefused) as error:
            await change
        assert error.value.status == 507
        assert error.value.sentence == "the queue can't be written: [Errno 28] No space left on device"
    desk.site.relay.spool.log.writev = os.pwritev


async def test_a_port_that_is_taken_stops_the_start(desk: Desk) -> None:
    await desk.site.relay.stop()
    with socket.create_server((f"{desk.site.network}.25", 8026)):
        desk.site.relay = desk.site.make()
        with pytest.raises(OSError, match="in use"):
            await desk.site.relay.start()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/queue/0000000000000", 404),
        ("post", "/queue/0000000000000/hold", 404),
        ("delete", "/queue/..%2f..", 404),
        ("get", "/content/..%2f..%2fcontrol%2ftoken", 404),
        ("get", "/queue?limit=0", 400),
        ("delete", "/queue/0000000000000?report=perhaps", 400),
    ],
)
async def test_what_is_refused(desk: Desk, method: str, path: str, status: int) -> None:
    with pytest.raises(DoorRefused) as error:
        await getattr(desk.door, method)(path)
    assert error.value.status == status


@pytest.mark.parametrize("value", [[], {"ids": 1}, {"ids": [1]}, {}, "x"])
async def test_ids_that_are_none(desk: Desk, value: Any) -> None:
    with pytest.raises(DoorRefused) as error:
        await desk.door.post("/queue/retry", value)
    assert error.value.status == 400


async def test_many_are_tried_at_once(desk: Desk) -> None:
    desk.site.store.replies["RCPT"] = BUSY
    idents = [await desk.send() for _ in range(3)]
    await desk.until(deferred=3)
    desk.site.store.replies.clear()
    assert await desk.door.post("/queue/retry", {"ids": [idents[0], "0000000000000"]}) == {"count": 1}
    await desk.until(queued=2)
    assert await desk.door.post("/queue/retry", {"ids": None}) == {"count": 2}
    await desk.until(queued=0)


WORLD = {
    "id": "w1",
    "app": {"user": "w1", "password": "x"},
    "capture": {"login": "outside@w1.test", "password": "y"},
    "domains": [{"name": "w1.test", "accounts": [{"name": "bob", "password": "p"}]}],
}


async def test_each_world_has_its_own_faults(desk: Desk) -> None:
    await desk.door.put("/worlds/w1", WORLD)
    mine = await desk.door.put("/faults", {"seed": 3, "rcpt": {"probability": 100}}, world="w1")
    assert await desk.door.get("/faults", world="w1") == mine
    assert (await desk.door.get("/faults"))["rcpt"]["probability"] == 0
    client = aiosmtplib.SMTP(hostname=f"{desk.site.network}.1", port=1025, timeout=10)
    async with client:
        await client.mail("app@example.org")
        await client.rcpt("bob@beta.test")
        with pytest.raises(aiosmtplib.SMTPRecipientRefused, match="Chaos"):  # the recipient says which world it is
            await client.rcpt("bob@w1.test")
        await client.rset()
        await client.login("w1", "x")
        await client.mail("app@example.org")
        with pytest.raises(aiosmtplib.SMTPRecipientRefused, match="Chaos"):  # the client's name does
            await client.rcpt("bob@beta.test")
        await desk.door.put("/faults", {name: {"probability": 100} for name in ("mail", "rcpt", "auth")})
        await client.rset()
        await client.mail("app@example.org")
    await desk.door.delete("/worlds/w1")
    assert (await desk.door.get("/faults", world="w1"))["seed"] == 0


async def test_faults(desk: Desk) -> None:
    off = {"code": 451, "probability": 0}
    default = {
        "seed": 0,
        "words": "mailpit",
        "mail": off,
        "rcpt": off,
        "auth": {"code": 535, "probability": 0},
        "link": {"refused": 0, "lost": 0, "slow": 0, "slowest": 1024, "fastest": 10240},
    }
    assert await desk.door.get("/faults") == default
    faults = default | {
        "seed": 7,
        "mail": {"code": 452, "probability": 100},
        "rcpt": off,
        "auth": {"code": 454, "probability": 100},
    }
    assert await desk.door.put("/faults", faults) == faults
    client = aiosmtplib.SMTP(hostname=f"{desk.site.network}.1", port=1025, timeout=10)
    async with client:
        with pytest.raises(aiosmtplib.SMTPAuthenticationError) as auth:
            await client.login("any", "any")
        assert (auth.value.code, auth.value.message) == (454, "Chaos authentication error")
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as mail:
            await client.mail("app@example.org")
        assert (mail.value.code, mail.value.message) == (452, "Chaos sender error")
        await desk.door.put("/faults", {"rcpt": {"probability": 100}})
        await client.mail("app@example.org")
        with pytest.raises(aiosmtplib.SMTPRecipientRefused) as rcpt:
            await client.rcpt("bob@beta.test")
        assert (rcpt.value.code, rcpt.value.message) == (451, "Chaos recipient error")
    await desk.site.send(port=2525)  # between servers there are no faults
    await desk.door.put("/faults", {name: {"probability": 100} for name in ("mail", "rcpt", "auth")})
    web = aiosmtplib.SMTP(hostname=f"{desk.site.network}.1", port=1025, timeout=10, local_hostname=names.WEB)
    async with web:  # nor for the web service
        await web.login("any", "any")
        await web.mail("app@example.org")
        await web.rcpt("bob@beta.test")
    with pytest.raises(DoorRefused) as error:
        await desk.door.put("/faults", {"rcpt": {"code": 250}})
    assert (error.value.status, error.value.sentence) == (400, "error code must be between 400 and 599")
    refused = [event for event in await desk.events() if event["kind"] == Kind.REFUSED]
    assert {event["command"] for event in refused} == {"AUTH", "MAIL", "RCPT"}


async def test_figures(desk: Desk) -> None:
    desk.site.store.replies["RCPT"] = BUSY
    await desk.send()
    await desk.until(deferred=1)
    async with aiosmtplib.SMTP(hostname=f"{desk.site.network}.1", port=1025, timeout=10):
        figures = await desk.door.get("/figures")
    assert figures["sessions"] == {"smtp": 0, "submission": 0, "submissions": 0, "app": 1}
    queue = figures["queue"]
    assert 0 <= queue.pop("oldest_age") < 10
    assert queue == {"length": 1, "active": 0, "held": 0, "deferred": 1, "resting_domains": 0}
    assert figures["attempts"] == {"made": 1, "under_way": 0}
    assert figures["journal"]["dropped"] == 0
    assert figures["process"]["rss"] > 0
