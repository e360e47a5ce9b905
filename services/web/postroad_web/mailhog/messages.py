"""Lists of messages: all of them by v1, pages and searches by v2; and how all are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from postroad_web.mailhog.search import search as search_for
from postroad_web.mailhog.shapes import items
from postroad_web.mailhog.window import window
from postroad_web.mailpit import gojson
from postroad_web.mailpit import messages as mailpit

if TYPE_CHECKING:
    from postroad_web.catalog.page import Page
    from postroad_web.mailhog.letters import Letters
    from postroad_web.mailpit.endpoint import Call

MOST = 1000  # messages of v1's list
TEXT_JSON = "text/json"  # MailHog's name for it, at most places


class Lists:
    """The handlers."""

    def __init__(self, letters: Letters) -> None:
        self._letters = letters

    async def array(self, call: Call) -> Response:
        """Answer all messages, the newest first, as an array."""
        await call.mailbox.fresh()
        page = await call.mailbox.some(None, limit=MOST)
        return json(b"[" + b",".join(await self._letters.several(page.records)) + b"]", TEXT_JSON)

    async def messages(self, call: Call) -> Response:
        """Answer a page of all messages."""
        await call.mailbox.fresh()
        start, limit = window(call.parameter("start"), call.parameter("limit"))
        return json(await self._page(await call.mailbox.some(None, start=start, limit=limit), start), TEXT_JSON)

    async def search(self, call: Call) -> Response:
        """Answer a page of what a search finds."""
        query = search_for(call.parameter("kind"), call.parameter("query"))
        if query is None:
            return Response(status_code=400)
        await call.mailbox.fresh()
        start, limit = window(call.parameter("start"), call.parameter("limit"))
        page = await call.mailbox.some(query, start=start, limit=limit)
        if start > page.total:  # MailHog says so
            page = page._replace(total=0)
        return json(await self._page(page, start), "application/json")

    async def _page(self, page: Page, start: int) -> bytes:
        letters = await self._letters.several(page.records)
        head = gojson.encode(items(page.total, start, len(letters))).removesuffix(b"]}\n")
        return head + b",".join(letters) + b"]}"


async def delete_all(call: Call) -> Response:
    """Delete all messages; or those with the IDs that a body gives, as Mailpit's clients do at the same path."""
    await mailpit.delete(call)
    return empty()


def json(body: bytes, kind: str = TEXT_JSON) -> Response:
    """Return JSON that is encoded already."""
    return Response(body, headers={"Content-Type": kind})


def empty(status: int = 200) -> Response:
    """Return an answer that is nothing but its status."""
    return Response(status_code=status, headers={"Content-Type": TEXT_JSON})
