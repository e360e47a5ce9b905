"""The invariants of the mail's database, one function each. Each yields a sentence for everything that is not so.

They read, and change nothing; in one transaction they see one moment, also of a store that runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.packs import BLOCKS, read_block
from postroad_store.mail.model.columns import Columns
from postroad_store.mail.model.pack import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection


def counters(db: Connection) -> Iterator[str]:
    """Each mailbox counts what is in it (RFC 3501 §6.3.10)."""
    for row in db.execute(
        "SELECT m.id, m.messages, m.unseen, m.deleted, m.octets, m.recent, count(e.uid),"
        " coalesce(sum(e.flags & 1 = 0), 0), coalesce(sum(e.flags & 8 <> 0), 0), coalesce(sum(e.size), 0),"
        " coalesce(sum(e.uid > m.recent_uid), 0)"
        " FROM mailboxes m LEFT JOIN entries e ON e.mailbox = m.id GROUP BY m.id"
    ):
        names = ("messages", "unseen messages", "deleted messages", "octets", "recent messages")
        for name, kept, counted in zip(names, row[1:6], row[6:], strict=True):
            if kept != counted:
                yield f"mailbox {row[0]} has {counted} {name}, and its counter says {kept}"


def uids(db: Connection) -> Iterator[str]:
    """UIDNEXT is above all UIDs, and no UID is 0 (RFC 3501 §2.3.1.1)."""
    for mailbox, uid_next, low, high in db.execute(
        "SELECT m.id, m.uid_next, min(e.uid), max(e.uid) FROM mailboxes m JOIN entries e ON e.mailbox = m.id"
        " GROUP BY m.id"
    ):
        if low < 1 or high >= uid_next:
            yield f"mailbox {mailbox} has UIDs from {low} to {high}, and UIDNEXT is {uid_next}"


def modseqs(db: Connection) -> Iterator[str]:
    """No message, and no expunge, has a modseq above its mailbox's (RFC 7162 §3.1.2.1)."""
    for table in ("entries", "expunged"):
        for mailbox, modseq, highest in db.execute(
            f"SELECT m.id, m.modseq, max(t.modseq) FROM mailboxes m JOIN {table} t ON t.mailbox = m.id"  # noqa: S608
            " GROUP BY m.id"
        ):
            if highest > modseq:
                yield f"mailbox {mailbox} has modseq {modseq}, and one of its {table} {highest}"


def expunges(db: Connection) -> Iterator[str]:
    """No message that is there is noted as expunged (RFC 7162 §3.2.10)."""
    for mailbox, low, high, uid in db.execute(
        "SELECT x.mailbox, x.uid_low, x.uid_high, min(e.uid) FROM expunged x JOIN entries e ON e.mailbox = x.mailbox"
        " AND e.uid BETWEEN x.uid_low AND x.uid_high GROUP BY x.mailbox, x.modseq, x.uid_low"
    ):
        yield f"mailbox {mailbox} has UID {uid}, and {low}:{high} are noted as expunged"


def packs(db: Connection) -> Iterator[str]:
    """Each pack says what the entries of its block say."""
    for (number,) in db.execute("SELECT id FROM packs ORDER BY id").fetchall():
        mailbox, block = number >> BLOCKS, number & (1 << BLOCKS) - 1
        packed = Columns()
        (octets,) = db.execute("SELECT columns FROM packs WHERE id = ?", (number,)).fetchone()
        if not unpack(packed, octets) or _contents(packed) != _contents(read_block(db, mailbox, block)):
            yield f"block {block} of mailbox {mailbox} has a wrong pack"


def _contents(columns: Columns) -> list[tuple[int, ...]]:
    return list(zip(columns.uids, columns.flags, columns.sizes, columns.internal_dates, columns.modseqs, strict=True))


def orphans(db: Connection) -> Iterator[str]:
    """Each row belongs to something that is there: entries to a mailbox and a content, a mailbox to an account."""
    for sentence, select in _ORPHANS.items():
        for values in db.execute(select):
            yield sentence.format(*values)


_ORPHANS = {
    "UID {1} is in mailbox {0}, which does not exist": "SELECT mailbox, uid FROM entries"
    " WHERE mailbox NOT IN (SELECT id FROM mailboxes)",
    "mailbox {0} has UID {1}, of which the content is lost": "SELECT mailbox, uid FROM entries"
    " WHERE content NOT IN (SELECT id FROM contents)",
    "mailbox {0} belongs to no account": "SELECT id FROM mailboxes WHERE account NOT IN (SELECT id FROM accounts)",
    "content {0} is in no mailbox": "SELECT id FROM contents WHERE id NOT IN (SELECT content FROM entries)"
    " AND id NOT IN (SELECT content FROM garbage)",
    "content {0} has no octets": "SELECT id FROM contents WHERE id << 16 NOT IN (SELECT piece FROM octets)",
    "octets of content {0} are left over": "SELECT DISTINCT piece >> 16 FROM octets"
    " WHERE piece >> 16 NOT IN (SELECT id FROM contents)",
    "mailbox {0}, which does not exist, has keywords": "SELECT DISTINCT mailbox FROM keywords"
    " WHERE mailbox NOT IN (SELECT id FROM mailboxes)",
    "mailbox {0}, which does not exist, has expunges": "SELECT DISTINCT mailbox FROM expunged"
    " WHERE mailbox NOT IN (SELECT id FROM mailboxes)",
    "mailbox {0}, which does not exist, has packs": f"SELECT DISTINCT id >> {BLOCKS} FROM packs"  # noqa: S608
    f" WHERE id >> {BLOCKS} NOT IN (SELECT id FROM mailboxes)",
}


def sizes(db: Connection) -> Iterator[str]:
    """Each entry has the size of its content, and each content is as long as it says."""
    for mailbox, uid in db.execute(
        "SELECT e.mailbox, e.uid FROM entries e JOIN contents c ON c.id = e.content WHERE e.size <> c.size"
    ):
        yield f"UID {uid} of mailbox {mailbox} has another size than its content"
    for (content,) in db.execute(
        "SELECT c.id FROM contents c WHERE c.size <> length(c.header)"
        " + (SELECT coalesce(sum(length(octets)), 0) FROM octets"
        " WHERE piece BETWEEN c.id << 16 AND (c.id + 1 << 16) - 1)"
    ):
        yield f"content {content} is not as long as it should be"


ALL = (counters, uids, modseqs, expunges, packs, orphans, sizes)


def check(db: Connection) -> Iterator[str]:
    """Yield what is wrong, all of one moment."""
    db.execute("BEGIN")
    try:
        for invariant in ALL:
            yield from invariant(db)
    finally:
        db.execute("COMMIT")
