"""The program `postroad queue`: the messages that wait in the relay, and what may be done with them.

It asks the API. `--spool` reads the relay's files instead, which needs no running stack: the relay's own listing, in a
process of its own, because services and stack share no code but the common vocabulary.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from postroad_stack.api.client import ASKED, NOT_FOUND, STATUSES, Api, ApiError, add_options, segment
from postroad_stack.api.program import print_json, run, say, table
from postroad_stack.clock import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LISTING = ["-m", "postroad_relay.queue"]
ACTIONS = ("list", "retry", "hold", "release", "delete")
PAGE = 500
_DESCRIPTION = f"""\
List the messages that wait in the relay, and why; or retry, hold, release or delete those with the IDs.
`postroad queue --spool` reads the relay's files instead of asking the API, also when nothing runs. {STATUSES}
"""


def main(arguments: Sequence[str]) -> int:
    """List the queue, or act on messages in it; returns the exit status."""
    if arguments and arguments[0] == "--spool":
        return _list_spool(arguments[1:])
    parser = argparse.ArgumentParser(prog="postroad queue", description=_DESCRIPTION)
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="list", help="what to do (default: list)")
    parser.add_argument("ids", nargs="*", metavar="ID", help="queue IDs; retry without any tries all")
    parser.add_argument("--report", action="store_true", help="delete: the sender gets a notification (DSN)")
    parser.add_argument("--spool", action="store_true", help="read the spool; it comes first, and its options follow")
    add_options(parser)
    options = parser.parse_args(arguments)
    if options.spool:
        parser.error("--spool comes first: postroad queue --spool")
    if options.action in {"hold", "release", "delete"} and not options.ids:
        parser.error(f"which messages? postroad queue {options.action} ID ...")
    return run(options, {"list": _list, "retry": _retry}.get(options.action, _act))


def _list_spool(words: Sequence[str]) -> int:
    if find_spec("postroad_relay") is None:
        sys.stderr.write("The relay is not installed here: its container has it, or pip install postroad-relay.\n")
        return 1
    return subprocess.run([sys.executable, *LISTING, *words], check=False).returncode


def _list(api: Api, options: argparse.Namespace) -> int:
    messages = list(_waiting(api))
    if options.ids:
        messages = [message for message in messages if message["id"] in options.ids]
    if options.json:
        print_json(messages)
    elif messages:
        now = _now(api, messages[0].get("world", DEFAULT))
        rows = [row for message in messages for row in _rows(message, now)]
        sys.stdout.writelines(f"{line}\n" for line in table([["ID", "FROM", "TO", "NEXT", "WHY"], *rows]))
    return ASKED if messages or not options.ids else NOT_FOUND


def _now(api: Api, world: str) -> float:
    """Return the time in a world, whose clock may have been pushed."""
    try:
        clock = api.ask("GET", f"/v1/worlds/{segment(world)}/clock")
    except ApiError:
        return time.time()
    return datetime.fromisoformat(clock["now"]).timestamp()


def _waiting(api: Api) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        page = api.ask("GET", "/v1/queue", after=after, limit=PAGE)
        yield from page["messages"]
        if (after := page["next"]) is None:
            return


def _rows(message: dict[str, Any], now: float) -> Iterator[list[str]]:
    """Yield a row per recipient that waits."""
    following = "held" if message["held"] else "now" if message["active"] else _when(message["due"], now)
    sender = message["sender"] or "<>"
    for recipient in message["recipients"]:
        if recipient["state"] in {"pending", "deferred"}:
            why = " ".join(filter(None, (recipient["host"] and f"{recipient['host']}:", recipient["reason"])))
            yield [message["id"], sender, recipient["address"], following, why or "not tried yet"]


def _when(due: str | None, now: float) -> str:
    seconds = 0 if due is None else round(datetime.fromisoformat(due).timestamp() - now)
    if seconds <= 0:
        return "now"
    if seconds < 120:
        return f"in {seconds} s"
    return f"in {seconds // 60} min" if seconds < 7200 else f"in {seconds // 3600} h"


def _retry(api: Api, options: argparse.Namespace) -> int:
    answer = api.ask("POST", "/v1/queue/retry", {"ids": options.ids} if options.ids else {})
    if options.json:
        print_json(answer)
    elif options.ids and answer["count"] < len(options.ids):
        return say(f"{answer['count']} of {len(options.ids)} are in the queue and are tried now", NOT_FOUND)
    return ASKED


def _act(api: Api, options: argparse.Namespace) -> int:
    status = ASKED
    for ident in options.ids:
        path = f"/v1/queue/{segment(ident)}"
        try:
            if options.action == "delete":
                answer = api.ask("DELETE", path, report="true" if options.report else None)
            else:
                answer = api.ask("POST", f"{path}/{options.action}")
            if options.json:
                print_json(answer)
        except ApiError as error:
            if error.status != 404:
                raise
            status = say(str(error), NOT_FOUND)
    return status
