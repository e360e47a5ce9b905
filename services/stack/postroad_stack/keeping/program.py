"""Runs one of the store's programs."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_KEEPING = ["-m", "postroad_store.keeping"]


def program(word: str) -> Callable[[Sequence[str]], int]:
    """Return a program that gives its exit status; 2 if the store is not installed here."""

    def main(arguments: Sequence[str]) -> int:
        if find_spec("postroad_store") is None:
            sys.stderr.write("The store is not installed here: its container has it, or pip install postroad-store.\n")
            return 2
        return subprocess.run([sys.executable, *_KEEPING, word, *arguments], check=False).returncode

    return main
