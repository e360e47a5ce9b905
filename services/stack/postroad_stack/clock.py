"""The program `postroad clock`: shows the clock of a world, or pushes it, so that retries need no waiting."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from postroad_stack.api.client import ASKED, STATUSES, Api, add_options, segment
from postroad_stack.api.program import print_json, run

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT = "default"  # the world file's
PATIENCE = 3600.0  # seconds that a push may take: servers that do not answer are waited for
_DESCRIPTION = f"""\
Show the clock of a world, by which mail is tried again, delayed and given up. `postroad clock push 2h` moves it ahead,
`postroad clock push next` to the next due attempt; all that falls due happens at once, in order, with its own time.
{STATUSES}
"""


def main(arguments: Sequence[str]) -> int:
    """Show or push a clock; returns the exit status."""
    parser = argparse.ArgumentParser(prog="postroad clock", description=_DESCRIPTION)
    parser.add_argument(
        "action", nargs="?", choices=("show", "push"), default="show", help="what to do (default: show)"
    )
    parser.add_argument("span", nargs="?", metavar="SPAN", help="push: a time such as 30m, 2h or 5d, or next")
    add_options(parser)
    options = parser.parse_args(arguments)
    if (options.span is None) is (options.action == "push"):
        parser.error("how far? postroad clock push 2h, or postroad clock push next")
    return run(options, _clock)


def _clock(api: Api, options: argparse.Namespace) -> int:
    path = f"/v1/worlds/{segment(options.world or DEFAULT)}/clock"
    if options.action == "push":
        clock = api.ask("POST", path, {"push": options.span}, timeout=PATIENCE)
    else:
        clock = api.ask("GET", path)
    if options.json:
        print_json(clock)
    else:
        sys.stdout.write(f"{_sentence(clock)}\n")
    return ASKED


def _sentence(clock: dict[str, Any]) -> str:
    following = f"the next attempt is due at {clock['next']}" if clock["next"] else "nothing waits for an attempt"
    return f"{clock['now']}, {clock['ahead']:g} s ahead of the machine; {following}"
