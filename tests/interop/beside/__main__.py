"""Run many seeds: `python -m tests.interop.beside [--first 1] [--seeds 1000] [--length 25]`.

Each difference is printed with the fewest commands that show it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import traceback
from typing import TYPE_CHECKING

from tests.interop.beside.commands import Sequence
from tests.interop.beside.seeds import Seeds, options
from tests.interop.beside.servers import Pair

if TYPE_CHECKING:
    from tests.interop.beside.commands import Step
    from tests.interop.beside.servers import Difference

ADDRESS = "127.0.0.79"  # a test may run at the same time
WIDTH = 500  # characters of a command or an answer that are printed


async def shrunk(pair: Pair, steps: list[Step], difference: Difference) -> tuple[list[Step], Difference]:
    """Leave out commands as long as the same one is answered differently."""
    last = difference.step.command
    steps = steps[: difference.number + 1]
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
                steps, difference = fewer, other
            else:
                at += size
        size //= 2
    return steps, difference


async def main(seeds: Seeds, length: int) -> None:
    """Play a sequence for each seed."""
    async with Pair(ADDRESS) as pair:
        for seed in seeds:
            steps = Sequence(seed).make(length)
            try:
                difference = await pair.compare(steps)
            except ConnectionError as error:
                sys.stdout.write(f"seed {seed}: {error}\n{pair.dovecot.log()[:WIDTH]}\n")
                continue
            except Exception as error:  # noqa: BLE001 - it is reported with its seed
                seeds.differs(seed, f"{error!r}\n{traceback.format_exc()[-1500:]}\n{pair.dovecot.log()}")
                continue
            if difference is None:
                continue
            fewer, least = await shrunk(pair, steps, difference)
            shown = [f"    {step.who} {str(step.command)[:WIDTH]}" for step in fewer]
            shown += [str(least), *(f"    {str(each)[:WIDTH]}" for each in least.octets), ""]
            seeds.differs(seed, "\n".join(shown))


if __name__ == "__main__":
    parser = options()
    parser.add_argument("--length", type=int, default=25)
    given = parser.parse_args()
    seeds = Seeds(given)
    asyncio.run(main(seeds, given.length))
    sys.exit(seeds.status)
