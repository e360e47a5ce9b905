"""List the queue: `python -m postroad_relay.queue`, whether the relay runs or not."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from postroad.config import ConfigError, Settings
from postroad.harmless import harmless
from postroad_relay.queue.inspect import Inspection, inspect_spool, json_lines, table

if TYPE_CHECKING:
    from collections.abc import Sequence

_DESCRIPTION = """\
List the messages in the relay's queue, oldest first, each recipient with its last reply and its next attempt.
The relay may run meanwhile: nothing is changed and nothing is locked.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """List the queue on standard output; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="postroad queue",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per message, on a line of its own")
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="read these segment files of a spool instead of the queue, such as a .damaged one; messages that have been"
        " delivered since are listed too",
    )
    options = parser.parse_args(arguments)
    try:
        inspection = _inspect(options.files)
    except (ConfigError, ValueError, OSError) as error:
        print(harmless(str(error)), file=sys.stderr)
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 shows internationalized mail
    try:
        for line in (json_lines if options.json else table)(inspection.oldest_first, time.time()):
            print(line)
        print(end="", flush=True)
    except OSError as error:  # as on a full disk
        print(f"the list can't be written: {error}", file=sys.stderr)
        return 1
    if options.files and inspection.gaps:
        print(f"unreadable pieces of the files: {inspection.gaps}", file=sys.stderr)
    return 0


def _inspect(files: Sequence[Path]) -> Inspection:
    if not files:
        spool = Settings.from_environ(os.environ).spool_dir
        try:
            return inspect_spool(spool)
        except FileNotFoundError:
            raise ValueError(f"there is no queue in {spool}: the relay has not run with this POSTROAD_DATA") from None
    inspection = Inspection()
    for path in files:
        inspection.read(path)
    return inspection


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly when `head` has seen enough
    sys.exit(main())
