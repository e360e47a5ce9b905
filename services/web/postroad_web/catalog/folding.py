"""Folds pieces of the journals into the database, each piece in one transaction with the numbers it ends at.

A process that is killed at any time goes on exactly where the database is. For the writer's thread.
"""

from __future__ import annotations

import contextlib
import logging
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from postroad.journal.kinds import Kind
from postroad_web.catalog.digesting import Content, Digesting
from postroad_web.catalog.fold import Fold
from postroad_web.catalog.hub import Happened
from postroad_web.catalog.journey import PENDING
from postroad_web.catalog.record import State
from postroad_web.catalog.writer import News

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from postroad_web.catalog.journey import Journey, Place, Placed
    from postroad_web.catalog.tallies import Tallies
    from postroad_web.catalog.writer import Writer

_log = logging.getLogger(__name__)

WANTED = 500  # contents that are asked for at a time

_KIND = re.compile(rb'"kind":"([a-z]+)"')  # in a JSON string the quotes would be escaped
_ATTEMPTED = Kind.ATTEMPTED.value.encode("ascii")
_NOT_FOLDED = frozenset(kind.value.encode("ascii") for kind in (Kind.RESOLVED, Kind.ATTEMPTED, Kind.RETRIEVED))
_TRIED = frozenset({State.DEFERRED, State.FAILED, State.DROPPED})


class Want(NamedTuple):
    """A record whose content has not been read. Without a copy in the store, the relay has it, or nobody."""

    number: int
    id: str
    copy: Placed | None
    is_tried: bool  # an attempt to deliver it has ended: the relay may have the content for long
    is_queued: bool  # some recipient waits for an attempt, which may be made in the next moment
    is_lost: bool  # all its copies are removed


class Folded(NamedTuple):
    """What a piece of the journals has changed."""

    news: tuple[News, ...]
    wants: tuple[Want, ...]  # of the records that it touched, those without content
    read: tuple[int, ...] = ()  # numbers of those whose content was read


class Folding:
    """Folds by one `Writer`."""

    def __init__(self, writer: Writer, tallies: Tallies) -> None:
        self._writer = writer
        self._tallies = tallies
        self._fold = Fold(writer.shelf, tallies)
        self.digesting = Digesting(writer, tallies)

    def fold(
        self,
        pieces: Sequence[tuple[str, Sequence[bytes], int]],
        content_of: Callable[[Place], bytes | None] = lambda _: None,
    ) -> Folded:
        """Fold lines of the journals: each piece is a service, lines in their order, and the last line's number.

        `content_of` gives the content of a copy, if it is at hand: its record need not wait for another step.
        """
        writer = self._writer
        try:
            with writer.step():
                for service, lines, position in pieces:
                    self._take(service, lines)
                    writer.connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (service, position))
                new, changed = writer.shelf.flush(writer.cursor)
                known = [journey.number for journey in changed if journey.digested]
                wants = [want_of(journey) for journey in (*new, *changed) if not journey.digested]
                read = [
                    Content(want.number, octets)
                    for want in wants
                    if want.copy is not None and (octets := content_of(want.copy.place)) is not None
                ]
                arrived = self.digesting.write(read)
        except BaseException:
            writer.shelf.forget()
            raise
        self.digesting.observe(arrived)
        numbers = tuple(journey.number for journey in arrived)
        news = [News(writer.cursor, Happened.UPDATED, known)] if known else []
        if numbers:
            news.append(News(writer.cursor, Happened.ARRIVED, numbers))
        return Folded(tuple(news), tuple(want for want in wants if want.number not in numbers), numbers)

    def _take(self, service: str, lines: Iterable[bytes]) -> None:
        for line in lines:
            kind = _KIND.search(line)
            if kind is not None and kind[1] in _NOT_FOLDED:
                self._tallies.count(kind[1].decode("ascii"))
                if kind[1] == _ATTEMPTED:
                    self._tallies.hops.attempted(line)
                continue
            try:
                understood = self._fold.take(orjson.loads(line))
            except orjson.JSONDecodeError:
                understood = False
            if not understood:
                _log.warning("a line of the journal makes no sense", extra={"of": service, "line": line[:500]})

    def wants(self, after: int) -> list[Want]:
        """Return the next records whose content has not been read, from a number on."""
        writer = self._writer
        # SQLite takes the index `records_undigested` only if the query repeats its condition.
        rows = writer.connection.execute(
            "SELECT number FROM records WHERE digested <> 1 AND digested = 0 AND number > ? ORDER BY number LIMIT ?",
            (after, WANTED),
        ).fetchall()
        journeys = [writer.shelf.by_number(number) for (number,) in rows]
        writer.shelf.settle()
        return [want_of(journey) for journey in journeys if journey is not None]


def places_in(lines: Iterable[bytes], most: int) -> list[Place]:
    """Return the places in mailboxes that lines of the store's journal say were filled, with up to `most` octets."""
    places: list[Place] = []
    for line in lines:
        if b'"kind":"stored"' in line:
            with contextlib.suppress(orjson.JSONDecodeError, KeyError):  # the fold will log it
                event = orjson.loads(line)
                if event.get("size", 0) <= most:
                    places.append((event["account"], event["mailbox"], event["uid_validity"], event["uid"]))
    return places


def refusals_in(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """Return the events of refusals in lines of a journal."""
    events = []
    for line in lines:
        if b'"kind":"refused"' in line:
            with contextlib.suppress(orjson.JSONDecodeError):  # the fold will log it
                events.append(orjson.loads(line))
    return events


def want_of(journey: Journey) -> Want:
    """Return where the content of a message is to be had."""
    copy = next((copy for copy in journey.placed if not copy.removed), None)
    is_tried = journey.held or any(
        recipient.state in _TRIED or (recipient.state is State.DELIVERED and recipient.via is None)
        for recipient in journey.recipients
    )
    is_queued = any(recipient.state in PENDING for recipient in journey.recipients)
    return Want(journey.number, journey.id, copy, is_tried, is_queued, journey.removed)
