"""How much mail accounts have, and may have (RFC 9208)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from postroad.world.quota import UNLIMITED, Quota
from postroad_store.mail.database.commits.quotas import SetQuota, exceeds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.writer import Writer


class Usage(NamedTuple):
    """What an account has, and may have; the octets are those that the messages have, not those of the disk."""

    octets: int
    messages: int
    quota: Quota
    by_world: bool = True  # nobody has set another

    def has_room(self, octets: int) -> bool:
        """Return True if a message of so many octets may come."""
        return not exceeds(self.quota, self.octets + octets, self.messages + 1)


class Quotas:
    """Quotas by login. The store sets `allowed`, what the world gives an account, and `limits`, whether it limits any.

    Where nothing limits anybody, no commit looks at quotas.
    """

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader
        self.allowed: Callable[[str], Quota] = lambda _: UNLIMITED
        self.limits: Callable[[], bool] = lambda: True
        self._some_set = bool(reader.rows("SELECT 1 FROM quotas LIMIT 1", ()))

    @property
    def check(self) -> Callable[[str], Quota] | None:
        """What commits ask for the quota of an account; None if they need not."""
        return self.allowed if self._some_set or self.limits() else None

    def set(self, account: Account, quota: Quota | None) -> Awaitable[None]:
        """Commit: set the limits of an account in place of the world's; None: as the world says."""
        self._some_set = True  # for all commits after this one
        return self._writer.submit(SetQuota(account, quota))

    def look(self) -> None:
        """Learn whether anybody has set any, now that a snapshot was restored."""
        self._some_set = self._some_set or bool(self._reader.rows("SELECT 1 FROM quotas LIMIT 1", ()))

    def usage(self, login: str) -> Usage:
        """Read: return what an account has and may have; one that has not been made has nothing."""
        rows = self._reader.rows(_USAGE, (login,))
        if not rows:
            return Usage(0, 0, self.allowed(login))
        ((octets, messages, own, storage_limit, message_limit),) = rows
        world = self.allowed(login)
        if own is None:
            return Usage(octets, messages, world)
        return Usage(octets, messages, Quota(storage_limit, message_limit, world.permanent), by_world=False)


_USAGE = (
    "SELECT a.octets, a.messages, q.account, q.storage, q.messages"
    " FROM accounts a LEFT JOIN quotas q ON q.account = a.id WHERE a.login = ?"
)
