"""The program `postroad password`: prints the hash of a password for the world file."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from postroad.sasl.saslprep import PrepareError
from postroad.world.secret import SecretError, check_secret, hash_password, scram_hash

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask for a password twice at a terminal, or read one line from a pipe; print its hash, return 1 if it is unfit."""
    parser = argparse.ArgumentParser(
        prog="postroad password",
        description="Print the hash of a password, for an account in the world file. Asks for the password, or reads a "
        "line from a pipe.",
    )
    parser.add_argument(
        "--scram",
        action="store_true",
        help="print the keys of SCRAM-SHA-256 instead of a scrypt hash: clients can log in by SCRAM too",
    )
    scram = parser.parse_args(arguments).scram
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            sys.stderr.write("The two passwords differ: nothing was printed. Try again.\n")
            return 1
    else:
        password = sys.stdin.readline().rstrip("\n")
    try:
        check_secret(password)
        hashed = scram_hash(password) if scram else hash_password(password)
    except (SecretError, PrepareError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{hashed}\n")
    return 0
