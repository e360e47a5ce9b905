"""Mail that is there from the start: a folder of messages by user and mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad.greenmail import read_options
from postroad.world.overlay import read_overlay
from postroad_store.greenmail.preload import Preload
from postroad_store.greenmail.users import Users
from tests.harness.imap import Place
from tests.store.test_accounts import OVERLAY, WORLD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPTIONS = "-Dgreenmail.users=ann:s3cret@shop.example,al:x"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    place.accounts.users = Users(read_options(OPTIONS))
    place.storage.may_exist = place.accounts.may_exist
    yield place
    place.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "preload"


def put(folder: Path, name: str, content: bytes = b"Subject: x\n\nBody.\n") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def preload(place: Place, folder: Path | None) -> Preload:
    return Preload(folder, place.accounts, place.storage, Clock())


async def contents(place: Place, login: str, mailbox: str = "INBOX") -> list[bytes | None]:
    """Return the messages of a mailbox; none if there is no such mailbox."""
    box = (await place.storage.account(login)).find(mailbox)
    return [] if box is None else [place.storage.content(box, uid) for uid in range(1, box.uid_next)]


async def test_messages_are_there_by_user_and_mailbox(place: Place, folder: Path) -> None:
    for name in ("ann/INBOX/b.eml", "ann/INBOX/a.eml", "al@localhost/inbox/a.eml", "new@x.test/Archive/2025/old.eml"):
        put(folder, name, f"Subject: {name}\n\nBody.\n".encode())
    put(folder, "ann/INBOX/notes.txt")
    put(folder, "ann/top.eml")
    put(folder, "ann/INBOX/empty.eml", b"")
    (folder / "ann/INBOX/folder.eml").mkdir()
    await preload(place, folder).load()
    first, second = [f"Subject: ann/INBOX/{name}.eml\r\n\r\nBody.\r\n".encode() for name in "ab"]
    assert await contents(place, "ann@shop.example") == [first, second]
    assert len(await contents(place, "al@localhost")) == 1
    assert len(await contents(place, "new@x.test", "Archive/2025")) == 1
    assert await contents(place, "new@x.test") == []


async def test_a_mailbox_that_has_had_a_message_gets_none(place: Place, folder: Path) -> None:
    put(folder, "ann/INBOX/a.eml")
    await preload(place, folder).load()
    put(folder, "ann/INBOX/b.eml")
    put(folder, "ann/Later/a.eml")
    await preload(place, folder).load()
    assert len(await contents(place, "ann@shop.example")) == 1
    assert len(await contents(place, "ann@shop.example", "Later")) == 1
    account = await place.storage.account("ann@shop.example")
    assert account.inbox is not None
    await place.storage.expunge(account.inbox, only_deleted=False)
    await preload(place, folder).load()
    assert await contents(place, "ann@shop.example") == [None]
    await preload(place, folder).load(again=True)
    assert len(await contents(place, "ann@shop.example")) == 3
    await preload(place, folder).load(again=True)
    assert len(await contents(place, "ann@shop.example")) == 3


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("no address@/INBOX/a.eml", "no address@ can't be a user"),
        ("bob@shop.test/INBOX/a.eml", "bob@shop.test can't be a user"),  # of another world
        ("ann/a\x7f/a.eml", "ann/a\x7f: "),
    ],
)
async def test_what_can_not_be_had_hinders_nothing_else(
    place: Place, folder: Path, caplog: pytest.LogCaptureFixture, name: str, sentence: str
) -> None:
    place.accounts.layers.put(read_overlay(OVERLAY, WORLD))
    put(folder, name)
    put(folder, "zoe@x.test/INBOX/a.eml")
    await preload(place, folder).load()
    assert f"greenmail.preload.dir: {sentence}" in caplog.text
    assert len(await contents(place, "zoe@x.test")) == 1


async def test_a_folder_without_messages(place: Place, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    await preload(place, folder).load()
    assert f"there are no messages USER/MAILBOX/*.eml in {folder}" in caplog.text


async def test_no_folder(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    await preload(place, None).load()
    assert caplog.text == ""
