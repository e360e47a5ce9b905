"""Backups: made while the store works, brought back while it does not, and safe for clients that knew more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from postroad_store.keeping.backup import GAP, back_up, bring_back
from postroad_store.keeping.fsck import check
from postroad_store.mail.database.connection import FILE
from postroad_store.mail.index.index import FILE as INDEX
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import StorageBusy, StorageError
from postroad_store.mail.model.flags import NO_FLAGS
from postroad_store.mail.storage import Storage
from tests.store.keeping.conftest import LOGIN, MAIL, rows, spoil

if TYPE_CHECKING:
    from pathlib import Path

    from postroad.progress import Progress


async def test_a_store_at_work_is_backed_up(folder: Path, progress: Progress, tmp_path: Path) -> None:
    storage = Storage(folder)
    inbox = (await storage.account(LOGIN)).inbox
    over = False

    async def work() -> int:
        count = 0
        while not over:
            await storage.append([Arrival((inbox,), MAIL % (count, count), 0, NO_FLAGS)])
            count += 1
        return count

    working = asyncio.create_task(work())
    target = tmp_path / "backup"
    messages = await asyncio.to_thread(back_up, folder, target, progress)
    over = True
    count = await working
    storage.close()
    assert 15 <= messages <= 15 + count
    again = tmp_path / "again"
    assert bring_back(target, again, progress) == (messages, None)
    assert check(again, progress) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "backup", "mail"]  # noqa: ASYNC240 - a test


async def test_numbers_that_a_client_may_know_are_not_given_again(
    folder: Path, progress: Progress, tmp_path: Path
) -> None:
    back_up(folder, tmp_path / "backup", progress)
    before = rows(folder, "SELECT uid_validity, uid_next, modseq FROM mailboxes WHERE name = 'INBOX'")[0]
    storage = Storage(folder)
    inbox = (await storage.account(LOGIN)).inbox
    await storage.append([Arrival((inbox,), MAIL % (9, 9), 0, NO_FLAGS)])
    known = inbox.modseq
    storage.close()
    messages, old = bring_back(tmp_path / "backup", folder, progress)
    assert (messages, old) == (15, folder / f"{FILE}.before-1")
    storage = Storage(folder)
    inbox = (await storage.account(LOGIN)).inbox
    view = storage.view(inbox)
    assert list(view.uids) == [3, 4, 5, 6, 7, 8]
    assert (inbox.uid_validity, inbox.uid_next, inbox.modseq) == (before[0], before[1] + GAP, before[2] + GAP)  # type: ignore[operator]
    vanished = storage.vanished(inbox, known, None)
    assert vanished is not None
    assert any(low <= 9 <= high for low, high in vanished)  # the message that came after the backup
    storage.close()


async def test_no_message_gets_the_id_of_one_that_came_after_the_backup(
    folder: Path, progress: Progress, tmp_path: Path
) -> None:
    async def newest(number: int) -> object:
        storage = Storage(folder)
        inbox = (await storage.account(LOGIN)).inbox
        await storage.append([Arrival((inbox,), MAIL % (number, number), 0, NO_FLAGS)])
        storage.close()
        return rows(folder, "SELECT max(content) FROM entries")[0][0]

    back_up(folder, tmp_path / "backup", progress)
    lost = await newest(100)
    bring_back(tmp_path / "backup", folder, progress)
    assert await newest(101) != lost


def test_an_index_of_other_mail_goes(folder: Path, progress: Progress, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "backup", progress)
    for name in (INDEX, f"{INDEX}-wal"):
        (folder / name).touch()
    bring_back(tmp_path / "backup", folder, progress)
    assert not list(folder.glob(f"{INDEX}*"))


def test_a_backup_is_brought_back_twice(folder: Path, progress: Progress, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "backup", progress)
    assert bring_back(tmp_path / "backup", folder, progress)[1] == folder / f"{FILE}.before-1"
    assert bring_back(tmp_path / "backup", folder, progress)[1] == folder / f"{FILE}.before-2"
    assert check(folder, progress) == []


def test_refusals(folder: Path, progress: Progress, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    with pytest.raises(StorageError, match="there is no mail in"):
        back_up(tmp_path / "none", target, progress)
    back_up(folder, target, progress)
    with pytest.raises(StorageError, match="exists already"):
        back_up(folder, target, progress)
    (tmp_path / "text").write_text("no database")
    with pytest.raises(StorageError, match="is not a backup of the mail"):
        bring_back(tmp_path / "text", folder, progress)
    storage = Storage(folder)
    with pytest.raises(StorageBusy):
        bring_back(target, folder, progress)
    storage.close()
    assert rows(folder, "SELECT count(*) FROM entries") == [(15,)]


def test_a_damaged_backup_is_refused(folder: Path, progress: Progress, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    back_up(folder, target, progress)
    octets = bytearray(target.read_bytes())
    octets[20_000:40_000] = bytes(20_000)
    target.write_bytes(octets)
    with pytest.raises(StorageError, match=r"damaged|not a backup"):
        bring_back(target, folder, progress)


def test_damaged_mail_is_not_backed_up_as_if_it_were_sound(folder: Path, progress: Progress, tmp_path: Path) -> None:
    spoil(folder, "PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="schema 99"):
        back_up(folder, tmp_path / "backup", progress)
    assert list(tmp_path.glob("backup*")) == []
