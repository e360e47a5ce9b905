"""An app of asyncio that sends with aiosmtplib: tests wait side by side."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage

import aiosmtplib
import pytest

from postroad_kit import AsyncWorld


async def invite(world: AsyncWorld, address: str, room: int) -> None:
    """Stand for the app."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = world.address("app"), address, f"Room {room}"
    message.set_content(f"Your PIN: {room:04}\n")
    host, port = world.smtp_endpoint
    await aiosmtplib.send(
        message, hostname=host, port=port, username=world.smtp_user, password=world.smtp_password, start_tls=False
    )


@pytest.mark.asyncio
async def test_everybody_is_invited(async_world: AsyncWorld) -> None:
    people = await asyncio.gather(*(async_world.account(f"guest{number}") for number in range(5)))
    waits = [asyncio.create_task(guest.wait(subject="Room")) for guest in people]  # before anything is sent
    await asyncio.gather(*(invite(async_world, guest.address, 1000 + n) for n, guest in enumerate(people)))
    mails = await asyncio.gather(*waits)
    assert [mail.code() for mail in mails] == ["1000", "1001", "1002", "1003", "1004"]
    await async_world.quiet()
