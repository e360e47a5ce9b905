"""`GET /journal/search?queue_id=...`: all events of one message and of the notifications about it, from all journals.

A service can read the journals of the others too. The search is the one that `postroad trace` makes
(`postroad.journal.finding`), in a thread of its own: a long journal takes a while, and delays no mail.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from postroad.control.messages import Refusal, Request, Response, Route, answer
from postroad.journal.finding import find_queued
from postroad.journal.reader import JournalReader

if TYPE_CHECKING:
    from pathlib import Path

    from postroad.journal.finding import Message
    from postroad.journal.kinds import Entry


def search_route(directory: Path) -> Route:
    """Return the route; `directory` has the journals of all services."""
    thread = ThreadPoolExecutor(1, "search")

    async def search(request: Request) -> Response:
        queue_id = request.query.get("queue_id", "")
        if not queue_id:
            raise Refusal(400, "queue_id is missing")
        loop = asyncio.get_running_loop()
        messages = await loop.run_in_executor(thread, find_queued, JournalReader(directory), queue_id)
        return answer({"messages": [_message(message) for message in messages]})

    return Route("GET", "/journal/search", search)


def _message(message: Message) -> dict[str, Any]:
    return {
        "queue_ids": sorted(message.queue_ids),
        "reports": sorted(message.reports),
        "entries": [_entry(entry) for entry in message.entries],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.time.timestamp(),
        "service": entry.service,
        "kind": entry.kind.value,
        "queue_id": entry.queue_id,
        "message_id": entry.message_id,
        "detail": dict(entry.detail),
    }
