"""The program `postroad export`: writes an account's mailboxes as a Maildir, as mbox files or as .eml files."""

from __future__ import annotations

import argparse
import os
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from postroad.progress import Progress
from postroad_stack.api.client import ASKED, NOT_FOUND, STATUSES, USAGE, Api, add_options, segment
from postroad_stack.api.program import print_json, run, say
from postroad_stack.mailboxes.names import maildir_folder, tree_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from http.client import HTTPResponse

FORMS = ("maildir", "mbox", "eml")
PIECE = 1 << 20  # octets
_PARTS = ("cur", "new", "tmp")


def main(arguments: Sequence[str] | None = None) -> int:
    """Export mail; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="postroad export",
        description="Write the mailboxes of an account into a new folder: as a Maildir, which keeps flags and dates, "
        f"as one mbox file each, or as trees of UID.eml files. {STATUSES}",
    )
    parser.add_argument("login", help="the account, by its whole address")
    parser.add_argument("folder", type=Path, help="a folder that does not exist yet, or is empty")
    parser.add_argument("--format", choices=FORMS, default=FORMS[0], help="default: maildir")
    parser.add_argument("--mailbox", action="append", default=[], help="only this one; may be given again")
    add_options(parser)
    return run(parser.parse_args(arguments), _export)


def _export(api: Api, options: argparse.Namespace) -> int:
    account = f"/v1/accounts/{segment(options.login)}"
    boxes = [box for box in api.ask("GET", f"{account}/mailboxes")["mailboxes"] if box["selectable"]]
    missing = set(options.mailbox) - {box["name"] for box in boxes}
    if missing:
        return say(f"{options.login} has no mailbox {', '.join(sorted(missing))}", NOT_FOUND)
    if options.mailbox:
        boxes = [box for box in boxes if box["name"] in options.mailbox]
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        if any(options.folder.iterdir()):
            return say(f"{options.folder} is not empty: name a folder that does not exist yet", USAGE)
        for box in boxes:
            path = f"{account}/mailboxes/{segment(box['name'])}/export"
            with api.download(path, format=options.format) as answer:
                _write(options.folder, options.format, box, answer)
    except (OSError, tarfile.TarError) as error:
        return say(f"the mail can't be written: {error}", NOT_FOUND)
    if options.json:
        print_json({"mailboxes": boxes})
    return ASKED


def _write(folder: Path, form: str, box: dict[str, Any], answer: HTTPResponse) -> None:
    progress = Progress(sys.stderr)
    name, of = box["name"], box["messages"]
    if form == "mbox":
        _write_mbox(folder / tree_path(name).with_name(f"{tree_path(name).name}.mbox"), name, answer, progress)
        progress.done(f"{name}: {of:,} messages")
        return
    target = folder / (maildir_folder(name) if form == "maildir" else tree_path(name))
    target.mkdir(parents=True, exist_ok=True)
    if form == "maildir":
        for part in _PARTS:
            (target / part).mkdir(exist_ok=True)
    count = 0
    with tarfile.open(fileobj=answer, mode="r|") as archive:
        for entry in archive:
            file = target / ("cur" if form == "maildir" else "") / Path(entry.name).name
            source = archive.extractfile(entry)
            file.write_bytes(source.read() if source is not None else b"")
            os.utime(file, (entry.mtime, entry.mtime))
            count += 1
            progress.at(f"{name}: {count:,} of {of:,} messages")
    progress.done(f"{name}: {count:,} messages")


def _write_mbox(path: Path, name: str, answer: HTTPResponse, progress: Progress) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    octets = 0
    with path.open("xb") as file:
        while piece := answer.read(PIECE):
            file.write(piece)
            octets += len(piece)
            progress.at(f"{name}: {octets / 1e6:.1f} MB")
