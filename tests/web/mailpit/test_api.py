"""What all paths have in common, and the small ones: tags, chaos, info, documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad_web.mailpit.paths import _PATHS
from postroad_web.mailpit.swagger.document import document
from tests.web.dialect import HOST

if TYPE_CHECKING:
    from tests.web.dialect import Web

TAGS, CHAOS = "/api/v1/tags", "/api/v1/chaos"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/api/v1/messages", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("DELETE", "/api/v1/message/x", "GET, HEAD, OPTIONS"),
        ("PATCH", "/api/v1/tags/x", "DELETE, OPTIONS, PUT"),
        ("POST", "/view/x.html", "GET, HEAD, OPTIONS"),
    ],
)
async def test_other_methods(web: Web, method: str, path: str, allowed: str) -> None:
    answer = await web.http.request(method, path)
    assert (answer.status_code, answer.text, answer.headers["allow"]) == (405, "Method Not Allowed\n", allowed)


async def test_the_websocket_is_nothing_else(web: Web) -> None:
    assert await web.text("/api/events") == (400, "Bad Request")


async def test_an_empty_body_is_told_as_go_does(web: Web) -> None:
    answer = await web.http.put("/api/v1/messages")
    assert (answer.status_code, answer.text) == (400, "EOF")


@pytest.mark.parametrize("path", ["/api/v1/unknown", "/api/v1/message", "/api/v2/x"])
async def test_unknown_paths(web: Web, path: str) -> None:
    assert await web.text(path) == (404, "File not found")


async def test_head_is_get_without_a_body(web: Web) -> None:
    web.send("Hello")
    answer = await web.http.head("/api/v1/messages")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


async def test_slashes_in_a_row_are_one(web: Web) -> None:
    ident = web.send("Hello")
    assert (await web.text(f"http://{HOST}//view//{ident}.txt")) == (200, "Some words.\r\n")
    assert (await web.json(f"http://{HOST}//api/v1/messages"))["total"] == 1
    assert (await web.http.get(f"http://{HOST}//other//path")).status_code == 404


async def test_pages_of_other_hosts_get_nothing(web: Web) -> None:
    for method, path in (("GET", "/api/v1/messages"), ("OPTIONS", "/api/v1/messages"), ("GET", "/view/latest.html")):
        answer = await web.http.request(method, path, headers={"Origin": "http://evil.test"})
        assert (answer.status_code, answer.text) == (403, "Blocked due to CORS violation")
        assert "access-control-allow-origin" not in answer.headers
    own = await web.http.get("/api/v1/messages", headers={"Origin": "http://localhost:8025"})
    assert own.status_code == 200
    assert own.headers["access-control-allow-origin"] == "http://localhost:8025"
    assert own.headers["access-control-allow-methods"] == "GET, POST, DELETE, PUT, OPTIONS"


async def test_options(web: Web) -> None:
    answer = await web.http.options("/api/v1/messages")
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (200, "", "text/plain")


class TestTags:
    async def set(self, web: Web, *tags: str, idents: list[str]) -> int:
        return (await web.http.put(TAGS, json={"Tags": tags, "IDs": idents})).status_code

    async def test_set(self, web: Web) -> None:
        first, second = web.send("one", more="X-Tags: old\r\n"), web.send("two")
        assert await web.json(TAGS) == ["old"]
        assert await self.set(web, "New tag", "new TAG", "a/b", "", idents=[first, second]) == 200
        assert await web.json(TAGS) == ["a b", "New tag"]
        assert (await web.json(f"/api/v1/message/{first}"))["Tags"] == ["a b", "New tag"]
        await self.set(web, idents=[first])
        assert (await web.json(f"/api/v1/message/{first}"))["Tags"] == []
        await self.set(web, "nothing", idents=[])
        assert await web.json(TAGS) == ["a b", "New tag"]

    async def test_rename(self, web: Web) -> None:
        ident = web.send("one", more="X-Tags: old, other\r\n")
        await web.subjects()
        for tag, name, error in (
            ("none", "new", "tag not found: none"),
            ("old", "a/b", "invalid tag name: a/b"),
            ("old", "", "invalid tag name: "),
            ("old", "Other", "tag already exists: other"),
            ("old", "old", "tag already exists: old"),
        ):
            answer = await web.http.put(f"{TAGS}/{tag}", json={"Name": name})
            assert (answer.status_code, answer.text) == (400, error)
        assert (await web.http.put(f"{TAGS}/OLD", json={"name": "New name"})).text == "ok"
        assert (await web.json(f"/api/v1/message/{ident}"))["Tags"] == ["New name", "other"]
        assert (await web.http.put(f"{TAGS}/New%20name", json={"Name": "new Name"})).text == "ok"
        assert await web.json(TAGS) == ["new Name", "other"]

    async def test_drop(self, web: Web) -> None:
        web.send("one", more="X-Tags: old, other\r\n")
        await web.subjects()
        assert (await web.http.delete(f"{TAGS}/Old")).text == "ok"
        assert await web.json(TAGS) == ["other"]
        answer = await web.http.delete(f"{TAGS}/old")
        assert (answer.status_code, answer.text) == (400, "tag not found: old")

    @pytest.mark.parametrize(("path", "body"), [(TAGS, {"Tags": "a"}), (f"{TAGS}/old", {"Name": 1}), (TAGS, [])])
    async def test_faults(self, web: Web, path: str, body: Any) -> None:
        assert (await web.http.put(path, json=body)).status_code == 400


OFF = {
    "Sender": {"ErrorCode": 451, "Probability": 0},
    "Recipient": {"ErrorCode": 451, "Probability": 0},
    "Authentication": {"ErrorCode": 535, "Probability": 0},
}


class TestChaos:
    @pytest.fixture(autouse=True)
    def faults(self, web: Web) -> list[dict[str, Any]]:
        off = {"code": 451, "probability": 0.0}
        kept: list[dict[str, Any]] = [{"seed": 0, "mail": off, "rcpt": off, "auth": {"code": 535, "probability": 0.0}}]

        def put(value: dict[str, Any]) -> dict[str, Any]:
            kept.append(value)
            return value

        web.stack.relay.answers |= {("GET", "/faults"): lambda _: kept[-1], ("PUT", "/faults"): put}
        return kept

    async def test_set_and_reset(self, web: Web, faults: list[dict[str, Any]]) -> None:
        assert await web.json(CHAOS) == OFF
        asked = {"Sender": {"ErrorCode": 550, "Probability": 100}, "recipient": {"probability": 5}, "Seed": 7}
        answer = await web.http.put(CHAOS, json=asked)
        now = OFF | {"Sender": asked["Sender"], "Recipient": {"ErrorCode": 451, "Probability": 5}}
        assert answer.json() == await web.json(CHAOS) == now
        assert faults[-1]["seed"] == 7
        assert (await web.http.put(CHAOS, json={})).json() == OFF

    async def test_probabilities_are_whole_numbers(self, web: Web, faults: list[dict[str, Any]]) -> None:
        assert '"Probability":0}' in (await web.text(CHAOS))[1]  # Go and Java read no 0.0 into an integer
        faults.append(faults[0] | {"mail": {"code": 451, "probability": 0.2}})
        assert '"Sender":{"ErrorCode":451,"Probability":1}' in (await web.text(CHAOS))[1]

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({"Sender": {"ErrorCode": 399, "Probability": 1}}, "error code must be between 400 and 599"),
            ({"Recipient": {"ErrorCode": 600}}, "error code must be between 400 and 599"),
            ({"Authentication": {"Probability": 101}}, "probability must be between 0 and 100"),
            ({"Sender": {"Probability": -1}}, "probability must be between 0 and 100"),
            ({"Sender": {"Probability": "1"}}, "Probability is not of type int"),
            ({"Sender": 1}, "Sender is not of type object"),
        ],
    )
    async def test_faults(self, web: Web, body: Any, error: str) -> None:
        answer = await web.http.put(CHAOS, json=body)
        assert (answer.status_code, answer.text) == (400, error)


async def test_info(web: Web) -> None:
    web.send("one", more="X-Tags: a\r\n")
    info = await web.json("/api/v1/info")
    assert (info["Messages"], info["Unread"], info["Tags"]) == (1, 1, {"a": 1})
    assert info["Version"].startswith("v1.30.5")
    assert info["DatabaseSize"] > 0
    assert all(isinstance(value, int) for value in info["RuntimeStats"].values())
    await web.http.delete("/api/v1/search", params={"query": "one"})
    web.send("two")
    await web.subjects()
    octets = sum(map(len, web.stack.relay.contents.values()))
    await web.http.delete("/api/v1/messages")
    stats = (await web.json("/api/v1/info"))["RuntimeStats"]
    assert (stats["SMTPAccepted"], stats["MessagesDeleted"]) == (2, 2)
    assert stats["SMTPAcceptedSize"] == octets


async def test_webui_tells_no_password(web: Web) -> None:
    assert (await web.json("/api/v1/webui"))["MessageRelay"]["Enabled"] is False
    settings = {"POSTROAD_RELEASE": "smtp://user:secret@smtp.example.com:587"}
    web.services.settings = type(web.services.settings).from_environ(settings)
    answer = await web.http.get("/api/v1/webui")
    assert answer.json()["MessageRelay"]["SMTPServer"] == "smtp.example.com:587"
    assert "secret" not in answer.text


async def test_documents(web: Web) -> None:
    described = await web.json("/api/v1/swagger.json")
    assert described["swagger"] == "2.0"
    status, page = await web.text("/api/v1/")
    assert status == 200
    assert "DELETE /api/v1/messages" in page


def test_every_path_is_described() -> None:
    ours = {
        (path.replace("{id}", "{ID}").replace("{part}", "{PartID}").replace("{tag:path}", "{Tag}"), method)
        for path, methods in _PATHS
        for method in methods
    }
    plain = {("/api/v1/", "GET"), ("/api/v1/swagger.json", "GET"), ("/view/latest", "GET"), ("/view/{ID}", "GET")}
    plain.add(("/search", "GET"))
    described = {(path, method.upper()) for path, methods in document()["paths"].items() for method in methods}
    assert described == ours - plain
    names = [operation["operationId"] for methods in document()["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)
