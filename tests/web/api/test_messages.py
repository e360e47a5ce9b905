"""/v1/messages: lists, searches, one message, its content, marks; with a catalog that follows toys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad.jsontext import MOST_MARKS
from postroad_web.api.native.contents import with_images
from postroad_web.catalog import catalog as module
from postroad_web.catalog import reader
from postroad_web.message.parse import parse_message
from tests.web.api.asgi import client, stacked

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from postroad_web.api.services import Services
    from tests.harness.doors import ToyStack

BOB = "bob@beta.test"
ANN = "ann@alpha.test"


def mail(subject: str, body: str = "Your code is 482913.", fields: str = "") -> bytes:
    return f"From: Ann <{ANN}>\r\nTo: {BOB}\r\nSubject: {subject}\r\n{fields}\r\n{body}\r\n".encode()


WHOLE = mail(
    "=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
    "--b\r\nContent-Type: text/html\r\n\r\n"
    '<script>alert(1)</script><img src="cid:logo"><img src="cid:none"><img src="cid:page"><a href="https://x.test">Go</a>'
    "\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n"
    "--b\r\nContent-Type: text/html; charset=UTF-8\r\nContent-ID: <page>\r\n"
    "Content-Disposition: attachment; filename*=utf-8''%E2%82%AC%22.html\r\n\r\n<script>x</script>\r\n"
    "--b\r\nContent-Type: text/javascript; name=run.js\r\n\r\nalert(1)\r\n"
    '--b\r\nContent-Type: text/x\x01; charset="x\x7f"; name=odd\r\n\r\nodd\r\n--b--',
    "Content-Type: multipart/mixed; boundary=b\r\nX-Order: 7\r\n",
)


async def sent(stack: ToyStack, given: Services, *subjects: str) -> list[str]:
    idents = [stack.send(mail(subject), ANN, [BOB]) for subject in subjects]
    await stack.told(given.catalog)
    return idents


async def get(http: httpx.AsyncClient, path: str, status: int = 200, **query: Any) -> Any:
    answer = await http.get(path, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.parametrize(
    "path", ["", "?world=*", "?query=subject:now", "/{}", "/{}/raw", "/latest", "/latest?query=now"]
)
async def test_a_message_is_found_as_soon_as_its_250_was_said(tmp_path: Path, path: str) -> None:
    """Though the catalog reads it in the relay's journal a moment later."""
    async with stacked(tmp_path) as (stack, given), client(given) as http:
        ident = stack.send(mail("now"), ANN, [BOB])
        answer = await http.get(f"/v1/messages{path.format(ident)}")
        assert answer.status_code == 200, answer.text
        assert ident in answer.text or b"Subject: now" in answer.content


async def test_a_message_is_marked_and_deleted_as_soon_as_its_250_was_said(tmp_path: Path) -> None:
    async with stacked(tmp_path) as (stack, given), client(given) as http:
        ident = stack.send(mail("now"), ANN, [BOB])
        assert (await http.patch("/v1/messages", json={"ids": [ident], "read": True})).json() == {"marked": 1}
        ident = stack.send(mail("then"), ANN, [BOB])
        assert (await http.patch(f"/v1/messages/{ident}", json={"tags": ["x"]})).json()["tags"] == ["x"]
        stack.send(mail("last"), ANN, [BOB])
        assert (await http.delete("/v1/messages", params={"query": ""})).json() == {"deleted": 3}


async def test_a_list_does_not_wait_for_a_relay_that_is_away(tmp_path: Path) -> None:
    async with stacked(tmp_path) as (stack, given), client(given) as http:
        await sent(stack, given, "before")
        stack.relay.away = True
        assert (await get(http, "/v1/messages"))["total"] == 1
        await get(http, "/v1/messages/unknown", 404)


async def test_lists_go_by_cursor(tmp_path: Path) -> None:
    async with stacked(tmp_path) as (stack, given), client(given) as http:
        idents = await sent(stack, given, *(f"Number {number}" for number in range(5)))
        first = await get(http, "/v1/messages", limit=2)
        assert [message["id"] for message in first["messages"]] == idents[:2:-1]
        assert (first["total"], first["unread"]) == (5, 5)
        newest = await sent(stack, given, "Between")
        second = await get(http, "/v1/messages", limit=2, before=first["next"])
        assert [message["id"] for message in second["messages"]] == idents[2:0:-1]
        last = await get(http, "/v1/messages", limit=2, before=second["next"])
        assert ([message["id"] for message in last["messages"]], last["next"]) == (idents[:1], None)
        since = await get(http, "/v1/messages", after=first["messages"][0]["number"])
        assert [message["id"] for message in since["messages"]] == newest
        oldest = await get(http, "/v1/messages", order="oldest", limit=4)
        whole = await get(http, "/v1/messages", order="oldest", limit=4, content="true")
        assert [message.pop("content")["text"] for message in whole["messages"]] == ["Your code is 482913.\r\n"] * 4
        assert whole == oldest
        refused = await http.get("/v1/messages", params={"content": "true", "limit": 101})
        assert refused.json()["errors"] == [{"field": "limit", "detail": "must be 100 or less with content"}]
        assert [message["id"] for message in oldest["messages"]] == idents[:4]
        assert [
            message["id"]
            for message in (await get(http, "/v1/messages", order="oldest", after=oldest["next"]))["messages"]
        ]
        (message,) = since["messages"]
        assert message["arrived"].endswith("Z")
        assert message["from"] == [{"name": "Ann", "address": ANN}]
        assert message["world"] == "default"


async def test_searches(tmp_path: Path) -> None:
    async with stacked(tmp_path) as (stack, given), client(given) as http:
        stack.send(mail("Tagged", fields="X-Mailer: Lua 5\r\nX-Tags: blue\r\n"), ANN, [BOB])
        await sent(stack, given, "Welcome", "Your order")
        report = stack.fail(stack.accept(mail("Nobody"), ANN, ["nobody@beta.test"]), "nobody@beta.test")
        await stack.told(given.catalog)
        for query, count in {
            "subject:welcome or subject:order": 2,
            "header:x-mailer=/^lua \\d/": 1,
            "header:x-mailer=lua": 1,
            "header:subject=order": 1,
            "/482\\d{3}/ tag:blue": 1,
            "is:report": 1,
            f"rcpt:{BOB}": 3,
            f"account:{BOB} mailbox:inbox": 3,
            "state:failed": 1,
            "": 5,
            "-482913": 1,
        }.items():
            page = await get(http, "/v1/messages", query=query)
            assert page["total"] == len(page["messages"]) == count, query
        assert (await get(http, "/v1/messages", query="is:report"))["messages"][0]["id"] == report
        problem = await get(http, "/v1/messages", 422, query="(a")
        assert problem["errors"][0]["field"] == "query"
        assert "this bracket is not closed (at character 1)" in problem["detail"]
        await get(http, "/v1/messages", 422, query="a", tz="Nowhere")
        await get(http, "/v1/messages", 422, limit=501)


async def test_a_list_may_jump(tmp_path: Path) -> None:
    """What shows a hundred thousand rows asks for those in its middle."""
    async with stacked(tmp_path) as (stack, given), client(given) as http:
        idents = await sent(stack, given, *(f"Number {number}" for number in range(6)))
        newest = (await get(http, "/v1/messages", limit=1))["messages"][0]["number"]
        await sent(stack, given, "Later")
        page = await get(http, "/v1/messages", before=newest + 1, offset=2, limit=2)
        assert [message["id"] for message in page["messages"]] == [idents[3], idents[2]]
        page = await get(http, "/v1/messages", query="subject:number", offset=4, limit=9, counted=False)
        assert [message["id"] for message in page["messages"]] == [idents[1], idents[0]]
        assert (page["total"], page["unread"]) == (0, 0)
        await get(http, "/v1/messages", 422, offset=-1)


async def test_the_html_check(tmp_path: Path) -> None:
    async with stacked(tmp_path) as (stack, given), client(given) as http:
        styled = mail("Styled", '<p style="display:flex">A</p>', "Content-Type: text/html\r\n")
        ident = stack.send(styled, ANN, [BOB])
        await stack.told(given.catalog)
        report = await get(http, f"/v1/messages/{ident}/html-check")
        assert 0 < report["total"]["supported"] < 100
        (flex,) = [warning for warning in report["warnings"] if "flex" in warning["slug"]]
        assert flex["found"] == 1
        assert {"partial", "no"} >= {program["support"] for program in flex["programs"]} != set()
        (plain,) = await sent(stack, given, "Plain")
        await get(http, f"/v1/messages/{plain}/html-check", 404)


async def test_one_message(tmp_path: Path) -> None:
    async with stacked(tmp_path) as (stack, given), client(given) as http:
        await get(http, "/v1/messages/latest", 404)
        first, second = await sent(stack, given, "First", "Second")
        message = await get(http, f"/v1/messages/{first}")
        assert (message["id"], message["subject"], message["read"]) == (first, "First", False)
        assert message["content"]["codes"][0] == {"value": "482913", "reason": "follows “code”", "score": 95}
        assert (await get(http, "/v1/messages/latest"))["id"] == second
        assert (await get(http, "/v1/messages/latest", query="subject:first"))["id"] == first
        await get(http, "/v1/messages/latest", 404, query="subject:third")
        await get(http, "/v1/messages/latest", 422, query="is:blue")
        assert "There is no message nosuch." in (await get(http, "/v1/messages/nosuch", 404))["detail"]
        for place in list(stack.store.contents):
            stack.remove(place)
        stack.relay.contents.clear()
        await stack.told(given.catalog)
        given.waits._contents.clear()
        given.catalog._keeper.contents.recent._contents.clear()
        assert (await get(http, f"/v1/messages/{second}"))["content"] is None
        await get(http, f"/v1/messages/{second}/raw", 410)


def test_embedded_images_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad_web.api.native.contents.MAX_EMBEDDED", 100)
    octets = WHOLE.replace(b'<img src="cid:none">', b'<img src="cid:logo">' * 1000)
    assert with_images(octets, parse_message(octets)).count("data:") == 3


async def test_what_a_message_consists_of(tmp_path: Path) -> None:
    async with stacked(tmp_path) as (stack, given), client(given) as http:
        ident = stack.send(WHOLE, ANN, [BOB])
        await stack.told(given.catalog)
        url = f"/v1/messages/{ident}"

        raw = await http.get(f"{url}/raw", params={"download": "true"})
        assert raw.content.endswith(WHOLE)
        assert raw.headers["content-type"] == "message/rfc822"
        assert raw.headers["content-disposition"] == f"attachment; filename*=utf-8''{ident}.eml"
        assert (await http.get("/v1/messages/latest/raw")).headers["content-disposition"].startswith("inline")

        text = await http.get(f"{url}/text")
        assert (text.headers["content-type"], text.text) == ("text/plain; charset=utf-8", "Go ( https://x.test )")

        html = await http.get(f"{url}/html")
        assert html.headers["content-type"] == "text/html; charset=utf-8"
        policy = html.headers["content-security-policy"]
        assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';")
        assert "script" not in policy
        assert "https:" not in policy
        assert 'src="data:image/png;base64,iVBORw=="' in html.text
        assert 'src="cid:none"' in html.text
        assert 'src="cid:page"' in html.text
        remote = await http.get(f"{url}/html", params={"remote": "true"})
        assert "img-src data: https: http:" in remote.headers["content-security-policy"]

        fields = (await get(http, f"{url}/headers"))["headers"]
        assert {"name": "Subject", "value": "Grüße", "raw": "=?utf-8?q?Gr=C3=BC=C3=9Fe?="} in fields

        part = await http.get(f"{url}/parts/2")
        assert (part.content, part.headers["content-type"]) == (b"\x89PNG", "image/png")
        page = await http.get(f"{url}/parts/3")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["content-security-policy"].startswith("sandbox ")
        assert page.headers["content-disposition"] == "inline; filename*=utf-8''%E2%82%AC%22.html"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert (await http.get(f"{url}/parts/4")).headers["content-type"] == "application/octet-stream"
        odd = await http.get(f"{url}/parts/5")
        assert odd.headers["content-type"] == "text/x"
        assert "it has 0, 1, 2, 3, 4, 5" in (await get(http, f"{url}/parts/9", 404))["detail"]
        (plain,) = await sent(stack, given, "Plain")
        await get(http, f"/v1/messages/{plain}/html", 404)


async def test_marks(tmp_path: Path) -> None:
    async with stacked(tmp_path) as (stack, given), client(given) as http:
        first, second, third = await sent(stack, given, "One", "Two", "Three")
        answer = await http.patch(f"/v1/messages/{first}", json={"read": True, "tags": ["blue", "Red", "red"]})
        assert (answer.json()["read"], answer.json()["tags"]) == (True, ["blue", "Red"])
        assert (await http.patch(f"/v1/messages/{first}", json={"tags": []})).json()["tags"] == []
        assert (await http.patch(f"/v1/messages/{first}", json={"tags": ["a;b"]})).status_code == 422
        some = await http.patch("/v1/messages", json={"ids": [second, "nosuch", second], "tags": ["blue"]})
        assert some.json() == {"marked": 1}
        by_query = await http.patch("/v1/messages", json={"query": "subject:t", "read": True})
        assert by_query.json() == {"marked": 2}
        assert (await get(http, "/v1/messages", query="is:unread"))["total"] == 0
        assert (await http.patch("/v1/messages", json={"read": True})).status_code == 422
        assert (await http.patch("/v1/messages", json={"ids": [], "query": "", "read": True})).status_code == 422

        assert await get(http, "/v1/tags") == {"tags": [{"name": "blue", "messages": 1}]}
        assert (await http.patch("/v1/tags/BLUE", json={"name": "green"})).json() == {"name": "green"}
        assert (await http.patch("/v1/tags/green", json={"name": "a/b"})).status_code == 422
        assert (await http.patch("/v1/tags/blue", json={"name": "x"})).status_code == 404
        assert (await http.delete("/v1/tags/green")).status_code == 204
        assert (await http.delete("/v1/tags/green")).status_code == 404
        assert (await get(http, f"/v1/messages/{second}"))["tags"] == []

        assert (await http.delete(f"/v1/messages/{first}")).status_code == 204
        assert (await http.delete(f"/v1/messages/{first}")).status_code == 404
        assert (await http.delete("/v1/messages", params={"query": "subject:two"})).json() == {"deleted": 1}
        assert (await http.delete("/v1/messages")).status_code == 422
        assert (await http.delete("/v1/messages", params={"id": [third, first]})).json() == {"deleted": 1}
        assert (await get(http, "/v1/messages"))["total"] == 0
        assert len(stack.store.contents) == 3  # the mailboxes keep theirs
        refused = await http.put("/v1/messages")
        assert refused.status_code == 405
        assert set(refused.headers["allow"].split(", ")) == {"DELETE", "GET", "HEAD", "PATCH", "POST"}


@pytest.mark.parametrize("name", ["%00", "..%2F..", "%22%3E%3Cscript%3E", "%F0%9F%8E%89", "a" * 5000])
async def test_odd_ids_and_parts_are_not_found(tmp_path: Path, name: str) -> None:
    async with stacked(tmp_path) as (stack, given), client(given) as http:
        await sent(stack, given, "One")
        for path in (f"/v1/messages/{name}", f"/v1/messages/latest/parts/{name}", f"/v1/tags/{name}"):
            answer = await http.request("DELETE" if "tags" in path else "GET", path)
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/messages/latest", "/v1/messages/latest/raw", "/view/latest", "/v1/messages"])
async def test_no_search_takes_longer_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(module, "LONGEST", -1.0)
    monkeypatch.setattr(reader, "_OPERATIONS", 1)
    async with stacked(tmp_path) as (stack, given), client(given) as http:
        await sent(stack, given, "First")
        answer = await http.get(path, params={"query": "header:x-slow=/a.*b/"})
        assert answer.status_code == 422
        assert "the search takes longer" in answer.text


async def test_a_body_of_more_values_than_are_read(tmp_path: Path) -> None:
    async with stacked(tmp_path) as (_, given), client(given) as http:
        answer = await http.post("/v1/messages", content=b'{"to":[' + b"[]," * MOST_MARKS + b"1]}")
        assert (answer.status_code, answer.json()["title"]) == (413, "The body has too many values")
