from __future__ import annotations

from ipaddress import ip_address

import pytest

from postroad.mail.address import Address
from postroad.mail.envelope import Envelope
from postroad.smtp.client.events import Transaction
from postroad.smtp.extensions.world import world_extension
from postroad.smtp.server.commands import CommandError, parse_mail
from postroad.smtp.server.profile import Profile
from postroad.smtp.server.service import Limits, Purpose, Session

EXTENSION = world_extension(b"key")
(PARAMETER,) = EXTENSION.mail


def written(world: str | None) -> str | None:
    assert EXTENSION.with_mail is not None
    return EXTENSION.with_mail(Transaction(Envelope(None, world=world), 1), "")


@pytest.mark.parametrize("world", ["default", "checkout", "a" * 32])
def test_the_store_reads_what_the_relay_writes(world: str) -> None:
    parameter = written(world)
    assert parameter is not None
    keyword, _, value = parameter.partition("=")
    assert (keyword, PARAMETER.parse(value)) == ("XWORLD", world)
    assert EXTENSION.mail_line - len(f" {parameter}") == 32 - len(world)
    with pytest.raises(CommandError):
        world_extension(b"another key").mail[0].parse(value)


@pytest.mark.parametrize("value", [None, "", "checkout", "checkout.", ".", "checkout.00000000000000000000000000000000"])
def test_a_value_that_is_not_the_relays_is_refused(value: str | None) -> None:
    with pytest.raises(CommandError):
        PARAMETER.parse(value)


@pytest.mark.parametrize("lmtp", [False, True])
def test_it_is_no_extension_of_lmtp(lmtp: bool) -> None:
    profile = Profile(
        hostname="mx.test",
        limits=Limits(),
        postmaster=Address("postmaster", "mx.test"),
        extensions=(EXTENSION,),
        starttls=False,
        lmtp=lmtp,
    )
    session = Session(Purpose.TRANSFER, ip_address("127.0.0.1"), 1, "1")
    assert ("XWORLD" in profile.mail) is not lmtp
    assert "AUTH" not in profile.applicable(session)
    if not lmtp:
        session.extended = True
        assert parse_mail(f"FROM:<> {written('shop')}".encode(), profile, session) == Envelope(None, world="shop")
    assert ("XWORLD" in profile.extended_hello(session).lines) is not lmtp


def test_a_world_has_a_name() -> None:
    nameless = (written("") or "").partition("=")[2]
    assert len(nameless) == 33
    with pytest.raises(CommandError):
        PARAMETER.parse(nameless)


def test_nothing_is_said_of_a_transaction_that_its_recipients_decide() -> None:
    assert written(None) is None
