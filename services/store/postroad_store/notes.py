"""What happens to messages in their mailboxes, as events of the journal.

A message in a mailbox is named by account, mailbox, UIDVALIDITY and UID. An event is about one message or about many:
then its UIDs are a uid-set (RFC 4315 §4), cut into several events if it has many ranges. The README has a table of
the details.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from postroad.journal import Kind, Series
from postroad.tap import Read
from postroad.world.world import DEFAULT_WORLD, world_detail
from postroad_store.imap.grammar.sequence import format_ranges, ranges_of
from postroad_store.mail.model.telling import Box, Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from postroad.journal import Journal, Line
    from postroad_store.mail.database.commits.snapshots import Restored, Snapshot
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.telling import Gone, Names, Put
    from postroad_store.protocol.contract import Connection

RANGES_PER_NOTE = 50  # of UIDs in one line of the journal
KEPT = 256  # sessions of which it is kept what all their lines about reading have in common


class Notes:
    """Records what one protocol does to messages; `world_of` gives the ID of the world of a login.

    A change of the mail reaches the journal by its commit: the storage gets a `Telling`, which is called inside of it.
    """

    def __init__(
        self, journal: Journal, protocol: str, world_of: Callable[[str], str] = lambda _login: DEFAULT_WORLD
    ) -> None:
        self._world_of = world_of
        self._journal = journal
        self._protocol = protocol

    def retrieved(self, connection: Connection, login: str, mailbox: Mailbox, uids: Sequence[int]) -> None:
        """Record that a client has read messages whole, and over which connection."""
        name, uid_validity, world = mailbox.name, mailbox.uid_validity, self._world_of(login)
        series = _retrievals((login, name, uid_validity), connection.session_id, self._protocol, world)
        # Most clients read one at a time.
        for uid in (uids[0],) if len(uids) == 1 else map(_uid_set, _pieces(uids)):
            self._journal.record_next(series, uid)
            connection.note(Read(login, name, uid_validity, str(uid), world))

    def removed(self, login: str) -> Telling[Gone]:
        """Tell that messages have been REMOVED."""
        return Telling(
            lambda gone: [self._line(Kind.REMOVED, login, gone.box, uid=_uid_set(some)) for some in _pieces(gone.uids)]
        )

    def removed_each(self, login: str) -> Telling[Gone]:
        """Tell the same, of each message by itself."""
        return Telling(lambda gone: [self._line(Kind.REMOVED, login, gone.box, uid=uid) for uid in gone.uids])

    def removed_whole(self, login: str) -> Telling[Box]:
        """Tell that a mailbox has been removed with all its messages."""
        return Telling(lambda box: [self._line(Kind.REMOVED, login, box)])

    def put(self, kind: Kind, login: str, to_login: str) -> Telling[Put]:
        """Tell that messages have been COPIED or MOVED into another mailbox; the logins are those of both's owners."""
        return Telling(lambda put: list(self._put(kind, login, to_login, put)))

    def renamed(self, login: str) -> Telling[Names]:
        """Tell that mailboxes have other names now; of INBOX: that its messages have moved, and kept their UIDs."""
        return Telling(lambda names: list(self._names(login, names)))

    def kept(self, logins: Sequence[str]) -> Telling[Snapshot]:
        """Tell that what these accounts have is KEPT in a snapshot."""
        return Telling(lambda taken: [self._snapshot(Kind.KEPT, login, taken.name, taken.token) for login in logins])

    def restored(self, name: str, *, fresh: bool) -> Telling[tuple[str, Sequence[Restored]]]:
        """Tell that accounts have been RESTORED from a snapshot; with the UIDVALIDITY of mailboxes if it is `fresh`."""
        return Telling(
            lambda restored: [
                self._snapshot(
                    Kind.RESTORED,
                    each.login,
                    name,
                    restored[0],
                    **({"uid_validities": each.validities} if fresh else {}),
                )
                for each in restored[1]
            ]
        )

    def _names(self, login: str, names: Names) -> Iterator[Line]:
        for each in names.mailboxes:
            yield self._line(Kind.RENAMED, login, Box(each.old, each.uid_validity), to=each.name)
        if names.inbox is not None:
            inbox, last, target = names.inbox
            to = {"to": target.name, "to_uid_validity": target.uid_validity, "to_uid": f"1:{last}"}
            yield self._line(Kind.MOVED, login, inbox, uid=f"1:{last}", **to)

    def _put(self, kind: Kind, login: str, to_login: str, put: Put) -> Iterator[Line]:
        more = {} if login == to_login else {"to_account": to_login}
        ranges = ranges_of(put.copied.source)
        first: int = put.copied.target[0]  # those in the target follow each other
        for start in range(0, len(ranges), RANGES_PER_NOTE):
            some = ranges[start : start + RANGES_PER_NOTE]
            after = first + sum(high - low + 1 for low, high in some)
            yield self._line(
                kind,
                login,
                put.source,
                uid=_uid_set(some),
                to=put.target.name,
                to_uid_validity=put.copied.uid_validity,
                to_uid=_uid_set(((first, after - 1),)),
                **more,
            )
            first = after

    def _snapshot(self, kind: Kind, login: str, name: str, token: str, **more: Any) -> Line:
        return self._journal.line(kind, account=login, snapshot=name, token=token, **more, protocol=self._protocol)

    def _line(self, kind: Kind, login: str, box: Box, **detail: Any) -> Line:
        name, uid_validity = box
        return self._journal.line(
            kind, account=login, mailbox=name, uid_validity=uid_validity, **detail, protocol=self._protocol
        )


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
