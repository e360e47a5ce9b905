"""The questions, as they are asked, and what is read from the answers. A whole stack answers them in test_world."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from postroad_kit import asking
from postroad_kit.criteria import asked
from postroad_kit.errors import NotQuiet
from postroad_kit.letter import Copy
from tests.kit.samples import letter, message


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
