"""Quotas as settings and the world file write them."""

from __future__ import annotations

import pytest

from postroad.world.quota import UNLIMITED, Quota, parse_quota


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        ("none", UNLIMITED),
        ("", UNLIMITED),
        ("0", Quota(0)),
        ("1000", Quota(1000)),
        ("2K", Quota(2048)),
        ("100M 1000 messages", Quota(100 << 20, 1000)),
        ("1G  1 message reject", Quota(1 << 30, 1, permanent=True)),
        ("1000 messages reject", Quota(None, 1000, permanent=True)),
        ("5 messages defer", Quota(None, 5)),
        ("100M reject", Quota(100 << 20, permanent=True)),
    ],
)
def test_quotas(text: str, quota: Quota) -> None:
    assert parse_quota(text) == quota


@pytest.mark.parametrize(
    "text", ["reject", "10 100M", "many messages", "5 messages 10M", "-1", "10T", "x", "x 5 messages", "messages"]
)
def test_what_is_no_quota(text: str) -> None:
    with pytest.raises(ValueError, match="a size, a number of messages, or both"):
        parse_quota(text)
