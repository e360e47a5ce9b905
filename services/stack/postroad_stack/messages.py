"""The program `postroad messages`: lists messages, or shows one."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from postroad_stack.api.client import ASKED, NOT_FOUND, STATUSES, Api, add_options, segment
from postroad_stack.api.content import PIECES, NoPieceError, piece_of, write
from postroad_stack.api.program import HEAD, print_json, row_of, run, say, table

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """List messages; returns 1 if there is none."""
    parser = argparse.ArgumentParser(
        prog="postroad messages",
        description="List the messages that a query finds, the newest first, such as: postroad messages subject:hello. "
        f"{STATUSES}",
    )
    parser.add_argument("query", nargs="*", help="a query of the search language; all messages if left out")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="the most messages (default: 50)")
    parser.add_argument("--show", metavar="ID", help="show this message instead")
    parser.add_argument("--print", choices=PIECES, dest="piece", default="text", help="what of it (default: its text)")
    add_options(parser)
    options = parser.parse_args(arguments)
    return run(options, _show if options.show else _list)


def _list(api: Api, options: argparse.Namespace) -> int:
    answer = api.ask("GET", "/v1/messages", query=" ".join(options.query) or None, limit=options.limit)
    messages = answer["messages"]
    if options.json:
        print_json(answer)
    elif messages:
        sys.stdout.writelines(f"{line}\n" for line in table([HEAD, *map(row_of, messages)]))
        if answer["next"] is not None:
            say(f"{len(messages)} of {answer['total']}: see more with --limit", ASKED)
    return ASKED if messages else NOT_FOUND


def _show(api: Api, options: argparse.Namespace) -> int:
    message = api.ask("GET", f"/v1/messages/{segment(options.show)}")
    if options.json:
        print_json(message)
        return ASKED
    try:
        write(piece_of(message, options.piece))
    except NoPieceError as error:
        return say(str(error), NOT_FOUND)
    return ASKED
