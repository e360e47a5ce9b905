"""A message that the API sends goes the whole road of a stack: waited for, searched, read by IMAP and by the API."""

from __future__ import annotations

import base64
import email
import email.policy
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from tests.harness.mailboxes import arrived
from tests.harness.stack import Port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.stack import Stack

FILE = bytes(range(256)) * 50


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    host, port = stack.endpoint(Port.WEB)
    with httpx.Client(base_url=f"http://{host}:{port}", timeout=60) as client:
        yield client


def test_what_is_sent_is_searched_and_read(stack: Stack, api: httpx.Client) -> None:
    reader = stack.fresh_user()
    asked: dict[str, Any] = {
        "from": {"name": "Grüße, Shop", "address": "shop@example.com"},
        "to": [reader.address],
        "bcc": ["outside@nowhere.example"],
        "subject": "Ihre Bestellung: 日本 " * 10,
        "text": "Ihr Bestätigungscode lautet 482913.\n" + "x" * 2000,
        "html": "<p>Ihr Bestätigungscode lautet <b>482913</b>. <a href='https://shop.test/v?t=1'>Hier</a>",
        "attachments": [{"filename": "Rechnung für Sie.bin", "content": base64.b64encode(FILE).decode()}],
        "headers": {"X-Order": "7-" + "y" * 60},
        "tags": ["orders"],
    }
    answer = api.post("/v1/messages", json=asked)
    assert answer.status_code == 201, answer.text
    ident = answer.json()["id"]
    assert api.get(answer.headers["location"]).json()["id"] == ident

    (message,) = api.post("/v1/wait", json={"id": ident, "timeout": 30}).json()["messages"]
    assert {recipient["address"]: recipient["state"] for recipient in message["recipients"]} == {
        reader.address: "delivered",
        "outside@nowhere.example": "captured",
    }
    content = message["content"]
    assert message["subject"] == asked["subject"]
    assert message["from"] == [asked["from"]]
    assert message["tags"] == ["orders"]
    assert content["codes"][0]["value"] == "482913"
    assert ("https://shop.test/v?t=1", "Hier") in [(link["url"], link["text"]) for link in content["links"]]

    (by_imap,) = arrived(stack, reader)
    assert api.get(f"/v1/messages/{ident}/raw").content.partition(b"Date:")[2] == by_imap.partition(b"Date:")[2]
    assert b"outside@" not in by_imap
    read = email.message_from_bytes(by_imap, policy=email.policy.default)
    (attachment,) = read.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content()) == ("Rechnung für Sie.bin", FILE)
    (part,) = content["attachments"]
    assert api.get(f"/v1/messages/{ident}/parts/{part['part_id']}").content == FILE

    for query in (
        f"rcpt:{reader.address} bestätigungscode",
        f"rcpt:{reader.address} (nothing or /4829\\d3/) header:x-order=/^7-y+$/ tag:orders has:attachment",
        f"account:{reader.address} mailbox:inbox larger:1K -is:report",
        'rcpt:outside@nowhere.example subject:日本 "rechnung für sie"',
    ):
        page = api.get(f"/v1/messages?query={quote(query)}").json()
        assert ident in [message["id"] for message in page["messages"]], query


def test_a_raw_message_and_its_bounce(stack: Stack, api: httpx.Client) -> None:
    writer = stack.fresh_user()
    raw = f"From: {writer.address}\nTo: nobody@{writer.address.partition('@')[2]}\nSubject: Nobody\n\n.\n".encode()
    sent = api.post("/v1/messages", content=raw, headers={"content-type": "message/rfc822"})
    assert sent.status_code == 201, sent.text
    wanted = {"recipient": writer.address, "reports": True, "query": "is:report", "timeout": 30}
    (report,) = api.post("/v1/wait", json=wanted).json()["messages"]
    assert report["about"] == sent.json()["id"]
    assert report["sender"] is None
    assert {part["content_type"] for part in report["content"]["parts"]} >= {"message/delivery-status", "text/plain"}
    assert api.get(sent.json()["url"]).json()["state"] == "failed"
