"""The program `postroad queue`: the relay's own listing of its spool, in a process of its own.

Services and stack share no code but the common vocabulary, so the relay is started and not imported.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LISTING = ["-m", "postroad_relay.queue"]


def main(arguments: Sequence[str]) -> int:
    """List the queue; returns the exit status of the relay's program."""
    if find_spec("postroad_relay") is None:
        sys.stderr.write("The relay is not installed here: its container has it, or pip install postroad-relay.\n")
        return 1
    return subprocess.run([sys.executable, *LISTING, *arguments], check=False).returncode
