"""What the commands of the API have in common: they ask, print, and end with a status that says how it went."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from postroad.config import ConfigError
from postroad.harmless import harmless
from postroad_stack.api.client import AWAY, USAGE, Api, ApiAway, ApiError, api_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence


def run(options: argparse.Namespace, command: Callable[[Api, argparse.Namespace], int]) -> int:
    """Run a command against the API that the options name; returns the exit status."""
    try:
        return command(api_of(options.url, options.world), options)
    except ConfigError as error:
        return say(str(error), USAGE)
    except ApiAway as error:
        return say(f"{error}. Does the stack run?", AWAY)
    except ApiError as error:
        if options.json:
            print_json(error.problem)
        return say(_sentence(error), error.exit_status)


def _sentence(error: ApiError) -> str:
    if error.status == 401:
        return "the API wants a password: --url http://user:password@host:port, or POSTROAD_WEB_AUTH"
    faults = [f"{fault.get('field')} {fault.get('detail')}" for fault in error.problem.get("errors", ())]
    return "; ".join(faults) or str(error)


def say(sentence: str, status: int) -> int:
    """Print a sentence on standard error and return the status."""
    sys.stderr.write("".join(f"{harmless(line)}\n" for line in sentence.splitlines()))
    return status


def print_json(value: Any) -> None:
    """Print JSON as people read it."""
    sys.stdout.write(f"{json.dumps(value, indent=2, ensure_ascii=True)}\n")


def table(rows: Sequence[Sequence[str]], indent: str = "") -> Iterator[str]:
    """Yield the lines of a table, whose first row is its head; what strangers wrote is made harmless."""
    cells = [[harmless(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    for row in cells:
        yield indent + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def row_of(message: dict[str, Any]) -> list[str]:
    """Return a message's cells, below `HEAD`."""
    recipients = [recipient["address"] for recipient in message["recipients"]]
    more = f" +{len(recipients) - 1}" if len(recipients) > 1 else ""
    to = (recipients[0] if recipients else "") + more
    return [message["id"], message["state"], message["sender"] or "<>", to, message["subject"] or ""]


HEAD = ["ID", "STATE", "FROM", "TO", "SUBJECT"]
