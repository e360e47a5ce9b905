"""The questions, as they are asked, and what is read from the answers. A whole stack answers them in test_world."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from postroad_kit import asking
from postroad_kit.criteria import asked
from postroad_kit.endpoints import Endpoint
from postroad_kit.errors import NotQuiet
from postroad_kit.letter import Copy
from tests.kit.samples import letter, message

if TYPE_CHECKING:
    from postroad_kit.http.call import Call


def test_criteria_are_those_of_the_api() -> None:
    assert asked({}) == {}
    first = letter()
    assert asked({"from_": "a@b.test", "header": {"X-A": "1"}, "after": first, "settled": False}) == {
        "from": "a@b.test",
        "header": [{"name": "X-A", "value": "1"}],
        "after": first.number,
        "settled": False,
    }
    assert asked({"after": "4F1A9C"}) == {"after": "4F1A9C"}


@pytest.mark.parametrize(
    ("count", "mode"),
    [
        ({}, {"at_least": 1}),
        ({"at_least": 3}, {"at_least": 3}),
        ({"exactly": 2}, {"exactly": 2}),
        ({"exactly": 0}, {"none": True}),
    ],
)
def test_a_wait_says_how_many(count: dict[str, Any], mode: dict[str, Any]) -> None:
    call = asking.wait({"subject": "Hi"}, 3.0, **count)
    assert call.value == {"subject": "Hi", "mode": mode, "timeout": 3.0}
    assert call.patience == 3.0
    assert call.read({"messages": [message()]}) == [message()]


def test_a_wait_is_not_for_two_counts() -> None:
    with pytest.raises(ValueError, match="not both"):
        asking.wait({}, 1.0, exactly=1, at_least=1)


def test_quiet() -> None:
    call = asking.quiet(2.0)
    assert call.read({"cursor": 5, "held": []}) == 5
    assert call.errors == {408: NotQuiet}


def test_worlds() -> None:
    call = asking.make({"id": "checkout"})
    assert (call.method, call.path, call.value) == ("POST", "/v1/worlds", {"id": "checkout"})
    assert asking.read("a").path == "/v1/worlds/a"
    assert [asking.keep("a", span).value for span in (8.7, 0.0)] == [{"ttl": 9}, {"ttl": 1}]
    assert asking.drop("a").read(None) is None
    assert asking.purge("a").path == "/v1/worlds/a/purge"
    assert asking.add_account("a", "bob", "b.test", password="x", quota=None).value == {
        "name": "bob",
        "domain": "b.test",
        "password": "x",
    }
    port = {"host": "localhost", "port": 1026, "protocol": "smtp"}
    assert asking.open_port("a").read(port) == Endpoint("localhost", 1026)
    assert asking.ports("a").read({"ports": [port]}) == [("localhost", 1026)]
    assert asking.close_port("a", 1026).read(None) is None
    assert asking.records("shop.test").read({"records": ["a"]}) == ("a",)


def test_messages() -> None:
    call = asking.messages("rcpt:bob", 7)
    assert call.target == "/v1/messages?query=rcpt%3Abob&after=7&order=oldest&content=true&limit=100"
    assert call.read({"messages": [], "next": 9}) == ([], 9)
    assert asking.summaries().read({"messages": [message()]}) == [message()]
    assert asking.raw("a/b").path == "/v1/messages/a%2Fb/raw"
    assert asking.part("a", "1.2").read(b"%PDF") == b"%PDF"
    flags = asking.flags(Copy("bob@shop.test", "A/B", 7, 4, removed=False))
    assert flags.target == "/v1/accounts/bob%40shop.test/mailboxes/A%2FB/messages?after=3&limit=1"
    assert flags.read({"messages": [{"uid": 4, "flags": ["\\Seen"]}]}) == ("\\Seen",)
    assert flags.read({"messages": [{"uid": 5, "flags": ["\\Seen"]}]}) == ()


def test_what_happened() -> None:
    assert asking.road("a").path == "/v1/messages/a/road"
    call = asking.sessions(None, protocol="imap")
    assert call.target == "/v1/sessions?protocol=imap"
    assert call.read({"sessions": [], "next": None}) == ([], None)
    assert asking.session("s1").path == "/v1/sessions/s1"
    assert asking.dialogue("s1").read("C: NOOP ä".encode()) == "C: NOOP ä"


def test_snapshots_and_the_clock() -> None:
    assert asking.snapshot("a", "seeded").value == {"name": "seeded"}
    assert asking.restore("a", "seeded").path == "/v1/worlds/a/snapshots/seeded/restore"
    assert asking.clock("a").path == "/v1/worlds/a/clock"
    assert asking.push_clock("a", "2h").value == {"push": "2h"}
    assert asking.push_clock("a", timedelta(minutes=2)).value == {"push": 120.0}


def test_endpoints() -> None:
    assert asking.endpoints().path == "/v1/endpoints"


COPY = Copy("a@b.test", "INBOX", 7, 4, removed=False)


@pytest.mark.parametrize(
    ("call", "method", "target", "value"),
    [
        (asking.endpoints(), "GET", "/v1/endpoints", None),
        (asking.make({"id": "w"}), "POST", "/v1/worlds", {"id": "w"}),
        (asking.read("w"), "GET", "/v1/worlds/w", None),
        (asking.keep("w", 5), "PATCH", "/v1/worlds/w", {"ttl": 5}),
        (asking.drop("w"), "DELETE", "/v1/worlds/w", None),
        (asking.purge("w"), "POST", "/v1/worlds/w/purge", None),
        (asking.open_port("w"), "POST", "/v1/worlds/w/ports", {}),
        (asking.ports("w"), "GET", "/v1/worlds/w/ports", None),
        (asking.close_port("w", 1026), "DELETE", "/v1/worlds/w/ports/1026", None),
        (asking.add_account("w", "b", "d"), "POST", "/v1/worlds/w/accounts", {"name": "b", "domain": "d"}),
        (asking.records("d"), "GET", "/v1/domains/d", None),
        (asking.quiet(2.0), "POST", "/v1/quiet", {"timeout": 2.0}),
        (asking.wait({}, 3.0), "POST", "/v1/wait", {"mode": {"at_least": 1}, "timeout": 3.0}),
        (asking.messages(None, None), "GET", "/v1/messages?order=oldest&content=true&limit=100", None),
        (asking.summaries(), "GET", "/v1/messages?limit=100", None),
        (asking.raw("m"), "GET", "/v1/messages/m/raw", None),
        (asking.part("m", "1/2"), "GET", "/v1/messages/m/parts/1%2F2", None),
        (asking.flags(COPY), "GET", "/v1/accounts/a%40b.test/mailboxes/INBOX/messages?after=3&limit=1", None),
        (asking.road("m"), "GET", "/v1/messages/m/road", None),
        (asking.sessions("s9"), "GET", "/v1/sessions?before=s9", None),
        (asking.dialogue("s"), "GET", "/v1/sessions/s/dialogue", None),
        (asking.session("s"), "GET", "/v1/sessions/s", None),
        (asking.snapshot("w", "n"), "POST", "/v1/worlds/w/snapshots", {"name": "n"}),
        (asking.restore("w", "n"), "POST", "/v1/worlds/w/snapshots/n/restore", {}),
        (asking.clock("w"), "GET", "/v1/worlds/w/clock", None),
        (asking.push_clock("w", 5.0), "POST", "/v1/worlds/w/clock", {"push": 5.0}),
    ],
)
def test_requests(call: Call[Any], method: str, target: str, value: Any) -> None:
    assert (call.method, call.target, call.value) == (method, target, value)


def test_what_is_read_as_octets_may_not_be_asked_twice_or_may_take_long() -> None:
    calls: list[Call[Any]] = [
        asking.raw("m"),
        asking.part("m", "1"),
        asking.dialogue("s"),
        asking.session("s"),
        asking.make({}),
    ]
    assert [call.octets for call in calls] == [True, True, True, False, False]
    unrepeatable: list[Call[Any]] = [
        asking.open_port("w"),
        asking.make({}),
        asking.add_account("w", "b", "d"),
        asking.snapshot("w", "n"),
        asking.push_clock("w", 1.0),
    ]
    assert [call.again for call in unrepeatable] == [False] * 5
    assert asking.restore("w", "n").again
    assert [call.patience for call in (asking.quiet(2.0), asking.push_clock("w", 1.0), asking.clock("w"))] == [2, 60, 0]
    assert asking.clock("w").timeout == 30.0
