"""The loop of the programs here: one seed after the other, until enough of them have shown a difference."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def options(*, seeds: int = 1000, most: int = 20) -> argparse.ArgumentParser:
    """Return the options that all of them have; the arguments are defaults."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--most", type=int, default=most, help="differences after which to stop")
    return parser


class Seeds:
    """Gives the seeds, and counts those that have shown a difference."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._first, self._seeds, self._most = given.first, given.seeds, given.most
        self.different = 0

    def __iter__(self) -> Iterator[int]:
        for seed in range(self._first, self._first + self._seeds):
            if self.different < self._most:
                yield seed
        sys.stdout.write(f"{self._seeds} seeds from {self._first}: {self.different} differ\n")

    def differs(self, seed: int, shown: str) -> None:
        """Count a seed, and print what has differed, in lines."""
        self.different += 1
        sys.stdout.write(f"seed {seed}\n{shown}\n")
        sys.stdout.flush()

    @property
    def status(self) -> int:
        """The program's exit status."""
        return min(self.different, 1)
