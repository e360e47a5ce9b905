"""The command `postroad`: one program per word, each imported only when it is called.

The health check runs every few seconds while the stack runs; it must not wait for imports that only other programs
need.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAMS = {
    "run": ("run.command", "start dns, relay, store and web as processes, until Ctrl-C"),
    "init": ("init", "check settings and world, make the certificates and the data folders"),
    "road": ("road", "print one message's road, or what was refused to somebody"),
    "trace": ("trace.command", "the same"),
    "replay": ("replay.command", "play a recorded dialogue against any server, and show how its answers differ"),
    "wait": ("wait", "wait until the mail that a test expects is there"),
    "messages": ("messages", "list and show messages"),
    "send": ("send", "send a message"),
    "queue": ("queue", "list the messages that wait in the relay, and why; retry, hold, release, delete"),
    "clock": ("clock", "show or push the clock by which mail is tried again and given up"),
    "sendmail": ("sendmail.command", "hand on a message from standard input, as sendmail does"),
    "import": ("mailboxes.importing", "put a Maildir, an mbox or a tree of .eml files into an account's mailboxes"),
    "export": ("mailboxes.exporting", "write an account's mailboxes as a Maildir, as mbox files or as .eml files"),
    "fsck": ("keeping.fsck", "check the mail's database; --repair mends it while the store is stopped"),
    "backup": ("keeping.backup", "write all mail into one file, also while the store runs"),
    "restore": ("keeping.restore", "put a backup in the place of the mail, while the store is stopped"),
    "compact": ("keeping.compact", "make the mail's database as small as its mail, while the store is stopped"),
    "password": ("password", "make the hash of a password for the world file"),
    "cert": ("cert", "make a client certificate for an account, to log in by (EXTERNAL)"),
    "token": ("token", "mint an OAuth token for an account, to log in by (XOAUTH2, OAUTHBEARER)"),
    "health": ("health", "ask services of this host whether they answer in their own protocols"),
}

HELP = f"""\
usage: postroad COMMAND [...]

The whole of Internet mail on one machine: submission and relay, name server, mailboxes.

{"".join(f"  {name:10}{what}" + chr(10) for name, (_, what) in PROGRAMS.items())}
`postroad COMMAND --help` says more. Settings are environment variables; `python -m postroad.config` prints them all.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program that the first word names, or sendmail if we are called so.

    Returns its exit status, 2 if there is no such program.
    """
    if arguments is None:
        arguments = sys.argv[1:] if sys.argv[0].rpartition("/")[2] != "sendmail" else ["sendmail", *sys.argv[1:]]
    word, *rest = [*arguments, ""]
    if word in PROGRAMS:
        module, _ = PROGRAMS[word]
        return int(importlib.import_module(f"postroad_stack.{module}").main(rest[:-1]))
    if word in {"-h", "--help", "help"}:
        print(HELP, end="")
        return 0
    if word in {"-V", "--version"}:
        from importlib.metadata import version  # noqa: PLC0415 - takes 15 ms, which a health check need not spend

        print(f"postroad {version('postroad-stack')}")
        return 0
    print(f"There is no command {word}.\n\n{HELP}" if word else HELP, end="", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
