"""The program `postroad import`: puts the mail of a Maildir, an mbox or a tree of files into an account's mailboxes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from postroad.progress import Progress
from postroad_stack.api.client import ASKED, NOT_FOUND, STATUSES, Api, add_options, segment
from postroad_stack.api.program import print_json, run, say
from postroad_stack.mailboxes.sources import NothingThere, Source, sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Import mail; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="postroad import",
        description="Put the mail of a Maildir (with its folders), an mbox, a message, or a tree of .eml and "
        "mbox files into the mailboxes of an account, with flags and dates. Mailboxes that are missing are made. What "
        f"is imported twice is there twice. {STATUSES}",
    )
    parser.add_argument("login", help="the account, by its whole address")
    parser.add_argument("path", type=Path, help="a Maildir, an mbox, a message, or a folder of them")
    parser.add_argument("--mailbox", help="the mailbox for it, and above those of its folders (default: INBOX)")
    add_options(parser)
    return run(parser.parse_args(arguments), _import)


def _import(api: Api, options: argparse.Namespace) -> int:
    try:
        wanted = sources(options.path, options.mailbox)
        answers = [_send(api, options.login, source) for source in wanted]
    except (NothingThere, OSError) as error:
        return say(str(error), NOT_FOUND)
    if options.json:
        print_json({"mailboxes": answers})
    return ASKED


def _send(api: Api, login: str, source: Source) -> dict[str, object]:
    progress = Progress(sys.stderr)

    def pieces() -> Iterator[bytes]:
        octets = 0
        for number, piece in source.pieces():
            octets += len(piece)
            of = f"{number:,} of {len(source.files):,} messages, " if not source.is_mbox else ""
            progress.at(f"{source.mailbox}: {of}{octets / 1e6:.1f} MB")
            yield piece

    path = f"/v1/accounts/{segment(login)}/mailboxes/{segment(source.mailbox)}/seed"
    answer: dict[str, object] = api.upload(path, pieces(), source.media_type)
    progress.done(f"{source.mailbox}: {answer['stored']:,} messages")
    return answer
