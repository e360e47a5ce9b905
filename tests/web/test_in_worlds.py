"""Mail of several worlds on a whole stack, seen by HTTP: each dialect shows one world, however that is named."""

from __future__ import annotations

import base64
import http.client
import json
import smtplib
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.processes import ProcessStack
from tests.harness.stack import WAIT, Port
from tests.harness.worlds import Worlds

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = {"default": "in the file", "one": "in the first", "two": "in the second"}


class Place:
    """A stack with two worlds beside the file's."""

    def __init__(self, stack: ProcessStack) -> None:
        self.stack = stack
        self.worlds = Worlds(stack)
        self.by_name = {"one": self.worlds.make("one"), "two": self.worlds.make("two", quota={"messages": 1})}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        endpoint = self.stack.endpoint(Port.WEB)
        connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=WAIT)
        named = {"User-Agent": "a test"} | {name.replace("_", "-"): value for name, value in headers.items()}
        octets = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, octets, named)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        is_json = "json" in (answer.getheader("Content-Type") or "")
        return answer.status, json.loads(text) if is_json else text.decode()

    def bob(self, world: str) -> str:
        return "bob@beta.test" if world == "default" else f"bob@{world}.test"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with ProcessStack(tmp_path_factory.mktemp("stack")) as stack:
        yield Place(stack)
        stack.check_logs()


@pytest.fixture(scope="module", autouse=True)
def _mail(place: Place) -> None:
    """Send a message in each world: by SMTP, by the native API, and by Mailpit's."""
    endpoint = place.stack.endpoint(Port.APP)
    with smtplib.SMTP(endpoint.host, endpoint.port, timeout=WAIT) as client:
        client.sendmail("app@example.org", [place.bob("default")], f"Subject: {WORDS['default']}\r\n\r\nx".encode())
    written = {"from": "app@one.test", "to": [place.bob("one")], "subject": WORDS["one"], "text": "x"}
    status, sent = place.ask("POST", "/w/one/v1/messages", written)
    assert (status, sent["url"]) == (201, f"/w/one/v1/messages/{sent['id']}")
    assert place.ask("GET", sent["url"])[1]["world"] == "one"
    sending = {
        "From": {"Email": "app@two.test"},
        "To": [{"Email": place.bob("two")}],
        "Subject": WORDS["two"],
        "Text": "x",
    }
    status, _ = place.ask("POST", "/api/v1/send", sending, Postroad_World="two")
    assert status == 200
    for world in WORDS:
        status, _ = place.ask("POST", "/v1/wait", {"recipient": place.bob(world)}, Postroad_World=world)
        assert status == 200


def ways(world: str) -> list[tuple[str, dict[str, str]]]:
    """Return what names a world: a prefix of the path and header fields."""
    login = base64.b64encode(f"{world}:anything".encode()).decode()
    return [
        (f"/w/{world}", {}),
        ("", {"Postroad_World": world}),
        ("", {"Host": f"{world}.localhost:8025"}),
        ("", {"Authorization": f"Basic {login}"}),
    ]


@pytest.mark.parametrize("world", WORDS)
def test_each_dialect_shows_one_world(place: Place, world: str) -> None:
    for prefix, headers in ways(world):
        listed = place.ask("GET", f"{prefix}/v1/messages", **headers)[1]
        assert [(message["subject"], message["world"]) for message in listed["messages"]] == [(WORDS[world], world)]
        mailpit = place.ask("GET", f"{prefix}/api/v1/messages", **headers)[1]
        assert ([message["Subject"] for message in mailpit["messages"]], mailpit["total"]) == ([WORDS[world]], 1)
        mailhog = place.ask("GET", f"{prefix}/api/v2/messages", **headers)[1]
        assert [message["Content"]["Headers"]["Subject"] for message in mailhog["items"]] == [[WORDS[world]]]
        greenmail = place.ask("GET", f"{prefix}/api/user/{place.bob(world)}/messages", **headers)[1]
        assert [message["subject"] for message in greenmail] == [WORDS[world]]
        searched = place.ask("GET", f"{prefix}/api/v1/search?query=in", **headers)[1]
        assert searched["messages_count"] == 1
        info = place.ask("GET", f"{prefix}/api/v1/info", **headers)[1]
        assert (info["Messages"], info["RuntimeStats"]["SMTPAccepted"]) == (1, 1)
    logins = {account["login"] for account in place.ask("GET", f"/v1/accounts?world={world}")[1]["accounts"]}
    assert place.bob(world) in logins
    assert logins.isdisjoint(place.bob(other) for other in WORDS if other != world)
    for other in WORDS:
        status, _ = place.ask("GET", f"/w/{world}/v1/accounts/{place.bob(other)}/mailboxes/INBOX/messages")
        assert status == (200 if other == world else 404)


@pytest.mark.parametrize("world", WORDS)
def test_what_was_said_about_one_worlds_mail(place: Place, world: str) -> None:
    """Connections between our own servers carry mail of several worlds; each world sees what concerns it."""
    foreign = [trace for other in WORDS if other != world for trace in (WORDS[other], place.bob(other))]
    sessions = place.ask("GET", f"/w/{world}/v1/sessions?limit=100")[1]["sessions"]
    assert {session["service"] for session in sessions} >= {"relay", "store"}
    for session in sessions:
        for path in ("", "/dialogue"):
            status, said = place.ask("GET", f"/w/{world}/v1/sessions/{session['id']}{path}")
            assert status == 200
            assert not [trace for trace in foreign if trace in str(said)]
    (ident,) = (message["id"] for message in place.ask("GET", f"/w/{world}/v1/messages")[1]["messages"])
    status, road = place.ask("GET", f"/w/{world}/v1/messages/{ident}/road")
    assert (status, road["world"]) == (200, world)
    assert {"submission", "delivery"} <= {hop["kind"] for hop in road["hops"]}
    assert not [trace for trace in foreign if trace in str(road)]
    for other in WORDS:
        status, _ = place.ask("GET", f"/w/{other}/v1/messages/{ident}/road")
        assert status == (200 if other == world else 404)


def test_all_of_them(place: Place) -> None:
    listed = place.ask("GET", "/v1/messages?world=*")[1]
    assert {(message["world"], message["subject"]) for message in listed["messages"]} == set(WORDS.items())


def test_one_worlds_mail_keeps_no_other_up(place: Place) -> None:
    """What waits in the queue of a world counts there alone."""
    again = {"from": "app@two.test", "to": [place.bob("two")], "subject": "over quota", "text": "x"}
    status, sent = place.ask("POST", "/w/two/v1/messages", again)
    assert status == 201
    status, said = place.ask("POST", "/w/two/v1/quiet", {"timeout": 0.5})
    assert (status, [entry["id"] for entry in said["under_way"]]) == (408, [sent["id"]])
    for world in ("one", "default"):
        assert place.ask("POST", f"/w/{world}/v1/quiet", {"timeout": WAIT})[0] == 200
        none = {"recipient": "nobody@example.org", "mode": {"none": True}, "timeout": WAIT}
        assert place.ask("POST", f"/w/{world}/v1/wait", none)[0] == 200
        assert place.ask("GET", f"/w/{world}/v1/queue")[1]["total"] == 0
        assert place.ask("GET", f"/w/{world}/v1/queue/{sent['id']}")[0] == 404
        assert place.ask("DELETE", f"/w/{world}/v1/queue/{sent['id']}")[0] == 404
        assert place.ask("POST", f"/w/{world}/v1/queue/retry")[1] == {"count": 0}
    assert place.ask("GET", "/w/two/v1/queue")[1]["total"] == 1
    # What was refused or waits there is told to nobody else.
    status, said = place.ask("POST", "/w/one/v1/wait", {"recipient": place.bob("two"), "timeout": 0})
    assert (status, said["under_way"], said["refused"]) == (408, [], [])


def test_mail_of_nobody_is_of_the_world_that_it_goes_to(place: Place) -> None:
    stray = {"from": "app@example.org", "to": [place.bob("two")], "subject": "stray", "text": "x"}
    status, sent = place.ask("POST", "/v1/messages", stray)
    assert (status, sent["url"]) == (201, f"/w/two/v1/messages/{sent['id']}")
    assert place.ask("GET", sent["url"])[1]["subject"] == "stray"
    assert place.ask("GET", f"/v1/messages/{sent['id']}")[0] == 404


def test_chaos_is_of_one_world(place: Place) -> None:
    always = {"Recipient": {"ErrorCode": 451, "Probability": 100}}
    assert place.ask("PUT", "/w/one/api/v1/chaos", always)[1]["Recipient"] == always["Recipient"]
    assert place.ask("GET", "/w/two/api/v1/chaos")[1]["Recipient"]["Probability"] == 0
    endpoint = place.stack.endpoint(Port.APP)
    with smtplib.SMTP(endpoint.host, endpoint.port, timeout=WAIT) as client:
        client.ehlo()
        client.mail("app@example.org")
        codes = [client.rcpt(place.bob(world))[0] for world in ("one", "two", "default")]
        client.rset()
    assert codes == [451, 250, 250]
    status, said = place.ask("POST", "/w/one/v1/wait", {"subject": "never", "timeout": 0})
    assert (status, [refusal["recipients"] for refusal in said["refused"]]) == (408, [[place.bob("one")]])
    for world in ("two", "default"):
        status, said = place.ask("POST", f"/w/{world}/v1/wait", {"subject": "never", "timeout": 0})
        assert (status, said["refused"]) == (408, [])
    place.ask("PUT", "/w/one/api/v1/chaos", {})


def test_a_world_is_emptied_alone_and_leaves_nothing_when_it_is_dropped(place: Place) -> None:
    assert place.ask("DELETE", "/w/two/api/v1/messages") == (200, "ok")
    assert place.ask("GET", "/w/two/v1/messages")[1]["total"] == 0
    assert place.ask("GET", "/w/two/v1/queue")[1]["total"] == 0
    for world in ("one", "default"):
        assert place.ask("GET", f"/w/{world}/v1/messages")[1]["total"] == 1
        assert place.ask("GET", f"/w/{world}/v1/accounts/{place.bob(world)}")[1]["messages"] == 1
    place.worlds.drop("one")
    place.worlds.drop("two")
    assert place.ask("GET", "/w/one/v1/messages")[0] == 404
    assert place.ask("GET", "/w/two/api/v1/messages")[0] == 404
    everything = place.ask("GET", "/v1/messages?world=*")[1]
    assert [message["world"] for message in everything["messages"]] == ["default"]
    place.worlds.make("one")  # another one that has the same name
    assert place.ask("GET", "/w/one/v1/messages")[1]["messages"] == []
    place.worlds.drop("one")
