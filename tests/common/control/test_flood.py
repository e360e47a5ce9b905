"""A door that is flooded leaves the event loop to mail. What the road is like meanwhile is in `make bench`."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.common.control.flood import KINDS
from tests.common.control.test_door import client_of, opened

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 1.5
SHARE = 0.1  # of a processor; measured on an idle machine: 0.01 to 0.02


@pytest.mark.parametrize("kind", KINDS)
async def test_a_flood_takes_little_of_the_loop(kind: str, figure: Callable[[str, object], None]) -> None:
    async with opened() as door, client_of(door) as client:
        host, port = door.address
        await client.put("/echo", 1)
        flood = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.common.control.flood", host, str(port), kind, str(SECONDS),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert flood.stdout is not None
        await flood.stdout.readline()
        began, used = time.monotonic(), time.thread_time()
        await flood.wait()
        share = (time.thread_time() - used) / (time.monotonic() - began)
        figure(f"share of a processor, {kind}", f"{share:.3f}")
        assert share < SHARE
        assert (await client.put("/echo", 1))["body"] == 1  # the connection with the token is still there
        assert len(door._friends) == 1
