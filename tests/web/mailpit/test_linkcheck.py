"""The link check against servers of the test's own. They are on loopback, which is let through for the while."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from postroad_web.mailpit import linkcheck
from postroad_web.mailpit.addresses import is_literal, is_private, is_public
from postroad_web.mailpit.linkcheck import BLOCKED, Found
from postroad_web.message.parse import parse_message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:0001::", False),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", False),  # Teredo, of 127.0.0.1
        ("64:ff9b::808:808", True),
        ("2002:808:808::", True),
        ("2001:0:4136:e378:8000:63bf:f7f7:f7f7", True),  # Teredo, of 8.8.8.8
        ("2606:4700::200:5efe:808:808", True),
        ("2606:4700::5efe:7f00:1", False),
        ("2606:4700::1:7f00:1", True),  # no ISATAP
        ("8.8.8.8", True),
        ("2606:4700::1", True),
        ("240.0.0.1", False),
        ("ff0e::1", False),
        ("2002:808:808::5efe:7f00:1", True),  # 6to4 of 8.8.8.8: what is behind it is that site's affair
        ("fec0::1", False),  # site-local
        ("2606:4700::200:5efe:7f00:1", False),  # ISATAP, of 127.0.0.1
        ("::5efe:a9fe:a9fe", False),
        ("name.test", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("host", "literal"),
    [
        ("127.0.0.1", True),
        ("[::1]", True),
        ("[1.2.3.4]", True),
        ("1.2.3.4]", True),
        ("0X7F.1", True),
        ("0x", True),
        ("x0x1", False),
        ("1.2.3.4X", False),
        ("1.2.3.4.", True),
        ("1.2.3.a4", False),
        ("", False),
        ("2130706433", True),
        ("0x7f.1", True),
        ("127.1.", True),
        ("a1.test", False),
    ],
)
def test_literals(host: str, literal: bool) -> None:
    assert is_literal(host) is literal


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("localhost", True),
        ("App.LOCALHOST.", True),
        ("10.0.0.1", True),
        ("[8.8.8.8]", True),  # no address is written so
        ("8.8.8.8", False),
        ("mylocalhost", False),
        ("a.test", False),
    ],
)
def test_private_hosts(host: str, private: bool) -> None:
    assert is_private(host) is private


def test_links_of_a_message() -> None:
    html = (
        '<link rel="icon" href="https://a.test/icon"><link rel=stylesheet href=https://a.test/css>'
        '<a href="https://a.test/">a</a><a href="mailto:a@a.test">m</a><img src="http://a.test/i.png">'
        '<a href="HTTPS://a.test/2">b</a><a href="https://a.test/">a</a></a>'
    )
    content = f"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n{html}\r\n".encode()
    assert linkcheck.links_of(parse_message(content)) == [
        "https://a.test/css",
        "https://a.test/",
        "http://a.test/i.png",
        "HTTPS://a.test/2",
    ]
    text = b"See https://a.test/x, and http://b.test/.\r\n" + b"".join(b"http://c.test/%d\r\n" % n for n in range(200))
    links = linkcheck.links_of(parse_message(b"Subject: x\r\n\r\n" + text))
    assert links[:2] == ["https://a.test/x", "http://b.test/"]
    assert len(links) == linkcheck.MOST_LINKS


def test_nothing_is_asked_when_it_is_off() -> None:
    links = linkcheck.unchecked(["http://10.0.0.1/", "http://a.test/", "http://[bad/", "http://8.8.8.8/"])
    assert [(link.code, link.status) for link in links] == [
        (451, BLOCKED),
        (0, linkcheck.OFF),
        (0, linkcheck.OFF),
        (0, linkcheck.OFF),
    ]
    assert linkcheck.answer(links)["Errors"] == 4
    assert linkcheck.answer([Found("http://a.test/", 200, "OK")]) == {
        "Errors": 0,
        "Links": [{"URL": "http://a.test/", "StatusCode": 200, "Status": "OK"}],
    }


@contextlib.asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Answer one request after the other; give the server's URL and what it has read."""
    waiting, heads = list(answers), []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(waiting.pop(0))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads


async def check(url: str, *, follow: bool = False) -> Found:
    (link,) = await linkcheck.check([url], follow=follow)
    return link


async def test_private_addresses_get_no_connection() -> None:
    async with serving(b"") as (url, heads):
        for link in (url, url.replace("127.0.0.1", "localhost"), url.replace("127.0.0.1", "0x7f.1")):
            assert (await check(link))[1:] == (451, BLOCKED)
    assert heads == []


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linkcheck, "is_public", lambda address: address == "127.0.0.1")


OK = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.usefixtures("loopback")
class TestRequests:
    async def test_head(self) -> None:
        async with serving(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK) as (url, heads):
            assert (await check(f"{url}/a b?c=\u00e9\r\nX: y#fragment"))[1:] == (200, "OK")
        assert heads[0].startswith(b"HEAD /a%20b?c=%C3%A9X:%20y HTTP/1.1\r\nHost: 127.0.0.1:")

    @pytest.mark.parametrize(("line", "status"), [(b"404 x", (404, "Not Found")), (b"799 x", (799, ""))])
    async def test_the_status_is_told(self, line: bytes, status: tuple[int, str]) -> None:
        async with serving(b"HTTP/1.1 " + line + b"\r\n\r\n") as (url, _):
            assert (await check(url))[1:] == status

    async def test_redirects_are_told_or_followed(self) -> None:
        moved = b"HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n"
        async with serving(moved, moved, OK) as (url, heads):
            assert (await check(url))[1:] == (302, "Found")
            assert (await check(url, follow=True))[1:] == (200, "OK")
        assert heads[2].startswith(b"HEAD /there ")

    async def test_a_redirect_to_a_private_address_is_blocked(self) -> None:
        async with serving(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n") as (url, _):
            assert (await check(url, follow=True))[1:] == (451, BLOCKED)

    async def test_redirects_without_end(self) -> None:
        async with serving(*[b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"] * 20) as (url, heads):
            assert (await check(url, follow=True)).status == "too many redirects"
        assert len(heads) == linkcheck.MOST_REDIRECTS + 1

    @pytest.mark.parametrize("answer", [b"", b"rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000])
    async def test_rubbish_has_no_status(self, answer: bytes) -> None:
        async with serving(answer) as (url, _):
            link = await check(url)
        assert link.code == 0
        assert link.status

    async def test_nobody_listens(self) -> None:
        async with serving() as (url, _):
            pass
        assert (await check(url)).code == 0

    async def test_no_tls(self) -> None:
        async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"no TLS here")
            writer.close()

        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        async with server:
            link = await check(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        assert link.code == 0
        assert link.status

    async def test_a_silent_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(linkcheck, "WITHIN", 0.05)

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            assert (await check(f"http://127.0.0.1:{port}/"))[1:] == (0, "no answer in 0.05 s")

    @pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http:///x"])
    async def test_no_http(self, url: str) -> None:
        assert (await check(url)).status == "not an HTTP URL"
