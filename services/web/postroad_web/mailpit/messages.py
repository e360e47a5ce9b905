"""/api/v1/messages and /api/v1/search: lists of messages, and what is done to many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_web.mailpit import gojson
from postroad_web.mailpit.endpoint import Call, Refused, ok
from postroad_web.mailpit.listing import ALL, listing
from postroad_web.mailpit.window import Before, window

if TYPE_CHECKING:
    from starlette.responses import Response

    from postroad_web.catalog.page import Query

NO_QUERY = "Error: no search query"
BOTH = "You may specify either IDs or a search query, not both"


async def messages(call: Call) -> Response:
    """Answer a page of all messages. Without a limit (0) it has all of them."""
    await call.mailbox.fresh()
    asked = window(call.parameter("start"), call.parameter("limit"), call.parameter("before"))
    if asked.limit == 0:
        asked = asked._replace(limit=ALL)
    query = None if asked.before is None else Before(None, asked.before)
    return await listing(call.mailbox, query, asked.start, asked.limit, whole=True)


async def search(call: Call) -> Response:
    """Answer a page of what a search finds. A limit of 0 gives no messages, and how many there are."""
    query = _query(call)
    await call.mailbox.fresh()
    asked = window(call.parameter("start"), call.parameter("limit"), call.parameter("before"))
    if asked.before is not None:
        query = Before(query, asked.before)
    return await listing(call.mailbox, query, asked.start, asked.limit)


async def set_read(call: Call) -> Response:
    """Mark messages as read or unread: those with the IDs, those that a search finds, or all."""
    asked = await call.struct()
    read, idents, text = asked.flag("Read"), asked.texts("IDs"), asked.text("Search")
    if idents and text:
        raise Refused(400, BOTH)
    await call.mailbox.fresh()
    if text:
        await call.mailbox.mark_found(call.mailbox.query(text, call.parameter("tz")), read=read)
    else:
        # Mailpit tells of each message that was asked for, changed or not.
        same = [record for record in call.mailbox.few(idents) if record.read == read]
        await call.mailbox.catalog.mark(idents or None, read=read)
        for record in same:
            call.mailbox.announce("update", {"ID": record.id, "Read": read})
    return ok()


async def delete(call: Call) -> Response:
    """Delete messages. A body that is missing, no JSON or without IDs means all, and clients rely on it."""
    try:
        idents = (await call.struct()).texts("IDs")
    except gojson.BadJsonError:
        idents = []
    if idents:
        await call.mailbox.fresh()
        await call.mailbox.delete(idents)
    else:
        await call.mailbox.empty()
    return ok()


async def delete_found(call: Call) -> Response:
    """Delete what a search finds."""
    query = _query(call)
    await call.mailbox.fresh()
    await call.mailbox.delete_found(query)
    return ok()


def _query(call: Call) -> Query:
    text = call.parameter("query").strip()
    if not text:
        raise Refused(400, NO_QUERY)
    return call.mailbox.query(text, call.parameter("tz"))
