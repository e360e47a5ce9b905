"""The app door over real sockets: software under test sends with its library's defaults."""

from __future__ import annotations

import email
from typing import TYPE_CHECKING

import aiosmtplib
import pytest

from postroad.journal import Kind
from postroad.sasl.password import Password
from postroad_relay.submission.storelogins import StoreLogins
from tests.harness.tls import certificate, server_tls
from tests.relay.test_relay import CONTENT, Site, site

if TYPE_CHECKING:
    from postroad.sasl.mechanism import Claim

__all__ = ["certificate", "server_tls", "site"]  # fixtures

APP = 1025


async def test_the_app_door_takes_mail_from_anybody_for_anybody(site: Site) -> None:
    client = aiosmtplib.SMTP(hostname=f"{site.network}.1", port=APP, local_hostname="client.test", timeout=10)
    async with client:
        assert not client.supports_extension("starttls")
        refused, reply = await client.sendmail("noreply@example.org", ["x@elsewhere.example", "no@beta.test"], CONTENT)
    assert refused == {}
    await site.store.wait_for(2)
    message = email.message_from_bytes(site.store.mails[0].content)
    assert message.keys() == ["Received", "Date", "Message-ID", "From", "Subject"]
    accepted = next(detail for kind, detail in await site.journal() if kind is Kind.ACCEPTED)
    assert accepted["queue_id"] == reply.split("queued as ")[1]
    assert (accepted["port"], accepted["protocol"], accepted["login"]) == ("app", "ESMTP", None)


async def test_the_app_door_notes_the_name(site: Site) -> None:
    site.store.replies["RCPT"] = "450 4.2.1 Busy"
    client = aiosmtplib.SMTP(
        hostname=f"{site.network}.1", port=APP, username="api-key " + "x" * 400, password="any", timeout=10
    )
    async with client:
        await client.sendmail("noreply@example.org", ["x@elsewhere.example"], CONTENT)
    (entry,) = site.relay.spool.entries()
    login = site.relay.spool.read(entry).message.login
    assert login is not None
    assert (login[:8], len(login)) == ("api-key ", 320)
    accepted = next(detail for kind, detail in await site.journal() if kind is Kind.ACCEPTED)
    assert (accepted["login"], accepted["protocol"]) == (login, "ESMTPA")


async def test_the_app_door_has_starttls_when_it_is_asked_to(site: Site) -> None:
    await site.restart(POSTROAD_APP_STARTTLS="on")
    client = aiosmtplib.SMTP(hostname=f"{site.network}.1", port=APP, start_tls=True, validate_certs=False, timeout=10)
    async with client:
        await client.sendmail("noreply@example.org", ["x@elsewhere.example"], CONTENT)
    accepted = next(detail for kind, detail in await site.journal() if kind is Kind.ACCEPTED)
    assert accepted["tls"] == "TLSv1.3"


async def test_nothing_leaves_by_the_app_door(site: Site) -> None:
    client = aiosmtplib.SMTP(hostname=f"{site.network}.1", port=APP, timeout=10)
    async with client:
        await client.ehlo()
        await client.mail("noreply@example.org")
        with pytest.raises(aiosmtplib.SMTPRecipientRefused) as error:
            await client.rcpt("x@[192.0.2.1]")
        assert error.value.message.startswith("5.7.1")
        await client.rcpt(f"x@[{site.network}.143]")


async def test_an_unknown_user_comes_back_from_the_app_door(site: Site) -> None:
    site.store.replies["RCPT TO:<nobody@beta.test>"] = "550 5.1.1 No such user here"
    client = aiosmtplib.SMTP(hostname=f"{site.network}.1", port=APP, timeout=10)
    async with client:
        await client.sendmail("x@elsewhere.example", ["nobody@beta.test"], CONTENT)
    await site.store.wait_for(1)
    assert site.store.mails[0].recipients == ["x@elsewhere.example"]
    assert site.store.mails[0].sender.startswith("MAIL FROM:<> ")


@pytest.mark.parametrize("port", [3025, 3465])
async def test_greenmails_ports_are_app_doors(site: Site, port: int) -> None:
    await site.restart(POSTROAD_GREENMAIL="on")
    client = aiosmtplib.SMTP(
        hostname=f"{site.network}.1",
        port=port,
        username="any",
        password="any",
        use_tls=port == 3465,
        start_tls=False,
        validate_certs=False,
        timeout=10,
    )
    async with client:
        assert not client.supports_extension("starttls")
        await client.sendmail("noreply@example.org", ["x@elsewhere.example"], CONTENT)
    await site.store.wait_for(1)
    accepted = next(detail for kind, detail in await site.journal() if kind is Kind.ACCEPTED)
    assert (accepted["port"], accepted["tls"]) == ("app", "TLSv1.3" if port == 3465 else None)


async def test_greenmails_ports_are_those_that_its_options_name(site: Site) -> None:
    await site.restart(POSTROAD_GREENMAIL="on", GREENMAIL_OPTS="-Dgreenmail.setup.test.smtp")
    ports = {listener.port for listener in site.relay.listeners if listener.host == f"{site.network}.1"}
    assert ports == {APP, 3025}
    await site.restart(POSTROAD_GREENMAIL="off")
    assert 3025 not in {listener.port for listener in site.relay.listeners}


async def test_a_login_at_greenmails_port_is_the_stores_to_check(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where passwords count; a store that is away is no reason to take any."""
    await site.restart(POSTROAD_GREENMAIL="on", GREENMAIL_OPTS="-Dgreenmail.setup.test.smtp")

    async def code(password: str) -> int:
        async with aiosmtplib.SMTP(hostname=f"{site.network}.1", port=3025, timeout=10) as client:
            try:
                return (await client.auth_plain("ann", password)).code
            except aiosmtplib.SMTPAuthenticationError as error:
                return error.code

    assert await code("any") == 454

    async def is_right(_logins: StoreLogins, claim: Claim) -> bool:
        return claim.proof == Password("s3cret")

    monkeypatch.setattr(StoreLogins, "is_right", is_right)
    assert [await code(password) for password in ("s3cret", "wrong")] == [235, 535]
    refused = [detail for kind, detail in await site.journal() if kind is Kind.REFUSED]
    assert [(detail["command"], detail["reply"][:3]) for detail in refused] == [("AUTH", "454"), ("AUTH", "535")]


@pytest.mark.parametrize(
    ("options", "where"), [("imap imaps", (1, 3143)), ("imaps", (1, 3993)), ("smtp pop3", None)], ids=str
)
async def test_where_a_login_at_greenmails_port_makes_a_user(
    site: Site, monkeypatch: pytest.MonkeyPatch, options: str, where: tuple[int, int] | None
) -> None:
    """At the store's own port for GreenMail, and only of a name that is nobody's in any world."""
    asked: list[tuple[tuple[str, int], str]] = []

    async def is_right(logins: StoreLogins, claim: Claim) -> bool:
        asked.append((logins._where(), claim.login))
        return True

    monkeypatch.setattr(StoreLogins, "is_right", is_right)
    ports = " ".join(f"-Dgreenmail.setup.test.{name}" for name in f"smtp {options}".split())
    await site.restart(POSTROAD_GREENMAIL="on", GREENMAIL_OPTS=f"-Dgreenmail.auth.disabled {ports}")
    for name in ("bob@beta.test", "ann"):
        async with aiosmtplib.SMTP(hostname=f"{site.network}.1", port=3025, timeout=10) as client:
            assert (await client.auth_plain(name, "any")).code == 235
    assert asked == ([] if where is None else [((f"{site.network}.{where[0]}", where[1]), "ann")])
