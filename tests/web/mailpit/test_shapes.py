from __future__ import annotations

import dataclasses
import hashlib

import pytest

from postroad.control import names
from postroad_web.mailpit import shapes, source
from postroad_web.message.parse import parse_message
from tests.web.mailpit.records import BARE, DIGEST, RECORD

CONTENT = (
    b"From: Shop <shop@alpha.test>\r\nList-Unsubscribe: <mailto:off@alpha.test>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    b"--b\r\nContent-Type: image/png\r\nContent-Disposition: inline\r\nContent-ID: <logo>\r\n\r\nPNG\r\n"
    b'--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="a.pdf"\r\n\r\nPDF\r\n--b--\r\n'
)


def test_summary() -> None:
    assert shapes.summary(RECORD) == {
        "ID": "00056A1B2C3D4",
        "MessageID": "1@alpha.test",
        "Read": False,
        "From": {"Name": "Shop", "Address": "shop@alpha.test"},
        "To": [{"Name": "Bob", "Address": "Bob@beta.test"}],
        "Cc": [{"Name": "", "Address": "carol@alpha.test"}],
        "Bcc": [{"Name": "", "Address": "blind@beta.test"}, {"Name": "", "Address": "hidden@gamma.test"}],
        "ReplyTo": [{"Name": "", "Address": "help@alpha.test"}],
        "Subject": "Your order",
        "Created": "2025-11-26T06:20:00.25Z",
        "Username": "alice",
        "Tags": ["order", "shop"],
        "Size": source.size(RECORD, ["hidden@gamma.test"]),
        "Attachments": 2,
        "Snippet": "Thank you…",
    }


def test_summary_of_a_message_without_anything() -> None:
    summary = shapes.summary(BARE)
    assert summary["From"] == {"Name": "", "Address": ""}
    assert [summary[name] for name in ("To", "Cc", "Bcc", "ReplyTo", "Tags")] == [[]] * 5
    assert [summary[name] for name in ("MessageID", "Username", "Subject", "Snippet")] == [""] * 4


def test_a_date_keeps_its_zone() -> None:
    parsed = parse_message(b"Date: Wed, 26 Nov 2025 07:19:59 +0100\r\n\r\n")
    assert shapes.message(RECORD, parsed)["Date"] == "2025-11-26T07:19:59+01:00"
    assert shapes.message(BARE, parsed)["Date"] == shapes.of_old(BARE)["Created"]


def test_what_is_wrong_with_list_unsubscribe() -> None:
    parsed = parse_message(b"List-Unsubscribe: <x> <x>\r\nList-Unsubscribe-Post: y\r\n\r\n")
    off = shapes.message(RECORD, parsed)["ListUnsubscribe"]
    assert (off["Links"], off["HeaderPost"]) == ([], "y")
    assert off["Errors"] == ", ".join(parsed.list_unsubscribe.errors)
    assert len(parsed.list_unsubscribe.errors) == 4


def test_listing() -> None:
    page = shapes.listing(1, whole=(9, 4), matching=(5, 2), start=3, tags=["b", "A"])
    assert page == {
        "total": 9,
        "unread": 4,
        "count": 1,
        "messages_count": 5,
        "messages_unread": 2,
        "start": 3,
        "tags": ["A", "b"],
        "messages": [],
    }


def test_message() -> None:
    message = shapes.message(RECORD, parse_message(CONTENT))
    assert message["From"] == {"Name": "Shop", "Address": "shop@alpha.test"}  # the first of two
    digests = {"MD5": hashlib.md5(b"PDF"), "SHA1": hashlib.sha1(b"PDF"), "SHA256": hashlib.sha256(b"PDF")}
    assert message["Attachments"] == [
        {
            "PartID": "3",
            "FileName": "a.pdf",
            "ContentType": "application/pdf",
            "ContentID": "",
            "Size": 3,
            "Checksums": {name: digest.hexdigest() for name, digest in digests.items()},
        }
    ]
    assert [(part["PartID"], part["FileName"], part["ContentID"]) for part in message["Inline"]] == [
        ("2", "logo", "logo")
    ]
    assert (message["Text"].strip(), message["HTML"]) == ("Hello", "")
    assert message["ListUnsubscribe"] == {
        "Header": "<mailto:off@alpha.test>",
        "Links": ["mailto:off@alpha.test"],
        "Errors": "",
        "HeaderPost": "",
    }
    assert message["Date"] == "2025-11-26T06:19:59Z"
    assert shapes.of_old(RECORD) == {"Read": True, "Created": "2025-11-26T06:20:00.25Z"}
    assert not shapes.of_old(RECORD).keys() & message.keys()
    assert message["ReturnPath"] == "bounces@alpha.test"
    assert message["Size"] == shapes.summary(RECORD)["Size"]
    same = ("ID", "MessageID", "From", "To", "Cc", "Bcc", "ReplyTo", "Subject", "Tags", "Username")
    assert {name: message[name] for name in same} == {name: shapes.summary(RECORD)[name] for name in same}


def test_message_without_anything() -> None:
    message = shapes.message(BARE, parse_message(b"\r\n"))
    assert message["From"] is None
    assert (message["ReturnPath"], message["Date"]) == ("", shapes.of_old(BARE)["Created"])
    assert {name for name, value in message.items() if value is None} == {"From"}
    assert [message[name] for name in ("MessageID", "Username", "Subject", "Text", "HTML")] == [""] * 5
    assert [message[name] for name in ("To", "Cc", "Bcc", "ReplyTo", "Tags", "Inline", "Attachments")] == [[]] * 7
    from_header = shapes.message(dataclasses.replace(BARE, digest=DIGEST), parse_message(b"\r\n"))
    assert from_header["ReturnPath"] == "shop@alpha.test"


@pytest.mark.parametrize(
    ("content", "client", "texts"),
    [
        (b"\r\none\r\ntwo\r\n", names.WEB, ("one\ntwo", "")),
        (b"\r\none\r\ntwo\r\n", "app", ("one\r\ntwo\r\n", "")),
        (CONTENT, names.WEB, ("Hello", "")),
        (CONTENT.replace(b"text/plain", b"text/html"), names.WEB, ("Hello", "Hello")),
        (CONTENT.replace(b"Hello", b"Hello\r\n"), names.WEB, ("Hello\n", "")),  # the line end is not SMTP's
        (b"Content-Type: text/html\r\n\r\nx<br>\r\ny\r\n", names.WEB, ("x\ny", "x<br>\ny")),
    ],
)
def test_what_came_by_http_has_its_own_line_ends(content: bytes, client: str, texts: tuple[str, str]) -> None:
    assert shapes.texts(dataclasses.replace(RECORD, client=client), parse_message(content)) == texts
