"""Domain names and those above them, as strings without the final dot (RFC 1034 §3.1: the tree of names)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterator


def above(name: str) -> Iterator[str]:
    """Yield the names above a name, the nearest first."""
    while name := name.partition(".")[2]:
        yield name


def upwards(name: str) -> Iterator[str]:
    """Yield a name and the names above it."""
    if name:
        yield name
        yield from above(name)


def is_within(name: str, domains: Container[str]) -> bool:
    """Whether a name is one of the domains, or below one."""
    return any(each in domains for each in upwards(name))
