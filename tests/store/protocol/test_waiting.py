"""Sessions that wait for their clients to read go on, or end; those that were cancelled are left alone."""

from __future__ import annotations

import asyncio

import pytest

from postroad_store.protocol.contract import ConnectionLost
from postroad_store.protocol.waiting import release


async def test_those_that_wait_go_on() -> None:
    waiting, cancelled = (asyncio.get_running_loop().create_future() for _ in range(2))
    cancelled.cancel()
    release([cancelled, waiting], None)
    assert await waiting is None
    assert cancelled.cancelled()


async def test_those_that_wait_for_a_client_that_is_gone_end() -> None:
    waiting = asyncio.get_running_loop().create_future()
    release([waiting], ConnectionLost())
    with pytest.raises(ConnectionLost):
        await waiting
