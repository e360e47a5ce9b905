from __future__ import annotations

from ipaddress import IPv4Network, ip_address

import pytest

from postroad.config import UnknownUsers
from postroad.mail.address import Address, parse_address
from postroad.mail.reply import (
    AUTH_REQUIRED,
    NO_SUCH_USER,
    NOT_YOUR_ADDRESS,
    RECIPIENT_OK,
    RELAY_DENIED,
    SENDER_OK,
    Reply,
)
from postroad.smtp.server.service import Purpose, Session
from postroad_relay.submission.policy import OUTSIDE_LITERAL, Policy
from tests.relay.worlds import world

WORLD = world()
POLICY = Policy(WORLD, trusted_networks=(IPv4Network("10.0.0.0/8"),))


def session(port: Purpose, *, login: str | None = None, peer: str = "192.0.2.1") -> Session:
    return Session(port, ip_address(peer), 4711, "s1", account=WORLD.account(login) if login else None)


ALICE = session(Purpose.SUBMISSION, login="alice@alpha.test")
NOBODY = session(Purpose.SUBMISSION)
STRANGER = session(Purpose.TRANSFER)
TRUSTED = session(Purpose.TRANSFER, peer="10.1.2.3")
APP = session(Purpose.APP)


@pytest.mark.parametrize(
    ("who", "path", "expected"),
    [
        (ALICE, "alice@alpha.test", SENDER_OK),
        (ALICE, "ALICE@Alpha.Test", SENDER_OK),
        (ALICE, "alice+lists@alpha.test", SENDER_OK),
        (ALICE, "info@alpha.test", SENDER_OK),
        (ALICE, None, SENDER_OK),
        (ALICE, "carol@alpha.test", NOT_YOUR_ADDRESS),
        (ALICE, "whoever@alpha.test", NOT_YOUR_ADDRESS),  # the catch-all makes nobody's address an own one
        (ALICE, "alice@elsewhere.example", NOT_YOUR_ADDRESS),
        (session(Purpose.SUBMISSIONS, login="bob@beta.test"), "bob@beta.test", SENDER_OK),
        (NOBODY, "alice@alpha.test", AUTH_REQUIRED),
        (NOBODY, None, AUTH_REQUIRED),
        (session(Purpose.SUBMISSIONS), "alice@alpha.test", AUTH_REQUIRED),
        (STRANGER, "someone@elsewhere.example", SENDER_OK),
        (STRANGER, "alice@alpha.test", SENDER_OK),
        (STRANGER, None, SENDER_OK),
        (APP, "noreply@elsewhere.example", SENDER_OK),
        (APP, "alice@alpha.test", SENDER_OK),
        (APP, None, SENDER_OK),
    ],
)
def test_mail(who: Session, path: str | None, expected: Reply) -> None:
    address = parse_address(path) if path is not None else None
    assert POLICY.mail(who, address) is expected


def test_without_sender_check_a_user_may_send_as_anyone() -> None:
    assert Policy(WORLD, sender_check=False).mail(ALICE, Address("king", "elsewhere.example")) is SENDER_OK
    assert Policy(WORLD, sender_check=False).mail(NOBODY, Address("king", "elsewhere.example")) is AUTH_REQUIRED


@pytest.mark.parametrize(
    ("who", "recipient", "expected"),
    [
        # A user may write to anyone, and learns of unknown ones by a DSN.
        (ALICE, "bob@beta.test", RECIPIENT_OK),
        (ALICE, "nobody@beta.test", RECIPIENT_OK),
        (ALICE, "someone@elsewhere.example", RECIPIENT_OK),
        (NOBODY, "bob@beta.test", AUTH_REQUIRED),
        # Strangers reach the world's addresses alone.
        (STRANGER, "bob@beta.test", RECIPIENT_OK),
        (STRANGER, "Bob+tag@BETA.test", RECIPIENT_OK),
        (STRANGER, "postmaster@beta.test", RECIPIENT_OK),
        (STRANGER, "whoever@alpha.test", RECIPIENT_OK),  # the catch-all
        (STRANGER, "nobody@beta.test", NO_SUCH_USER),
        (STRANGER, "someone@elsewhere.example", RELAY_DENIED),
        (STRANGER, "bob%beta.test@elsewhere.example", RELAY_DENIED),
        (STRANGER, "bob%elsewhere.example@beta.test", NO_SUCH_USER),
        (STRANGER, "someone@[192.0.2.7]", RELAY_DENIED),
        (STRANGER, "someone@[127.0.0.143]", RELAY_DENIED),
        # Trusted networks reach anywhere.
        (TRUSTED, "someone@elsewhere.example", RECIPIENT_OK),
        (TRUSTED, "nobody@beta.test", NO_SUCH_USER),
        (TRUSTED, "someone@[127.0.0.143]", RECIPIENT_OK),
        # Software under test reaches anyone, and learns of unknown ones by a DSN.
        (APP, "customer@elsewhere.example", RECIPIENT_OK),
        (APP, "nobody@beta.test", RECIPIENT_OK),
        (APP, "someone@[127.0.0.143]", RECIPIENT_OK),
        # And nobody reaches out of the private network.
        (TRUSTED, "someone@[192.0.2.7]", OUTSIDE_LITERAL),
        (ALICE, "someone@[192.0.2.7]", OUTSIDE_LITERAL),
        (APP, "someone@[192.0.2.7]", OUTSIDE_LITERAL),
        (ALICE, "someone@[IPv6:2001:db8::1]", OUTSIDE_LITERAL),
        (ALICE, "someone@[IPv6:::1]", OUTSIDE_LITERAL),
        (ALICE, "someone@[127.0.0.143]", RECIPIENT_OK),
    ],
)
def test_rcpt(who: Session, recipient: str, expected: Reply) -> None:
    assert POLICY.rcpt(who, parse_address(recipient)) is expected


def test_unknown_users_that_are_created_are_taken_for_known() -> None:
    policy = Policy(WORLD, unknown_users=UnknownUsers.CREATE)
    assert policy.rcpt(STRANGER, Address("nobody", "beta.test")) is RECIPIENT_OK
    assert policy.rcpt(STRANGER, Address("nobody", "elsewhere.example")) is RELAY_DENIED
