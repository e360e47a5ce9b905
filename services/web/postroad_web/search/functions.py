"""What a condition asks that SQLite can't answer: functions of Python's that a connection gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from postroad_web.catalog.searchable import searchable
from postroad_web.search.pattern import literal_of, searcher

if TYPE_CHECKING:
    import sqlite3

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def install(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that the conditions of `sql` call."""
    for name, function, arguments in (
        ("searchable", searchable, 1),
        ("has_address", _has_address, 2),
        ("has_header", has_header, 3),
        ("finds", finds, 2),
        ("finds_text", finds_text, 2),
        ("finds_address", _finds_address, 2),
        ("finds_header", finds_header, 3),
    ):
        connection.create_function(name, arguments, function, deterministic=True)


def has(value: str, text: str) -> bool:
    """Return whether a field's value has the text in it.

    Letters match in either case; of a text in ASCII, ASCII letters alone, as SQLite's LIKE has it.
    """
    if text.isascii():
        return ascii_lower(text) in ascii_lower(value)
    return searchable(text) in searchable(value)


def ascii_lower(text: str) -> str:
    """Return the text with its ASCII letters in lower case."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def finds(value: str, source: str) -> bool:
    """Return whether the regular expression finds something in the value."""
    return searcher(source)(value)


def finds_text(text: str, source: str) -> bool:
    """Return whether the regular expression finds something in a searchable text."""
    return literal_of(source) in text and searcher(source)(text)


def header_values(header: str, name: str) -> list[str]:
    """Return the values of the fields of this name, in lower case; `header` is as the catalog keeps it."""
    start = f"{name}: "
    return [line[len(start) :] for line in header.split("\n") if line.startswith(start)]


def has_header(header: str, name: str, text: str) -> bool:
    """Return whether a header field of this name has the text in it."""
    return any(has(value, text) for value in header_values(header, name))


def finds_header(header: str, name: str, source: str) -> bool:
    """Return whether the regular expression finds something in a header field of this name."""
    search = searcher(source)
    return any(search(value) for value in header_values(header, name))


def _has_address(column: str, text: str) -> bool:
    return any(has(value, text) for pair in orjson.loads(column) for value in pair)


def _finds_address(column: str, source: str) -> bool:
    search = searcher(source)
    return any(search(value) for pair in orjson.loads(column) for value in pair)
