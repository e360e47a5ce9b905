"""Make the mail's database as small as what is in it, while no store runs.

A store gives room back by itself (`mail.collector`); a database of an earlier version can do that only after this.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from postroad_store.mail.database.connection import FILE, connect
from postroad_store.mail.database.migrations import check_ours
from postroad_store.mail.lock import Lock
from postroad_store.mail.model.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from postroad.progress import Progress


def compact(folder: Path, progress: Progress) -> tuple[int, int]:
    """Return the octets of the file before and after.

    Raises `StorageBusy` while a store runs, `StorageError`, `sqlite3.Error`; then the mail is as it was.
    """
    path = folder / FILE
    if not path.exists():
        raise StorageError(f"there is no mail in {folder}: the store has not run with this POSTROAD_DATA")
    lock = Lock(folder)
    try:
        progress.at("writing anew")
        with contextlib.closing(connect(path)) as db:
            check_ours(db, path)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            before = path.stat().st_size
            db.execute("PRAGMA journal_mode = DELETE").fetchall()  # auto_vacuum can't be changed with a log
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("VACUUM")
        return before, path.stat().st_size
    finally:
        lock.release()
