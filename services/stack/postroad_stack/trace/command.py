"""The program `postroad trace`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from postroad.config import ConfigError, Settings
from postroad.harmless import harmless
from postroad.journal import JournalReader
from postroad.journal.finding import find, find_refusals
from postroad_stack.trace.printing import render, render_refusals

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None, *, name: str = "trace") -> int:
    """Print the road; returns 1 if no event is found."""
    parser = argparse.ArgumentParser(
        prog=f"postroad {name}",
        description="Print one message's road, or what was refused to somebody.",
    )
    parser.add_argument(
        "id",
        metavar="ID",
        help="a Message-ID, with or without <>, or a queue ID of any service; or a peer's IP address, a login or an "
        "address of the envelope, for what was refused",
    )
    parser.add_argument("--journal", type=Path, metavar="DIR", help="the folder of the journals (by the settings)")
    options = parser.parse_args(arguments)
    try:
        directory = options.journal or Settings.from_environ(os.environ).journal_dir
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not directory.is_dir():
        sys.stderr.write(f"There is no journal in {directory}: has anything been started with these settings?\n")
        return 1
    try:
        return _print(JournalReader(directory), options.id, directory)
    except BrokenPipeError:  # `postroad trace ID | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        sys.stderr.write(f"The journal cannot be read: {error}\n")
        return 1


def _print(reader: JournalReader, name: str, directory: Path) -> int:
    messages = find(reader, name)
    refusals = [] if messages else find_refusals(reader, name)
    if not messages and not refusals:
        sys.stderr.write(f"No message with the ID {harmless(name)} is in the journal ({directory}).\n")
        return 1
    for line in render(messages) if messages else render_refusals(refusals):
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    return 0
