"""A script as a tree (RFC 5228 §8.2), before it is known what its words mean."""

from __future__ import annotations

from typing import TypeAlias

from postroad.value import value


@value
class Tag:
    """`:contains`, in lower case."""

    name: str
    at: int


@value
class Number:
    """`100K`, as a number."""

    value: int
    at: int


@value
class Strings:
    """A string, or a list of them in brackets."""

    values: tuple[str, ...]
    is_list: bool
    at: int


Argument: TypeAlias = Tag | Number | Strings


@value
class Call:
    """A command or a test: both are an identifier with arguments, and perhaps tests.

    `is_list`: the tests came in parentheses. `block` is None for a test, and for a command that ends in a semicolon.
    """

    name: str
    arguments: tuple[Argument, ...]
    tests: tuple[Call, ...]
    is_list: bool
    block: tuple[Call, ...] | None
    at: int
