"""What must hold of snapshots in the mail's database."""

from __future__ import annotations

from postroad_store.mail.database.invariant import Invariant
from postroad_store.mail.database.stretches import merged
from postroad_store.mail.database.tables.snapshots import KEPT

_COUNTED = (
    "(SELECT count(*), coalesce(sum(flags & 1 = 0), 0), coalesce(sum(flags & 8 <> 0), 0), coalesce(sum(size), 0),"  # noqa: S608
    " coalesce(sum(uid > m.recent_uid), 0)"
    f" FROM {merged('kept_entries', 'kept_stretches', also='snapshot')}"
    " WHERE snapshot = m.snapshot AND mailbox = m.id)"
)


_GONE = "snapshot NOT IN (SELECT id FROM snapshots)"
_LEFT_OVER = " UNION ALL ".join(f"SELECT count(*) AS rows FROM {kept.twin} WHERE {_GONE}" for kept in KEPT)  # noqa: S608

SNAPSHOTS = (
    Invariant(
        "kept contents",
        "SELECT world, name, uid FROM kept_entries e JOIN snapshots s ON s.id = e.snapshot"
        " WHERE content NOT IN (SELECT id FROM contents)",
        "the snapshot {1} of the world {0}: a message with UID {2} has no content",
        ("DELETE FROM kept_entries WHERE content NOT IN (SELECT id FROM contents)",),
    ),
    Invariant(
        "kept sizes",
        "SELECT count(*) FROM kept_entries e JOIN contents c ON c.id = e.content WHERE c.size <> e.size"
        " HAVING count(*)",
        "{0} messages of snapshots are said to have another size than they have",
        (
            (
                "UPDATE kept_entries SET size = (SELECT size FROM contents WHERE id = content)"
                " WHERE size <> (SELECT size FROM contents WHERE id = content)"
            ),
        ),
    ),
    Invariant(
        "kept counts",
        "SELECT s.world, s.name, m.name FROM kept_mailboxes m JOIN snapshots s ON s.id = m.snapshot"  # noqa: S608
        f" WHERE (m.messages, m.unseen, m.deleted, m.octets, m.recent) IS NOT {_COUNTED}",
        "the snapshot {1} of the world {0}: {2} is not counted to have what it has",
        (
            f"UPDATE kept_mailboxes AS m SET (messages, unseen, deleted, octets, recent) = {_COUNTED}",  # noqa: S608
            (
                "UPDATE snapshots AS s SET (messages, octets) = (SELECT coalesce(sum(messages), 0),"
                " coalesce(sum(octets), 0) FROM kept_mailboxes WHERE snapshot = s.id)"
            ),
        ),
    ),
    Invariant(
        "kept rows",
        f"SELECT sum(rows) FROM ({_LEFT_OVER}) HAVING sum(rows)",  # noqa: S608
        "{0} rows belong to snapshots that have gone",
        tuple(f"DELETE FROM {kept.twin} WHERE {_GONE}" for kept in KEPT),  # noqa: S608
    ),
)
