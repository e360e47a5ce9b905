"""The command that makes a secret for the world file: `make password`."""

from __future__ import annotations

import getpass
import sys

from postroad.world.secret import SecretError, check_secret, hash_password


def main() -> int:
    """Ask for a password, or read it from a pipe, and print its hash; 1 if it can't be one."""
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            sys.stderr.write("The two differ.\n")
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


if __name__ == "__main__":
    sys.exit(main())
