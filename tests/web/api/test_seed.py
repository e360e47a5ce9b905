"""Seeding: files go into mailboxes, whole or as far as they can be read."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from postroad.mail.trace_fields import ROOM
from postroad_web.api.app import build
from postroad_web.seeding import sower
from tests.web.api.asgi import client, services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from postroad.control.client import DoorClient
    from postroad_web.api.services import Services
    from tests.harness.imap import Place

ALICE = "alice@alpha.test"
SEED = f"/v1/accounts/{ALICE}/mailboxes/INBOX/seed"
MAIL = b"Subject: x\n\nbody\n"
MBOX = b"".join(b"From a@x.test Thu Jan  1 00:00:%02d 1970\nSubject: %d\n\nbody\n\n" % (n, n) for n in range(10))
LINES = {"Accept": "application/x-ndjson"}


def maildir() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in ("Maildir/cur/1.host:2,FRS", "Maildir/new/2.host", "Maildir/.Sent/cur/3.host:2,S"):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(MAIL), 77
            archive.addfile(entry, io.BytesIO(MAIL))
    return out.getvalue()


@pytest.fixture
def given(store: DoorClient) -> Services:
    return services({"POSTROAD_MESSAGE_SIZE": "100000"}, store=store)


@pytest_asyncio.fixture
async def http(given: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client(given) as opened:
        yield opened


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sower, "BATCH", 4)


async def stored(place: Place, mailbox: str = "INBOX") -> list[tuple[bytes, str, int]]:
    """Return content, flags and internal date of each message."""
    box = (await place.storage.account(ALICE)).selectable(mailbox)
    view = place.storage.view(box)
    return [
        (place.storage.content(box, uid) or b"", box.flag_names(flags), date)
        for uid, flags, date in zip(view.uids, box.flags, box.internal_dates, strict=True)
    ]


async def test_one_message(place: Place, http: httpx.AsyncClient) -> None:
    answer = await http.post(SEED, content=MAIL, params={"flags": ["\\Seen", "$Work"]})
    inbox = (await place.storage.account(ALICE)).inbox
    assert answer.json() == {
        "account": ALICE,
        "world": "default",
        "mailbox": "INBOX",
        "stored": 1,
        "octets": len(MAIL),
        "uid_validity": inbox.uid_validity,
        "first_uid": 1,
        "last_uid": 1,
        "skipped": 0,
    }
    ((content, flags, _),) = await stored(place)
    assert (content, flags) == (MAIL.replace(b"\n", b"\r\n"), "\\Seen $Work")


@pytest.mark.parametrize(
    ("media_type", "query"),
    [("application/octet-stream", {}), ("application/mbox", {}), ("text/plain", {"format": "mbox"})],
)
async def test_mbox(place: Place, http: httpx.AsyncClient, media_type: str, query: dict[str, str]) -> None:
    path = SEED.replace("INBOX", "new/box")
    answer = await http.post(path, content=MBOX, params=query, headers={"Content-Type": media_type})
    assert (answer.json()["stored"], answer.json()["last_uid"]) == (10, 10)
    assert await stored(place, "new/box") == [
        (b"Subject: %d\r\n\r\nbody\r\n" % number, "", number) for number in range(10)
    ]


@pytest.mark.parametrize("query", [{}, {"format": "maildir"}])
async def test_maildir(place: Place, http: httpx.AsyncClient, query: dict[str, str]) -> None:
    answer = await http.post(SEED, content=maildir(), params=query)
    assert (answer.json()["stored"], answer.json()["skipped"]) == (2, 1)
    assert [(flags, date) for _, flags, date in await stored(place)] == [("\\Answered \\Flagged \\Seen", 77), ("", 77)]


@pytest.mark.usefixtures("small_batches")
async def test_progress(http: httpx.AsyncClient) -> None:
    answer = await http.post(SEED, content=MBOX, headers=LINES)
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [(line["stored"], line["done"]) for line in lines] == [(4, False), (8, False), (10, True)]


async def pieces(octets: bytes, step: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(octets), step):
        yield octets[start : start + step]


@pytest.mark.usefixtures("small_batches")
async def test_a_file_that_comes_slowly(place: Place, http: httpx.AsyncClient) -> None:
    assert (await http.post(SEED, content=pieces(MBOX))).json()["stored"] == 10
    assert (await http.post(SEED, content=pieces(maildir(), 100))).json()["first_uid"] == 11
    assert len(await stored(place)) == 12


@pytest.mark.usefixtures("small_batches")
async def test_a_line_comes_before_the_file_has_ended(given: Services) -> None:
    """The application is asked directly: the client for tests reads no answer before it has sent all."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "path": SEED,
        "raw_path": SEED.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"localhost:8025"), (b"accept", b"application/x-ndjson")],
    }
    sent: list[dict[str, Any]] = []
    bodies = [MBOX + b"F", b"rom b\n\nbody\n", b"\nFrom c\nx"]

    async def receive() -> dict[str, Any]:
        if len(bodies) == 2:
            assert [message["type"] for message in sent] == ["http.response.start", *["http.response.body"] * 2]
        if not bodies:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": bodies.pop(0), "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await build(given)(scope, receive, send)  # type: ignore[arg-type]
    assert [json.loads(message["body"])["stored"] for message in sent[1:]] == [4, 8]


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize(
    ("file", "kept", "sentence"),
    [
        ((b"", {}), 0, "The message has no octets."),
        ((b"Subject: x\n", {"format": "mbox"}), 0, 'Line 1 does not begin with "From ", so this is no mbox.'),
        ((MBOX + b"From b\n\nFrom c\nx: y\n", {}), 10, "Message 11 (line 51) has no octets."),
        (
            (MBOX + b"From b\n" + b"x" * 200_000, {}),
            10,
            f"Message 11 (line 51) has more than {100_000 + ROOM} octets, which is",
        ),
        ((maildir()[:-9000], {}), 1, "The tar ends within "),
        ((MAIL, {"flags": "\\Recent"}), 0, "\\Recent is not a flag of IMAP."),
    ],
)
async def test_faults(
    place: Place, http: httpx.AsyncClient, file: tuple[bytes, dict[str, str]], kept: int, sentence: str
) -> None:
    body, query = file
    answer = await http.post(SEED, content=body, params=query)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert problem["detail"].startswith(sentence)
    assert problem["detail"].endswith(f"Messages stored before that: {kept}.")
    assert (problem["stored"], len(await stored(place))) == (kept, kept)
    answer = await http.post(SEED, content=body, params=query, headers=LINES)
    last = json.loads(answer.text.splitlines()[-1])
    assert (last["stored"], last["done"], last["problem"]["status"]) == (kept, False, 422)


async def test_who_gets_nothing(http: httpx.AsyncClient) -> None:
    path = SEED.replace(ALICE, "nobody@elsewhere.test")
    assert (await http.post(path, content=MAIL)).status_code == 404
    assert (await http.post(SEED, content=MAIL, params={"format": "zip"})).status_code == 422


async def test_a_store_that_is_away(given: Services, store: DoorClient) -> None:
    await store.close()
    store._port = 1
    async with client(given) as http:
        answer = await http.post(SEED, content=MAIL)
        assert (answer.status_code, answer.json()["service"], answer.json()["stored"]) == (503, "store", 0)
        answer = await http.post(SEED, content=MBOX + b"From b\n\nFrom c\nx: y\n")
        assert (answer.status_code, answer.json()["title"]) == (
            503,
            "The file can't be read, nor its messages be stored",
        )


async def test_a_large_file_is_not_held(place: Place, http: httpx.AsyncClient) -> None:
    message = b"From a\nx: y\n\n" + b"x" * 90_000 + b"\n\n"

    async def many() -> AsyncIterator[bytes]:
        for _ in range(100):  # 9 MB: more than other bodies may have
            yield message

    assert (await http.post(SEED, content=many())).json()["stored"] == 100
    assert len(await stored(place)) == 100
