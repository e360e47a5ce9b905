"""`postroad.smtp.server.lifecycle`: what connections share, and what each has of its own."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from postroad.smtp.server.lifecycle import OF_EACH


async def test_what_a_connection_does_not_copy_is_all_that_differs() -> None:
    """A version of Python that gives the protocol of its streams one more object of its own fails here."""
    loop = asyncio.get_running_loop()
    first, other = (vars(asyncio.StreamReaderProtocol(cast("Any", None), loop=loop)) for _ in range(2))
    assert first.keys() == other.keys()
    assert {name for name, value in first.items() if value is not other[name]} == OF_EACH
