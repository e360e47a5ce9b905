"""Reads for the control door in a thread of its own, so that no session waits for them."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from postroad_store.mail.database.connection import FILE, storage_error
from postroad_store.mail.database.listing import Listing
from postroad_store.mail.database.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

Read = TypeVar("Read")


class Reading:
    """One thread with one connection, which is opened when it is first asked."""

    def __init__(self, mail_dir: Path) -> None:
        self._path = mail_dir / FILE
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mail-control")
        self._listing: Listing | None = None

    def __call__(self, read: Callable[[Listing], Read]) -> Awaitable[Read]:
        """Return what `read` returns; raises `StorageError`."""
        return asyncio.get_running_loop().run_in_executor(self._thread, self._read, read)

    def _read(self, read: Callable[[Listing], Read]) -> Read:
        if self._listing is None:
            try:
                self._listing = Listing(Reader(self._path))
            except sqlite3.Error as error:
                raise storage_error(error) from error
        return read(self._listing)

    def close(self) -> None:
        """End the thread, after what it reads."""
        self._thread.shutdown()
        if self._listing is not None:
            self._listing.close()
