"""The program `postroad cert`: makes a client certificate of the stack's CA for an account.

Whoever has the file is the account: TLS asks clients for such a certificate, and SASL's EXTERNAL takes its address.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from postroad.config import ConfigError
from postroad.tls import TlsError
from postroad.world.source import WorldError
from postroad_stack.account import account_of
from postroad_stack.certificates import client_certificate

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file, and print its name; 1 where there is no such account or no CA."""
    parser = argparse.ArgumentParser(
        prog="postroad cert",
        description="Make a client certificate for an account of the world: key, certificate and CA in one PEM file.",
    )
    parser.add_argument("account", help="the login name, such as alice@alpha.test")
    parser.add_argument(
        "-o", "--output", help="the file to write, - for standard output; by default ACCOUNT.pem in this folder"
    )
    given = parser.parse_args(arguments)
    try:
        settings, account = account_of(given.account)
        pem = client_certificate(settings.ca_dir, account.login, datetime.now(UTC))
        if given.output == "-":
            sys.stdout.write(pem.decode("ascii"))
            return 0
        path = Path(given.output or f"{account.login}.pem")
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_bytes(pem)
    except (ConfigError, WorldError, TlsError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{path}\n")
    return 0
