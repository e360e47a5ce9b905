"""The frame: health, the plain page at /, and how errors are answered."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest
from starlette.routing import Match, Route

from postroad_web.api.app import build
from tests.web.api.asgi import client, services, stacked

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _without_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad_web.api.console.BUILT", tmp_path / "nothing")


async def test_live_and_ready() -> None:
    given = services({"POSTROAD_WEB_AUTH": "ann:secret"})
    async with client(given) as http:
        assert (await http.get("/livez")).status_code == 200
        assert (await http.get("/readyz")).status_code == 503
        given.ready = True
        assert (await http.get("/readyz")).status_code == 200


async def test_an_unknown_path_is_a_problem_under_v1_and_a_line_elsewhere() -> None:
    async with client(services()) as http:
        answer = await http.get("/v1/nothing")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.json()["status"] == 404
        answer = await http.get("/nothing")
        assert (answer.status_code, answer.text) == (404, "404 page not found")


@pytest.mark.parametrize("first", ["mailpit", "mailhog"])
def test_the_route_that_is_found_at_once_is_the_first_that_matches(first: str) -> None:
    routes = build(services({"POSTROAD_API_FIRST": first, "POSTROAD_GREENMAIL": "on"})).routes
    plain = [route for route in routes if isinstance(route, Route) and "{" not in route.path]
    assert len(plain) > 50
    for route in plain:
        for method in route.methods or ():
            scope = {"type": "http", "method": method, "path": route.path, "headers": []}
            matching = next(candidate for candidate in routes if candidate.matches(scope)[0] is Match.FULL)
            assert isinstance(matching, Route)
            assert matching.path == route.path


async def test_a_path_has_its_methods() -> None:
    async with client(services()) as http:
        answer = await http.delete("/v1/wait")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert (await http.head("/livez")).status_code == 200


async def test_nothing_in_a_message_can_run_on_the_page(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    async with stacked(tmp_path) as (stack, given), client(given) as http:
        recipients = [f"u{number}@beta.test" for number in range(5)]
        mail = f"From: {evil} <a@b.test>\r\nSubject: {evil}\r\n\r\nx\r\n".encode()
        ident = stack.send(mail, "a@b.test", recipients)
        stack.send(b"\r\n", None, [evil + "@beta.test"])
        await stack.told(given.catalog)
        page = (await http.get("/")).text
        assert "<script" not in page
        assert "<img" not in page
        assert f'href="/view/{ident}"' in page
        assert "u2@beta.test +2" in page
        assert "(no subject)" in page


@pytest.mark.parametrize(
    ("environ", "places"),
    [
        ({}, ["localhost:1025", "127.0.0.25:1587", "127.0.0.143:1143", "127.0.0.143:1110"]),
        ({"POSTROAD_LISTEN": "0.0.0.0"}, ["localhost:1025", "localhost:1587", "localhost:1143", "localhost:1110"]),
        ({"POSTROAD_LISTEN": "192.0.2.9"}, ["192.0.2.9:1025", "192.0.2.9:1587"]),
        (
            {"POSTROAD_IMAP_PORT": "143", "POSTROAD_PUBLISHED": "app=2001 imap=2143"},
            ["localhost:2001", "localhost:2143"],
        ),
    ],
)
async def test_the_page_says_how_to_connect(environ: dict[str, str], places: list[str]) -> None:
    """A container does not know the ports by which it is reached from outside, unless it is told."""
    async with client(services(environ)) as http:
        answer = await http.get("/")
        assert answer.status_code == 200
        for place in places:
            assert f">{place}<" in answer.text
        assert "<script" not in answer.text
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        assert (await http.get("/static/page.css")).headers["content-type"].startswith("text/css")
        assert (await http.get("/static/nothing.css")).status_code == 404


async def test_the_date_is_that_of_the_clock() -> None:
    """Clients of Mailpit take it for the server's time."""
    given = services()
    async with client(given) as http:
        for _ in range(2):
            (date,) = (await http.get("/livez")).headers.get_list("date")
            assert abs(parsedate_to_datetime(date).timestamp() - given.clock.now()) < 1.5
            given.clock.push(100.0)
