"""Tags: words by which people sort messages. Pure.

A tag has up to 100 characters out of letters, digits, space and `-_.@`; capitals make no difference. A message brings
tags of its own in the field X-Tags, separated by commas, and in subaddresses (RFC 5233 §1): user+a+b@example.com has a
and b.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST: Final = 100  # tags of one message
LONGEST: Final = 100  # characters

_OTHER = re.compile(r"[^A-Za-z0-9 \-_.@]+")
_SPACES = re.compile(r" {2,}")


def cleaned(tag: str) -> str:
    """Return a tag as it may be written, cut where it is too long; nothing if nothing is left of it."""
    return _SPACES.sub(" ", _OTHER.sub(" ", tag)).strip()[:LONGEST].rstrip()


def distinct(tags: Iterable[str]) -> list[str]:
    """Return tags as the catalog keeps them, in order; of names that differ in case the first stays."""
    by_key: dict[str, str] = {}
    for tag in map(cleaned, tags):
        by_key.setdefault(tag.lower(), tag)
    by_key.pop("", None)
    return sorted(by_key.values(), key=str.lower)


def tags_of(fields: Iterable[str], addresses: Iterable[str]) -> tuple[str, ...]:
    """Return the tags of a message by its X-Tags fields, decoded, and by the addresses in it, in order."""
    tags = [tag for value in fields for tag in value.split(",")]
    tags += [tag for address in addresses if "+" in address for tag in address.rpartition("@")[0].split("+")[1:]]
    return tuple(distinct(tags)[:MOST])
