"""The client against a whole stack, in the default world: waits, mail, mail clients, DNS, sync and async."""

from __future__ import annotations

import asyncio
import re
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest

from postroad_kit import AsyncPostroad, NotArrived, NotOne, Postroad, PostroadError, Refused, TooMany
from tests.harness.stack import Port, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_kit import Account, Mail, World


@pytest.fixture
def postroad(native: Stack) -> Iterator[Postroad]:
    host, port = native.endpoint(Port.WEB)
    with Postroad(f"http://{host}:{port}") as client:
        yield client


@pytest.fixture
def world(postroad: Postroad) -> Iterator[World]:
    with postroad.default as default:
        yield default


@pytest.fixture
def bob(native: Stack, world: World) -> Account:
    user = native.fresh_user()
    return world.account(user.address, password=user.password)


def letter(to: str, subject: str = "Welcome", text: str = "Your code is 482913.\n") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Shop <app@shop.test>", to, subject
    message.set_content(text)
    message.add_alternative('<a href="https://shop.test/c?x=1">Confirm</a>', subtype="html")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="invoice.pdf")
    return message


def send(world: World, *messages: EmailMessage) -> None:
    with world.smtp() as client:
        for message in messages:
            client.send_message(message)


def test_a_mail_with_all_that_is_in_it(world: World, bob: Account) -> None:
    send(world, letter(bob.address))
    mail = bob.wait(subject="Welcome")
    assert mail.state == "delivered"
    assert mail.text == "Your code is 482913.\n"
    assert mail.link("Confirm") == "https://shop.test/c?x=1"
    assert mail.code() == "482913"
    pdf = mail.attachment("*.pdf")
    assert (pdf.filename, pdf.content) == ("invoice.pdf", b"%PDF-1.7")
    assert b"\r\nSubject: Welcome\r\n" in mail.raw
    assert mail.from_[0].name == "Shop"
    with pytest.raises(NotOne, match=r"has no attachment named \*\.zip"):
        mail.attachment("*.zip")


def seen(mail: Mail) -> bool:
    """Ask anew: mypy takes a property for what it was."""
    return mail.seen


def test_mail_clients(world: World, bob: Account) -> None:
    send(world, letter(bob.address))
    mail = bob.wait()
    assert not seen(mail)
    with bob.imap() as imap:
        assert imap.select("INBOX") == ("OK", [b"1"])
        imap.fetch("1", "(BODY[])")
    assert seen(mail)
    with bob.pop3() as pop3:
        count, _ = pop3.stat()
        assert count == 1
        pop3.dele(1)
    assert not seen(mail)
    with pytest.raises(RuntimeError, match="a test's own"), bob.pop3():
        raise RuntimeError("a test's own")


def test_waits(world: World, bob: Account) -> None:
    send(world, letter(bob.address), letter(bob.address, "Your order"))
    both = bob.wait_all(exactly=2)
    assert {mail.subject for mail in both} == {"Welcome", "Your order"}
    assert [mail.subject for mail in bob.messages()] == ["Welcome", "Your order"]
    assert [mail.subject for mail in bob.messages("subject:order")] == ["Your order"]
    with pytest.raises(TooMany, match="1 message was expected, but 2 match"):
        bob.wait()
    with pytest.raises(TooMany, match="exactly 1 should match, but 2 do"):
        bob.wait_all(exactly=1)
    with pytest.raises(TooMany, match=r"(?s)1 does\.\nMatches:\n.*Welcome"):
        bob.none(subject="Welcome")
    bob.none(subject="Goodbye")
    cursor = world.quiet()
    bob.none(after=cursor)
    bob.none(after=both[-1] if both[-1].number > both[0].number else both[0])
    with pytest.raises(NotArrived, match=re.compile(r"within 0.05 s 0 did\..*BUT NOT\n.*subject", re.DOTALL)) as caught:
        bob.wait(subject="Goodbye", timeout=0.05)
    assert caught.value.problem["near_misses"][0]["missed"] == ["subject"]


def test_a_wait_that_can_not_be_asked(bob: Account) -> None:
    with pytest.raises(Refused, match="422: regex") as caught:
        bob.wait(regex="(")
    assert caught.value.status == 422


def test_dns(world: World) -> None:
    assert world.dns.lookup("beta.test", "mx") == ["10 mx.postroad.test."]
    assert world.dns.lookup("www.beta.test") == ["203.0.113.80"]
    assert world.dns.lookup("beta.test", "TXT") == ["v=spf1 mx -all"]
    assert len(world.dns.ask("beta.test", "SOA").of("SOA")[0].split()) == 7
    assert world.dns.ask("nobody.beta.test").rcode == "NXDOMAIN"
    assert world.dns.lookup("nobody.beta.test") == []
    assert any(" MX 10 mx.postroad.test." in record for record in world.dns.records("beta.test"))


def test_the_default_world_stays(world: World) -> None:
    assert world.console_url.endswith("/w/default/")
    world.keep()
    world.drop()
    with pytest.raises(PostroadError, match="in the world file"):
        _ = world.capture
    with pytest.raises(PostroadError, match="the world file's"):
        world.dns.records()


async def test_the_same_for_asyncio(postroad: Postroad, world: World, bob: Account) -> None:
    there = AsyncPostroad(postroad.url)
    assert repr(there) == f"<AsyncPostroad {postroad.url}>"
    same = await there.default()
    async with same:
        assert await same.dns.lookup("beta.test", "MX") == world.dns.lookup("beta.test", "MX")
        assert await same.dns.records("beta.test") == world.dns.records("beta.test")
        reader = await same.account(bob.address, password=bob.password)
        assert str(reader) == bob.address
        waiting = asyncio.create_task(reader.wait(subject="Welcome"))
        await asyncio.to_thread(send, world, letter(bob.address))
        mail = await waiting
        assert mail.code() == "482913"
        assert (await mail.attachment()).content == b"%PDF-1.7"
        assert (await mail.raw()).endswith(b"--\r\n")
        assert not await mail.seen()
        assert [message.id for message in await reader.messages()] == [mail.id]
        await reader.none(subject="Goodbye")
        assert await same.quiet() >= mail.number
        await asyncio.to_thread(send, world, letter(bob.address))
        assert len(await reader.wait_all(exactly=2)) == 2
        with pytest.raises(TooMany, match="2 match"):
            await reader.wait()
        await same.keep()
