"""Sessions in the API: what the doors tell, with messages by the IDs of their records."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from postroad.control.client import DoorRefused
from postroad_web.catalog.catalog import Catalog
from tests.harness.doors import ToyDoor, ToyStack
from tests.web.api.asgi import client, services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

RAW = b"Subject: hi\r\n\r\n.body\r\n"


def heard(ident: str, began: float, **more: Any) -> dict[str, Any]:
    """Return a session as a door tells it."""
    return {
        "id": ident,
        "protocol": "smtp",
        "peer": "192.0.2.1:4000",
        "local": "127.0.0.25:25",
        "outbound": False,
        "began": began,
        "ended": None,
        "tls": False,
        "account": None,
        "world": "default",
        "messages": [],
        "reads": [],
        "changed": 7,
        **more,
    }


def line(number: int, side: str, text: str, **more: Any) -> dict[str, Any]:
    return {"n": number, "at": 1.0, "from": side, "text": text, "tls": False, "state": "ready", **more}


class Stack:
    """Doors of all services, with a catalog that knows one message."""

    def __init__(self, catalog: Catalog, toys: ToyStack, ident: str, place: tuple[str, str, int, int]) -> None:
        self.catalog = catalog
        self.relay, self.store, self.dns = toys.relay, toys.store, ToyDoor("dns", 1)
        self.ident = ident
        self.place = dict(zip(("account", "mailbox", "uid_validity", "uids"), (*place[:3], str(place[3])), strict=True))
        self.asked: list[dict[str, Any]] = []

    def tell(self, door: ToyDoor, *sessions: dict[str, Any], following: str | None = None) -> None:
        def answer(query: dict[str, Any]) -> dict[str, Any]:
            self.asked.append(query)
            return {"sessions": sessions, "next": following, "last": 9}

        door.answers["GET", "/sessions"] = answer
        for session in sessions:
            door.answers["GET", f"/sessions/{session['id']}"] = session

    def services(self) -> Any:
        return services(relay=self.relay, store=self.store, dns=self.dns, catalog=self.catalog)


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    toys = ToyStack()
    catalog = Catalog(tmp_path, relay=toys.relay, store=toys.store)
    await catalog.start()
    ident = toys.accept(RAW, "alice@alpha.test", ["bob@beta.test"])
    (place,) = toys.deliver(ident)
    await toys.told(catalog)
    prepared = Stack(catalog, toys, ident, place)
    for door in (prepared.relay, prepared.store, prepared.dns):
        prepared.tell(door)
    yield prepared
    await catalog.close()


async def test_all_services_in_one_list(stack: Stack) -> None:
    stack.tell(stack.relay, heard("r2", 4.0, messages=[stack.ident]), heard("r1", 1.0))
    stack.tell(
        stack.store, heard("s2", 3.0, reads=[stack.place]), heard("s1", 2.0, messages=[f"S{stack.ident}1", "S?"])
    )
    async with client(stack.services()) as http:
        answer = (await http.get("/v1/sessions?limit=3&protocol=smtp&peer=192.0.2.1")).json()
        assert [(session["id"], session["service"], session["messages"]) for session in answer["sessions"]] == [
            ("r2", "relay", [stack.ident]),
            ("s2", "store", [stack.ident]),
            ("s1", "store", [stack.ident]),
        ]
        assert answer["sessions"][0]["began"] == "1970-01-01T00:00:04.000Z"
        assert answer["next"] == "2000000-s1"
        assert answer["away"] == []
        assert "reads" not in answer["sessions"][1]
        assert {query["protocol"] for query in stack.asked} == {"smtp"}
        stack.asked.clear()
        assert (await http.get("/v1/sessions?service=store&before=2000000-s1")).json()["next"] is None
        (asked,) = stack.asked
        assert asked["before"] == "2000000-s1"
        assert asked["world"] == "default"


async def test_a_service_that_is_away_is_named(stack: Stack) -> None:
    stack.tell(stack.relay, heard("r1", 1.0), following="1-r1")
    stack.store.away = True
    del stack.dns.answers["GET", "/sessions"]
    async with client(stack.services()) as http:
        answer = (await http.get("/v1/sessions")).json()
        assert [session["id"] for session in answer["sessions"]] == ["r1"]
        assert answer["away"] == ["store"]
        assert answer["next"] == "1000000-r1"
        assert (await http.get("/v1/sessions/s9")).status_code == 503
        stack.store.away = False
        assert (await http.get("/v1/sessions/s9")).status_code == 404


async def test_a_door_that_refuses(stack: Stack) -> None:
    def refuse(_: object) -> None:
        raise DoorRefused(400, "no")

    stack.dns.answers |= {("GET", "/sessions"): refuse, ("GET", "/sessions/x"): refuse}
    async with client(stack.services()) as http:
        assert (await http.get("/v1/sessions")).status_code == 400
        assert (await http.get("/v1/sessions/x")).status_code == 400


async def test_those_of_a_message(stack: Stack) -> None:
    async with client(stack.services()) as http:
        await http.get(f"/v1/sessions?message={stack.ident}")
        assert {query["message"] for query in stack.asked} == {f"{stack.ident},S{stack.ident}1"}
        assert stack.asked[0]["places"] == '[["bob@beta.test","INBOX",77,1]]'
        assert (await http.get("/v1/sessions?message=nobody")).status_code == 404
        assert (await http.get("/v1/sessions?protocol=gopher")).status_code == 422


async def test_one_with_its_lines_and_as_a_dialogue(stack: Stack) -> None:
    content = {"size": len(RAW), "sha256": hashlib.sha256(RAW).hexdigest()}
    lines = [
        line(1, "server", "220 mx.test"),
        line(2, "client", "AUTH PLAIN {?plain}", blank=True),
        line(3, "client", "MAIL FROM:<a@alpha.test>"),
        line(4, "client", "", reference=content),
        line(5, "client", "."),
        line(6, "client", "", reference={"size": 5, "sha256": None}),
        line(7, "server", "250 OK", tls=True),
    ]
    facts = [{"line": 3, "message": stack.ident}, {"line": 6, "read": stack.place}]
    stack.tell(stack.relay, heard("r1", 1.0, ended=2.0, omitted=12, lines=lines, facts=facts))
    async with client(stack.services()) as http:
        answer = (await http.get("/v1/sessions/r1")).json()
        assert answer["facts"] == [
            {"line": 3, "messages": [stack.ident]},
            {"line": 6, "messages": [stack.ident], "read": stack.place},
        ]
        assert answer["lines"][3]["reference"] == content
        assert answer["lines"][0]["at"] == "1970-01-01T00:00:01.000Z"
        dialogue = await http.get("/v1/sessions/r1/dialogue")
        assert dialogue.headers["content-type"] == "text/plain; charset=utf-8"
        assert dialogue.text.splitlines() == [
            "# smtp, session r1, 192.0.2.1:4000 to 127.0.0.25:25, 1970-01-01T00:00:01.000Z",
            "# about 12 octets of it are not on record",
            "S: 220 mx.test",
            "C: AUTH PLAIN {?plain}",
            "C: MAIL FROM:<a@alpha.test>",
            "C: Subject: hi",
            "C:",
            "C: ..body",
            "C: .",
            "C: {?content 5 ?}",
            "T:",
            "S: 250 OK",
            "X:",
        ]
        assert (await http.get("/v1/sessions/none/dialogue")).status_code == 404


async def test_content_that_is_not_what_was_sent(stack: Stack) -> None:
    lines = [
        line(1, "client", "MAIL FROM:<>", tls=True),
        line(2, "client", "", reference={"size": 10_000, "sha256": "ab" * 32}, tls=True),
    ]
    for ident in (stack.ident, "gone"):
        fact = {"line": 1, "message": ident}
        stack.tell(
            stack.relay, heard("r1", 1.0, outbound=True, lines=lines, facts=[fact, {"line": 2, "message": ident}])
        )
        async with client(stack.services()) as http:
            assert (await http.get("/v1/sessions/r1/dialogue")).text.splitlines() == [
                "# smtp, session r1, 127.0.0.25:25 to 192.0.2.1:4000, 1970-01-01T00:00:01.000Z",
                "@ secure",
                "C: MAIL FROM:<>",
                "C: {?content 10000 abababababababab}",
            ]
