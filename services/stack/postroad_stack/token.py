"""The program `postroad token`: mints an OAuth access token for an account, as `POST /v1/tokens` does."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from typing import TYPE_CHECKING

from postroad.config import ConfigError
from postroad.control.token import KEY_FILE, TokenError, read_token
from postroad.sasl.token import SCOPES, Grant, mint, scopes_of
from postroad.world.source import WorldError
from postroad_stack.account import account_of

if TYPE_CHECKING:
    from collections.abc import Sequence

LIFE = 3600  # seconds, as Google's and Microsoft's


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the token; 1 where there is no such account or no key."""
    parser = argparse.ArgumentParser(
        prog="postroad token",
        description="Mint an OAuth access token for an account of the world, for XOAUTH2 and OAUTHBEARER.",
    )
    parser.add_argument("account", help="the login name, such as alice@alpha.test")
    parser.add_argument("--scope", default="mail", help=f"what it is for: {', '.join(SCOPES)}, several with spaces")
    parser.add_argument("--life", type=int, default=LIFE, help="for how many seconds it is good; 0: it has expired")
    given = parser.parse_args(arguments)
    try:
        settings, account = account_of(given.account)
        now = time.time()
        grant = Grant(account.login, scopes_of(given.scope.split()), now + given.life)
        key = read_token(settings.control_dir, KEY_FILE).encode()
    except (ConfigError, WorldError, TokenError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{mint(key, grant, now=now, unique=secrets.token_urlsafe(9))}\n")
    return 0
