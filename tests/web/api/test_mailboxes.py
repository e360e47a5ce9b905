"""Mailboxes and their messages, as the native API has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import SEEN, FlagSet
from tests.harness.imap import world
from tests.web.api.asgi import client, services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from postroad.control.client import DoorClient
    from tests.harness.imap import Place

ALICE = "alice@alpha.test"
BOXES = f"/v1/accounts/{ALICE}/mailboxes"
MAIL = b"From: a@x.test\r\nSubject: caf\xc3\xa9\r\n\r\nYour code is 123456\r\n"


@pytest_asyncio.fixture
async def http(store: DoorClient) -> AsyncIterator[httpx.AsyncClient]:
    given = services(store=store)
    given.world = world(given.settings)
    async with client(given) as opened:
        yield opened


async def put(place: Place, *messages: bytes, mailbox: str = "INBOX") -> None:
    account = await place.storage.account(ALICE)
    if account.find(mailbox) is None:
        await place.storage.create(account, mailbox)
    box = account.selectable(mailbox)
    await place.storage.append([Arrival((box,), message, 1000, FlagSet(SEEN)) for message in messages])


async def test_mailboxes(place: Place, http: httpx.AsyncClient) -> None:
    await put(place, MAIL, MAIL, mailbox="a/b")
    boxes = {box["name"]: box for box in (await http.get(BOXES)).json()["mailboxes"]}
    assert set(boxes) == {"INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash", "a", "a/b"}
    box = boxes["a/b"]
    assert (box["account"], box["world"], box["messages"], box["unseen"]) == (ALICE, "default", 2, 0)
    missing = await http.get("/v1/accounts/nobody@alpha.test/mailboxes")
    assert (missing.status_code, missing.json()["title"]) == (404, "Refused")


async def test_messages_page_by_page(place: Place, http: httpx.AsyncClient) -> None:
    await put(place, *[MAIL] * 5)
    first = (await http.get(f"{BOXES}/inbox/messages", params={"limit": 3})).json()
    second = (await http.get(f"{BOXES}/inbox/messages", params={"limit": 3, "after": first["next"]})).json()
    assert [message["uid"] for message in first["messages"] + second["messages"]] == [1, 2, 3, 4, 5]
    assert second["next"] is None
    uid_validity = (await place.storage.account(ALICE)).inbox.uid_validity
    assert first["messages"][0] == {
        "account": ALICE,
        "world": "default",
        "mailbox": "INBOX",
        "uid_validity": uid_validity,
        "uid": 1,
        "flags": ["\\Seen"],
        "internal_date": "1970-01-01T00:16:40.000Z",
        "size": len(MAIL),
    }
    assert (await http.get(f"{BOXES}/Nothing/messages")).status_code == 404
    assert (await http.get(f"{BOXES}/INBOX/messages", params={"limit": 0})).status_code == 422


async def test_a_message(place: Place, http: httpx.AsyncClient) -> None:
    await put(place, MAIL, b"Subject: two\r\n\r\n", mailbox="a/messages")
    for path in (f"{BOXES}/a/messages/messages/1", f"{BOXES}/a%2Fmessages/messages/1"):
        message = (await http.get(path)).json()
        assert (message["uid"], message["mailbox"]) == (1, "a/messages")
        assert message["content"]["text"].strip() == "Your code is 123456"
        assert {"name": "Subject", "value": "café"} in message["content"]["headers"]
        raw = await http.get(f"{path}/raw")
        assert (raw.content, raw.headers["content-type"]) == (MAIL, "message/rfc822")
    for path in (f"{BOXES}/a/messages/messages/9", f"{BOXES}/a/messages/messages/9/raw", f"{BOXES}/INBOX/messages/1"):
        assert (await http.get(path)).status_code == 404


async def test_removing(place: Place, http: httpx.AsyncClient) -> None:
    await put(place, *[MAIL] * 5)
    assert (await http.delete(f"{BOXES}/INBOX/messages/2")).status_code == 204
    assert (await http.delete(f"{BOXES}/INBOX/messages/2")).status_code == 404
    answer = await http.post(f"{BOXES}/INBOX/messages/remove", json={"uids": [5, 1, 77]})
    assert answer.json() == {"removed": 2}
    assert (await http.post(f"{BOXES}/INBOX/messages/remove", json={"uids": []})).status_code == 422
    assert (await http.post(f"{BOXES}/No/messages/remove", json={"uids": [1]})).status_code == 404
    listed = (await http.get(f"{BOXES}/INBOX/messages")).json()["messages"]
    assert [message["uid"] for message in listed] == [3, 4]


async def test_a_405_names_all_methods(http: httpx.AsyncClient) -> None:
    refused = await http.put(f"{BOXES}/INBOX/messages/1")
    assert (refused.status_code, set(refused.headers["allow"].split(", "))) == (405, {"GET", "HEAD", "DELETE"})
