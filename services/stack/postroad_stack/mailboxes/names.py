r"""Names of mailboxes as names of folders.

In a Maildir++ every mailbox is a folder in the first one, named `.Level.Level` in modified UTF-7 (RFC 3501 §5.1.3); a
dot in a name is written `\2e`, as Dovecot's listescape has it. In a tree each level is a folder.
"""

from __future__ import annotations

import re
from pathlib import Path

from postroad.mail import utf7

_SHIFTED = re.compile(r"&([^-]*)-")
_LEADS_ELSEWHERE = {"": "%", ".": "%2E", "..": "%2E%2E"}


def maildir_folder(mailbox: str) -> str:
    """Return the folder of a mailbox in a Maildir++; INBOX is the Maildir itself."""
    if mailbox == "INBOX":
        return "."
    levels = [utf7.encode(level).replace("\\", "\\5c").replace(".", "\\2e") for level in mailbox.split("/")]
    return "".join(f".{level}" for level in levels)


def mailbox_of_folder(folder: str) -> str:
    """Return the mailbox of a folder whose name begins with a dot."""
    levels = folder.removeprefix(".").split(".")
    return "/".join(decode(level.replace("\\2e", ".").replace("\\5c", "\\")) for level in levels)


def tree_path(mailbox: str) -> Path:
    """Return the relative path of a mailbox in a tree: no level leads out of it."""
    return Path(*(_LEADS_ELSEWHERE.get(level, level.replace("\0", "%00")) for level in mailbox.split("/")))


def decode(name: str) -> str:
    """Return a name in Unicode; what is not modified UTF-7 stays as it is."""
    try:
        return _SHIFTED.sub(_unshift, name)
    except UnicodeDecodeError:
        return name


def _unshift(match: re.Match[str]) -> str:
    return f"+{match[1].replace(',', '/')}-".encode("ascii", "replace").decode("utf-7") if match[1] else "&"
