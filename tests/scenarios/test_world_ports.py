"""Ports of worlds, on a whole stack: an app that names nobody sends in its world, whatever is killed meanwhile."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from typing import TYPE_CHECKING, Any

import pytest

from postroad.world.overlay_log import OverlayLog
from tests.harness.mailboxes import arrived, parse
from tests.harness.processes import ProcessStack
from tests.harness.stack import ALICE, Service
from tests.harness.worlds import Worlds, outside, user
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessStack]:
    with ProcessStack(tmp_path_factory.mktemp("stack"), settings={"POSTROAD_WORLD_PORTS": "1100-1102"}) as stack:
        yield stack
        stack.check_logs()


@pytest.fixture
def worlds(stack: ProcessStack) -> Worlds:
    return Worlds(stack)


def opened(worlds: Worlds, ident: str, **asked: Any) -> tuple[str, int]:
    """Open a port of a world."""
    answer = worlds.api("POST", f"/v1/worlds/{ident}/ports", asked)
    assert (answer.status, answer.body["protocol"]) == (201, "smtp"), answer
    return answer.body["host"], answer.body["port"]


def send(port: tuple[str, int], recipients: Sequence[str], subject: str, sender: str = "app@example.org") -> None:
    with smtplib.SMTP(*port, timeout=30) as client:
        client.sendmail(sender, recipients, simple(subject))


def is_closed(port: tuple[str, int]) -> bool:
    with socket.socket() as client:
        return client.connect_ex(port) != 0


def subjects(messages: list[bytes]) -> list[str]:
    return [str(parse(message)["Subject"]) for message in messages]


def test_nothing_that_comes_by_a_port_shows_elsewhere(stack: ProcessStack, worlds: Worlds) -> None:
    world, other_world = worlds.make("one"), worlds.make("two")
    try:
        port = opened(worlds, "one")
        recipients = ["bob@one.test", "BOB@Two.Test", ALICE.address, "ann@example.com"]
        send(port, recipients, "By the port")
        assert subjects(arrived(stack, user(world, "bob"))) == ["By the port"]
        assert subjects(arrived(stack, outside(world), count=3)) == ["By the port"] * 3
        # Spellings that might lead elsewhere, and the null reverse-path.
        with smtplib.SMTP(*port, timeout=30) as client:
            client.ehlo()
            assert client.docmd("MAIL", "FROM:<>")[0] == 250
            for smuggled in ("<@two.test:bob@two.test>", '<"bob"@two.test>', "<bob%two.test@example.com>"):
                assert client.docmd("RCPT", f"TO:{smuggled}")[0] == 250
            assert client.data(simple("Smuggled"))[0] == 250
        copies = arrived(stack, outside(world), count=2, where=lambda content: b"Smuggled" in content)
        assert set(subjects(copies)) == {"Smuggled"}
        # Whom a notification is for is nobody of another world either.
        send(port, ["nobody@one.test"], "Nobody", sender="bob@two.test")
        assert arrived(stack, outside(world), where=lambda content: b"nobody@one.test" in content)
        worlds.api("POST", "/w/one/v1/quiet", {"timeout": 30})
        messages = worlds.api("GET", "/w/one/v1/messages").body["messages"]
        assert {message["subject"] for message in messages} >= {"By the port", "Smuggled", "Nobody"}
        road = worlds.api("GET", f"/w/one/v1/messages/{messages[-1]['id']}/road")
        assert road.body["hops"][0]["kind"] == "submission"
        sessions = worlds.api("GET", "/w/one/v1/sessions?protocol=smtp").body["sessions"]
        assert {session["local"] for session in sessions if not session["outbound"]} >= {
            "{}:{}".format(*_address(port))
        }
        for other in ("default", "two"):
            assert worlds.api("GET", f"/w/{other}/v1/messages").body["messages"] == []
            shown = worlds.api("GET", f"/w/{other}/v1/sessions").body["sessions"]
            assert all(session["local"] != "{}:{}".format(*_address(port)) for session in shown)
        assert other_world["domains"][0]["name"] == "two.test"
    finally:
        worlds.drop("one")
        worlds.drop("two")


def _address(port: tuple[str, int]) -> tuple[str, int]:
    return socket.gethostbyname(port[0]), port[1]


@pytest.mark.parametrize("killed", [Service.RELAY, Service.WEB])
def test_a_kill_loses_no_port(stack: ProcessStack, worlds: Worlds, killed: Service) -> None:
    ident = f"k{killed}"
    world = worlds.make(ident)
    port = opened(worlds, ident, port=1101)
    stack.kill(killed)
    stack.start(killed)
    *_, ready = [line for line in stack.logs[Service.RELAY].text().splitlines() if "msg=ready" in line]
    assert f"app={stack.network}.1:1025" in ready
    send(port, [ALICE.address], "Still here")
    assert subjects(arrived(stack, outside(world))) == ["Still here"]
    assert worlds.api("GET", f"/v1/worlds/{ident}").body["ports"] == [
        {"host": port[0], "port": 1101, "protocol": "smtp"}
    ]
    worlds.drop(ident)
    assert is_closed(port)
    stack.kill(killed)
    stack.start(killed)
    assert is_closed(port)


def test_a_port_that_was_opened_as_the_relay_died_is_closed(stack: ProcessStack, worlds: Worlds) -> None:
    world = worlds.make("torn")
    try:
        after = stack.logs[Service.WEB].position
        stack.kill(Service.RELAY)
        assert worlds.api("POST", "/v1/worlds/torn/ports").status == 503
        assert worlds.api("GET", "/v1/worlds/torn/ports").body == {"ports": []}

        async def opened_before() -> None:
            log = OverlayLog(stack.data / "spool" / "worlds")
            (definition,) = [overlay for overlay in log.definitions if overlay["id"] == "torn"]
            await log.put("torn", definition | {"ports": [1102]})
            log.close()

        asyncio.run(opened_before())
        stack.start(Service.RELAY)
        stack.logs[Service.WEB].wait("the world torn is made again in relay", after=after)
        assert is_closed((f"{stack.network}.1", 1102))
        port = opened(worlds, "torn")
        send(port, [ALICE.address], "Mended")
        assert subjects(arrived(stack, outside(world))) == ["Mended"]
    finally:
        worlds.drop("torn")


def test_ports_are_few(worlds: Worlds) -> None:
    for ident in ("a", "b", "c"):
        worlds.make(ident)
    try:
        ports = [opened(worlds, "a"), opened(worlds, "a"), opened(worlds, "b")]
        assert sorted(port for _, port in ports) == [1100, 1101, 1102]
        for ident, named in (("a", "POSTROAD_PORTS_PER_WORLD"), ("c", "POSTROAD_WORLD_PORTS")):
            answer = worlds.api("POST", f"/v1/worlds/{ident}/ports")
            assert (answer.status, named in answer.body["detail"]) == (409, True)
        # The time of a world ends, and its ports with it.
        assert worlds.api("PATCH", "/v1/worlds/b", {"ttl": 1}).status == 200
        worlds._stack.logs[Service.WEB].wait("the world b has expired")
        assert is_closed(ports[2])
        assert opened(worlds, "c") == ports[2]
        assert worlds.api("DELETE", f"/v1/worlds/a/ports/{ports[0][1]}").status == 204
        assert [is_closed(port) for port in ports] == [True, False, False]
    finally:
        for ident in ("a", "c"):
            worlds.drop(ident)
