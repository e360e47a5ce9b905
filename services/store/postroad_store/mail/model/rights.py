"""Access control lists (RFC 4314): who may do what with a mailbox.

A list has rights by identifier. It is one text: a line for each identifier, with its rights, a space, and the
identifier. A mailbox that nobody has shared has none, and its owner every right.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from postroad_store.mail.model.flags import DELETED, SEEN, FlagSet

if TYPE_CHECKING:
    from collections.abc import Mapping

ORDER = "lrswipkxtea"  # RFC 4314 §2.1, in the order in which they are listed
ALL = frozenset(ORDER)
NONE: frozenset[str] = frozenset()
ANYONE = "anyone"
OWNER = "owner"  # whoever's mailbox it is
CHANGING = frozenset("ieswt")  # RFC 4314 §5.2: without any of these a mailbox is READ-ONLY; all flags are shared
REQUIRED = frozenset("la")  # RFC 4314 §3.7: the owner always has these, so that nobody locks themselves out
# RFC 4314 §2.1.1: the virtual rights of RFC 2086, and what each stands for
VIRTUAL = {"c": frozenset("kx"), "d": frozenset("te")}
NEWER = frozenset().union(*VIRTUAL.values())  # RFC 4314 §2.2: the rights that RIGHTS= has to name
MAX_IDENTIFIERS = 100  # of one mailbox
MAX_IDENTIFIER = 255  # octets


def parse_rights(text: str) -> frozenset[str] | None:
    """Return the rights that letters stand for; None if one is no right: the command is BAD (RFC 4314 §3.1)."""
    rights: set[str] = set()
    for letter in text:
        if letter in ALL:
            rights.add(letter)
        elif letter in VIRTUAL:
            rights |= VIRTUAL[letter]
        else:
            return None
    return frozenset(rights)


def told(rights: frozenset[str], *, newer: bool = True) -> str:
    """Return rights as MYRIGHTS and ACL tell them, with the virtual ones (RFC 4314 §2.1.1).

    Without `newer` as a server of RFC 2086 does, which has the virtual ones alone.
    """
    virtual = [letter for letter, members in VIRTUAL.items() if members & rights]
    return "".join([*(letter for letter in ORDER if letter in rights and (newer or letter not in NEWER)), *virtual])


@lru_cache(maxsize=1000)
def entries_of(acl: str) -> Mapping[str, frozenset[str]]:
    """Return the rights of each identifier."""
    lines = [line.partition(" ") for line in acl.split("\n")]
    return {identifier: frozenset(rights) for rights, _, identifier in lines}


def text_of(entries: Mapping[str, frozenset[str]]) -> str | None:
    """Return a list as its text, None if there is nothing in it."""
    return "\n".join(f"{''.join(sorted(rights))} {identifier}" for identifier, rights in entries.items()) or None


def rights_of(acl: str | None, login: str, *, owns: bool) -> frozenset[str]:
    """Return the rights of a user: those of all identifiers that mean them, less the negative ones (RFC 4314 §2)."""
    if acl is None:  # nearly every mailbox is its owner's alone
        return ALL if owns else NONE
    return _rights_in(acl, login, owns=owns)


@lru_cache(maxsize=1000)
def _rights_in(acl: str, login: str, *, owns: bool) -> frozenset[str]:
    entries = entries_of(acl)
    rights: frozenset[str] = entries.get(login, ALL if owns else NONE) | entries.get(ANYONE, NONE)
    rights -= entries.get(f"-{login}", NONE) | entries.get(f"-{ANYONE}", NONE)
    return rights | REQUIRED if owns else rights


def flags_mask(rights: frozenset[str]) -> int:
    r"""Return a mask of the flags that a user may set: \Seen needs s, \Deleted t, all others w (RFC 4314 §4)."""
    mask = -1 if "w" in rights else SEEN | DELETED
    if "s" not in rights:
        mask &= ~SEEN
    if "t" not in rights:
        mask &= ~DELETED
    return mask


def permitted(flags: FlagSet, rights: frozenset[str]) -> FlagSet:
    """Return the flags of these that a user may set."""
    if rights is ALL:
        return flags
    return FlagSet(flags.system & flags_mask(rights), flags.keywords if "w" in rights else ())
