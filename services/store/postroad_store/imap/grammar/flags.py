"""Flags in commands (RFC 3501 §9 flag-list)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.grammar.reader import LimitExceeded, SyntaxFault
from postroad_store.mail.model.flags import MAX_KEYWORD, SYSTEM_FLAGS, FlagSet

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader

# flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword ; does not include "\Recent"
_SYSTEM_FLAGS = {name.upper(): bit for name, bit in SYSTEM_FLAGS.items()}


def read_flags(reader: Reader, *, bare: bool = False, lenient: bool = False) -> FlagSet:
    """Take `"(" [flag *(SP flag)] ")"`; with `bare` also `flag *(SP flag)` up to the command's end.

    A keyword that is too long raises `LimitExceeded`; if `lenient`, it is left out: no mail is refused for a flag.
    Nor is it for a space behind the parenthesis, which Dovecot's imapc sends where a message has keywords alone.
    """
    parenthesized = reader.skip(b"(") or not bare
    if lenient:
        reader.skip(b" ")
    system = 0
    keywords: dict[str, str] = {}  # by their lower case
    if not (parenthesized and reader.skip(b")")):
        while True:
            flag = reader.flag().decode("ascii")
            if not flag.startswith("\\"):
                if len(flag) <= MAX_KEYWORD:
                    keywords.setdefault(flag.lower(), flag)
                elif not lenient:
                    raise LimitExceeded("Keyword too long")
            elif flag.upper() in _SYSTEM_FLAGS:
                system |= _SYSTEM_FLAGS[flag.upper()]
            else:
                raise SyntaxFault(f"Invalid system flag {flag.upper()}")
            if reader.skip(b")") if parenthesized else reader.at_end():
                break
            reader.space()
    return FlagSet(system, tuple(keywords.values()))
