"""Mailboxes in memory: reads them from the database, in a thread if they are large, and forgets those not in use."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from postroad_store.mail.database.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from postroad_store.mail.database.reader import AccountRow
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.packer import Packer

MAX_LOADED = 1_000_000  # messages in memory (25 MB), above which mailboxes that no session looks at are unloaded
LARGE = 20_000  # UIDs given out, above which a mailbox that is not in memory is read in a thread


class Loader:
    """Loads mailboxes, each once for all who wait for it."""

    def __init__(self, path: Path, reader: Reader, packer: Packer) -> None:
        self._reader = reader
        self._packer = packer
        self._reader_apart = Reader(path)  # used in the thread `_apart` only
        self._apart = ThreadPoolExecutor(1, thread_name_prefix="mail-reader")
        self._loads: dict[int, asyncio.Future[None]] = {}  # by mailbox
        self._loaded: OrderedDict[int, Mailbox] = OrderedDict()
        self._unchecked = 0  # messages that were loaded since those in memory were counted

    def close(self) -> None:
        """Finish what is under way."""
        self._apart.shutdown()
        self._reader_apart.close()

    def account(self, login: str) -> Awaitable[AccountRow | None]:
        """Read an account in the thread: see `Reader.account`."""
        return asyncio.get_running_loop().run_in_executor(self._apart, self._reader_apart.account, login)

    def deleted_octets(self, mailbox: Mailbox) -> Awaitable[int]:
        """Sum octets in the thread: see `Reader.deleted_octets`."""
        return asyncio.get_running_loop().run_in_executor(self._apart, self._reader_apart.deleted_octets, mailbox)

    def is_large(self, mailbox: Mailbox) -> bool:
        """Return True if to load the mailbox at once would keep other sessions waiting."""
        return not mailbox.loaded and mailbox.uid_next > LARGE

    def load(self, mailbox: Mailbox) -> None:
        """Load the mailbox, if it is not in memory."""
        if not mailbox.loaded:
            contents = self._reader.contents(mailbox)
            mailbox.load(contents)
            if contents is not None and not contents.packed:
                self._packer.changed(mailbox)
        self._keep(mailbox)

    async def load_large(self, mailbox: Mailbox) -> None:
        """Load a mailbox that is large, in a thread."""
        while self.is_large(mailbox) and not mailbox.deleted:
            if mailbox.id not in self._loads:
                self._loads[mailbox.id] = asyncio.ensure_future(self._load(mailbox))
            await asyncio.shield(self._loads[mailbox.id])  # other sessions may wait for it too

    async def _load(self, mailbox: Mailbox) -> None:
        contents = None
        mailbox.announce_load()
        try:
            loop = asyncio.get_running_loop()
            contents = await loop.run_in_executor(self._apart, self._reader_apart.contents, mailbox)
        finally:
            mailbox.load(contents)
            del self._loads[mailbox.id]
        if mailbox.loaded:
            self._keep(mailbox)
        if contents is not None and not contents.packed:
            self._packer.changed(mailbox)

    def forget(self, mailbox: Mailbox) -> None:
        """Forget a mailbox that has vanished."""
        self._loaded.pop(mailbox.id, None)

    def _keep(self, mailbox: Mailbox) -> None:
        """Note that a mailbox is used now; unload others that no session looks at, the longest unused first."""
        if mailbox.id not in self._loaded:
            self._unchecked += len(mailbox.uids)
        self._loaded[mailbox.id] = mailbox
        self._loaded.move_to_end(mailbox.id)
        if self._unchecked * 10 < MAX_LOADED:
            return
        total = sum(len(loaded.uids) for loaded in self._loaded.values())
        self._unchecked = 0
        for number, loaded in list(self._loaded.items())[:-1]:
            if total <= MAX_LOADED:
                return
            if not loaded.views and not loaded.changing:
                total -= len(loaded.uids)
                loaded.unload()
                del self._loaded[number]

    @property
    def open_mailboxes(self) -> int:
        """How many mailboxes some session looks at."""
        return sum(bool(mailbox.views) for mailbox in self._loaded.values())
