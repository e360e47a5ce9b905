"""Run many seeds: `python -m tests.interop.beside [--first 1] [--seeds 1000] [--length 25]`.

Each difference is printed with the fewest commands that show it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import traceback
from typing import TYPE_CHECKING

from tests.harness.needs import require_program
from tests.interop.beside.commands import Sequence
from tests.interop.beside.servers import Pair

if TYPE_CHECKING:
    from tests.interop.beside.commands import Step
    from tests.interop.beside.servers import Difference

ADDRESS = "127.0.0.79"  # a test may run at the same time
WIDTH = 500  # characters of a command or an answer that are printed


async def shrunk(pair: Pair, steps: list[Step], found: Difference) -> tuple[list[Step], Difference]:
    """Leave out commands as long as the same one is answered differently."""
    last = found.step.command
    steps = steps[: found.number + 1]
    size = max(len(steps) // 2, 1)
    while size:
        at = 0
        while at < len(steps):
            kept = [step for step in steps[at : at + size] if step.command.startswith((b"<<M", b"ENABLE"))]
            if len(kept) == len(steps[at : at + size]):
                at += size
                continue
            fewer = steps[:at] + kept + steps[at + size :]
            other = None
            with contextlib.suppress(ConnectionError, TimeoutError):
                other = await pair.compare(fewer) if fewer else None
            if other is not None and other.step.command == last:
                steps, found = fewer, other
            else:
                at += size
        size //= 2
    return steps, found


async def main(first: int, seeds: int, length: int, most: int) -> int:
    """Return how many seeds have shown a difference."""
    different = 0
    async with Pair(require_program("dovecot"), ADDRESS) as pair:
        for seed in range(first, first + seeds):
            steps = Sequence(seed).make(length)
            try:
                found = await pair.compare(steps)
            except ConnectionError as error:
                sys.stdout.write(f"seed {seed}: {error}\n{pair.log()[:WIDTH]}\n")
                continue
            except Exception as error:  # noqa: BLE001 - it is reported with its seed
                sys.stdout.write(f"seed {seed}: {error!r}\n{traceback.format_exc()[-1500:]}\n{pair.log()}\n")
                different += 1
                continue
            if found is None:
                continue
            different += 1
            fewer, least = await shrunk(pair, steps, found)
            sys.stdout.write(f"seed {seed}\n")
            for step in fewer:
                sys.stdout.write(f"    {step.who} {str(step.command)[:WIDTH]}\n")
            octets = [str(each)[:WIDTH] for each in least.octets]
            sys.stdout.write(f"{least}\n    {octets[0]}\n    {octets[1]}\n\n")
            sys.stdout.flush()
            if different >= most:
                break
    sys.stdout.write(f"{seeds} seeds from {first}: {different} differ\n")
    return different


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--length", type=int, default=25)
    parser.add_argument("--most", type=int, default=20, help="differences after which to stop")
    given = parser.parse_args()
    sys.exit(bool(asyncio.run(main(given.first, given.seeds, given.length, given.most))))
