"""`remembered`: an `lru_cache` that a stranger cannot fill with long values.

A cache of 2,048 parsed header fields takes a megabyte for ordinary mail, and could take a gigabyte if somebody sent
long fields on purpose. Keys longer than `longest` are computed anew each time.
"""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Key = TypeVar("Key", bound="bytes | str | tuple[object, ...]")
Result = TypeVar("Result")


def remembered(maxsize: int, longest: int) -> Callable[[Callable[[Key], Result]], Callable[[Key], Result]]:
    """Cache a function of one argument for the last `maxsize` arguments of at most `longest` octets or items."""

    def decorate(function: Callable[[Key], Result]) -> Callable[[Key], Result]:
        cached = lru_cache(maxsize)(function)

        @wraps(function)
        def call(key: Key) -> Result:
            return cached(key) if len(key) <= longest else function(key)

        return call

    return decorate
