"""`python -m postroad_store.keeping`, which is `postroad fsck`, `backup`, `restore` and `compact`."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from postroad.config import ConfigError, Settings
from postroad.harmless import harmless
from postroad.progress import Progress
from postroad_store.keeping.backup import back_up, bring_back
from postroad_store.keeping.compact import compact
from postroad_store.keeping.fsck import check, mend
from postroad_store.mail.database.connection import FILE, explained
from postroad_store.mail.model.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

SOUND, FAULTS, REFUSED = 0, 1, 2
_STATUSES = "The exit status is 0 if all is well, 1 if there are faults, 2 if it can't be done."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the programs; returns its exit status."""
    parser = argparse.ArgumentParser(prog="postroad", description=_STATUSES)
    words = parser.add_subparsers(dest="word", required=True)
    fsck = words.add_parser("fsck", help="check the mail's database; --repair mends it while the store is stopped")
    fsck.add_argument("--repair", action="store_true", help="mend what can be mended; the store must not run")
    fsck.add_argument("--json", action="store_true", help="print the faults as JSON")
    backup = words.add_parser("backup", help="write all mail into one file, also while the store runs")
    backup.add_argument("file", type=Path, help="a file that does not exist yet")
    restore = words.add_parser("restore", help="put a backup in the place of the mail; the store must not run")
    restore.add_argument("file", type=Path, help="what `postroad backup` wrote")
    words.add_parser("compact", help="make the database as small as its mail; the store must not run")
    options = parser.parse_args(arguments)
    progress = Progress(sys.stderr)
    try:
        folder = Settings.from_environ(os.environ).mail_dir
        return _run(options, folder, progress)
    except ConfigError as error:
        return _refused(str(error), progress)
    except StorageError as error:
        return _refused(str(error), progress)
    except sqlite3.Error as error:
        return _refused(explained(error, folder / FILE), progress)
    except OSError as error:
        return _refused(f"{error.filename or folder}: {error.strerror}", progress)


def _run(options: argparse.Namespace, folder: Path, progress: Progress) -> int:
    match options.word:
        case "fsck":
            return _fsck(folder, progress, repair=options.repair, as_json=options.json)
        case "backup":
            messages = back_up(folder, options.file, progress)
            return _said(f"{options.file} has {messages:,} messages", progress)
        case "restore":
            messages, old = bring_back(options.file, folder, progress)
            where = f"; what was there is {old} now" if old is not None else ""
            return _said(f"{messages:,} messages are back{where}", progress)
        case _:
            before, after = compact(folder, progress)
            return _said(f"{before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB now", progress)


def _fsck(folder: Path, progress: Progress, *, repair: bool, as_json: bool) -> int:
    if repair:
        faults, left = mend(folder, progress)
    else:
        faults = left = check(folder, progress)
    progress.end()
    if as_json:
        sys.stdout.write(f"{json.dumps({'faults': faults, 'left': left}, indent=2)}\n")
        return FAULTS if left else SOUND
    for fault in faults:
        mended = "" if not repair else " (left as it is)" if fault in left else " (mended)"
        sys.stdout.write(f"{harmless(fault)}{mended}\n")
    if not faults:
        sys.stdout.write("The mail is as it should be.\n")
    elif not repair:
        sys.stdout.write(f"Faults: {len(faults)}. Stop the store, and mend them with: postroad fsck --repair\n")
    return FAULTS if left else SOUND


def _said(sentence: str, progress: Progress) -> int:
    progress.end()
    sys.stdout.write(f"{harmless(sentence)}\n")
    return SOUND


def _refused(sentence: str, progress: Progress) -> int:
    progress.end()
    sys.stderr.write(f"{harmless(sentence)}\n")
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
