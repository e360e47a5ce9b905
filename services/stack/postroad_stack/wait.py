"""The program `postroad wait`: ends when the mail that a test expects is there."""

from __future__ import annotations

import argparse
import re
import sys
import time
from typing import TYPE_CHECKING, Any

from postroad_stack.api.client import ASKED, NOT_FOUND, STATUSES, TIMEOUT, Api, ApiAway, ApiError, add_options
from postroad_stack.api.content import PIECES, NoPieceError, piece_of, write
from postroad_stack.api.program import HEAD, print_json, row_of, run, say, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Options with a text, which the API knows by the same names.
CRITERIA = {
    "recipient": "a recipient of the envelope, whole; * stands for any characters",
    "sender": "the sender of the envelope; an empty one is the null reverse-path",
    "to": "an address in a To or Cc field",
    "from": "an address in the From field",
    "subject": "a part of the subject",
    "body": "a part of the text",
    "attachment": "the file name of an attachment, with * and ?",
    "regex": "a regular expression that is found in the subject or the text",
    "query": "a query of the search language",
    "id": "the queue ID, which the 250 named",
}
_QUEUE_ID = re.compile("[0-9A-F]{13}")  # one in fifty has digits alone; a cursor has more or fewer
_AGAIN = 0.5  # seconds
_DESCRIPTION = f"""\
Wait until a message is there that meets all criteria, and print it. Messages that are there already count, unless
--after leaves them out. If none comes in time, print what came close and what is still under way. While the API is
away it is asked again, until time is over. {STATUSES}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Wait; returns 0 if what was expected has come, 1 if not."""
    parser = argparse.ArgumentParser(prog="postroad wait", description=_DESCRIPTION)
    criteria = parser.add_argument_group("criteria")
    for name, meaning in CRITERIA.items():
        criteria.add_argument(f"--{name}", dest=f"criterion_{name}", metavar="TEXT", help=meaning)
    criteria.add_argument(
        "--header", action="append", default=[], metavar="NAME[:PART]", help="a field, and a part of its value"
    )
    criteria.add_argument("--reports", action="store_true", help="DSNs that the relay itself has made count, too")
    criteria.add_argument("--after", metavar="CURSOR", help="only messages after a cursor or a queue ID count")
    number = parser.add_mutually_exclusive_group()
    number.add_argument("--at-least", type=int, metavar="N", help="so many messages (default: 1)")
    number.add_argument("--exactly", type=int, metavar="N", help="so many, and no more will come")
    number.add_argument("--none", action="store_true", help="none, and none will come")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="how long (default: 10)")
    parser.add_argument(
        "--accepted", action="store_true", help="a message counts once it is accepted, before it is in a mailbox"
    )
    parser.add_argument("--print", choices=PIECES, dest="piece", help="print only this of each message")
    add_options(parser)
    return run(parser.parse_args(arguments), _wait)


def _wait(api: Api, options: argparse.Namespace) -> int:
    asked = dict(_asked(options))
    try:
        answer = _ask(api, asked, options.timeout)
    except ApiError as error:
        if error.status not in {408, 409}:
            raise
        if options.json:
            print_json(error.problem)
        return say("\n".join(_why_not(error)), NOT_FOUND)
    messages = answer["messages"]
    if options.json:
        print_json(answer)
    elif options.piece:
        try:
            pieces = [piece_of(message, options.piece) for message in messages]
        except NoPieceError as error:
            return say(f"{error}", NOT_FOUND)
        for piece in pieces:
            write(piece)
    elif messages:
        sys.stdout.writelines(f"{line}\n" for line in table([HEAD, *map(row_of, messages)]))
    return ASKED


def _ask(api: Api, asked: dict[str, Any], timeout: float) -> Any:
    """Ask, and ask again while the service starts or is restarted; raises `ApiError` or `ApiAway`."""
    end = time.monotonic() + timeout
    while True:
        try:
            return api.ask("POST", "/v1/wait", asked, timeout=timeout + TIMEOUT)
        except (ApiAway, ApiError) as error:
            left = end - time.monotonic() - _AGAIN
            if left <= 0 or (isinstance(error, ApiError) and error.status != 503):
                raise
        time.sleep(_AGAIN)
        asked = asked | {"timeout": left}


def _asked(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Yield the members of the request."""
    for name in CRITERIA:
        if (value := getattr(options, f"criterion_{name}")) is not None:
            yield name, value
    if options.header:
        pairs = (header.partition(":") for header in options.header)
        yield "header", [{"name": name.strip(), "value": value.strip()} for name, _, value in pairs]
    if options.reports:
        yield "reports", True
    if options.after:
        is_cursor = options.after.isdecimal() and not _QUEUE_ID.fullmatch(options.after)
        yield "after", int(options.after) if is_cursor else options.after
    for name in ("at_least", "exactly"):
        if (count := getattr(options, name)) is not None:
            yield "mode", {name: count}
    if options.none:
        yield "mode", {"none": True}
    if options.accepted:
        yield "settled", False
    yield "timeout", options.timeout


def _why_not(error: ApiError) -> Iterator[str]:
    """Yield what came close, what is under way, and what else came."""
    problem = error.problem
    yield str(error)
    near = problem.get("near_misses", [])
    if near:
        yield "Came close:"
        rows = [[*row_of(candidate["message"]), ", ".join(candidate["missed"])] for candidate in near]
        yield from table([[*HEAD, "BUT NOT"], *rows], "  ")
    if under_way := problem.get("under_way"):
        yield "Still under way:"
        yield from table(
            [["ID", "TO", "WHY"], *([waiting["id"], waiting["recipient"], waiting["detail"]] for waiting in under_way)],
            "  ",
        )
    shown = {candidate["message"]["id"] for candidate in near}
    if others := [message for message in problem.get("arrived", ()) if message["id"] not in shown]:
        yield "Came meanwhile:"
        yield from table([HEAD, *map(row_of, others)], "  ")
