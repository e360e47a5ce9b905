"""The program `postroad password`: prints the hash of a password for the world file."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from postroad.world.secret import SecretError, check_secret, hash_password

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask for a password twice at a terminal, or read one line from a pipe; print its hash, return 1 if it is unfit."""
    argparse.ArgumentParser(
        prog="postroad password",
        description="Print the hash of a password, for an account in the world file. Asks for the password, or reads a "
        "line from a pipe.",
    ).parse_args(arguments)
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            sys.stderr.write("The two passwords differ: nothing was printed. Try again.\n")
            return 1
    else:
        password = sys.stdin.readline().rstrip("\n")
    try:
        check_secret(password)
    except SecretError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{hash_password(password)}\n")
    return 0
