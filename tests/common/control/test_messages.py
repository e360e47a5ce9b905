"""Requests, and the routes that they find."""

from __future__ import annotations

import pytest

from postroad.control.messages import Refusal, Request, Response, Route, Routes, answer


async def first(_request: Request) -> Response:
    return answer(1)


async def second(_request: Request) -> Response:
    return answer(2)


ROUTES = Routes(
    [
        Route("GET", "/queue", first),
        Route("POST", "/queue/retry", first),
        Route("GET", "/queue/{id}", second),
        Route("DELETE", "/queue/{id}", second),
        Route("POST", "/queue/{id}/{what}", second),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "handler", "params"),
    [
        ("GET", "/queue", first, {}),
        ("POST", "/queue/retry", first, {}),
        ("GET", "/queue/retry", second, {"id": "retry"}),
        ("GET", "/queue/", second, {"id": ""}),
        ("DELETE", "/queue/a%2Fb%20%C3%A9+", second, {"id": "a/b é+"}),
        ("GET", "/queue/{id}", second, {"id": "{id}"}),
        ("POST", "/queue/1/hold", second, {"id": "1", "what": "hold"}),
    ],
)
def test_a_route_is_found(method: str, path: str, handler: object, params: dict[str, str]) -> None:
    assert ROUTES.find(method, path) == (handler, params)


@pytest.mark.parametrize("path", ["", "/", "queue", "/queue/1/2/3", "/Queue", "/queue/%ff", "//queue"])
def test_no_route(path: str) -> None:
    with pytest.raises(Refusal) as refused:
        ROUTES.find("GET", path)
    assert (refused.value.status, refused.value.sentence) == (404, "there is no such resource")
    assert refused.value.headers == ()


def test_another_method() -> None:
    with pytest.raises(Refusal) as refused:
        ROUTES.find("PUT", "/queue/retry")
    assert (refused.value.status, str(refused.value)) == (405, "this resource has the methods DELETE, GET, POST")
    assert refused.value.headers == (("Allow", "DELETE, GET, POST"),)


def test_a_body() -> None:
    assert Request("PUT", "/", body=b'{"a":[1,null]}').json() == {"a": [1, None]}
    for body in (b"", b"{", b"\xff", b"nan"):
        with pytest.raises(Refusal, match="the body is not JSON: ") as refused:
            Request("PUT", "/", body=body).json()
        assert refused.value.status == 400


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("007", 7), ("20", 20)])
def test_a_whole_number(text: str, number: int) -> None:
    assert Request("GET", "/", query={"limit": text}).whole("limit", 5, least=1, most=20) == number


@pytest.mark.parametrize("text", ["", "0", "21", "-1", "+1", "1.0", "1e1", " 1", "\u0661", "1" * 20])
def test_no_whole_number(text: str) -> None:
    with pytest.raises(Refusal, match=r"^limit must be a whole number from 1 to 20$") as refused:
        Request("GET", "/", query={"limit": text}).whole("limit", 5, least=1, most=20)
    assert refused.value.status == 400


@pytest.mark.parametrize(("text", "seconds"), [("0", 0.0), ("2.5", 2.5), ("60", 60.0), ("1e1", 10.0)])
def test_seconds(text: str, seconds: float) -> None:
    assert Request("GET", "/", query={"wait": text}).seconds("wait", 1.0, most=60.0) == seconds


@pytest.mark.parametrize("text", ["", "-0.1", "60.1", "nan", "inf", "soon"])
def test_no_seconds(text: str) -> None:
    with pytest.raises(Refusal, match=r"^wait must be seconds from 0 to 60$") as refused:
        Request("GET", "/", query={"wait": text}).seconds("wait", 1.0, most=60.0)
    assert refused.value.status == 400


def test_what_is_not_asked_for_has_its_default() -> None:
    request = Request("GET", "/")
    assert (request.params, request.query, request.body) == ({}, {}, b"")
    assert Response() == Response(200, b"", "application/json", ())
    assert request.whole("limit", 5) == 5
    for most, query in ((1 << 62, {"after": str(1 << 62)}), (0, {"after": "0"})):
        assert Request("GET", "/", query=query).whole("after", 5) == most
    with pytest.raises(Refusal):
        Request("GET", "/", query={"after": str((1 << 62) + 1)}).whole("after", 0)
    assert request.seconds("wait", 1.5, most=2.0) == 1.5


def test_an_answer() -> None:
    assert answer({"é": None}) == Response(200, '{"é":null}'.encode(), "application/json", ())
    assert answer([], 201).status == 201
