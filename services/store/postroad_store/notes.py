"""What happens to messages in their mailboxes, as events of the journal.

A message in a mailbox is named by account, mailbox, UIDVALIDITY and UID. An event is about one message or about many:
then its UIDs are a uid-set (RFC 4315 §4), cut into several events if it has many ranges. The README has a table of
the details.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from postroad.journal import Kind, Series
from postroad.tap import Read
from postroad.world.world import DEFAULT_WORLD, world_detail
from postroad_store.imap.grammar.sequence import format_ranges, ranges_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from postroad.journal import Journal
    from postroad_store.mail.model.arrival import Copied, Renamed
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.protocol.contract import Connection

RANGES_PER_NOTE = 50  # of UIDs in one line of the journal
KEPT = 256  # sessions of which it is kept what all their lines about reading have in common
NOTES_AT_ONCE = 100  # lines, after which others get their turn (some 3 ms)


class Notes:
    """Records what one protocol does to messages; `world_of` gives the ID of the world of a login."""

    def __init__(
        self, journal: Journal, protocol: str, world_of: Callable[[str], str] = lambda _login: DEFAULT_WORLD
    ) -> None:
        self._world_of = world_of
        self._journal = journal
        self._protocol = protocol

    def note(self, kind: Kind, login: str, mailbox: Mailbox, uids: Sequence[int]) -> None:
        """Record an event of messages (ascending UIDs)."""
        for _ in self._notes(kind, login, mailbox, uids):
            pass

    def one(self, kind: Kind, login: str, mailbox: Mailbox, uid: int) -> None:
        """Record an event of one message."""
        self._record(kind, login, mailbox.name, mailbox.uid_validity, uid=uid)

    def retrieved(self, connection: Connection, login: str, mailbox: Mailbox, uids: Sequence[int]) -> None:
        """Record that a client has read messages whole, and over which connection."""
        name, uid_validity, world = mailbox.name, mailbox.uid_validity, self._world_of(login)
        series = _retrievals((login, name, uid_validity), connection.session_id, self._protocol, world)
        # Most clients read one at a time.
        for uid in (uids[0],) if len(uids) == 1 else map(_uid_set, _pieces(uids)):
            self._journal.record_next(series, uid)
            connection.note(Read(login, name, uid_validity, str(uid), world))

    async def note_in_turns(self, kind: Kind, login: str, mailbox: Mailbox, uids: Sequence[int]) -> None:
        """Do the same for any number of messages, letting others run in between."""
        await _in_turns(self._notes(kind, login, mailbox, uids))

    async def each_in_turns(self, kind: Kind, login: str, mailbox: Mailbox, uids: Sequence[int]) -> None:
        """Record an event for each message, letting others run in between."""
        await _in_turns(self._each(kind, login, mailbox, uids))

    async def copied(
        self, kind: Kind, owners: tuple[str, str], source: Mailbox, copied: Copied, target: Mailbox
    ) -> None:
        """Record that messages have been COPIED or MOVED into another mailbox; `owners` are the logins of both's."""
        await _in_turns(self._copies(kind, owners, source, copied, target))

    def removed_whole(self, login: str, mailbox: Mailbox) -> None:
        """Record that a mailbox has been removed with all its messages."""
        self._record(Kind.REMOVED, login, mailbox.name, mailbox.uid_validity)

    def snapshot(self, kind: Kind, login: str, name: str, token: str, validities: Mapping[str, int] | None) -> None:
        """Record that what an account has was KEPT in a snapshot, or RESTORED from it.

        `validities` are the UIDVALIDITY values of its mailboxes if they have got new ones.
        """
        more: dict[str, Any] = {} if validities is None else {"uid_validities": validities}
        self._journal.record(kind, account=login, snapshot=name, token=token, **more, protocol=self._protocol)

    async def renamed(self, login: str, renamed: Renamed) -> None:
        """Record that mailboxes have other names now; of INBOX: that its messages have moved, and kept their UIDs."""
        await _in_turns(self._names(login, renamed))

    def _names(self, login: str, renamed: Renamed) -> Iterator[None]:
        for each in renamed.mailboxes:
            self._record(Kind.RENAMED, login, each.old, each.uid_validity, to=each.name)
            yield
        emptied = renamed.inbox
        if emptied is not None and emptied.last:
            inbox, target, uids = emptied.inbox, emptied.target, f"1:{emptied.last}"
            to = {"to": target.name, "to_uid_validity": target.uid_validity, "to_uid": uids}
            self._record(Kind.MOVED, login, inbox.name, inbox.uid_validity, uid=uids, **to)

    def _notes(self, kind: Kind, login: str, mailbox: Mailbox, uids: Sequence[int]) -> Iterator[None]:
        for some in _pieces(uids):
            self._record(kind, login, mailbox.name, mailbox.uid_validity, uid=_uid_set(some))
            yield

    def _each(self, kind: Kind, login: str, mailbox: Mailbox, uids: Sequence[int]) -> Iterator[None]:
        for uid in uids:
            self.one(kind, login, mailbox, uid)
            yield

    def _copies(
        self, kind: Kind, owners: tuple[str, str], source: Mailbox, copied: Copied, target: Mailbox
    ) -> Iterator[None]:
        login, to_login = owners
        more = {} if login == to_login else {"to_account": to_login}
        ranges = ranges_of(copied.source)
        first: int = copied.target[0]  # those in the target follow each other
        for start in range(0, len(ranges), RANGES_PER_NOTE):
            some = ranges[start : start + RANGES_PER_NOTE]
            after = first + sum(high - low + 1 for low, high in some)
            self._record(
                kind,
                login,
                source.name,
                source.uid_validity,
                uid=_uid_set(some),
                to=target.name,
                to_uid_validity=copied.uid_validity,
                to_uid=_uid_set(((first, after - 1),)),
                **more,
            )
            first = after
            yield

    def _record(self, kind: Kind, login: str, mailbox: str, uid_validity: int, **detail: Any) -> None:
        self._journal.record(
            kind, account=login, mailbox=mailbox, uid_validity=uid_validity, **detail, protocol=self._protocol
        )


async def _in_turns(notes: Iterator[None]) -> None:
    for count, _ in enumerate(notes, 1):
        if count % NOTES_AT_ONCE == 0:
            await asyncio.sleep(0)


@lru_cache(maxsize=KEPT)
def _retrievals(place: tuple[str, str, int], session: str, protocol: str, world: str) -> Series:
    """Return what the journal says of messages that a session reads whole; kept for its next one."""
    where = dict(zip(("account", "mailbox", "uid_validity"), place, strict=True))
    return Series(Kind.RETRIEVED, "uid", where, {"session": session, "protocol": protocol} | world_detail(world))


def _pieces(uids: Sequence[int]) -> list[tuple[tuple[int, int], ...]]:
    """Return the ranges of UIDs, as many together as one line of the journal names."""
    ranges = ranges_of(uids)
    return [ranges[start : start + RANGES_PER_NOTE] for start in range(0, len(ranges), RANGES_PER_NOTE)]


def _uid_set(ranges: tuple[tuple[int, int], ...]) -> int | str:
    low, high = ranges[0]
    return low if low == high and len(ranges) == 1 else format_ranges(ranges).decode("ascii")
