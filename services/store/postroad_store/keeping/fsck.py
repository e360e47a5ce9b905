"""Check the mail's database, beside the store or without it; mend it while no store runs.

First SQLite looks at the file, then each invariant is looked for, then every content is read and compared with what was
noted when it came. All of it reads one snapshot, so that a store that goes on working makes no faults. To mend, the
folder is locked, and everything happens in one transaction: until its end the mail is as it was.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from postroad_store.keeping.reread import reread, wrong_contents
from postroad_store.mail.database.connection import FILE, connect
from postroad_store.mail.database.invariants import INVARIANTS
from postroad_store.mail.database.migrations import check_ours
from postroad_store.mail.lock import Lock
from postroad_store.mail.model.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from sqlite3 import Connection

    from postroad.progress import Progress

ROUNDS = 3  # of mending: what mends one fault may show another
_SOUND = "ok"


def check(folder: Path, progress: Progress) -> list[str]:
    """Return a sentence for each fault; raises `StorageError` if there is no mail of ours, and `sqlite3.Error`."""
    with _opened(folder) as db:
        db.execute("BEGIN")
        return list(_faults(db, progress))


def mend(folder: Path, progress: Progress) -> tuple[list[str], list[str]]:
    """Mend what can be mended; return the faults that there were, and those that are left.

    Raises `StorageBusy` while a store runs, `StorageError`, `sqlite3.Error`.
    """
    lock = Lock(folder)
    try:
        with _opened(folder) as db:
            db.execute("PRAGMA synchronous = FULL")
            db.execute("BEGIN IMMEDIATE")
            faults = left = list(_faults(db, progress))
            for _ in range(ROUNDS):
                if not left:
                    break
                _mend(db, progress)
                left = list(_faults(db, progress))
            db.execute("COMMIT")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return faults, left
    finally:
        lock.release()


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[Connection]:
    path = folder / FILE
    if not path.exists():
        raise StorageError(f"there is no mail in {folder}: the store has not run with this POSTROAD_DATA")
    with contextlib.closing(connect(path)) as db:
        check_ours(db, path)
        yield db


def _faults(db: Connection, progress: Progress) -> Iterator[str]:
    progress.at("SQLite's own check of the file")
    for (said,) in db.execute("PRAGMA integrity_check(100)"):
        if said != _SOUND:
            yield f"the database itself is damaged: {said}"
    for invariant in INVARIANTS:
        progress.at(invariant.name)
        yield from invariant.faults(db)
    (count,) = db.execute("SELECT count(*) FROM contents").fetchone()
    for number, wrong in enumerate(wrong_contents(db), 1):
        progress.at(f"contents: {number:,} of {count:,}")
        if wrong is not None:
            yield wrong.sentence


def _mend(db: Connection, progress: Progress) -> None:
    progress.at("mending")
    if any(said != _SOUND for (said,) in db.execute("PRAGMA integrity_check(1)")):
        db.execute("REINDEX")  # an index can be made anew; of a damaged table only a backup helps
    for wrong in list(wrong_contents(db)):
        if wrong is not None:
            reread(db, wrong.content)
    for invariant in INVARIANTS:
        for statement in invariant.mend:
            db.execute(statement)
    db.execute("DELETE FROM packs")  # what was mended may be in them
