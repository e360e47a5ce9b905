"""Worlds over the file's, on a whole stack: mail goes its way in each, nothing shows in another, nothing is left."""

from __future__ import annotations

import contextlib
import smtplib
from typing import TYPE_CHECKING

import imapclient
import pytest

from tests.harness.mailboxes import arrived, imap, parse
from tests.harness.processes import ProcessStack
from tests.harness.smtp import client_context, submission
from tests.harness.stack import ALICE, DEFAULT_WORLD, Port, Service, User
from tests.harness.worlds import Worlds, outside, user
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessStack]:
    with ProcessStack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack
        stack.check_logs()


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
    bob = user(worlds.make("shop"), "bob")
    send(stack, [bob.address], "Welcome")
    assert subjects(arrived(stack, bob)) == ["Welcome"]
    assert worlds.listed() == [["shop"]] * 4
    with connected(stack) as client:
        client.login(bob.address, bob.password)
        client.idle()
        worlds.drop("shop")
        assert client.idle_check(timeout=30) == [(b"BYE", *b"The account has been removed.".split())]
    assert worlds.listed() == [[]] * 4
    with connected(stack) as client, pytest.raises(imapclient.exceptions.LoginError):
        client.login(bob.address, bob.password)
    # Its domain is a stranger's again, whose mail the world file's capture account gets.
    send(stack, [bob.address], "Too late")
    capture = User("capture@postroad.test", "capture")
    assert "Too late" in subjects(arrived(stack, capture, where=lambda content: b"Too late" in content))


def test_mail_from_a_world_to_strangers_stays_in_it(stack: ProcessStack, worlds: Worlds) -> None:
    world, other_world = worlds.make("one"), worlds.make("two")
    try:
        send(stack, [ALICE.address, "bob@two.test", "ann@example.com", "bob@one.test"], "From one", login="one")
        # A copy for each domain of strangers: each is a transaction of its own.
        assert subjects(arrived(stack, outside(world), count=3)) == ["From one"] * 3
        assert subjects(arrived(stack, user(world, "bob"))) == ["From one"]
        with submission(stack, user(other_world, "bob")) as client:
            assert client.mail("bob@two.test", ["bob@one.test"], simple("From two")).code == 250
        assert subjects(arrived(stack, outside(other_world))) == ["From two"]
        # Without a name the recipients' domains decide, each about its own.
        send(stack, ["bob@one.test", "bob@two.test", ALICE.address], "To all")
        for account in (user(world, "bob"), user(other_world, "bob"), ALICE):
            assert "To all" in subjects(arrived(stack, account, where=lambda content: b"To all" in content))
        assert subjects(arrived(stack, outside(world), count=3)) == ["From one"] * 3
        messages = worlds.api("GET", "/w/two/v1/messages").body["messages"]
        assert {message["subject"] for message in messages} == {"From two", "To all"}
    finally:
        worlds.drop("one")
        worlds.drop("two")


def test_a_world_that_takes_the_domain_of_another_has_its_own_records_at_once(
    stack: ProcessStack, worlds: Worlds
) -> None:
    """The relay knew an answer about the domain of old, and another one about the domain before it was there."""
    elsewhere = [{"name": "one.test", "records": ["@ IN MX 10 mx.of-old.example."]}]
    try:
        world = worlds.make("one")
        send(stack, ["bob@one.test"], "Of old", login="one")
        arrived(stack, user(world, "bob"))
        worlds.drop("one")
        assert worlds.api("POST", "/v1/worlds", {"id": "one", "domains": elsewhere}).status == 201
        send(stack, ["bob@one.test"], "Anew", login="one")
        assert worlds.api("POST", "/w/one/v1/quiet", {"timeout": 20}).status == 200
        sessions = worlds.api("GET", "/w/one/v1/sessions?protocol=dns&limit=200").body["sessions"]
        assert {session["question"] for session in sessions} >= {"one.test. IN MX", "mx.of-old.example. IN A"}
        worlds.drop("one")
        send(stack, ["bob@one.test"], "To nobody's domain")
        assert worlds.api("POST", "/v1/quiet", {"timeout": 20}).status == 200
        bob = user(worlds.make("one"), "bob")
        send(stack, ["bob@one.test"], "To somebody's", login="one")
        assert subjects(arrived(stack, bob)) == ["To somebody's"]
    finally:
        worlds.drop("one")


def test_dns_questions_are_the_world_s_whose_mail_has_asked(stack: ProcessStack, worlds: Worlds) -> None:
    """Also about hosts and strangers, which are in no world's domains, or in another's."""
    elsewhere = [{"name": "one.test", "records": ["@ IN MX 10 mx.elsewhere.example.", "@ IN MX 20 mx.two.test."]}]
    worlds.make("two")
    worlds.api("POST", "/v1/worlds", {"id": "one", "domains": elsewhere})

    def asked(prefix: str) -> list[str]:
        sessions = worlds.api("GET", f"{prefix}/v1/sessions?protocol=dns&limit=200").body["sessions"]
        return [session["question"] for session in sessions]

    try:
        before = len(asked("")), len(asked("/w/two"))
        send(stack, ["ann@example.com", "bob@two.test", "bob@one.test"], "Who asks", login="one")
        worlds.api("POST", "/w/one/v1/quiet", {"timeout": 20})
        questions = asked("/w/one")
        assert {"one.test. IN MX", "mx.elsewhere.example. IN A", "mx.two.test. IN A"} <= set(questions)
        assert not any(name in question for question in questions for name in ("example.com", " two.test"))
        assert (len(asked("")), len(asked("/w/two"))) == before
        worlds.drop("one")
        worlds.make("one")
        assert asked("/w/one") == []
    finally:
        worlds.drop("one")
        worlds.drop("two")


@pytest.mark.parametrize("killed", [Service.DNS, Service.RELAY, Service.STORE, Service.WEB])
def test_a_kill_loses_no_world(stack: ProcessStack, worlds: Worlds, killed: Service) -> None:
    ident = f"k{killed}"
    bob = user(worlds.make(ident), "bob")
    stack.kill(killed)
    stack.start(killed)
    send(stack, [bob.address], "Still here")
    assert subjects(arrived(stack, bob)) == ["Still here"]
    assert worlds.listed() == [[ident]] * 4
    worlds.drop(ident)
    stack.kill(killed)
    stack.start(killed)
    assert worlds.listed() == [[]] * 4


def test_what_can_not_be_made_is_told_where(stack: ProcessStack, worlds: Worlds) -> None:
    worlds.make("first", domains=[{"name": "taken.test"}])
    try:
        for domains, whose in (("taken.test", "first"), ("sub.taken.test", "first"), ("alpha.test", "default")):
            answer = worlds.api("POST", "/v1/worlds", {"domains": [{"name": domains}]})
            assert (answer.status, answer.body["world"]) == (409, whose)
        assert worlds.api("POST", "/v1/worlds", {"id": "first"}).status == 409
        bad = {"domains": [{"records": ["www A 203.0.113.9", "www A nonsense"]}]}
        answer = worlds.api("POST", "/v1/worlds", bad)
        assert answer.status == 422
        assert (answer.body["errors"][0]["field"], answer.body["errors"][0]["line"]) == ("domains.0.records.1", 2)
        # Only the store knows the capabilities; what it refuses leaves nothing behind.
        answer = worlds.api("POST", "/v1/worlds", {"id": "second", "imap_without": ["NONSENSE"]})
        assert answer.status == 422
        assert worlds.listed() == [["first"]] * 4
    finally:
        worlds.drop("first")


def test_a_world_is_changed_while_it_lives(stack: ProcessStack, worlds: Worlds) -> None:
    world = worlds.make("grows", ttl=3600)
    try:
        ann = worlds.api("POST", "/v1/worlds/grows/accounts", {"name": "ann", "password": "nna"})
        assert (ann.status, ann.body["login"]) == (201, "ann@grows.test")
        send(stack, ["ann@grows.test"], "Hello Ann")
        grown = worlds.api("GET", "/v1/worlds/grows").body
        assert subjects(arrived(stack, user(grown, "ann"))) == ["Hello Ann"]
        assert world["expires"] is not None
        changed = worlds.api("PATCH", "/v1/worlds/grows", {"ttl": 0, "imap_without": ["IDLE"]}).body
        assert changed["expires"] is None
        with connected(stack) as client:
            client.login("ann@grows.test", "nna")
            assert b"IDLE" not in client.capabilities()
        assert worlds.api("POST", "/v1/worlds/grows/purge").status == 204
        assert worlds.api("GET", "/w/grows/v1/messages").body["messages"] == []
        assert worlds.api("PATCH", "/v1/worlds/grows", {"ttl": 1}).status == 200
        stack.logs[Service.WEB].wait("the world grows has expired")
        assert worlds.listed() == [[]] * 4
    finally:
        worlds.api("DELETE", "/v1/worlds/grows")


def test_a_service_that_lost_its_worlds_gets_them_again(stack: ProcessStack, worlds: Worlds) -> None:
    worlds.make("kept")
    try:
        stack.kill(Service.STORE)
        (stack.data / "mail" / "worlds" / "worlds.log").write_bytes(b"")
        after = stack.logs[Service.WEB].position
        stack.start(Service.STORE)
        stack.logs[Service.WEB].wait("the world kept is made again in store", after=after)
        (answer,) = worlds.ask(lambda door: door.get("/worlds"), ["store"])
        assert list(answer["worlds"]) == ["kept"]
    finally:
        worlds.drop("kept")


def test_a_world_file_can_not_take_a_domain_of_a_world(stack: ProcessStack, worlds: Worlds) -> None:
    worlds.make("owns")
    try:
        stack.edit_world(DEFAULT_WORLD + '[domains."owns.test"]\nmx = ["10 mx.postroad.test"]\n')
        for service in (Service.RELAY, Service.STORE):
            stack.logs[service].wait("world refused: owns.test is the world owns's")
        stack.logs[Service.DNS].wait("zones refused: owns.test is the world owns's")
    finally:
        worlds.drop("owns")
        stack.edit_world(DEFAULT_WORLD)


def test_letters_of_scripts_stay_in_their_world(stack: ProcessStack, worlds: Worlds) -> None:
    world = worlds.make("away")
    try:
        script = 'require "vacation"; vacation "Away.";'
        path = "/accounts/bob@away.test/scripts/away"
        worlds.ask(lambda door: door.put(path, {"script": script, "active": True}), ["store"])
        endpoint = stack.endpoint(Port.APP)
        with smtplib.SMTP(endpoint.host, endpoint.port, timeout=30) as client:
            letter = b"From: alice@alpha.test\r\nTo: bob@away.test\r\nSubject: Are you there?\r\n\r\nHello\r\n"
            client.sendmail(ALICE.address, ["bob@away.test"], letter)
        (answer,) = arrived(stack, outside(world))
        assert b"Away." in answer
    finally:
        worlds.drop("away")


def test_nothing_is_shared_between_worlds(stack: ProcessStack, worlds: Worlds) -> None:
    left, right = worlds.make("left", "bob", "ann"), worlds.make("right")
    shared = "Other Users/bob@left.test/INBOX"
    try:
        with imap(stack, user(left, "bob")) as client:
            for name in ("anyone", "ann@left.test", "bob@right.test", ALICE.address):
                client._imap.setacl("INBOX", name, "lrswipkxtea")
        with imap(stack, user(left, "ann")) as client:
            assert [name for _, _, name in client.list_folders("", "Other Users/*")] == [shared]
        for stranger in (user(right, "bob"), ALICE):
            with imap(stack, stranger) as client:
                assert client.list_folders("", "Other Users/*") == []
                with pytest.raises(imapclient.exceptions.IMAPClientError):
                    client.select_folder(shared)
    finally:
        worlds.drop("left")
        worlds.drop("right")


def test_administrators_of_the_file_are_strangers_in_a_world(tmp_path: Path) -> None:
    with ProcessStack(tmp_path, world='administrators = ["postmaster@postroad.test"]\n' + DEFAULT_WORLD) as stack:
        Worlds(stack).make("closed")
        for act_as, allowed in (("alice@alpha.test", True), ("bob@closed.test", False)):
            with connected(stack) as client:
                if allowed:
                    client.plain_login("postmaster@postroad.test", "postmaster", act_as)
                else:
                    with pytest.raises(imapclient.exceptions.LoginError):
                        client.plain_login("postmaster@postroad.test", "postmaster", act_as)


def test_what_another_world_says_of_its_domain_is_nothing_to_a_stranger(stack: ProcessStack, worlds: Worlds) -> None:
    worlds.make("mute", domains=[{"records": ["@ MX 0 ."]}])
    world = worlds.make("talks")
    try:
        send(stack, ["bob@mute.test"], "To the mute", login="talks")
        assert subjects(arrived(stack, outside(world))) == ["To the mute"]
    finally:
        worlds.drop("mute")
        worlds.drop("talks")
