"""IMAP URLs of messages."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.imap.grammar.url import Authorization, Url, UrlFault, parse


def url(uid: int, **parts: object) -> Url:
    fields: dict[str, object] = {
        **dict.fromkeys(("host", "user", "mailbox", "uid_validity", "partial", "authorization")),
        "section": b"",
        **parts,
    }
    return Url(uid=uid, **fields)  # type: ignore[arg-type]


TOKEN = "0123456789abcdef" * 2
FULL = "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred"
DATED = "imap://joe@x/a/;UID=1;EXPIRE=2026-03-01T12:00:00Z;URLAUTH=user+a%40b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (";UID=7", url(7)),
        (";UID=4294967295", url(4294967295)),
        ("/INBOX/;UID=7", url(7, mailbox="INBOX")),
        ("INBOX/;uid=7", url(7, mailbox="INBOX")),
        ("/a/b;UIDVALIDITY=3/;UID=7", url(7, mailbox="a/b", uid_validity=3)),
        ("/%E2%82%AC%20x/;UID=7", url(7, mailbox="€ x")),
        ("/a/;UID=7/;SECTION=1.MIME", url(7, mailbox="a", section=b"1.MIME")),
        ("/a/;UID=7/;SECTION=HEADER.FIELDS%20(To)", url(7, mailbox="a", section=b"HEADER.FIELDS (To)")),
        ("/a/;UID=7/;SECTION=TEXT/;PARTIAL=5", url(7, mailbox="a", section=b"TEXT", partial=(5, None))),
        ("/a/;UID=7/;PARTIAL=0.1024", url(7, mailbox="a", partial=(0, 1024))),
        ("imap://example.com/a/;UID=7", url(7, host="example.com", mailbox="a")),
        ("IMAP://joe;AUTH=*@[::1]:143/a/;UID=7", url(7, host="[::1]", user="joe", mailbox="a")),
        ("imap://;AUTH=PLAIN@x/a/;UID=7", url(7, host="x", mailbox="a")),
        (
            FULL,
            url(
                20,
                host="example.com",
                user="joe",
                mailbox="INBOX",
                section=b"1.2",
                authorization=Authorization(FULL, "submit+", "fred", None, None, None),
            ),
        ),
        (
            f"{FULL}:internal:{TOKEN.upper()}",
            url(
                20,
                host="example.com",
                user="joe",
                mailbox="INBOX",
                section=b"1.2",
                authorization=Authorization(FULL, "submit+", "fred", None, "INTERNAL", TOKEN),
            ),
        ),
        (
            DATED,
            url(
                1,
                host="x",
                user="joe",
                mailbox="a",
                authorization=Authorization(DATED, "user+", "a@b", 1772366400.0, None, None),
            ),
        ),
        (
            "/a/;UID=1;URLAUTH=ANONYMOUS",
            url(
                1,
                mailbox="a",
                authorization=Authorization("/a/;UID=1;URLAUTH=ANONYMOUS", "anonymous", None, *(None,) * 3),
            ),
        ),
    ],
)
def test_urls(text: str, expected: Url) -> None:
    assert parse(text.encode()) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "/",
            "/INBOX",
            "/;UID=1",
            "//x/a/;UID=1",
            "http://x/a/;UID=1",
            "imap://x",
            "imap://x/",
            "imap://x/;UID=1",
        ),
        *("imap://x/a", "/a/;UID=0", "/a/;UID=x", "/a/;UID=5000000000", "/a;UIDVALIDITY=9999999999/;UID=1"),
        *("/a/;UID=1/;SECTION=", "/a/;UID=1/;FOO=1", "/a/;UID=1?", "/a?SUBJECT x", "/a b/;UID=1", "/a[/;UID=1"),
        *("/%FF/;UID=1", "/%/;UID=1", "/a/;UID=1/;PARTIAL=x", "/a/;UID=1/;PARTIAL=9999999999"),
        *("/a/;UID=1;URLAUTH=", "/a/;UID=1;URLAUTH=foo", "/a/;UID=1;URLAUTH=user+", "/a/;UID=1;EXPIRE=2026"),
        *("/a/;UID=1;URLAUTH=anonymous:internal:12", "/a/;UID=1;URLAUTH=anonymous:internal"),
        "/a/;UID=1;EXPIRE=2026-02-30T12:00:00Z;URLAUTH=anonymous",
        "\u00e4/;UID=1",
    ],
)
def test_what_is_no_url_of_a_message(text: str) -> None:
    with pytest.raises(UrlFault):
        parse(text.encode())


@given(st.text("/;=%:@.+ABUIDSECTIONPARLEXH0129aé").map(str.encode) | st.binary())
def test_any_octets(text: bytes) -> None:
    with suppress(UrlFault):
        assert parse(text).uid > 0


def test_long_urls_take_no_time() -> None:
    for piece in (b"a", b"/", b"%41", b"/;UID=1", b";UIDVALIDITY=1", b"/;SECTION=1"):
        with pytest.raises(UrlFault):
            parse(b"/" + piece * (60000 // len(piece)) + b"\x7f")
