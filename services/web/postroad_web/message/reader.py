"""Reading a message without keeping the event loop from its work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from postroad_web.message.parse import parse_message

if TYPE_CHECKING:
    from postroad_web.message.parsed import Parsed

AT_ONCE = 64 * 1024  # octets that are parsed within a few milliseconds


async def read_message(raw: bytes) -> Parsed:
    """Parse a message: a large one in a thread."""
    if len(raw) <= AT_ONCE:
        return parse_message(raw)
    return await asyncio.to_thread(parse_message, raw)
