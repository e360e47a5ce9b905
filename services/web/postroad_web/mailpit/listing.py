"""A list of messages as JSON, of any length. Long ones are read and written in pieces: others are served meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from postroad_web.mailpit import gojson, shapes

if TYPE_CHECKING:
    from postroad_web.catalog.page import Page, Query
    from postroad_web.mailpit.mailbox import Mailbox

ALL = -1  # as a limit
PIECE = 1000  # rows that are read at a time; beyond them a list is long
_END = b"]}\n"


async def listing(mailbox: Mailbox, query: Query | None, start: int, limit: int, *, whole: bool = False) -> Response:
    """Return the rows from `start` on of the messages that a query finds, or of all.

    A limit of `ALL` gives them from the first on. `whole` says that the matches are counted as if there were no query.
    """
    most, offset = (PIECE, 0) if limit == ALL else (min(limit, PIECE), start)
    if query is None and offset + most <= PIECE:
        page = mailbox.page(start=offset, limit=most)
    else:
        page = await mailbox.some(query, start=offset, limit=most)
    pieces = [_rows(page)]
    count, cursor = len(page.records), page.next
    while cursor is not None and (limit == ALL or count < limit):
        most = PIECE if limit == ALL else min(PIECE, limit - count)
        following = await mailbox.further(query, before=cursor, limit=most)
        pieces.append(_rows(following))
        count, cursor = count + len(following.records), following.next
    counts = mailbox.counts()
    matching = counts if whole else page
    head = shapes.listing(
        count,
        whole=(counts.total, counts.unread),
        matching=(matching.total, matching.unread),
        start=start,
        tags=mailbox.tags(),
    )
    body = gojson.encode(head).removesuffix(_END) + b",".join(piece for piece in pieces if piece) + _END
    return Response(body, headers={"Content-Type": "application/json"})


def _rows(page: Page) -> bytes:
    """Return the rows of a page without the brackets around them."""
    return gojson.encode([shapes.summary(record) for record in page.records])[1:-2]
