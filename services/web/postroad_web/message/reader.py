"""Reading a message without keeping the event loop from its work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from postroad_web.message.parse import parse_message
from postroad_web.message.parts import part_octets

if TYPE_CHECKING:
    from postroad_web.message.parsed import Parsed, Part

AT_ONCE = 64 * 1024  # octets that are parsed within a few milliseconds


async def read_message(raw: bytes) -> Parsed:
    """Parse a message: a large one in a thread."""
    if len(raw) <= AT_ONCE:
        return parse_message(raw)
    return await asyncio.to_thread(parse_message, raw)


async def read_part(raw: bytes, part: Part) -> bytes:
    """Return the content of a part, its transfer encoding undone: a large one in a thread."""
    if part.end - part.body <= AT_ONCE:
        return part_octets(raw, part)
    return await asyncio.to_thread(part_octets, raw, part)
