"""Worlds over the file's, on a whole stack: mail goes its way in each, nothing shows in another, nothing is left."""

from __future__ import annotations

import contextlib
import smtplib
from typing import TYPE_CHECKING

import imapclient
import pytest

from tests.harness.mailboxes import arrived, parse
from tests.harness.processes import ProcessStack
from tests.harness.smtp import client_context, submission
from tests.harness.stack import ALICE, Port, Service, User
from tests.harness.worlds import Worlds, definition, user
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessStack]:
    with ProcessStack(tmp_path_factory.mktemp("stack")) as one:
        yield one
        one.check_logs()


@pytest.fixture
def worlds(stack: ProcessStack) -> Worlds:
    return Worlds(stack)


def send(stack: ProcessStack, recipients: list[str], subject: str, login: str | None = None) -> None:
    """Send by the app door, perhaps with AUTH."""
    endpoint = stack.endpoint(Port.APP)
    with smtplib.SMTP(endpoint.host, endpoint.port, timeout=30) as client:
        if login is not None:
            client.login(login, "any")
        client.sendmail("app@example.org", recipients, simple(subject))


@contextlib.contextmanager
def connected(stack: ProcessStack) -> Iterator[imapclient.IMAPClient]:
    """Open an IMAP session that ends without LOGOUT."""
    endpoint = stack.endpoint(Port.IMAPS)
    client = imapclient.IMAPClient(endpoint.host, endpoint.port, ssl_context=client_context(stack), timeout=30)
    try:
        yield client
    finally:
        client.shutdown()


def subjects(messages: list[bytes]) -> list[str]:
    return [str(parse(message)["Subject"]) for message in messages]


def test_a_world_is_in_force_at_once_and_gone_at_once(stack: ProcessStack, worlds: Worlds) -> None:
    worlds.put(definition("shop"))
    bob = user("bob@shop.test")
    send(stack, [bob.address], "Welcome")
    assert subjects(arrived(stack, bob)) == ["Welcome"]
    assert worlds.listed() == [["shop"]] * 3
    with connected(stack) as client:
        client.login(bob.address, bob.password)
        client.idle()
        worlds.drop("shop")
        assert client.idle_check(timeout=30) == [(b"BYE", *b"The account has been removed.".split())]
    assert worlds.listed() == [[]] * 3
    with connected(stack) as client, pytest.raises(imapclient.exceptions.LoginError):
        client.login(bob.address, bob.password)
    # Its domain is a stranger's again, whose mail the world file's capture account gets.
    send(stack, [bob.address], "Too late")
    capture = User("capture@postroad.test", "capture")
    assert "Too late" in subjects(arrived(stack, capture, where=lambda content: b"Too late" in content))


def test_mail_from_a_world_to_strangers_stays_in_it(stack: ProcessStack, worlds: Worlds) -> None:
    worlds.put(definition("one"))
    worlds.put(definition("two"))
    try:
        outside = user("outside@one.test")
        send(stack, [ALICE.address, "bob@two.test", "ann@example.com", "bob@one.test"], "From one", login="one")
        # A copy for each domain of strangers: each is a transaction of its own.
        assert subjects(arrived(stack, outside, count=3)) == ["From one"] * 3
        assert subjects(arrived(stack, user("bob@one.test"))) == ["From one"]
        with submission(stack, user("bob@two.test")) as client:
            assert client.mail("bob@two.test", ["bob@one.test"], simple("From two")).code == 250
        assert subjects(arrived(stack, user("outside@two.test"))) == ["From two"]
        # Without a name the recipients' domains decide, each about its own.
        send(stack, ["bob@one.test", "bob@two.test", ALICE.address], "To all")
        for one in (user("bob@one.test"), user("bob@two.test"), ALICE):
            assert "To all" in subjects(arrived(stack, one, where=lambda content: b"To all" in content))
        assert subjects(arrived(stack, outside, count=3)) == ["From one"] * 3
    finally:
        worlds.drop("one")
        worlds.drop("two")


@pytest.mark.parametrize("killed", [[Service.DNS], [Service.RELAY], [Service.STORE]])
def test_a_kill_loses_no_world(stack: ProcessStack, worlds: Worlds, killed: list[Service]) -> None:
    ident = f"k{killed[0]}"
    worlds.put(definition(ident))
    stack.kill(*killed)
    stack.start(*killed)
    bob = user(f"bob@{ident}.test")
    send(stack, [bob.address], "Still here")
    assert subjects(arrived(stack, bob)) == ["Still here"]
    worlds.drop(ident)
    stack.kill(*killed)
    stack.start(*killed)
    assert worlds.listed() == [[]] * 3
