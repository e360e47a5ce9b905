"""Reading a message without keeping the event loop from its work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from postroad_web.message.parse import parse_message
from postroad_web.message.parts import part_octets

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad_web.message.parsed import Parsed, Part

Done = TypeVar("Done")

AT_ONCE = 64 * 1024  # octets that are parsed within a few milliseconds


async def at_once_or_in_a_thread(size: int, work: Callable[..., Done], *arguments: Any) -> Done:
    """Return what the work returns, which takes the longer the more octets there are."""
    return work(*arguments) if size <= AT_ONCE else await asyncio.to_thread(work, *arguments)


async def read_message(raw: bytes) -> Parsed:
    """Parse a message: a large one in a thread."""
    return await at_once_or_in_a_thread(len(raw), parse_message, raw)


async def read_part(raw: bytes, part: Part) -> bytes:
    """Return the content of a part, its transfer encoding undone: a large one in a thread."""
    return await at_once_or_in_a_thread(part.end - part.body, part_octets, raw, part)
