"""Targets, addresses, signatures, retries."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from postroad_web.webhooks.hook import (
    RETRIES,
    Hook,
    Target,
    kept,
    may_be_sent_to,
    new_secret,
    next_try,
    read_hook,
    signed,
    target_of,
)


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("http://localhost:3000/mail?x=1", Target("http", "localhost", 3000, "/mail?x=1"), "localhost:3000"),
        ("https://app.test", Target("https", "app.test", 443, "/"), "app.test"),
        ("http://[::1]:80/", Target("http", "::1", 80, "/"), "[::1]"),
        ("HTTP://127.0.0.1/a%20b", Target("http", "127.0.0.1", 80, "/a%20b"), "127.0.0.1"),
    ],
)
def test_targets(url: str, target: Target, authority: str) -> None:
    assert target_of(url) == target
    assert target.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:3000",
        "ftp://localhost/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://a b/",
        "http://a/\r\nX: y",
        "http://user:secret@host/",
        "http://user@host/",
        "http://host/#fragment",
        "http://host:99999/",
        "http://host:x/",
        "http://ho$t/",
        "http://[::1/",
        "http://ünicode/",
        "http://a/" + "x" * 2000,
    ],
)
def test_what_is_no_target(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        target_of(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "198.19.25.8",
        "::1",
        "fd00::1",
        "fd12:ec2::254",
        "::ffff:10.0.0.1",
    ],
)
def test_addresses_of_private_networks(address: str) -> None:
    assert may_be_sent_to(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "172.32.0.1",
        "::",
        "fe80::1%eth0",
        "ff02::1",
        "2001:4860:4860::8888",
        "::ffff:8.8.8.8",
        "::ffff:169.254.169.254",
        "fd00:ec2::254",
        "fd20:ce::254",
        "192.0.0.192",
        "100.100.100.200",
        "168.63.129.16",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::7f00:1",
    ],
)
def test_addresses_elsewhere(address: str) -> None:
    assert not may_be_sent_to(address)


def test_a_receiver_can_verify() -> None:
    secret = new_secret(b"k" * 24)
    headers = signed(secret, "id.1", 1_700_000_000, b'{"a":1}')
    assert headers["webhook-id"] == "id.1"
    assert headers["webhook-timestamp"] == "1700000000"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, b'id.1.1700000000.{"a":1}', hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_tries_end() -> None:
    assert [next_try(tries) for tries in range(1, len(RETRIES) + 2)] == [*RETRIES, None]


def test_a_hook_is_kept() -> None:
    hook = Hook(
        id="1", world="w1", url="http://a/", secret="whsec_", events=("arrived",), query=None, created=1.0, cursor=7
    )
    assert read_hook(kept(hook)) == hook
    before = {name: value for name, value in kept(hook).items() if name != "world"}
    assert read_hook(before).world == "default"  # from before there were worlds
