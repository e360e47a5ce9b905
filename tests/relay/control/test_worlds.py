"""Worlds in the relay, by its door: whose mail is whose, and that a drop leaves nothing, whatever is under way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiosmtplib
import pytest

from postroad.control.client import DoorRefused
from tests.harness.tls import certificate, server_tls
from tests.harness.worlds import definition
from tests.relay.control.test_endpoints import BUSY, Desk, desk
from tests.relay.test_relay import CONTENT

if TYPE_CHECKING:
    from postroad.control.client import DoorClient

__all__ = ["certificate", "desk", "server_tls"]  # fixtures

COUNTS = ("queued", "active", "held", "deferred")


async def put(desk: Desk, *idents: str) -> None:
    for ident in idents:
        desk.site.dns.script[f"{ident}.test", "MX"] = [f"{ident}.test. 300 MX 10 mx.postroad.test."]
        await desk.door.put(f"/worlds/{ident}", definition(ident))


async def send_as(desk: Desk, login: str, *recipients: str, port: int = 1025, password: str = "any") -> str:
    host = f"{desk.site.network}.{1 if port == 1025 else 25}"
    client = aiosmtplib.SMTP(
        hostname=host,
        port=port,
        username=login,
        password=password,
        start_tls=port == 1587,
        validate_certs=False,
        timeout=10,
    )
    async with client:
        _, reply = await client.sendmail("app@example.org", recipients, CONTENT)
    return reply.split("queued as ")[1]


async def counts(door: DoorClient, world: str | None = None) -> dict[str, int]:
    state: dict[str, Any] = await door.get("/state", world=world)
    return {name: state[name] for name in COUNTS}


async def test_the_queue_of_a_world_is_its_own(desk: Desk) -> None:
    await put(desk, "one", "two")
    desk.site.store.replies["RCPT"] = BUSY
    first = await desk.send("bob@one.test")
    second = await send_as(desk, "two", "alice@alpha.test")
    third = await desk.send("bob@beta.test")
    await desk.until(deferred=3, active=0)
    for world, ident in (("one", first), ("two", second), ("default", third)):
        assert await counts(desk.door, world) == {"queued": 1, "active": 0, "held": 0, "deferred": 1}
        page = await desk.door.get("/queue", world=world)
        assert [(message["queue_id"], message["world"]) for message in page["messages"]] == [(ident, world)]
        assert page["total"] == 1
        state = await desk.door.get("/state", world=world)
        assert [message["queue_id"] for message in state["messages"]] == [ident]
    assert (await desk.door.get("/queue"))["total"] == 3
    assert await desk.door.post("/queue/retry", {"ids": [first, second, "none"], "world": "one"}) == {"count": 1}
    await desk.until(deferred=3, active=0)
    assert await desk.door.post("/queue/retry", {"ids": None, "world": "two"}) == {"count": 1}
    await desk.until(deferred=3, active=0)
    await desk.door.post(f"/queue/{second}/hold")
    assert (await counts(desk.door, "two"))["held"] == 1
    assert (await desk.door.get("/state", world="two", wait=5))["queued"] == 1  # what is held keeps nobody waiting
    assert await desk.door.post("/queue/retry", {"ids": None, "world": "two"}) == {"count": 0}
    assert await desk.door.delete("/queue", world="one") == {"removed": 1}
    assert (await desk.door.get("/state", world="one", wait=5))["queued"] == 0
    assert (await desk.door.get("/queue"))["total"] == 2
    worlds = {event["queue_id"]: event.get("world") for event in await desk.events() if event["kind"] == "accepted"}
    assert worlds == {first: "one", second: "two", third: None}


async def test_one_waits_until_a_world_is_quiet(desk: Desk) -> None:
    await put(desk, "one")
    desk.site.store.replies["RCPT"] = BUSY
    await desk.send("bob@one.test")
    await desk.send("bob@beta.test")
    await desk.until(deferred=2, active=0)
    waiting = asyncio.create_task(desk.door.get("/state", world="one", wait=20))
    await asyncio.sleep(0)
    desk.site.store.replies.clear()
    await desk.door.post("/queue/retry", {"ids": None, "world": "one"})
    assert (await waiting)["queued"] == 0
    assert (await desk.door.get("/state"))["queued"] == 1


@pytest.mark.parametrize("port", [1025, 1587])
async def test_who_logs_in_sends_in_that_world(desk: Desk, port: int) -> None:
    await put(desk, "one")
    client = aiosmtplib.SMTP(
        hostname=f"{desk.site.network}.{1 if port == 1025 else 25}",
        port=port,
        username="bob@one.test",
        password="bob"[::-1],
        start_tls=port == 1587,
        validate_certs=False,
        timeout=10,
    )
    async with client:
        await client.sendmail("bob@one.test", ["alice@alpha.test"], CONTENT)
        if port == 1587:
            with pytest.raises(aiosmtplib.SMTPResponseException) as error:
                await client.sendmail("alice@alpha.test", ["bob@one.test"], CONTENT)
            assert error.value.code == 550
        await desk.door.delete("/worlds/one")
        # A session of a world that is dropped sends nowhere else.
        with pytest.raises(aiosmtplib.SMTPResponseException) as error:
            await client.sendmail("bob@one.test", ["alice@alpha.test"], CONTENT)
        assert (error.value.code, "dropped" in error.value.message) == (554, True)
    (accepted,) = [event for event in await desk.events() if event["kind"] == "accepted"]
    assert accepted["world"] == "one"


async def test_a_message_for_several_worlds_is_queued_for_each(desk: Desk) -> None:
    await put(desk, "one", "two")
    large = CONTENT + (b"x" * 70 + b"\r\n") * 5000
    for content in (CONTENT, large):
        await desk.send("bob@one.test", "alice@alpha.test", "bob@two.test", content=content)
        await desk.until(queued=0)
    assert sorted(str(mail.recipients) for mail in desk.site.store.mails[:3]) == sorted(
        str([address]) for address in ("bob@one.test", "alice@alpha.test", "bob@two.test")
    )
    assert len(desk.site.store.mails) == 6
    assert all(mail.content.endswith(large[-100:]) for mail in desk.site.store.mails[3:])


async def test_a_drop_leaves_nothing_whatever_is_under_way(desk: Desk) -> None:
    await put(desk, "one")
    desk.site.store.replies["RCPT TO:<late@one.test>"] = BUSY
    desk.site.store.replies["RCPT TO:<never@one.test>"] = "550 5.1.1 No such user here"
    desk.site.store.replies["RCPT TO:<app@example.org>"] = BUSY  # of the DSN
    await desk.send("late@one.test")
    await desk.send("never@one.test")
    await desk.until(deferred=2, active=0)  # with the DSN about the second, which belongs to the world too
    sending = [asyncio.create_task(desk.send("bob@one.test")) for _ in range(20)]
    await asyncio.sleep(0)
    await desk.door.delete("/worlds/one")
    before = len(desk.site.store.mails)
    results = await asyncio.gather(*sending, return_exceptions=True)
    assert all(isinstance(result, str | aiosmtplib.SMTPException) for result in results)
    # Who came too late found no such world: the domain is a stranger's again, and the mail the file's.
    assert await counts(desk.door, "one") == {"queued": 0, "active": 0, "held": 0, "deferred": 0}
    for mail in desk.site.store.mails[before:]:
        assert mail.recipients == ["bob@one.test"]
    assert [entry.world for entry in desk.site.relay.spool.entries() if entry.world != "default"] == []
    assert list((desk.site.folder / "spool" / "dead").iterdir()) == []
    with pytest.raises(DoorRefused) as error:
        await desk.door.put("/worlds/one", definition("one", "alpha.test"))
    assert error.value.status == 409


async def test_mail_of_a_world_that_was_dropped_as_the_relay_died_is_forgotten(desk: Desk) -> None:
    await put(desk, "one")
    desk.site.store.replies["RCPT"] = BUSY
    await desk.send("bob@one.test")
    kept = await desk.send("bob@beta.test")
    await desk.until(deferred=2, active=0)
    await desk.door.close()
    await desk.site.relay.overlays.log.drop("one")
    await desk.site.restart()
    desk.open()
    await desk.until(queued=1)
    assert [message["queue_id"] for message in (await desk.door.get("/queue"))["messages"]] == [kept]
