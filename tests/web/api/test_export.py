"""A mailbox as one file, in each form; what is exported can be seeded again."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest_asyncio

from postroad.control.client import DoorAway
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import FLAGGED, SEEN, FlagSet
from postroad_web.api.native import export
from tests.web.api.asgi import client, services
from tests.web.api.test_seed import stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    import pytest

    from postroad.control.client import DoorClient
    from tests.harness.imap import Place

ALICE = "alice@alpha.test"
BOXES = f"/v1/accounts/{ALICE}/mailboxes"
MAILS = (b"Subject: one\r\n\r\nFrom here on\r\n>From there\r\n", b"Subject: two\r\n\r\nno line end", b"\r\nno header")


@pytest_asyncio.fixture
async def http(store: DoorClient) -> AsyncIterator[httpx.AsyncClient]:
    async with client(services(store=store)) as opened:
        yield opened


async def put(place: Place) -> None:
    inbox = (await place.storage.account(ALICE)).inbox
    flags = (FlagSet(SEEN | FLAGGED, ("$Forwarded", "Work")), FlagSet(0), FlagSet(SEEN))
    await place.storage.append([Arrival((inbox,), mail, 1000 + at, flags[at]) for at, mail in enumerate(MAILS)])


async def test_mbox(place: Place, http: httpx.AsyncClient) -> None:
    await put(place)
    answer = await http.get(f"{BOXES}/inbox/export")
    assert answer.headers["content-type"] == "application/mbox"
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''INBOX.mbox"
    assert answer.content.startswith(
        b"From MAILER-DAEMON Thu Jan  1 00:16:40 1970\nSubject: one\n\n>From here on\n>>From there\n\nFrom "
    )
    seeded = await http.post(f"{BOXES}/Again/seed", content=answer.content)
    assert seeded.json()["stored"] == 3
    contents = [content for content, _, _ in await stored(place, "Again")]
    assert contents == [MAILS[0], MAILS[1] + b"\r\n", MAILS[2] + b"\r\n"]


async def test_maildir(place: Place, http: httpx.AsyncClient) -> None:
    await put(place)
    answer = await http.get(f"{BOXES}/INBOX/export", params={"format": "maildir"})
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        assert archive.getnames() == [
            "cur/1000.U1.postroad:2,FPS",
            "cur/1001.U2.postroad:2,",
            "cur/1002.U3.postroad:2,S",
        ]
    seeded = await http.post(f"{BOXES}/Again/seed", content=answer.content)
    assert seeded.json()["stored"] == 3
    assert await stored(place, "Again") == [
        (MAILS[0], "\\Flagged \\Seen $Forwarded", 1000),
        (MAILS[1], "", 1001),
        (MAILS[2], "\\Seen", 1002),
    ]


async def test_eml(place: Place, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    await put(place)
    answer = await http.get(f"{BOXES}/INBOX/export", params={"format": "eml"})
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        files = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    assert files == {"1.eml": MAILS[0], "2.eml": MAILS[1], "3.eml": MAILS[2]}


async def test_an_empty_mailbox(http: httpx.AsyncClient, place: Place) -> None:
    await place.storage.account(ALICE)
    assert (await http.get(f"{BOXES}/INBOX/export")).content == b""


async def test_refusals(
    http: httpx.AsyncClient, place: Place, store: DoorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(place)
    assert (await http.get(f"{BOXES}/None/export")).status_code == 404
    assert (await http.get(f"{BOXES}/INBOX/export", params={"format": "zip"})).status_code == 422

    async def away(*_: object) -> bytes:
        raise DoorAway("store", "it is away")

    monkeypatch.setattr(store, "post_for_octets", away)
    assert (await http.get(f"{BOXES}/INBOX/export")).status_code == 503
