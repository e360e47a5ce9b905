"""The store at GreenMail's ports: who gets in, by what, and which ports there are."""

from __future__ import annotations

import asyncio
import dataclasses
import imaplib
import poplib
import smtplib
from typing import TYPE_CHECKING

import pytest

from postroad.greenmail import IMAP, POP3, POP3S
from postroad.world.source import load_world
from postroad_store.store import Store
from tests.harness.reactor import on_reactor
from tests.store.test_main import settings

if TYPE_CHECKING:
    from postroad.config import Settings

__all__ = ["settings"]  # a fixture

OPTIONS = (
    "-Dgreenmail.setup.test.imap -Dgreenmail.setup.test.pop3 -Dgreenmail.users=ann:s3cret@shop.example"
    " -Dgreenmail.setup.all"
)


def deliver(host: str, port: int, *recipients: str) -> None:
    with smtplib.SMTP(host, port, timeout=10) as client:
        client.sendmail("a@x.test", recipients, "Subject: x\r\n\r\nbody\r\n")


def look(host: str) -> None:
    """Read by a login, by an address and by the address that a delivery has made a user of."""
    for login, password in (("ann", "s3cret"), ("ann@shop.example", "s3cret"), ("new@x.test", "new@x.test")):
        with imaplib.IMAP4(host, IMAP, timeout=10) as client:
            assert "AUTH=PLAIN" in client.capabilities
            assert not {"LOGINDISABLED", "STARTTLS"} & set(client.capabilities)
            client.login(login, password)
            assert client.select()[1] == [b"1"]
    with imaplib.IMAP4(host, IMAP, timeout=10) as client, pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATION"):
        client.login("ann", "wrong")
    first, second = poplib.POP3(host, POP3, timeout=10), poplib.POP3(host, POP3, timeout=10)
    assert "STLS" not in first.capa()
    first.user("ann")
    first.pass_("s3cret")
    assert first.stat()[0] == 1
    second.user("ann@shop.example")
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        second.pass_("s3cret")
    for client_ in (first, second):
        client_.quit()
    with pytest.raises(ConnectionRefusedError):  # the options name other ports
        poplib.POP3_SSL(host, POP3S, timeout=10)


@on_reactor
async def test_ports(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    given = dataclasses.replace(settings, greenmail=True, greenmail_opts=OPTIONS)
    running = Store(given, load_world(given.world, given.network))
    await running.start()
    try:
        assert "-Dgreenmail.setup.all has no effect here" in caplog.text
        await asyncio.to_thread(deliver, running.host, given.smtp_port, "ann@shop.example", "new@x.test")
        await asyncio.to_thread(look, given.front)
    finally:
        async with asyncio.timeout(10):
            await running.stop()
