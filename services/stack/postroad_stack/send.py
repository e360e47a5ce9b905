"""The program `postroad send`: sends a message through the API."""

from __future__ import annotations

import argparse
import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from postroad_stack.api.client import ASKED, NOT_FOUND, STATUSES, USAGE, Api, add_options
from postroad_stack.api.program import print_json, run, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Send a message and print its queue ID; returns 1 if a recipient was refused."""
    parser = argparse.ArgumentParser(
        prog="postroad send",
        description="Send a message through the app door, and print its queue ID. Its text is read from standard input "
        f"if it is not given. {STATUSES}",
    )
    parser.add_argument("--from", dest="sender", metavar="ADDRESS", help="who writes it")
    for name, meaning in (("to", "to whom"), ("cc", "to whom else"), ("bcc", "to whom else, without being named")):
        parser.add_argument(f"--{name}", action="append", default=[], metavar="ADDRESS", help=meaning)
    parser.add_argument("--subject", default="", help="the subject")
    parser.add_argument("--text", help="the text")
    parser.add_argument("--html", type=Path, metavar="FILE", help="the same as HTML")
    parser.add_argument("--attach", type=Path, action="append", default=[], metavar="FILE", help="a file to attach")
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE", help="a further field")
    parser.add_argument(
        "--raw",
        type=argparse.FileType("rb"),
        metavar="FILE",
        help="send this message as it is; - is standard input. --from and --to are then its envelope",
    )
    add_options(parser)
    options = parser.parse_args(arguments)
    if options.raw is None and (options.sender is None or not options.to + options.cc + options.bcc):
        parser.error("--from and --to are needed")
    return run(options, _send)


def _send(api: Api, options: argparse.Namespace) -> int:
    try:
        if options.raw is not None:
            with options.raw as file:
                answer = api.ask(
                    "POST",
                    "/v1/messages",
                    octets=file.read(),
                    from_=options.sender,
                    to=options.to + options.cc + options.bcc,
                )
        else:
            answer = api.ask("POST", "/v1/messages", dict(_written(options)))
    except OSError as error:
        return say(f"{error.filename}: {error.strerror}", USAGE)
    except UnicodeDecodeError:
        return say("The text and the HTML must be in UTF-8; --attach and --raw take any octets.", USAGE)
    if options.json:
        print_json(answer)
    else:
        sys.stdout.write(f"{answer['id']}\n")
    refused = [f"{recipient['address']}: {recipient['reply']}" for recipient in answer["refused"]]
    return say("\n".join(refused), NOT_FOUND) if refused else ASKED


def _written(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Yield the members of the request; raises `OSError` or `UnicodeDecodeError` for a file."""
    yield "from", options.sender
    yield "subject", options.subject
    for name in ("to", "cc", "bcc"):
        if people := getattr(options, name):
            yield name, people
    if options.html is not None:
        yield "html", options.html.read_text(encoding="utf-8")
    if options.text is not None or options.html is None:
        yield "text", sys.stdin.read() if options.text is None else options.text
    if options.attach:
        yield (
            "attachments",
            [
                {"filename": path.name, "content": base64.b64encode(path.read_bytes()).decode()}
                for path in options.attach
            ],
        )
    if options.header:
        pairs = (header.partition(":") for header in options.header)
        yield "headers", {name.strip(): value.strip() for name, _, value in pairs}
