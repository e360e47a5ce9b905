"""What mailboxes, annotations and scripts may be called, and how long their names may be."""

from __future__ import annotations

import pytest

from postroad_store.mail.model.account import MAX_DEPTH, MAX_NAME, checked_name
from postroad_store.mail.model.annotations import MAX_VALUE, checked_entry, checked_value, is_private
from postroad_store.mail.model.errors import AnnotationTooLarge, NameNotAllowed, NameTooLong
from postroad_store.mail.model.script_name import MOST, is_script_name

ACUTE = "\N{LATIN SMALL LETTER E WITH ACUTE}"


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("a", "a"),
        ("inbox", "INBOX"),
        ("Inbox/a", "INBOX/a"),
        ("a/inbox", "a/inbox"),
        ("inboxes", "inboxes"),
        ("x" * MAX_NAME, "x" * MAX_NAME),
        (ACUTE * (MAX_NAME // 2), ACUTE * (MAX_NAME // 2)),
        ("/".join("a" * MAX_DEPTH), "/".join("a" * MAX_DEPTH)),
    ],
)
def test_mailboxes(name: str, canonical: str) -> None:
    assert checked_name(name) == canonical


@pytest.mark.parametrize(
    ("name", "error"),
    [
        *((name, NameNotAllowed) for name in ("", "/", "/a", "a/", "a//b", "a\0", "a\x1f", "a\x7f", "a*", "a%")),
        ("x" * (MAX_NAME + 1), NameTooLong),
        (f"a/{'x' * (MAX_NAME + 1)}", NameTooLong),
        (ACUTE * (MAX_NAME // 2 + 1), NameTooLong),
        ("/".join("a" * (MAX_DEPTH + 1)), NameTooLong),
    ],
)
def test_names_that_no_mailbox_has(name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        checked_name(name)


LONG = "/shared/" + "x" * 992


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        (b"/shared/comment", "/shared/comment"),
        (b"/PRIVATE/Comment/a", "/private/comment/a"),
        (b"/private/vendor/v/x", "/private/vendor/v/x"),
        (b"/private/vendors", "/private/vendors"),
        (LONG.encode(), LONG),
        (f"{LONG}x".encode(), None),
        *(
            (name, None)
            for name in (b"", b"/shared", b"/shared/", b"/shared//a", b"/shared/a/", b"shared/a", b"/other/a")
        ),
        *((name, None) for name in (b"/shared/a*", b"/shared/a%", b"/shared/\xe9", b"/shared/a\n", b"/shared/a\x7f")),
        *((name, None) for name in (b"/shared/vendor", b"/private/vendor/", b"/private/Vendor/v")),
    ],
)
def test_entries_of_annotations(name: bytes, entry: str | None) -> None:
    assert checked_entry(name) == entry


def test_values_of_annotations() -> None:
    assert checked_value(None) is None
    assert checked_value(b"") == b""
    assert checked_value(b"x" * MAX_VALUE) == b"x" * MAX_VALUE
    with pytest.raises(AnnotationTooLarge, match="at most 32768 octets"):
        checked_value(b"x" * (MAX_VALUE + 1))


def test_whose_an_annotation_is() -> None:
    assert [is_private(entry) for entry in ("/private", "/private/a", "/privately/a", "/shared/a")] == [
        *(True, True),
        *(False, False),
    ]


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("a", True),
        ("x" * MOST, True),
        (ACUTE * MOST, True),
        ("x" * (MOST + 1), False),
        ("", False),
        *((f"a{character}", False) for character in "\0\x1f\x7f\x9f\u2028\u2029\ud800\udfff"),
        *((f"a{character}", True) for character in " ~\xa0/\u2027\u202a"),
    ],
)
def test_scripts(name: str, fits: bool) -> None:
    assert is_script_name(name) is fits
