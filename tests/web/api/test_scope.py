"""Which world a request is about: each way to name one, what they say together, and who may."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

from postroad_web.api import native
from postroad_web.api.app import build
from postroad_web.api.scope import beyond, is_world_id, prefix_of, select, settle, without_prefix, world_of
from postroad_web.catalog.worlds import DefaultWorld
from tests.web.api.asgi import client, services
from tests.web.worlds import SomeWorlds

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.websockets import WebSocket

BY_HOST = "The Host field names it; POSTROAD_WEB_HOSTS=w3.localhost has the name mean no world."
WORLDS = SomeWorlds(w1="secret", w2="", admin="")


def scope_of(
    path: str = "/v1/messages",
    query: str = "",
    *,
    method: str = "GET",
    host: str = "localhost:8025",
    header: str | tuple[str, ...] = (),
    kind: str = "http",
) -> dict[str, Any]:
    fields = [header] if isinstance(header, str) else header
    headers = [(b"host", host.encode()), *((b"postroad-world", field.encode()) for field in fields)]
    raw = quote(path, safe="/*").encode()
    return {"type": kind, "method": method, "path": path, "raw_path": raw, "query_string": query.encode()} | {
        "headers": headers
    }


def settled(scope: dict[str, Any], user: str | None = None, further: tuple[str, ...] = ()) -> tuple[Any, ...]:
    """Return status (0: none), world, path, query string and prefix."""
    after, problem = settle(select(scope, further), user, WORLDS)
    connection = HTTPConnection(after)
    status = 0 if problem is None else problem.status
    return status, world_of(connection), after["path"], after["query_string"].decode(), prefix_of(connection)


def test_what_was_not_settled_is_about_the_default_world() -> None:
    connection = HTTPConnection(scope_of())
    assert (world_of(connection), prefix_of(connection)) == ("default", "")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, (0, "default", "/v1/messages", "", "")),
        ({"header": "w1"}, (0, "w1", "/v1/messages", "", "")),
        ({"header": " w1 "}, (0, "w1", "/v1/messages", "", "")),
        ({"header": ("w1", "w1")}, (0, "w1", "/v1/messages", "", "")),
        ({"query": "world=w1"}, (0, "w1", "/v1/messages", "", "/w/w1")),
        ({"query": "a=b&worl%64=w%31&c=d%26"}, (0, "w1", "/v1/messages", "a=b&c=d%26", "/w/w1")),
        ({"query": "world=default"}, (0, "default", "/v1/messages", "", "/w/default")),
        ({"path": "/w/w1/v1/messages"}, (0, "w1", "/v1/messages", "", "/w/w1")),
        ({"path": "/w/w1/api/v1/info", "query": "world=x"}, (0, "w1", "/api/v1/info", "world=x", "/w/w1")),
        ({"path": "/w/w1"}, (0, "w1", "/", "", "/w/w1")),
        ({"path": "/w/w1/"}, (0, "w1", "/", "", "/w/w1")),
        ({"path": "/w/w1//view/latest"}, (0, "w1", "//view/latest", "", "/w/w1")),
        ({"path": "/w/w1/w/w2/"}, (0, "w1", "/w/w2/", "", "/w/w1")),
        ({"path": "/w"}, (0, "default", "/w", "", "")),
        ({"host": "w1.localhost"}, (0, "w1", "/v1/messages", "", "")),
        ({"host": "W1.LocalHost.:8025"}, (0, "w1", "/v1/messages", "", "")),
        ({"host": "default.localhost:80"}, (0, "default", "/v1/messages", "", "")),
        ({"host": "a.w1.localhost"}, (0, "default", "/v1/messages", "", "")),
        ({"host": "localhost.w1"}, (0, "default", "/v1/messages", "", "")),
        # what is said for the request overrules what is always sent
        ({"host": "w1.localhost", "header": "w2"}, (0, "w2", "/v1/messages", "", "")),
        ({"path": "/w/w2/v1/messages", "query": "world=w2", "header": "w2"}, (0, "w2", "/v1/messages", "", "/w/w2")),
        # all worlds
        ({"query": "world=*"}, (0, "*", "/v1/messages", "", "")),
        ({"header": "*"}, (0, "*", "/v1/messages", "", "")),
        ({"query": "world=*", "kind": "websocket"}, (0, "*", "/v1/messages", "", "")),
    ],
)
def test_a_world_is_named_in_many_ways(asked: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert settled(scope_of(**asked)) == expected


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"header": "w3"}, 404),
        ({"header": ""}, 404),
        ({"header": "W1"}, 404),
        ({"query": "world="}, 404),
        ({"query": "world"}, 404),
        ({"path": "/w/w3/api/v1/messages"}, 404),
        ({"path": "/w//v1/messages"}, 404),
        ({"path": "/w/w 1/v1/messages"}, 404),
        ({"host": "w3.localhost"}, 404),
        ({"host": "w_1.localhost"}, 404),
        ({"header": ("w1", "w2")}, 400),
        ({"query": "world=w1&world=w2"}, 400),
        ({"path": "/w/w1/v1/messages", "query": "world=w2"}, 400),
        ({"path": "/w/w1/v1/messages", "header": "w2"}, 400),
        ({"path": "/w/w1/v1/messages", "header": "*"}, 400),
        ({"query": "world=*", "method": "DELETE"}, 400),
        ({"path": "/w/*/v1/messages"}, 400),
        ({"path": "/api/v1/messages", "header": "*"}, 400),
        ({"path": "/", "header": "*"}, 400),
    ],
)
def test_what_names_no_world_is_refused(asked: dict[str, Any], status: int) -> None:
    assert settled(scope_of(**asked))[0] == status


@pytest.mark.parametrize(
    ("asked", "title", "detail"),
    [
        ({"header": "w3"}, "No such world", "There is no world w3."),
        ({"header": "w" * 65}, "No such world", f"There is no world {'w' * 64}."),
        (
            {"host": "w3.localhost"},
            "No such world",
            f"There is no world w3. {BY_HOST}",
        ),
        ({"header": ("w1", "w2", "w1")}, "Two worlds are named", "The request names the worlds w1 and w2."),
        (
            {"header": ("a" * 100, "b" * 100)},
            "Two worlds are named",
            f"The request names the worlds {'a' * 100} and {'b' * 95}.",
        ),
        (
            {"query": "world=*", "method": "DELETE"},
            "One world has to be named",
            "All worlds (*) can be read, under /v1, and no more.",
        ),
    ],
)
def test_the_problem_has_words(asked: dict[str, Any], title: str, detail: str) -> None:
    _, problem = settle(select(scope_of(**asked), ()), None, WORLDS)
    assert problem is not None
    assert (problem.title, problem.detail) == (title, detail)


def test_all_worlds_may_be_read() -> None:
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    assert [settled(scope_of(query="world=*", method=method))[0] for method in methods] == [0, 0, *[400] * 5]


def test_a_name_that_the_operator_has_given_names_no_world() -> None:
    assert settled(scope_of(host="mail.localhost"))[0] == 404
    assert settled(scope_of(host="mail.localhost"), further=("mail.localhost",))[:2] == (0, "default")


@pytest.mark.parametrize(
    ("user", "asked", "world"),
    [
        ("w1", {}, "w1"),
        ("ann", {}, "default"),
        ("*", {}, "default"),
        ("w1", {"host": "w2.localhost"}, "w2"),
        ("w1", {"header": "w2"}, "w2"),
    ],
)
def test_a_user_may_be_a_world(user: str, asked: dict[str, Any], world: str) -> None:
    assert settled(scope_of(**asked), user)[:2] == (0, world)


def test_the_path_as_it_was_sent_loses_its_prefix_too() -> None:
    assert select(scope_of("/w/w1/v1/tags/a b"), ()).scope["raw_path"] == b"/v1/tags/a%20b"
    assert select(scope_of("/w/w1"), ()).scope["raw_path"] == b"/"
    assert select(scope_of("/w/w1/x") | {"raw_path": b"/%77/w1/x"}, ()).scope["raw_path"] is None
    assert select(scope_of("/w/w1/x") | {"raw_path": None}, ()).scope["raw_path"] is None


LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)


@given(
    LABELS, st.sampled_from(["/v1/messages", "/api/v1/info", "/"]), st.text(st.characters(codec="utf-8"), max_size=9)
)
@example("default", "/", "")
def test_every_way_names_the_same_world(world: str, path: str, value: str) -> None:
    worlds = SomeWorlds(**{world: ""})
    query = f"q={quote_plus(value)}"
    asked: list[dict[str, Any]] = [
        scope_of(path, query, header=world),
        scope_of(f"/w/{world}{path}", query),
        scope_of(path, query, host=f"{world}.localhost:8025"),
    ]
    if path.startswith("/v1"):
        asked += [scope_of(path, f"world={world}&{query}"), scope_of(path, f"{query}&world={world}")]
    for scope in asked:
        after, problem = settle(select(scope, ()), None, worlds)
        assert problem is None
        assert (after["postroad.world"], after["path"], after["query_string"].decode()) == (world, path, query)
    after, problem = settle(select(scope_of(path, query), ()), world, worlds)
    assert (problem, after["postroad.world"], after["path"]) == (None, world, path)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.binary(max_size=40))
def test_no_request_is_about_a_world_that_is_not_there(segment: str, host: str, user: str, query: bytes) -> None:
    scope = scope_of(f"/w/{segment}/v1/messages", host="localhost") | {"query_string": query}
    scope["headers"] = [(b"host", host.encode("latin-1", "replace"))]
    after, problem = settle(select(scope, ()), user, WORLDS)
    assert problem is not None or WORLDS.begun(after["postroad.world"]) is not None


def test_paths_without_the_prefix() -> None:
    asked = ("/w/w1/v1/messages", "/w/w1", "/w/w1/", "/v1/messages", "/w", "/")
    assert [without_prefix(path) for path in asked] == ["/v1/messages", "/", "/", "/v1/messages", "/w", "/"]


def test_ids() -> None:
    assert all(map(is_world_id, ("a", "0", "w2345abcd", "a-b", "a" * 32)))
    assert not any(map(is_world_id, ("", "-", "a-", "-a", "A", "a.b", "a" * 33, "*", "ä", "a\n")))


def test_what_is_beyond_a_world() -> None:
    for path, world in (("/v1/worlds", "w1"), ("/v1/worlds/w2", "w1"), ("/v1/worlds/w2/purge", "w1")):
        problem = beyond({"path": path, "postroad.world": world})
        assert problem is not None
        assert (problem.status, problem.title) == (403, "Another world's affair")
        assert problem.detail == "The app user of a world may do what concerns this world."
    for path in ("/v1/worlds/w1", "/v1/worlds/w1/purge", "/v1/messages", "/"):
        assert beyond({"path": path, "postroad.world": "w1"}) is None


def test_the_default_world_is_alone() -> None:
    worlds = DefaultWorld()
    assert (worlds.begun("default"), worlds.begun("w1"), worlds.password("default")) == (0.0, None, None)
    assert (worlds.of_domain("w1.test"), worlds.made("w1"), list(worlds.others())) == ("default", None, [])


# The application


@pytest.fixture
def _routes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def echo(request: Request) -> JSONResponse:
        return JSONResponse({"world": world_of(request), "query": dict(request.query_params)})

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_json({"world": world_of(websocket)})
        await websocket.close()

    def routes(_services: Any) -> list[Any]:
        methods = ["GET", "POST", "DELETE"]
        return [
            Route("/v1/echo", echo, methods=methods),
            Route("/v1/worlds", echo, methods=methods),
            Route("/v1/worlds/{id}", echo, methods=methods),
            WebSocketRoute("/v1/socket", socket),
        ]

    monkeypatch.setattr(native, "routes", routes)


@pytest.mark.usefixtures("_routes")
async def test_a_world_that_is_not_there_is_told_in_the_words_of_the_dialect() -> None:
    async with client(services(worlds=WORLDS)) as http:
        assert (await http.get("/w/w1/v1/echo?a=b&world=w1")).json() == {"world": "w1", "query": {"a": "b"}}
        answer = await http.get("/w/w3/v1/echo")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.json()["detail"] == "There is no world w3."
        answer = await http.get("/w/w3/api/v1/messages")
        assert (answer.status_code, answer.text) == (404, "There is no world w3.")
        answer = await http.post("/w/w3/api/v1/send", json={})
        assert (answer.status_code, answer.json()) == (404, {"Error": "There is no world w3."})
        assert (await http.get("/w/w3/")).status_code == 404
        assert (await http.get("/w/w3/livez")).status_code == 200  # the process lives, whatever worlds there are
    async with client(services(worlds=WORLDS), base="http://w3.localhost:8025") as http:
        answer = await http.get("/v1/echo")
        assert answer.status_code == 404
        assert "POSTROAD_WEB_HOSTS=w3.localhost" in answer.json()["detail"]
        assert (await http.get("/livez")).status_code == 200
    async with client(services(worlds=WORLDS), base="http://w1.evil.example") as http:
        assert (await http.get("/w/w3/v1/echo")).status_code == 421


@pytest.mark.usefixtures("_routes")
@pytest.mark.parametrize(
    ("path", "told"), [("/w/w1/v1/socket", "w1"), ("/v1/socket", "default"), ("/w/w3/v1/socket", 404)]
)
async def test_websockets_have_a_world(path: str, told: str | int) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = scope_of(path, kind="websocket") | {"extensions": {"websocket.http.response": {}}, "subprotocols": []}
    await build(services(worlds=WORLDS))(scope, receive, send)
    if isinstance(told, int):
        assert sent[0]["status"] == told
    else:
        assert f'"{told}"' in sent[1]["text"]


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.usefixtures("_routes")
async def test_without_passwords_a_user_name_is_a_world_or_nothing() -> None:
    async with client(services(worlds=WORLDS)) as http:
        assert (await http.get("/v1/echo", headers=basic("w1", "whatever"))).json()["world"] == "w1"
        assert (await http.get("/v1/echo", headers=basic("w3", "whatever"))).json()["world"] == "default"


@pytest.mark.usefixtures("_routes")
async def test_with_passwords_the_user_of_a_world_has_that_world_alone() -> None:
    asked = services({"POSTROAD_WEB_AUTH": "admin:pass"}, worlds=WORLDS)
    async with client(asked) as http:

        async def get(path: str, user: str, password: str) -> Any:
            answering = await http.get(path, headers=basic(user, password))
            return answering.json()["world"] if answering.status_code == 200 else answering.status_code

        assert await get("/v1/echo", "w1", "secret") == "w1"
        assert await get("/w/w1/v1/echo", "w1", "secret") == "w1"
        assert await get("/v1/worlds/w1", "w1", "secret") == "w1"
        assert await get("/v1/worlds", "w1", "secret") == 403
        assert await get("/v1/worlds/w2", "w1", "secret") == 403
        # An operator's name is never taken for a world's.
        assert await get("/v1/echo", "admin", "pass") == "default"
        assert await get("/w/w2/v1/echo", "admin", "pass") == "w2"
        assert await get("/v1/echo?world=*", "admin", "pass") == "*"
        assert await get("/v1/worlds", "admin", "pass") == "default"
        assert await get("/w/w3/v1/echo", "admin", "pass") == 404
        for path in ("/w/w2/v1/echo", "/v1/echo?world=*", "/w/w3/v1/echo"):
            assert (await refused(asked, http.get(path, headers=basic("w1", "secret")))) == 401
        assert (await refused(asked, http.get("/v1/echo", headers=basic("w1", "wrong")))) == 401


async def refused(asked: Any, request: Any) -> int:
    """Return the status of an answer that a wrong password delays."""
    answering = asyncio.ensure_future(request)
    for _ in range(21):
        await asyncio.sleep(0)
    asked.clock.push(10.0)
    return int((await answering).status_code)
