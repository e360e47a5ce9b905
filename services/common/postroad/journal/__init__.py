"""The journal: one JSON line per event of a message's life, written by the services and read by `postroad trace`.

A line is an object with its number `n`, `time` (RFC 3339, UTC, microseconds), `service`, `kind`, then `queue_id` and
`message_id` if known, then the details of the kind, in the peer's own words:

    {"n":1772366400000017,"time":"2026-03-01T12:00:00.000001Z","service":"relay","kind":"delivered","queue_id":"4c1f…",
     "message_id":"<a@alpha.test>","recipient":"bob@beta.test","host":"mx.postroad.test","reply":"250 2.0.0 OK"}

Each service has a folder of its own, `<journal>/<service>/<service>.jsonl`, which no other service may write. The file
is rotated to `<service>.jsonl.1`, `.2` and so on. It is not fsynced: a crash loses history, never mail.

`kinds` lists the events, `note` is one, `writer` records them (`series` those that differ in little), `reader` puts the
journals of all services in the order of time, and `numbered` reads that of one service from a number on (`files` finds
numbers in files).
"""

from postroad.journal.kinds import Entry, Kind
from postroad.journal.note import Line, Note
from postroad.journal.reader import JournalReader
from postroad.journal.series import Series
from postroad.journal.writer import Journal

__all__ = ["Entry", "Journal", "JournalReader", "Kind", "Line", "Note", "Series"]
