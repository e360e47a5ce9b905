from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.web.dialect import Web

MESSAGE = "/api/v1/message"


def image() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 300), (255, 0, 0)).save(out, "PNG")
    return out.getvalue()


def mixed(web: Web) -> str:
    picture = base64.encodebytes(image()).decode().replace("\n", "\r\n")
    return web.send(
        "Parts",
        more='MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n',
        body=(
            '--b\r\nContent-Type: multipart/alternative; boundary="c"\r\n\r\n'
            "--c\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
            '--c\r\nContent-Type: text/html\r\n\r\n<p>rich <img src="cid:red"></p>\r\n--c--\r\n'
            "--b\r\nContent-Type: image/png\r\nContent-ID: <red>\r\nContent-Disposition: inline\r\n"
            f"Content-Transfer-Encoding: base64\r\n\r\n{picture}"
            '--b\r\nContent-Type: text/x"y; charset=utf-8\r\n'
            "Content-Disposition: attachment; filename*=utf-8''%C3%A4%22%0D%0A.txt\r\n\r\nfile\r\n--b--\r\n"
        ),
    )


async def test_a_message_is_read_by_being_shown(web: Web) -> None:
    ident = web.send("Hello", login="alice")
    shown = await web.json(f"{MESSAGE}/{ident}")
    row = (await web.json("/api/v1/messages"))["messages"][0]
    assert (row["Read"], row["Username"]) == (True, "alice")
    assert shown["Text"] == "Some words.\r\n"
    for name in ("ID", "From", "To", "Subject", "Size", "Created", "MessageID"):
        assert shown[name] == row[name], name
    assert (await web.json("/api/v1/messages"))["unread"] == 0


async def test_an_old_client_gets_what_messages_had_then(web: Web) -> None:
    ident = web.send("Hello")
    assert (await web.json(f"{MESSAGE}/{ident}"))["Read"] is True  # httpx, as `mailpit-api-client` does
    answer = await web.http.get(f"{MESSAGE}/{ident}", headers={"User-Agent": "node"})
    assert not {"Read", "Created"} & answer.json().keys()


@pytest.mark.parametrize("path", ["headers", "raw", "html-check"])
async def test_other_looks_leave_it_unread(web: Web, path: str) -> None:
    ident = mixed(web)
    assert (await web.http.get(f"{MESSAGE}/{ident}/{path}")).status_code == 200
    assert (await web.json("/api/v1/messages"))["unread"] == 1


async def test_the_latest(web: Web) -> None:
    for path in (f"{MESSAGE}/latest", f"{MESSAGE}/latest/headers", f"{MESSAGE}/latest/raw"):
        assert await web.text(path) == (404, "Message not found")
    web.send("first")
    web.send("second")
    assert (await web.json(f"{MESSAGE}/latest"))["Subject"] == "second"
    assert (await web.json(f"{MESSAGE}/latest", query="subject:first"))["Subject"] == "first"
    assert await web.text(f"{MESSAGE}/latest", query="subject:third") == (404, "Message not found")
    assert (await web.json(f"{MESSAGE}/latest/headers"))["Subject"] == ["second"]


@pytest.mark.parametrize("path", ["", "/headers", "/raw", "/part/1", "/html-check", "/link-check", "/sa-check"])
async def test_what_is_not_there(web: Web, path: str) -> None:
    assert await web.text(f"{MESSAGE}/unknown{path}") == (404, "404 page not found")


async def test_headers_and_source(web: Web) -> None:
    ident = web.send("Hello", to=["bob@beta.test"], more="x-mailer: =?utf-8?q?a?=\r\n =?utf-8?q?b?=\r\n")
    fields = await web.json(f"{MESSAGE}/{ident}/headers")
    assert fields["X-Mailer"] == ["=?utf-8?q?a?= =?utf-8?q?b?="]
    assert fields["Return-Path"] == ["<alice@alpha.test>"]
    answer = await web.http.get(f"{MESSAGE}/{ident}/raw")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("Return-Path: <alice@alpha.test>\r\n")
    assert answer.text.endswith("\r\n\r\nSome words.\r\n")
    answer = await web.http.get(f"{MESSAGE}/{ident}/raw", params={"dl": "1"})
    assert answer.headers["content-disposition"] == f'attachment; filename="{ident}.eml"'


async def test_recipients_of_the_envelope_alone_are_blind_copies(web: Web) -> None:
    raw = b"From: alice@alpha.test\r\nTo: Bob <bob@beta.test>\r\nSubject: x\r\n\r\nx\r\n"
    ident = web.stack.send(raw, "alice@alpha.test", ["bob@beta.test", "eve@beta.test"])
    shown = await web.json(f"{MESSAGE}/{ident}")
    assert shown["Bcc"] == [{"Name": "", "Address": "eve@beta.test"}]
    row = (await web.json("/api/v1/messages"))["messages"][0]
    assert row["Bcc"] == shown["Bcc"]
    source = (await web.text(f"{MESSAGE}/{ident}/raw"))[1]
    assert source.startswith("Bcc: eve@beta.test\r\nReturn-Path: <alice@alpha.test>\r\n")
    assert len(source) == shown["Size"] == row["Size"]


async def test_parts(web: Web) -> None:
    ident = mixed(web)
    shown = await web.json(f"{MESSAGE}/{ident}")
    assert (shown["Text"].strip(), shown["HTML"].strip()) == ("plain", '<p>rich <img src="cid:red"></p>')
    assert [(part["PartID"], part["FileName"]) for part in shown["Inline"]] == [("2", "red")]
    (file,) = shown["Attachments"]
    assert file["PartID"] == "3"
    answer = await web.http.get(f"{MESSAGE}/{ident}/part/2")
    assert (answer.headers["content-type"], answer.content) == ("image/png", image())
    assert answer.headers["content-disposition"] == 'inline; filename="red"'
    answer = await web.http.get(f"{MESSAGE}/latest/part/3")
    assert answer.content.strip() == b"file"
    assert "\r" not in answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].startswith('inline; filename="%C3%A4%22')
    assert (await web.text(f"{MESSAGE}/{ident}/part/9")) == (404, "404 page not found")


async def test_thumbnails(web: Web) -> None:
    ident = mixed(web)
    for part, colour in (("2", (254, 0, 2)), ("3", (255, 255, 255))):
        answer = await web.http.get(f"{MESSAGE}/{ident}/part/{part}/thumb")
        assert answer.headers["content-type"] == "image/jpeg"
        picture = Image.open(io.BytesIO(answer.content))
        pixel = picture.getpixel((90, 60))
        assert isinstance(pixel, tuple)
        assert picture.size == (180, 120)
        assert all(abs(level - other) < 8 for level, other in zip(pixel, colour, strict=True))
    assert (await web.text(f"{MESSAGE}/{ident}/part/9/thumb"))[0] == 400
    assert (await web.text(f"{MESSAGE}/unknown/part/2/thumb"))[0] == 400
    assert (await web.text(f"{MESSAGE}/latest/part/2/thumb"))[0] == 400


def forget(web: Web) -> None:
    """Have the catalog ask for contents that it has at hand."""
    contents = web.catalog._keeper.contents
    contents.recent = type(contents.recent)()


async def test_a_content_that_nobody_has(web: Web) -> None:
    ident = web.send("Hello")
    await web.subjects()
    forget(web)
    web.stack.store.contents.clear()
    web.stack.relay.contents.clear()
    status, text = await web.text(f"{MESSAGE}/{ident}")
    assert status == 404
    assert "removed" in text


async def test_doors_that_are_away(web: Web) -> None:
    ident = web.send("Hello")
    await web.subjects()
    forget(web)
    web.stack.store.away = True
    status, text = await web.text(f"{MESSAGE}/{ident}")
    assert status == 503
    assert "store" in text


class TestChecks:
    async def test_html(self, web: Web) -> None:
        ident = mixed(web)
        answer = await web.json(f"{MESSAGE}/{ident}/html-check")
        assert answer["Total"]["Nodes"] == 2
        assert "html-img" in {warning["Slug"] for warning in answer["Warnings"]}
        web.send("plain")
        assert await web.text(f"{MESSAGE}/latest/html-check") == (400, "message does not contain HTML")

    async def test_links_without_leave_to_ask(self, web: Web) -> None:
        ident = web.send("Links", body="http://127.0.0.1/ and https://example.test/\r\n")
        answer = await web.json(f"{MESSAGE}/{ident}/link-check", follow="true")
        assert answer == {
            "Errors": 2,
            "Links": [
                {"URL": "http://127.0.0.1/", "StatusCode": 451, "Status": "Blocked private/reserved address"},
                {
                    "URL": "https://example.test/",
                    "StatusCode": 0,
                    "Status": "not checked: POSTROAD_LINK_CHECK is off",
                },
            ],
        }
        assert (await web.json("/api/v1/messages"))["unread"] == 0

    async def test_links_with_leave_to_ask(self, web: Web) -> None:
        web.services.settings = type(web.services.settings).from_environ({"POSTROAD_LINK_CHECK": "on"})
        ident = web.send("Links", body="http://127.0.0.1/\r\n")
        answer = await web.json(f"{MESSAGE}/{ident}/link-check")
        assert answer["Links"][0]["StatusCode"] == 451


class TestViews:
    async def test_html(self, web: Web) -> None:
        ident = mixed(web)
        answer = await web.http.get(f"/view/{ident}.html")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.text.strip() == f'<p>rich <img src="/api/v1/message/{ident}/part/2"></p>'
        policy = answer.headers["content-security-policy"]
        assert "sandbox" in policy
        assert "allow-scripts" not in policy
        assert "script-src" not in policy.replace("default-src 'none'", "")
        assert (await web.json("/api/v1/messages"))["unread"] == 0
        embedded = await web.http.get("/view/latest.html", params={"embed": "1"})
        assert embedded.text.startswith("<!DOCTYPE html>")

    async def test_text(self, web: Web) -> None:
        ident = mixed(web)
        answer = await web.http.get(f"/view/{ident}.txt")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.text.strip() == "plain"
        assert (await web.json("/api/v1/messages"))["unread"] == 0

    async def test_what_is_not_there(self, web: Web) -> None:
        web.send("plain")
        for path in ("/view/unknown.html", "/view/unknown.txt"):
            assert await web.text(path) == (404, "Message not found")
        assert await web.text("/view/latest.html") == (404, "This message does not contain a HTML part")
        assert await web.text("/view/unknown") == (404, "404 page not found")

    async def test_the_latest(self, web: Web) -> None:
        assert (await web.http.get("/view/latest")).headers["location"] == "/"
        ident = web.send("one")
        web.send("two")
        answer = await web.http.get("/view/latest", params={"query": "subject:one"})
        assert (answer.status_code, answer.headers["location"]) == (302, f"/view/{ident}")
        assert (await web.http.get("/view/latest", params={"query": "subject:no"})).headers["location"] == "/"

    async def test_a_page_of_what_is_found(self, web: Web) -> None:
        ident = web.send("Hello <b>")
        status, page = await web.text("/search", q='subject:"Hello <b>"')
        assert status == 200
        assert f'href="/view/{ident}"' in page
        assert "Hello &lt;b&gt;" in page
        assert "<b>" not in page
        assert "Nothing is found" in (await web.text("/search", q="subject:none"))[1]
        assert (await web.http.get("/search")).headers["location"] == "/"

    async def test_a_page(self, web: Web) -> None:
        ident = mixed(web)
        page = (await web.text(f"/view/{ident}"))[1]
        assert f'src="/view/{ident}.html?embed=1"' in page
        assert 'sandbox="allow-same-origin allow-popups' in page
        assert f'href="/api/v1/message/{ident}/part/3"' in page

    async def test_a_page_runs_nothing_that_came_by_mail(self, web: Web) -> None:
        evil = "<script>alert(1)</script>"
        ident = web.stack.send(
            f'From: {evil} <a@b.test>\r\nTo: "\'><b>" <c@d.test>\r\nSubject: {evil}\r\n\r\n{evil}\r\n'.encode(),
            "a@b.test",
            ["c@d.test", "e@f.test"],
        )
        page = (await web.text(f"/view/{ident}"))[1]
        assert "<script" not in page
        assert "<b>" not in page
        assert page.count("&lt;script&gt;") >= 3
