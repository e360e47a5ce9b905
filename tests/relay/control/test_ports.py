"""Ports of worlds: all that comes by one is that world's mail, whoever sends it and whomever it is for."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING

import aiosmtplib
import pytest

from postroad.control.client import DoorRefused
from tests.harness.tls import certificate, server_tls
from tests.harness.worlds import definition
from tests.relay.control.test_endpoints import BUSY, Desk, desk
from tests.relay.test_relay import CONTENT

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["certificate", "desk", "server_tls"]  # fixtures

FIRST, SECOND = 1026, 1027
LARGE = CONTENT + (b"x" * 70 + b"\r\n") * 5000
STRANGERS = ("alice@alpha.test", "bob@two.test", "x@elsewhere.example")


async def put(desk: Desk, ident: str, *ports: int) -> None:
    desk.site.dns.script[f"{ident}.test", "MX"] = [f"{ident}.test. 300 MX 10 mx.postroad.test."]
    await desk.door.put(f"/worlds/{ident}", definition(ident, ports=list(ports)))


def client(desk: Desk, port: int = FIRST, *, tls: bool = False) -> aiosmtplib.SMTP:
    host = f"{desk.site.network}.1"
    return aiosmtplib.SMTP(hostname=host, port=port, start_tls=tls, validate_certs=False, timeout=10)


async def send(desk: Desk, recipients: Sequence[str], port: int = FIRST, content: bytes = CONTENT) -> str:
    async with client(desk, port) as smtp:
        _, reply = await smtp.sendmail("app@example.org", recipients, content)
    return reply.split("queued as ")[1]


def is_closed(desk: Desk, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((f"{desk.site.network}.1", port)) == errno.ECONNREFUSED


async def test_all_that_comes_by_a_port_is_its_worlds(desk: Desk) -> None:
    assert is_closed(desk, FIRST)
    await put(desk, "one", FIRST)
    await put(desk, "two", SECOND)
    desk.site.store.replies["RCPT"] = BUSY
    desk.site.store.extensions += ("XWORLD",)
    first = await send(desk, ["bob@one.test", *STRANGERS])
    second = await send(desk, ["bob@one.test"], SECOND)
    large = await send(desk, STRANGERS, content=LARGE)
    usual = await desk.send("bob@two.test")
    await desk.until(deferred=4, active=0)
    for world, idents in (("one", {first, large}), ("two", {second, usual}), ("default", set())):
        page = await desk.door.get("/queue", world=world)
        assert {message["queue_id"] for message in page["messages"]} == idents
    worlds = {event["queue_id"]: event.get("world") for event in await desk.events() if event["kind"] == "accepted"}
    assert worlds == {first: "one", large: "one", second: "two", usual: "two"}
    # Its own addresses and strangers' alike go to the store, which is told whose they are.
    assert {entry.world for entry in desk.site.relay.spool.of_world("one")} == {"one"}
    desk.site.store.replies.clear()
    await desk.door.post("/queue/retry", {"ids": [first], "world": "one"})
    await desk.until(deferred=3, active=0)
    assert sorted(address for mail in desk.site.store.mails for address in mail.recipients) == sorted(
        ["bob@one.test", *STRANGERS]
    )
    assert {str(mail.sender).partition("XWORLD=")[2].partition(".")[0] for mail in desk.site.store.mails} == {"one"}


async def test_a_session_by_a_port_is_seen_in_its_world(desk: Desk) -> None:
    await put(desk, "one", FIRST)
    async with client(desk) as smtp:
        await smtp.noop()
    sessions = (await desk.door.get("/sessions", world="one"))["sessions"]
    assert [(session["world"], session["local"]) for session in sessions] == [("one", f"{desk.site.network}.1:{FIRST}")]
    assert (await desk.door.get("/sessions", world="default"))["sessions"] == []
    async with client(desk) as smtp:
        await smtp.ehlo()
        await smtp.mail("app@example.org")
        with pytest.raises(aiosmtplib.SMTPRecipientRefused):
            await smtp.rcpt("x@[192.0.2.1]")
    (refused,) = [event for event in await desk.events() if event["kind"] == "refused"]
    assert (refused["world"], refused["port"]) == ("one", "app")


async def test_faults_of_a_world_are_those_of_its_port(desk: Desk) -> None:
    await put(desk, "one", FIRST)
    await put(desk, "two", SECOND)
    await desk.door.put("/faults", {"mail": {"code": 452, "probability": 100}}, world="one")
    with pytest.raises(aiosmtplib.SMTPSenderRefused) as error:
        await send(desk, ["bob@two.test"])
    assert error.value.code == 452
    await send(desk, ["bob@one.test"], SECOND)
    await desk.door.put("/faults", {"link": {"refused": 100}}, world="two")
    with pytest.raises(aiosmtplib.SMTPException):
        await send(desk, ["bob@one.test"], SECOND)


@pytest.mark.parametrize(
    ("login", "password", "code"),
    [
        ("one", "app", 235),
        ("bob@one.test", "bob", 235),
        ("BOB@ONE.test", "bob", 235),
        ("one", "another", 535),
        ("bob@one.test", "another", 535),
        ("two", "app", 535),
        ("bob@two.test", "bob", 535),
        ("alice@alpha.test", "wonderland", 535),
        ("one@[app]", "app", 535),
    ],
)
@pytest.mark.parametrize("mechanism", ["plain", "crammd5"])
async def test_a_port_lets_its_own_worlds_users_in(
    desk: Desk, mechanism: str, login: str, password: str, code: int
) -> None:
    await put(desk, "one", FIRST)
    await put(desk, "two")
    password = password[::-1] if password == "bob" else password
    async with client(desk) as smtp:
        await smtp.ehlo()
        try:
            got = (await getattr(smtp, f"auth_{mechanism}")(login, password)).code
        except aiosmtplib.SMTPAuthenticationError as error:
            got = error.code
        assert got == code
        await smtp.sendmail("app@example.org", STRANGERS, CONTENT)
    (accepted,) = [event for event in await desk.events() if event["kind"] == "accepted"]
    assert (accepted["world"], accepted["login"]) == ("one", None if code == 535 else login.lower())


async def test_a_token_of_another_world_opens_no_port(desk: Desk) -> None:
    await put(desk, "one", FIRST)
    async with client(desk) as smtp:
        await smtp.ehlo()
        for line in ("AUTH XOAUTH2 dXNlcj1hbGljZUBhbHBoYS50ZXN0AWF1dGg9QmVhcmVyIG5vbmUBAQ==", "*"):
            code, _ = await smtp.execute_command(line.encode())
        assert code in {501, 535}


async def test_tls_forgets_no_world(desk: Desk) -> None:
    await desk.door.close()
    await desk.site.restart(POSTROAD_APP_STARTTLS="on")
    desk.open()
    await put(desk, "one", FIRST)
    async with client(desk, tls=True) as smtp:
        await smtp.sendmail("app@example.org", STRANGERS, CONTENT)
    (accepted,) = [event for event in await desk.events() if event["kind"] == "accepted"]
    assert (accepted["world"], accepted["tls"]) == ("one", "TLSv1.3")


@pytest.mark.parametrize("dropped", [False, True])
async def test_a_port_is_closed_with_its_sessions(desk: Desk, dropped: bool) -> None:
    await put(desk, "one", FIRST, SECOND)
    async with client(desk) as idle, client(desk) as busy:
        await idle.noop()
        await busy.ehlo()
        await busy.mail("app@example.org")
        await busy.rcpt("bob@one.test")
        if dropped:
            await desk.door.delete("/worlds/one")
        else:
            await put(desk, "one", SECOND)
        assert is_closed(desk, FIRST)
        assert is_closed(desk, SECOND) is dropped
        for session in (idle, busy):
            with pytest.raises(aiosmtplib.SMTPServerDisconnected):
                await session.noop()
    assert desk.site.relay.spool.entries() == []
    # Another world may have it at once.
    await put(desk, "two", FIRST)
    await send(desk, STRANGERS)
    (accepted,) = [event for event in await desk.events() if event["kind"] == "accepted"]
    assert accepted["world"] == "two"


async def test_a_port_that_another_has_is_refused(desk: Desk) -> None:
    await put(desk, "one", FIRST)
    with socket.create_server((f"{desk.site.network}.1", SECOND + 1)):
        for taken in (FIRST, SECOND + 1, 1025):
            with pytest.raises(DoorRefused, match=f"the port {taken} can't be opened: .*in use") as error:
                await put(desk, "two", SECOND, taken)
            assert error.value.status == 409
            assert (await desk.door.get("/worlds/count"))["count"] == 1
            assert is_closed(desk, SECOND)
    for ports in ([0], [True], ["1026"], [FIRST, FIRST], 1026, [70000]):
        with pytest.raises(DoorRefused, match="port") as error:
            await desk.door.put("/worlds/two", definition("two", ports=ports))
        assert error.value.status == 422
    await send(desk, STRANGERS)


async def test_ports_are_open_again_after_a_restart(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await put(desk, "one", FIRST)
    await put(desk, "two", SECOND)
    await desk.site.restart()
    assert not is_closed(desk, FIRST)
    assert not is_closed(desk, SECOND)
    with _held(desk, SECOND):
        await desk.door.close()
        await desk.site.restart()
        desk.open()
        await send(desk, ["bob@two.test"])
        assert (await desk.events())[0]["world"] == "one"
        assert "the world two: the port 1027 can't be opened" in caplog.text
    assert desk.site.relay._ports._mending is not None
    await asyncio.wait_for(desk.site.relay._ports._mending, 10)
    assert "all ports of worlds are open" in caplog.text
    await send(desk, ["bob@one.test"], SECOND)
    assert [event["world"] for event in await desk.events() if event["kind"] == "accepted"][-1] == "two"


class _held:  # noqa: N801 - used as a function
    """Hold a port as soon as the relay has given it back, so that its restart finds it taken."""

    def __init__(self, desk: Desk, port: int) -> None:
        self._site, self._port = desk.site, port

    def __enter__(self) -> None:
        stop = self._site.relay.stop

        async def stop_and_hold() -> None:
            await stop()
            self._socket = socket.create_server((f"{self._site.network}.1", self._port))

        self._site.relay.stop = stop_and_hold  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        self._socket.close()
