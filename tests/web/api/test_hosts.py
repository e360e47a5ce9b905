"""Which names are ours, and which origins may change things."""

from __future__ import annotations

import re

import pytest

from postroad_web.api.hosts import is_ours, refused_origin

OURS = [
    "localhost",
    "localhost:8025",
    "LOCALHOST:8025",
    "localhost.",
    "postroad",
    "postroad_web-1:8025",
    "shop.localhost",
    "host.docker.internal:8025",
    "web.shop.test:8025",
    "127.0.0.1",
    "10.0.0.7:8025",
    "[::1]:8025",
    "[fd00::1]",
    "[1:2:3:4:5:6:7:8]:1",
    "[::ffff:1.2.3.4]",
    "255.249.199.0",
    "x.internal.",
    "mail.example.org",
    "Mail.Example.Org.:443",
]
STRANGERS = [
    "",
    "evil.example",
    "localhost.evil.example",
    "internal.evil.example",
    "test.evil.example:8025",
    "127.0.0.1.evil.example",
    "evil.example:8025",
    "127.0.0.256",
    "127.0.0.1.1",
    "localhost:123456",
    "[1:2:3:4:5:6:7:8:9]",
    "[1.2.3.4]",
    "x-",
    "a" * 255,
    "1.2.3",
    "2130706433",
    "0x7f000001",
    "a.0x7f",
    "evil.example@localhost",
    "localhost, evil.example",
    "localhost/evil.example",
    "localhost:8025:80",
    "localhost\tx",
    "[::1",
    "[:::1]",
    "[::ffff:1.2.3.4.5]",
    "-x",
    "ünicode",
    "mail.example.org.evil",
    "sub.mail.example.org",
]


@pytest.mark.parametrize("host", OURS)
def test_names_that_nobody_else_can_own(host: str) -> None:
    assert is_ours(host, {"mail.example.org"})


@pytest.mark.parametrize("host", STRANGERS)
def test_names_that_somebody_could_own(host: str) -> None:
    assert not is_ours(host, {"mail.example.org"})


HOST = "localhost:8025"
RIGHT = [
    ("POST", {}),
    ("POST", {"origin": "http://localhost:8025"}),
    ("POST", {"origin": "https://localhost:8025", "sec-fetch-site": "same-origin"}),
    ("GET", {"origin": "http://evil.example"}),
    ("POST", {"origin": "http://localhost:8025", "sec-fetch-site": "cross-site"}),
    ("HEAD", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "frame"}),
    ("OPTIONS", {"origin": "http://evil.example"}),
    ("GET", {"sec-fetch-site": "none"}),
    ("GET", {"sec-fetch-site": "same-site"}),
    ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}),
    ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}),
]
WRONG = [
    ("POST", {"origin": "http://evil.example"}),
    ("POST", {"origin": "null"}),
    ("POST", {"origin": "http://localhost:3000"}),
    ("POST", {"origin": "http://localhost"}),
    ("POST", {"origin": "file://localhost:8025"}),
    ("POST", {"origin": "localhost:8025"}),
    ("DELETE", {"sec-fetch-site": "cross-site"}),
    ("DELETE", {"sec-fetch-site": "same-site"}),
    ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}),
    ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "object"}),
    ("GET", {"sec-fetch-site": "cross-site"}),
    ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "document"}),
    ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),
    *((method, {"origin": "http://evil.example"}) for method in ("PUT", "PATCH", "DELETE", "X")),
]


@pytest.mark.parametrize(("method", "headers"), RIGHT)
def test_requests_of_our_own_pages_and_of_programs(method: str, headers: dict[str, str]) -> None:
    assert refused_origin(method, HOST, headers, websocket=False) is None


@pytest.mark.parametrize(("method", "headers"), WRONG)
def test_requests_of_other_pages(method: str, headers: dict[str, str]) -> None:
    sentence = refused_origin(method, HOST, headers, websocket=False)
    assert sentence
    assert re.match(r"A page of another (origin|site) may not (do|load) this[.;]", sentence)


def test_a_websocket_changes_nothing_but_reads_all() -> None:
    assert refused_origin("GET", HOST, {"origin": "http://evil.example"}, websocket=True)
    assert refused_origin("GET", HOST, {"origin": "http://localhost:8025"}, websocket=True) is None
    assert refused_origin("GET", HOST, {}, websocket=True) is None


def test_the_port_of_the_scheme_need_not_be_named() -> None:
    assert refused_origin("POST", "mail.test:80", {"origin": "http://mail.test"}, websocket=False) is None
    assert refused_origin("POST", "mail.test", {"origin": "https://mail.test:443"}, websocket=False) is None
