"""MailHog's paths: lists, searches, single messages, deletion, and the one path that Mailpit has too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from postroad_web.mailhog import letters, messages
from tests.web.dialect import HOST
from tests.web.mailhog.conftest import served

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.dialect import Web

V1, V2 = "/api/v1/messages", "/api/v2/messages"
UNKNOWN = "000000000000F@mailhog.example"
PARTS = (
    "--xx\r\nContent-Type: text/plain\r\n\r\nHello\r\n--xx\r\nContent-Type: application/pdf\r\n"
    "Content-Disposition: inline; filename=a.pdf\r\nContent-Transfer-Encoding: BASE64\r\n"
    "Content-Security-Policy: script-src *\r\nContent-ID: <a\xfc>\r\n\r\nJVB\r\nERg==\r\n--xx--\r\n"
)
MULTIPART = "Content-Type: multipart/mixed; boundary=xx\r\n"


async def ids(web: Web, path: str = V2, **query: Any) -> list[str]:
    answer = (await web.http.get(path, params=query)).json()
    return [message["ID"] for message in (answer if isinstance(answer, list) else answer["items"])]


async def test_a_page(web: Web) -> None:
    assert (await web.http.get(V2)).text == '{"total":0,"count":0,"start":0,"items":[]}'
    first, second, third = (web.send(subject) for subject in ("one", "two", "three"))
    answer = await web.http.get(V2, params={"start": 1, "limit": 1, "unknown": "x"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/json")
    page = answer.json()
    assert [*page] == ["total", "count", "start", "items"]
    assert (page["total"], page["count"], page["start"]) == (3, 1, 1)
    (item,) = page["items"]
    assert [*item] == ["ID", "From", "To", "Content", "Created", "MIME", "Raw"]
    assert (item["ID"], item["Content"]["Headers"]["Subject"], item["Content"]["Body"]) == (
        second,
        ["two"],
        "Some words.",
    )
    assert item["From"] == {"Relays": None, "Mailbox": "alice", "Domain": "alpha.test", "Params": ""}
    assert item["Raw"]["To"] == ["bob@beta.test"]
    assert item["Raw"]["Helo"] == "app"
    assert await ids(web) == [third, second, first]
    beyond = (await web.http.get(V2, params={"start": 5})).json()
    assert beyond == {"total": 3, "count": 0, "start": 5, "items": []}


async def test_the_envelope_counts(web: Web) -> None:
    """Recipients that no field names are there, and reports of the relay are not."""
    web.send("hello", to=["bob@beta.test", "hidden@gamma.test"])
    ident = web.stack.send(b"Subject: report\r\n\r\n", None, ["alice@alpha.test"], port="report")
    (item,) = (await web.http.get(V2)).json()["items"]
    assert [path["Mailbox"] for path in item["To"]] == ["bob", "hidden"]
    assert (await web.http.get(f"{V1}/{ident}")).text == "null"


async def test_limits(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(255):
        web.send(f"number {number}")
    assert len(await ids(web)) == 50
    assert len(await ids(web, limit=1000)) == 250
    assert len(await ids(web, limit=-1, start="x")) == 50
    monkeypatch.setattr(letters, "MOST", 2000)
    page = (await web.http.get(V2)).json()
    assert page["count"] == len(page["items"]) < 5
    assert page["total"] == 255


def mailhog_first(web: Web) -> httpx.AsyncClient:
    """Return a client of the port that is MailHog's."""
    transport = httpx.ASGITransport(app=_by_port(web.app, 8125))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}")


def _by_port(app: Any, port: int) -> Any:
    async def served(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "server": ("127.0.0.1", port)}, receive, send)

    return served


class TestWhoComesFirst:
    async def test_mailpit(self, tmp_path: Path) -> None:
        async with served(tmp_path) as web:
            web.send("one")
            assert (await web.http.get(V1)).json()["total"] == 1
            assert (await web.http.delete(V1)).text == "ok"
            assert await ids(web) == []

    async def test_a_client_that_has_no_name_is_npms(self, web: Web) -> None:
        web.send("one")
        for name in ("user-agent", "accept"):
            del web.http.headers[name]
        assert (await web.http.get(V1)).json()["total"] == 1
        assert (await web.http.delete(V1)).text == ""
        assert await ids(web) == []

    async def test_mailhog(self, tmp_path: Path) -> None:
        async with served(tmp_path, api_first="mailhog") as web:
            assert (await web.http.get(V1)).text == "[]"
            first, second = web.send("one"), web.send("two")
            answer = await web.http.get(V1)
            assert answer.headers["content-type"] == "text/json"
            assert await ids(web, V1) == [second, first]
            assert (await web.http.put(V1, json={"Read": True})).text == "ok"  # Mailpit's alone
            assert (await web.http.head(V1)).status_code == 200
            deleted = await web.http.request("DELETE", V1, json={"IDs": [first]})
            assert (deleted.status_code, deleted.text) == (200, "")
            assert await ids(web, V1) == [second]
            assert (await web.http.delete(V1)).text == ""
            assert await ids(web) == []

    async def test_the_array_is_bounded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(messages, "MOST", 2)
        async with served(tmp_path, api_first="mailhog") as web:
            for subject in ("one", "two", "three"):
                web.send(subject)
            assert len(await ids(web, V1)) == 2

    async def test_mailhogs_own_port(self, tmp_path: Path) -> None:
        async with served(tmp_path, mailhog_port="8125") as web, mailhog_first(web) as http:
            ident = web.send("one")
            assert (await web.http.get(V1)).json()["total"] == 1
            assert [message["ID"] for message in (await http.get(V1)).json()] == [ident]
            assert (await http.get("/api/v1/info")).json()["Messages"] == 1  # the rest is the same


SEARCHES = [
    ("from", "ALICE@alpha", ["one", "two"]),
    ("from", "alice <alice@alpha.test>", ["one", "two"]),
    ("from", "bob", []),
    ("to", "bob@beta.test", ["one"]),
    ("to", "Hidden@Gamma", ["two"]),
    ("to", "beta", ["one"]),
    ("to", "alice", []),
    ("containing", "GRÜßE", ["two"]),
    ("containing", "some", ["one"]),
    ("containing", "special value", ["two"]),
    ("containing", "bob@beta.test", ["one"]),
    ("containing", "nowhere", []),
]


class TestSearch:
    @pytest.mark.parametrize(("kind", "query", "subjects"), SEARCHES)
    async def test_kinds(self, web: Web, kind: str, query: str, subjects: list[str]) -> None:
        web.send("one")
        body = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
        web.send("two", to=["hidden@gamma.test"], more=f"X-Own: special value\r\n{body}", body="R3LDvMOfZQ==\r\n")
        answer = await web.http.get("/api/v2/search", params={"kind": kind, "query": query})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        page = answer.json()
        assert sorted(item["Content"]["Headers"]["Subject"][0] for item in page["items"]) == subjects
        assert page["total"] == page["count"] == len(subjects)

    async def test_pages(self, web: Web) -> None:
        idents = [web.send(f"number {number}") for number in range(5)]
        asked = {"kind": "containing", "query": "number"}
        page = (await web.http.get("/api/v2/search", params=asked | {"start": 1, "limit": 2})).json()
        assert (page["total"], page["count"], page["start"]) == (5, 2, 1)
        assert [item["ID"] for item in page["items"]] == [idents[3], idents[2]]
        beyond = (await web.http.get("/api/v2/search", params=asked | {"start": 6})).json()
        assert (beyond["total"], beyond["count"]) == (0, 0)  # MailHog says so

    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"kind": "to"},
            {"kind": "to", "query": ""},
            {"query": "x"},
            {"kind": "To", "query": "x"},
            {"kind": "subject", "query": "x"},
            {"kind": "to", "query": "x" * 5000},
        ],
    )
    async def test_what_can_not_be_asked(self, web: Web, query: dict[str, str]) -> None:
        answer = await web.http.get("/api/v2/search", params=query)
        assert (answer.status_code, answer.text) == (400, "")


@pytest.mark.parametrize("form", ["{}", "{}@mailhog.example", "{}%40mailhog.example", "{}=%40mailhog.example"])
class TestOne:
    async def test_a_message(self, web: Web, form: str) -> None:
        ident = web.send("one")
        answer = await web.http.get(f"{V1}/{form.format(ident).replace('=', '')}")
        assert answer.headers["content-type"] == "text/json"
        assert answer.json() == (await web.http.get(V2)).json()["items"][0]

    async def test_delete(self, web: Web, form: str) -> None:
        first, second = web.send("one"), web.send("two")
        await ids(web)
        answer = await web.http.delete(f"{V1}/{form.format(first).replace('=', '')}")
        assert (answer.status_code, answer.text) == (200, "")
        assert await ids(web) == [second]


async def test_no_message(web: Web) -> None:
    web.send("one")
    answer = await web.http.get(f"{V1}/{UNKNOWN}")
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (200, "null", "text/json")
    assert (await web.http.delete(f"{V1}/{UNKNOWN}")).status_code == 500
    for path in ("download", "mime/part/0/download"):
        assert (await web.http.get(f"{V1}/{UNKNOWN}/{path}")).status_code == 404
    assert len(await ids(web)) == 1


async def test_a_message_whose_content_is_gone(web: Web) -> None:
    ident = web.send("one")
    await ids(web, start=1)
    web.stack.store.contents.clear()
    web.stack.relay.contents.clear()
    web.catalog._keeper.contents.recent._contents.clear()
    assert (await web.http.get(f"{V1}/{ident}")).text == "null"
    page = (await web.http.get(V2)).json()
    assert (page["total"], page["items"]) == (1, [])


async def test_what_was_read_once_is_kept(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = web.send("one"), web.send("two")
    assert await ids(web) == [second, first]
    asked = len(web.stack.store.asked)
    assert await ids(web) == [second, first]
    assert len(web.stack.store.asked) == asked
    monkeypatch.setattr(letters, "KEPT", 0)  # no room for any
    web.send("three")
    assert len(await ids(web)) == len(await ids(web)) == 3
    monkeypatch.setattr(letters, "KEPT_EACH", 0)
    web.send("four")
    assert len(await ids(web)) == len(await ids(web)) == 4


async def test_download(web: Web) -> None:
    ident = web.send("one", more=MULTIPART, body=PARTS)
    answer = await web.http.get(f"{V1}/{ident}/download")
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-disposition"] == f'attachment; filename="{ident}.eml"'
    assert answer.text == (await web.http.get(V2)).json()["items"][0]["Raw"]["Data"]


async def test_parts(web: Web) -> None:
    ident = web.send("one", more=MULTIPART, body=PARTS)
    path = f"{V1}/{ident}%40mailhog.example/mime/part/"
    first = await web.http.get(f"{path}0/download")
    assert (first.text, first.headers["content-type"]) == ("Hello", "text/plain")
    assert first.headers["content-disposition"] == f'attachment; filename="{ident}-part-0"'
    second = await web.http.get(f"{path}1/download")
    assert (second.content, second.headers["content-type"]) == (b"%PDF", "application/pdf")
    assert second.headers["content-disposition"] == "inline; filename=a.pdf"
    assert "content-security-policy" not in second.headers
    assert "content-id" not in second.headers
    for number in ("3", "-1", "x", "1000000"):
        assert (await web.http.get(f"{path}{number}/download")).status_code == 404
    plain = web.send("two")
    assert (await web.http.get(f"{V1}/{plain}/mime/part/0/download")).status_code == 404


async def test_pages_of_other_hosts_get_nothing(web: Web) -> None:
    answer = await web.http.get(V2, headers={"Origin": "http://evil.test"})
    assert answer.status_code == 403
    assert (await web.http.options(V2)).status_code == 200
    assert (await web.http.post(V2)).status_code == 405
