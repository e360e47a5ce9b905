"""Mail that is there from the start, as in GreenMail: `greenmail.preload.dir`, messages by user and mailbox.

    ann@shop.example/INBOX/welcome.eml
    ann@shop.example/Archive/2025/old.eml

A mailbox gets its messages all at once, and only if it has never had any: a restart brings nothing twice, and nothing
that a client has removed. GreenMail's reset, which empties everything, brings all of it again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from postroad.mail.crlf import with_crlf
from postroad.world.world import DEFAULT_WORLD
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import MailError
from postroad_store.mail.model.flags import NO_FLAGS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from postroad.clock import Clock
    from postroad_store.accounts import Accounts
    from postroad_store.mail.storage import Storage

log = logging.getLogger(__name__)

OPTION = "greenmail.preload.dir"


class Preload:
    """Puts the messages of a folder into mailboxes; of none, if there is no folder."""

    def __init__(self, folder: Path | None, accounts: Accounts, storage: Storage, clock: Clock) -> None:
        self._folder = folder
        self._accounts = accounts
        self._storage = storage
        self._clock = clock

    async def load(self, *, again: bool = False) -> None:
        """Put them there; with `again` also where mailboxes have been emptied.

        What can't be had is an error in the log, and hinders nothing else.
        """
        if self._folder is None:
            return
        files = await asyncio.to_thread(_found, self._folder)
        if not files:
            log.error("%s: there are no messages USER/MAILBOX/*.eml in %s", OPTION, self._folder)
        for (user, mailbox), paths in files.items():
            try:
                await self._put(user, mailbox, paths, again=again)
            except (MailError, OSError) as error:
                log.error("%s: %s/%s: %s", OPTION, user, mailbox, error)  # noqa: TRY400 - it says all

    async def _put(self, user: str, name: str, paths: Sequence[Path], *, again: bool) -> None:
        account = self._accounts.find(user) or self._accounts.users.created(user)
        if account is None or self._accounts.world_id(account.login) != DEFAULT_WORLD:
            log.error("%s: %s can't be a user", OPTION, user)
            return
        owner = await self._storage.account(account.login)
        mailbox = owner.find(name) or await self._storage.create(owner, name)
        if mailbox.counts.messages if again else mailbox.uid_next > 1:
            return
        contents = await asyncio.to_thread(_read, paths)
        now = int(self._clock.now())
        await self._storage.append([Arrival((mailbox,), content, now, NO_FLAGS) for content in contents])


def _found(folder: Path) -> dict[tuple[str, str], list[Path]]:
    """Return the files by user and mailbox, each in the order of their names."""
    files: dict[tuple[str, str], list[Path]] = {}
    for path in sorted(folder.glob("*/*/**/*.eml")):
        user, *names = path.relative_to(folder).parent.parts
        if path.is_file():
            files.setdefault((user, "/".join(names)), []).append(path)
    return files


def _read(paths: Sequence[Path]) -> list[bytes]:
    return [content for content in (with_crlf(path.read_bytes()) for path in paths) if content]
