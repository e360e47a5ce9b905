"""What happens to messages, as a stream of events that can be taken up again from a cursor.

The catalog knows of each record when it has arrived and when it has changed last. So a stream that begins after a
cursor first gives every message that has changed since, as it is now, and goes on with what happens next. A listener
that is too slow is not waited for: it gets what it has missed in the same way.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad_web.api.native import shapes
from postroad_web.catalog.hub import Happened

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from postroad_web.catalog.record import Record
    from postroad_web.catalog.view import View

PAGE = 200  # records that are read at a time


class Event(NamedTuple):
    """Something that has happened. `last`: all of the change `cursor` has been given with this event."""

    cursor: int
    kind: Happened
    world: str
    record: Record | None  # None: all messages of the world were removed
    last: bool

    def value(self) -> dict[str, Any]:
        """Return the event as the API shows it."""
        message = None
        if self.record is not None and self.kind is Happened.DELETED:
            message = {"id": self.record.id, "number": self.record.number}
        elif self.record is not None:
            message = shapes.summary(self.record)
        return {"cursor": self.cursor, "kind": str(self.kind), "world": self.world, "message": message}


async def events(catalog: View, after: int | None) -> AsyncGenerator[Event]:
    """Yield a world's events after a cursor, or from now on; ends when the catalog is closed."""
    cursor = catalog.cursor if after is None else after
    while True:
        changes = catalog.subscribe()
        try:
            async with aclosing(missed(catalog, cursor)) as earlier:
                async for event in earlier:
                    cursor = event.cursor
                    yield event
            async for change in changes:
                if change.cursor <= cursor:
                    continue
                cursor = change.cursor
                records: tuple[Record | None, ...] = change.records or (None,)
                for index, record in enumerate(records, 1):
                    world = change.world if record is None else record.world
                    yield Event(cursor, change.kind, world, record, last=index == len(records))
        finally:
            changes.close()
        if not changes.overrun:
            return


async def missed(catalog: View, cursor: int) -> AsyncGenerator[Event]:
    """Yield one event for each record that has changed after a cursor."""
    limit = PAGE
    while rows := catalog.changed_since(cursor, limit):
        whole = rows
        if len(rows) == limit:  # the last change may go on behind it
            whole = [row for row in rows if row.cursor < rows[-1].cursor]
            if not whole:
                limit *= 2
                continue
        for index, (changed, record, is_new) in enumerate(whole, 1):
            last = index == len(whole) or whole[index].cursor != changed
            kind = Happened.ARRIVED if is_new else Happened.UPDATED
            yield Event(changed, kind, record.world, record, last)
        cursor = whole[-1].cursor
        limit = PAGE
