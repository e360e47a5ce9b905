"""The secrets of a stack that init makes, each in a file that only its user can read.

- `FILE`: the token that opens the control doors, one for all doors
- `KEY_FILE`: the key that signs OAuth tokens (`postroad.sasl.token`) and makes the salts of SCRAM
"""

from __future__ import annotations

import logging
import os
import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)

FILE = "token"
KEY_FILE = "sasl-key"
_WHAT = {FILE: "token for the control doors", KEY_FILE: "key for OAuth tokens"}
_TOKEN = re.compile("[A-Za-z0-9_-]{43}")  # 256 bits in base64url (RFC 4648 §5)


class TokenError(Exception):
    """There is no token; the message is a sentence with the remedy."""


def read_token(directory: Path, file: str = FILE) -> str:
    """Return the token in this folder, or the key; raises `TokenError`."""
    path = directory / file
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise TokenError(f"there is no {_WHAT[file]} in {path}: run postroad init") from None
    except OSError as error:
        raise TokenError(f"the {_WHAT[file]} can't be read: {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        text = ""
    if not _TOKEN.fullmatch(text):
        raise TokenError(f"{path} holds no token: remove it and run postroad init")
    return text


def find_token(directory: Path) -> str | None:
    """Return the token in this folder. If there is none, a line of the log says so: the service has no door then."""
    try:
        return read_token(directory)
    except TokenError as error:
        _log.info("no control door: %s", error)
        return None


def find_key(directory: Path) -> bytes:
    """Return the key in this folder. If there is none, one that lasts as long as the process: no token is good then."""
    try:
        return read_token(directory, KEY_FILE).encode()
    except TokenError as error:
        _log.info("no key for tokens: %s", error)
        return secrets.token_bytes(32)


def ensure_token(directory: Path, file: str = FILE) -> bool:
    """Make a token in this folder, or a key, unless it has one; True if it was made. Raises `OSError`.

    A file that holds no token, such as one that a full disk cut off, is replaced.
    """
    path = directory / file
    try:
        read_token(directory, file)
    except TokenError:
        pass
    else:
        path.chmod(0o600)
        return False
    # A service that starts meanwhile reads the whole token or none.
    unfinished = directory / f"{file}.{os.getpid()}"
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, f"{secrets.token_urlsafe(32)}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    unfinished.replace(path)
    return True
