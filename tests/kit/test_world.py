"""Worlds of the kit against a whole stack: nothing of one shows in another."""

from __future__ import annotations

import asyncio
import re
import smtplib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from postroad_kit import AsyncPostroad, NotArrived, NotQuiet, Postroad, PostroadError, Refused
from postroad_kit.http.call import Call
from tests.harness.stack import Port, Stack
from tests.kit.test_client import letter, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_kit import World


@pytest.fixture
def postroad(native: Stack) -> Iterator[Postroad]:
    host, port = native.endpoint(Port.WEB)
    with Postroad(f"http://{host}:{port}") as client:
        yield client


@pytest.fixture
def world(postroad: Postroad) -> Iterator[World]:
    with postroad.world(owner="tests/kit") as fresh_world:
        yield fresh_world


def test_it_is_made_and_dropped(postroad: Postroad) -> None:
    with postroad.world(accounts=["bob", {"name": "ann", "password": "secret"}], ttl=60) as world:
        assert world.domain == f"{world.id}.test"
        bob, ann = world.accounts
        assert (bob.address, ann.password) == (f"bob@{world.domain}", "secret")
        assert world.account("bob") == bob
        assert world.account(bob.address) == bob
        looked_up = postroad.find(world.id)
        assert looked_up.definition.app == world.definition.app
        assert world.dns.lookup(world.domain, "MX") == ["10 mx.postroad.test."]
        with pytest.raises(Refused, match="409") as caught:
            postroad.world(domains=[{"name": world.domain}])
        assert caught.value.problem["world"] == world.id
    with pytest.raises(Refused, match="404"):
        postroad.find(world.id)
    with pytest.raises(Refused, match="404"):
        world.dns.records()


def worlds(postroad: Postroad, owner: str) -> list[str]:
    answer = postroad.client.ask(Call("GET", "/v1/worlds", lambda page: page["worlds"], query={"limit": 200}))
    return [entry["id"] for entry in answer if entry["owner"] == owner]


def test_one_that_is_made_when_it_is_used(postroad: Postroad) -> None:
    with postroad.world(owner="later", when_used=True) as world:
        assert repr(world) == "<World to be made>"
        assert worlds(postroad, "later") == []
        bob = world.account("bob", quota="1 messages")
        assert worlds(postroad, "later") == [world.id]
        (domain,) = postroad.client.ask(Call("GET", f"/v1/worlds/{world.id}", lambda shown: shown["domains"]))
        assert [(account["name"], account["quota"]) for account in domain["accounts"]] == [("bob", "1 messages")]
        assert (world.account("bob"), world.accounts) == (bob, [bob])
        spaced = world.account("a b")
        assert spaced.address == f'"a b"@{world.domain}'
        assert world.account("a b") == spaced in world.accounts
    with postroad.world(when_used=True) as world:
        assert world.account("a b") == world.account("A B")
    assert worlds(postroad, "later") == []


def test_one_that_is_never_used(postroad: Postroad) -> None:
    with postroad.world(owner="never", when_used=True) as world:
        world.keep(1.0)
    assert not world.is_made
    assert worlds(postroad, "never") == []


def test_an_account_that_cannot_be_made_with_its_world(postroad: Postroad) -> None:
    """It is refused as in a world that is there already, and the world is there then."""
    with postroad.world(owner="refused", when_used=True) as world:
        with pytest.raises(Refused, match="422") as caught:
            world.account("x" * 65)
        assert [error["field"] for error in caught.value.problem["errors"]] == ["name"]
        assert worlds(postroad, "refused") == [world.id]
        assert world.accounts == []


def test_threads_make_it_once(postroad: Postroad) -> None:
    with postroad.world(owner="threads", when_used=True) as world, ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(lambda _: world.id, range(4)))) == 1
        assert worlds(postroad, "threads") == [world.id]


def test_a_mail_and_what_happened_to_it(world: World) -> None:
    bob = world.account("bob")
    assert world.account("bob") is bob
    assert bob in world.accounts
    send(world, letter(bob.address))
    mail = bob.wait(subject="Welcome")
    assert mail.world == world.id
    assert mail.login == world.smtp_user
    with bob.imap() as imap:
        imap.select("INBOX")
        imap.fetch("1", "(BODY[])")
    assert mail.seen
    assert [hop.kind for hop in mail.road.of("submission", "delivery")] == ["submission", "delivery"]
    assert mail.road.id == world.road(mail.id).id == mail.id
    sessions = world.sessions()
    assert {session.protocol for session in sessions} >= {"smtp", "imap"}
    assert bob.password not in "\n".join(map(str, sessions))
    assert "S: 220" in world.dialogue(sessions[0])
    assert [session.protocol for session in world.sessions(protocol="imap")] == ["imap"]


def test_one_does_not_show_in_another(postroad: Postroad, world: World) -> None:
    with postroad.world() as other:
        bob, same = world.account("bob"), other.account("bob")
        send(world, letter(bob.address))
        send(other, letter(same.address, "Elsewhere"))
        (mail,) = world.wait_all(exactly=1)
        assert mail.subject == "Welcome"
        (mail,) = other.wait_all(exactly=1)
        assert mail.subject == "Elsewhere"
        assert [message.subject for message in other.messages()] == ["Elsewhere"]
        world.purge()
        assert world.messages() == []
        assert len(other.messages()) == 1
        world.none()


def test_mail_clients(world: World) -> None:
    with pytest.raises(PostroadError, match=f"the world {world.id} has the accounts none"):
        world.imap()
    bob = world.account("bob")
    send(world, letter(bob.address))
    bob.wait()
    with world.imap() as imap:
        assert imap.select("INBOX") == ("OK", [b"1"])
    ann = world.account("ann")
    with pytest.raises(PostroadError, match=f"say whose mail: .* {bob}, {ann}"):
        world.pop3()
    with world.pop3("bob") as pop3, world.imap(ann) as imap:
        assert pop3.stat()[0] == 1
        assert imap.select("INBOX") == ("OK", [b"0"])


def test_strangers_are_captured(world: World) -> None:
    send(world, letter("somebody@gmail.com"))
    mail = world.wait(recipient="somebody@gmail.com")
    assert mail.state == "captured"
    with world.capture.imap() as imap:
        assert imap.select("INBOX") == ("OK", [b"1"])


def test_snapshots(world: World) -> None:
    bob = world.account("bob")
    send(world, letter(bob.address))
    bob.wait()
    seeded = world.snapshot()
    with seeded, bob.imap() as imap:
        imap.select("INBOX")
        imap.store("1", "+FLAGS", "\\Deleted")
        imap.expunge()
    with bob.imap() as imap:
        assert imap.select("INBOX") == ("OK", [b"1"])
    world.restore(seeded.name)


def test_the_clock(postroad: Postroad) -> None:
    with postroad.world(accounts=[{"name": "full", "quota": "1 messages"}]) as world:
        (full,) = world.accounts
        for subject in ("one", "two"):
            send(world, letter(full.address, subject))
            world.wait(recipient=full.address, subject=subject, settled=False)
        with pytest.raises(NotQuiet, match="still under way"):
            world.quiet(timeout=0.2)
        with pytest.raises(NotArrived, match="Still under way to full@"):
            full.wait(subject="two", timeout=0.2)
        assert world.clock().next is not None
        world.push_clock("next")
        clock = world.push_clock(timedelta(days=6))
        assert clock.ahead >= 6 * 86400
        delay, failure = world.wait_all(exactly=2, reports=True, sender="")  # captured: their sender is a stranger
        assert "(Delay)" in delay.subject
        assert "4.2.2" in failure.raw.decode()
        world.quiet()


def test_it_stays_for_those_who_look_at_it(postroad: Postroad) -> None:
    world = postroad.world()
    world.smtp()
    world.keep(60.0)
    assert postroad.find(world.id).definition.expires is not None
    world.drop()


def test_an_app_that_can_not_log_in_gets_a_port(postroad: Postroad, world: World) -> None:
    port = world.port()
    assert world.port() is port
    assert port != world.smtp_endpoint
    with smtplib.SMTP(*port, timeout=30) as client:
        client.send_message(letter("somebody@gmail.com"))
    assert world.wait(recipient="somebody@gmail.com").state == "captured"
    with postroad.world() as other:
        assert other.messages() == []
        world.keep(60)  # without its port, which others may want
        with pytest.raises(ConnectionRefusedError):
            smtplib.SMTP(*port, timeout=30)
    assert postroad.default.port() == postroad.default.smtp_endpoint


async def test_ports_for_asyncio(postroad: Postroad) -> None:
    async with AsyncPostroad(postroad.url).world() as world:
        port = await world.port()
        assert await world.port() is port
        with smtplib.SMTP(*port, timeout=30) as client:
            client.send_message(letter("somebody@gmail.com"))
        assert (await world.wait(recipient="somebody@gmail.com")).state == "captured"
        await world.keep(60)
        with pytest.raises(ConnectionRefusedError):
            smtplib.SMTP(*port, timeout=30)
    default = await AsyncPostroad(postroad.url).default()
    assert await default.port() == default.smtp_endpoint


async def test_the_same_for_asyncio(postroad: Postroad) -> None:
    there = AsyncPostroad(postroad.url)
    async with there.world(accounts=["bob"]) as world:
        bob, ann = await world.account("bob"), await world.account("ann")
        assert world.accounts == [bob, ann]
        assert world.capture.login == postroad.find(world.id).capture.login
        assert await world.account("ann") is ann
        waiting = asyncio.create_task(bob.wait(subject="Welcome"))
        await asyncio.to_thread(send, postroad.find(world.id), letter(bob.address))
        mail = await waiting
        assert (await mail.road()).id == (await world.road(mail)).id == mail.id
        assert {session.protocol for session in await world.sessions()} >= {"smtp"}
        (session, *_) = await world.sessions(protocol="smtp")
        assert "S: 220" in await world.dialogue(session)
        await world.snapshot("seeded")
        await world.purge()
        assert await world.messages() == []
        await world.restore("seeded")
        assert (await world.clock()).ahead == 0
        assert (await world.push_clock(60)).ahead == 60
        await world.keep(60.0)
    other = await there.world()
    await other.drop()
    with pytest.raises(Refused, match=re.escape("404")):
        await other.messages()
