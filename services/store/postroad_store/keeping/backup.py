"""Back the mail up while the store runs, and bring a backup back while it does not.

A backup is one file, a whole database as it was at one moment. Mail that came after it is lost when it is brought back,
and clients may have seen that mail. So every mailbox leaves a gap in its UIDs and mod-sequences: no number that a
client may know ever means another message (RFC 3501 §2.3.1.1), and one that asks for changes is told of all
that are gone (RFC 7162 §3.2.6).
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from typing import TYPE_CHECKING

from postroad.syncing import sync
from postroad_store.mail.database.connection import FILE, connect
from postroad_store.mail.database.migrations import check_ours, migrate
from postroad_store.mail.index.index import FILE as INDEX
from postroad_store.mail.lock import Lock
from postroad_store.mail.model.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from postroad.progress import Progress

GAP = 1 << 20  # UIDs, mod-sequences and numbers of contents that are passed over when a backup is brought back


def back_up(folder: Path, target: Path, progress: Progress) -> int:
    """Write the mail into a file that must not exist; return how many messages it has.

    Raises `StorageError` and `OSError`, and then there is no file.
    """
    path = folder / FILE
    if not path.exists():
        raise StorageError(f"there is no mail in {folder}: the store has not run with this POSTROAD_DATA")
    if target.exists():
        raise StorageError(f"{target} exists already: name a file that does not")
    progress.at("writing")
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with contextlib.closing(connect(path)) as db:
            check_ours(db, path)
            db.execute("VACUUM INTO ?", (str(part),))
        progress.at("checking")
        messages = _checked(part)
        sync(part)
        part.rename(target)
        sync(target.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return messages


def bring_back(source: Path, folder: Path, progress: Progress) -> tuple[int, Path | None]:
    """Put a backup in the place of the mail; return how many messages it has, and where the old mail is now.

    Raises `StorageBusy` while a store runs, `StorageError`, `OSError`; then the mail is as it was.
    """
    progress.at("checking")
    messages = _checked(source)
    folder.mkdir(parents=True, exist_ok=True)
    lock = Lock(folder)
    try:
        path, part = folder / FILE, folder / f"{FILE}.part"
        progress.at("copying")
        shutil.copyfile(source, part)
        with contextlib.closing(connect(part)) as db:
            migrate(db, part)
            db.execute("PRAGMA journal_mode = DELETE")
            db.execute("DELETE FROM packs")  # they have the byte order of the machine that wrote them
            db.execute(
                "UPDATE mailboxes SET uid_next = uid_next + ?, modseq = modseq + ?, lowest_known = modseq + ?",
                [GAP] * 3,
            )
            # RFC 8474 §5.1: an EMAILID is never another message's, nor is a THREADID.
            db.execute(
                "UPDATE counters SET value = max(value, coalesce((SELECT max(id) FROM contents), 0)) + ?"
                " WHERE name = 'content'",
                (GAP,),
            )
        sync(part)
        for index in folder.glob(f"{INDEX}*"):  # of the present mail; it is made anew
            index.unlink()
        old = _moved_away(path)
        part.rename(path)
        sync(folder)
    finally:
        lock.release()
    return messages, old


def _checked(path: Path) -> int:
    """Return how many messages a backup has; raises `StorageError` if it is none, or is damaged."""
    try:
        with contextlib.closing(connect(path, read_only=True)) as db:
            check_ours(db, path)
            (said,) = db.execute("PRAGMA integrity_check(1)").fetchone()
            if said != "ok":
                raise StorageError(f"{path} is damaged: {said}")
            (messages,) = db.execute("SELECT count(*) FROM entries").fetchone()
    except sqlite3.Error as error:
        raise StorageError(f"{path} is not a backup of the mail: {error}") from None
    return int(messages)


def _moved_away(path: Path) -> Path | None:
    """Move the present database aside, with its log; return where it is, None if there is none."""
    if not path.exists():
        return None
    with contextlib.suppress(sqlite3.Error), contextlib.closing(connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    number = 1
    while (old := path.with_name(f"{path.name}.before-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm"):
        log = path.with_name(path.name + suffix)
        if log.exists():
            log.rename(old.with_name(old.name + suffix))
    path.rename(old)
    return old
