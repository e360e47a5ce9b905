"""Puts the contents of messages into the catalog: first their digests, which lists show, then the index of texts.

For the writer's thread.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple

import orjson

from postroad_web.catalog.database import add_tags
from postroad_web.catalog.digest import read_content
from postroad_web.catalog.hub import Happened
from postroad_web.catalog.record import Digest
from postroad_web.catalog.rows import digest_columns
from postroad_web.catalog.shelf import is_present
from postroad_web.catalog.writer import News

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_web.catalog.journey import Journey
    from postroad_web.catalog.tallies import Tallies
    from postroad_web.catalog.writer import Writer

_log = logging.getLogger(__name__)

INDEXED = 100  # texts per transaction: others wait for it

_DIGEST = (
    "UPDATE records SET subject = ?, from_ = ?, to_ = ?, cc = ?, bcc = ?, reply_to = ?, attachments = ?, inline = ?,"
    " digest = ?, tagged = ?, digested = 1, present = ?, changed = ?, appeared = ?, size = ? WHERE number = ?"
)


class Content(NamedTuple):
    """The content of a record's message; None: there is none."""

    number: int
    octets: bytes | None


class Digesting:
    """Reads contents by one `Writer`."""

    def __init__(self, writer: Writer, tallies: Tallies) -> None:
        self._writer = writer
        self._shelf = writer.shelf
        self._tallies = tallies

    def digest(self, contents: Sequence[Content]) -> News:
        """Write down what the contents say. Records that are gone, or whose content is known, are left out."""
        try:
            with self._writer.step():
                arrived = self.write(contents)
        except BaseException:
            self._shelf.forget()
            raise
        self.observe(arrived)
        self._shelf.settle()
        return News(self._writer.cursor, Happened.ARRIVED, [journey.number for journey in arrived])

    def write(self, contents: Sequence[Content]) -> list[Journey]:
        """Do the same within a step; return the journeys whose contents were not known before."""
        writer = self._writer
        pairs = [(self._shelf.by_number(content.number), content.octets) for content in contents]
        arrived = [(journey, octets) for journey, octets in pairs if journey is not None and not journey.digested]
        marks = writer.marks.of([journey.id for journey, _ in arrived])
        for journey, octets in arrived:
            if octets is None:
                sql = "UPDATE records SET digested = 2, changed = ?, appeared = ? WHERE number = ?"
                writer.connection.execute(sql, (writer.cursor, writer.cursor, journey.number))
                journey.digested = 2
            else:
                mark = marks.get(journey.id)
                self._write(journey, octets, mark.tags if mark is not None else None)
        return [journey for journey, _ in arrived]

    def observe(self, arrived: Sequence[Journey]) -> None:
        """Count how long records took to be whole."""
        now = time.time()
        for journey in arrived:
            self._tallies.observe("catalog", now - journey.arrived)

    def _write(self, journey: Journey, octets: bytes, tags: Sequence[str] | None) -> None:
        execute = self._writer.connection.execute
        recipients = [recipient.address for recipient in journey.recipients]
        try:
            digest, text, header = read_content(octets, recipients)
        except Exception:  # noqa: BLE001 - one message that can't be read must not hold up all others
            _log.exception("a content can't be read", extra={"queue_id": journey.id})
            digest, text, header = Digest(), "", ""
        journey.digested = 1
        number = journey.number
        if tags is None:
            tags = digest.tags
            if tags:
                add_tags(self._writer.connection, number, tags, journey.world)
        execute(
            _DIGEST,
            (
                *digest_columns(digest, recipients),
                orjson.dumps(tags).decode("utf-8"),
                is_present(journey),
                self._writer.cursor,
                self._writer.cursor,
                journey.size,
                number,
            ),
        )
        execute("INSERT OR REPLACE INTO bodies VALUES (?, ?)", (number, text))
        execute("INSERT OR REPLACE INTO headers VALUES (?, ?)", (number, header))
        execute("INSERT OR REPLACE INTO unindexed VALUES (?)", (number,))

    def index(self) -> bool:
        """Add some texts to the index; return whether there are more."""
        writer = self._writer
        connection = writer.connection
        rows = connection.execute(
            "SELECT number, text FROM unindexed JOIN bodies USING (number) ORDER BY number LIMIT ?", (INDEXED,)
        ).fetchall()
        if rows:
            with writer.step():
                connection.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", rows)
                connection.executemany("DELETE FROM unindexed WHERE number = ?", [(number,) for number, _ in rows])
        return len(rows) == INDEXED
