r"""What must hold in the mail's database, each with what finds the faults and what mends them.

An invariant is one SELECT whose rows are the faults, a sentence for each row, and the statements that mend all of them
in one transaction. Mail is never given up while something of it is left: a message whose columns are wrong is read
again from its octets (`contents.reread`), and only an entry without any octets is removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.mail.database.invariant import Invariant
from postroad_store.mail.database.kept_invariants import SNAPSHOTS
from postroad_store.mail.database.packs import BLOCKS, read_block
from postroad_store.mail.database.schema import NARROW_KEYWORDS, PIECE_BITS
from postroad_store.mail.database.stretches import merged
from postroad_store.mail.model.columns import Columns
from postroad_store.mail.model.flags import FIRST_KEYWORD
from postroad_store.mail.model.pack import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection

# The mailbox of a fault, as an administrator knows it; `m` is its row.
_WHERE = "coalesce((SELECT login FROM accounts WHERE id = m.account), 'an account that has gone') || ' ' || m.name"


@value
class Packs:
    """Each pack says what the entries of its block say. They are derived, so that all may go."""

    name: str = "packs"
    mend: tuple[str, ...] = ("DELETE FROM packs",)

    def faults(self, db: Connection) -> Iterator[str]:
        """Yield a sentence for each fault."""
        for (number,) in db.execute("SELECT id FROM packs ORDER BY id").fetchall():
            mailbox, block = number >> BLOCKS, number & (1 << BLOCKS) - 1
            packed = Columns()
            (octets,) = db.execute("SELECT columns FROM packs WHERE id = ?", (number,)).fetchone()
            if not unpack(packed, octets) or _contents(packed) != _contents(read_block(db, mailbox, block)):
                yield f"the pack of block {block} of mailbox number {mailbox} is wrong"


def _contents(columns: Columns) -> list[tuple[int, ...]]:
    return list(zip(columns.uids, columns.flags, columns.sizes, columns.internal_dates, columns.modseqs, strict=True))


def check(db: Connection) -> Iterator[str]:
    """Yield a sentence for each fault of a snapshot."""
    db.execute("BEGIN")
    try:
        for invariant in INVARIANTS:
            yield from invariant.faults(db)
    finally:
        db.execute("ROLLBACK")


def _left_over(table: str, what: str, mailbox: str = "mailbox") -> Invariant:
    """Return the invariant that rows of a table belong to a mailbox."""
    gone = f"FROM {table} WHERE {mailbox} NOT IN (SELECT id FROM mailboxes)"  # noqa: S608
    return Invariant(
        f"{what} of mailboxes",
        f"SELECT count(*) {gone} HAVING count(*)",
        f"{{0}} {what} belong to a mailbox that has gone",
        (f"DELETE {gone}",),
    )


_UNUSED = (
    "NOT EXISTS (SELECT 1 FROM entries WHERE content = c.id)"
    " AND NOT EXISTS (SELECT 1 FROM kept_entries WHERE content = c.id) AND id NOT IN (SELECT content FROM garbage)"
)

_MERGED = merged()
_TANGLED = (
    "(EXISTS (SELECT 1 FROM stretches t WHERE t.mailbox = s.mailbox"
    " AND t.uid_low <> s.uid_low AND t.uid_low <= s.uid_high AND t.uid_high >= s.uid_low)"
    " OR s.uid_high >= (SELECT uid_next FROM mailboxes WHERE id = s.mailbox)"
    " OR NOT EXISTS (SELECT 1 FROM entries WHERE mailbox = s.mailbox AND uid BETWEEN s.uid_low AND s.uid_high)"
    " OR EXISTS (SELECT 1 FROM entries"
    " WHERE mailbox = s.mailbox AND uid BETWEEN s.uid_low AND s.uid_high AND wide_flags IS NOT NULL))"
)

INVARIANTS: tuple[Invariant | Packs, ...] = (
    Invariant(
        "accounts",
        f"SELECT {_WHERE} FROM mailboxes m WHERE account NOT IN (SELECT id FROM accounts)",  # noqa: S608
        "{0} belongs to no account",
        ("DELETE FROM mailboxes WHERE account NOT IN (SELECT id FROM accounts)",),
    ),
    Invariant(
        "inboxes",
        "SELECT login FROM accounts a WHERE NOT EXISTS"
        " (SELECT 1 FROM mailboxes WHERE account = a.id AND name = 'INBOX' AND selectable)",
        "{0} has no INBOX",
        (
            "UPDATE counters SET value = value + (SELECT count(*) FROM accounts) WHERE name = 'uid_validity'",
            (
                "INSERT INTO mailboxes"
                " (account, name, selectable, uid_validity, uid_next, modseq, recent_uid, object_id)"
                " SELECT a.id, 'INBOX', 1, value - row_number() OVER () + 1, 1, 1, 0,"
                " printf('m%x', value - row_number() OVER () + 1) FROM accounts a, counters"
                " WHERE counters.name = 'uid_validity' AND NOT EXISTS"
                " (SELECT 1 FROM mailboxes WHERE account = a.id AND name = 'INBOX')"
            ),
            "UPDATE mailboxes SET selectable = 1 WHERE name = 'INBOX'",
        ),
    ),
    Invariant(
        "mailboxes",
        "SELECT mailbox, count(*) FROM entries WHERE mailbox NOT IN (SELECT id FROM mailboxes) GROUP BY mailbox",
        "{1} messages are in a mailbox that has gone (number {0})",
        (
            "INSERT OR IGNORE INTO garbage SELECT content FROM entries WHERE mailbox NOT IN (SELECT id FROM mailboxes)",
            "DELETE FROM entries WHERE mailbox NOT IN (SELECT id FROM mailboxes)",
        ),
    ),
    Invariant(
        "contents",
        f"SELECT {_WHERE}, uid FROM entries e JOIN mailboxes m ON m.id = e.mailbox"  # noqa: S608
        " WHERE content NOT IN (SELECT id FROM contents)",
        "{0}: the message with UID {1} has no content",
        (
            (
                "INSERT OR REPLACE INTO expunged (mailbox, modseq, uid_low, uid_high)"
                " SELECT e.mailbox, m.modseq + 1, uid, uid FROM entries e JOIN mailboxes m ON m.id = e.mailbox"
                " WHERE content NOT IN (SELECT id FROM contents)"
            ),
            (
                "UPDATE mailboxes SET modseq = modseq + 1 WHERE id IN"
                " (SELECT mailbox FROM entries WHERE content NOT IN (SELECT id FROM contents))"
            ),
            "DELETE FROM entries WHERE content NOT IN (SELECT id FROM contents)",
        ),
    ),
    Invariant(
        "sizes",
        f"SELECT {_WHERE}, uid, e.size, c.size FROM entries e JOIN mailboxes m ON m.id = e.mailbox"  # noqa: S608
        " JOIN contents c ON c.id = e.content WHERE c.size <> e.size",
        "{0}: the message with UID {1} is said to have {2} octets, and has {3}",
        (
            (
                "UPDATE entries SET size = (SELECT size FROM contents WHERE id = content)"
                " WHERE size <> (SELECT size FROM contents WHERE id = content)"
            ),
        ),
    ),
    Invariant(
        "orphans",
        f"SELECT id, size FROM contents c WHERE {_UNUSED}",  # noqa: S608
        "content {0} of {1} octets is in no mailbox and no snapshot, and takes room",
        (
            f"INSERT INTO garbage SELECT id FROM contents c WHERE {_UNUSED}",  # noqa: S608
        ),
    ),
    Invariant(
        "pieces",
        f"SELECT count(*) FROM octets WHERE piece >> {PIECE_BITS} NOT IN (SELECT id FROM contents) HAVING count(*)",  # noqa: S608
        "{0} pieces of bodies belong to no content, and take room",
        (f"DELETE FROM octets WHERE piece >> {PIECE_BITS} NOT IN (SELECT id FROM contents)",),  # noqa: S608
    ),
    Invariant(
        "texts",
        "SELECT count(*) FROM texts WHERE content NOT IN (SELECT id FROM contents) HAVING count(*)",
        "{0} texts for searches belong to no content, and take room",
        ("DELETE FROM texts WHERE content NOT IN (SELECT id FROM contents)",),
    ),
    Invariant(
        "UIDs",
        f"SELECT {_WHERE}, uid_next, (SELECT max(uid) FROM entries WHERE mailbox = m.id) AS highest"  # noqa: S608
        " FROM mailboxes m WHERE highest >= uid_next",
        "{0}: UIDNEXT is {1}, though there is a message with UID {2}",
        (
            (
                "UPDATE mailboxes SET uid_next = 1 + (SELECT max(uid) FROM entries WHERE mailbox = id)"
                " WHERE uid_next <= (SELECT max(uid) FROM entries WHERE mailbox = id)"
            ),
        ),
    ),
    Invariant(
        "stretches",
        f"SELECT {_WHERE}, uid_low, uid_high FROM stretches s JOIN mailboxes m ON m.id = s.mailbox WHERE {_TANGLED}",  # noqa: S608
        "{0}: the stretch of UIDs {1} to {2} overlaps another, or has none or other messages than it may",
        (
            (
                "UPDATE entries AS e SET flags = s.flags, modseq = s.modseq FROM stretches s WHERE"  # noqa: S608
                f" s.mailbox = e.mailbox AND e.uid BETWEEN s.uid_low AND s.uid_high AND {_TANGLED}"
            ),
            f"DELETE FROM stretches AS s WHERE {_TANGLED}",  # noqa: S608
        ),
    ),
    Invariant(
        "MODSEQ",
        f"SELECT {_WHERE}, modseq, (SELECT max(modseq) FROM {_MERGED} WHERE mailbox = m.id) AS highest"  # noqa: S608
        " FROM mailboxes m WHERE highest > modseq",
        "{0}: HIGHESTMODSEQ is {1}, though a message has MODSEQ {2}",
        (
            (
                f"UPDATE mailboxes SET modseq = (SELECT max(modseq) FROM {_MERGED} WHERE mailbox = id)"  # noqa: S608
                f" WHERE modseq < (SELECT max(modseq) FROM {_MERGED} WHERE mailbox = id)"
            ),
        ),
    ),
    Invariant(
        "expunged",
        f"SELECT {_WHERE}, uid_low, uid_high FROM expunged x JOIN mailboxes m ON m.id = x.mailbox WHERE EXISTS"  # noqa: S608
        " (SELECT 1 FROM entries WHERE mailbox = x.mailbox AND uid BETWEEN uid_low AND uid_high)",
        "{0}: a message with a UID of {1} to {2} is noted as expunged, and is there",
        (
            (
                "DELETE FROM expunged AS x WHERE EXISTS"
                " (SELECT 1 FROM entries WHERE mailbox = x.mailbox AND uid BETWEEN uid_low AND uid_high)"
            ),
        ),
    ),
    Invariant(
        "counts",
        (
            f"SELECT {_WHERE}, m.messages, m.unseen, m.deleted, m.octets, m.recent,"  # noqa: S608
            " coalesce(c.messages, 0), coalesce(c.unseen, 0), coalesce(c.deleted, 0), coalesce(c.octets, 0),"
            " coalesce(c.recent, 0) FROM mailboxes m LEFT JOIN (SELECT mailbox, count(*) AS messages,"
            " sum(flags & 1 = 0) AS unseen, sum(flags & 8 <> 0) AS deleted, sum(size) AS octets,"
            f" sum(uid > recent_uid) AS recent FROM {_MERGED} JOIN mailboxes ON id = mailbox GROUP BY mailbox) c"
            " ON c.mailbox = m.id WHERE (m.messages, m.unseen, m.deleted, m.octets, m.recent) IS NOT"
            " (coalesce(c.messages, 0), coalesce(c.unseen, 0), coalesce(c.deleted, 0), coalesce(c.octets, 0),"
            " coalesce(c.recent, 0))"
        ),
        (
            "{0}: it is counted to have {1} messages, {2} unseen, {3} deleted, {4} octets, {5} recent;"
            " it has {6}, {7}, {8}, {9}, {10}"
        ),
        (
            (
                "UPDATE mailboxes AS m SET (messages, unseen, deleted, octets, recent) = (SELECT count(*),"  # noqa: S608
                " coalesce(sum(flags & 1 = 0), 0), coalesce(sum(flags & 8 <> 0), 0), coalesce(sum(size), 0),"
                f" coalesce(sum(uid > m.recent_uid), 0) FROM {_MERGED} WHERE mailbox = m.id)"
            ),
        ),
    ),
    Invariant(
        "keywords",
        f"SELECT {_WHERE}, count(*) FROM {_MERGED} e JOIN mailboxes m ON m.id = e.mailbox"  # noqa: S608
        f" WHERE (flags >> {FIRST_KEYWORD}) & ~coalesce((SELECT sum(1 << number) FROM keywords"
        f" WHERE mailbox = m.id AND number < {NARROW_KEYWORDS}), 0) GROUP BY m.id",
        "{0}: {1} messages have keywords without a name",
        tuple(
            (
                f"UPDATE {table} AS e SET flags = flags & ({(1 << FIRST_KEYWORD) - 1} | (coalesce((SELECT"  # noqa: S608
                " sum(1 << number) FROM keywords"
                f" WHERE mailbox = e.mailbox AND number < {NARROW_KEYWORDS}), 0) << {FIRST_KEYWORD}))"
                f" WHERE (flags >> {FIRST_KEYWORD}) & ~coalesce((SELECT sum(1 << number) FROM keywords"
                f" WHERE mailbox = e.mailbox AND number < {NARROW_KEYWORDS}), 0)"
            )
            for table in ("entries", "stretches")
        ),
    ),
    Invariant(
        "tallies",
        "SELECT login, mailboxes, (SELECT count(*) FROM mailboxes WHERE account = a.id) AS are, subscriptions,"
        " (SELECT count(*) FROM subscriptions WHERE account = a.id) AS subscribed FROM accounts a"
        " WHERE mailboxes <> are OR subscriptions <> subscribed",
        "{0} is counted to have {1} mailboxes and {3} subscriptions, and has {2} and {4}",
        (
            (
                "UPDATE accounts AS a SET mailboxes = (SELECT count(*) FROM mailboxes WHERE account = a.id),"
                " subscriptions = (SELECT count(*) FROM subscriptions WHERE account = a.id)"
            ),
        ),
    ),
    Invariant(
        "usage",
        (
            "SELECT login, messages, octets,"
            " (SELECT coalesce(sum(messages), 0) FROM mailboxes WHERE account = a.id) AS are,"
            " (SELECT coalesce(sum(octets), 0) FROM mailboxes WHERE account = a.id) AS size FROM accounts a"
            " WHERE messages <> are OR octets <> size"
        ),
        "{0} is counted to have {1} messages of {2} octets, and has {3} of {4}",
        (
            (
                "UPDATE accounts AS a SET"
                " messages = (SELECT coalesce(sum(messages), 0) FROM mailboxes WHERE account = a.id),"
                " octets = (SELECT coalesce(sum(octets), 0) FROM mailboxes WHERE account = a.id)"
            ),
        ),
    ),
    Invariant(
        "UIDVALIDITY",
        "SELECT value, (SELECT max(uid_validity) FROM mailboxes) AS highest FROM counters"
        " WHERE name = 'uid_validity' AND value < highest",
        "the next UIDVALIDITY would come after {0}, though {1} was given",
        (
            (
                "UPDATE counters SET value = max(value, (SELECT max(uid_validity) FROM mailboxes))"
                " WHERE name = 'uid_validity'"
            ),
        ),
    ),
    *SNAPSHOTS,
    _left_over("keywords", "keywords"),
    _left_over("stretches", "stretches"),
    _left_over("expunged", "expunges"),
    _left_over("packs", "packs", f"id >> {BLOCKS}"),
    _left_over("metadata", "annotations", "nullif(mailbox, 0)"),  # 0: the server's
    Packs(),
)
