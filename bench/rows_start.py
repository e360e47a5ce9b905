"""What a stack costs before any mail: the time to be ready, and the memory of its services at rest."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.table import Row, at_most, interleave
from tests.harness.stack import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.processes import ProcessStack


def proportional_memory(process_id: int) -> int:
    """Return a process's proportional set size, in octets: its own pages, and its share of those it shares."""
    match = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{process_id}/smaps_rollup").read_text(), re.MULTILINE)
    if match is None:
        raise RuntimeError("the kernel does not tell Pss")
    return int(match[1]) * 1024


def rows(make: Callable[[], ProcessStack], rounds: int) -> Iterator[Row]:
    """Start and stop stacks on empty data folders, certificates included."""
    memory: list[float] = []

    def start() -> float:
        stack = make()
        started = time.perf_counter()
        with stack:
            ready = time.perf_counter() - started
            memory.append(sum(proportional_memory(stack.process_id(service)) for service in Service) / 1e6)
        return ready

    yield interleave(Row("first start to ready", "s", at_most(1.5)), rounds, start)
    yield Row("memory of all services at rest", "MB", at_most(200), ours=memory)
