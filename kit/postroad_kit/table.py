"""Tables of plain text, as failures print them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDEST = 60  # characters of a cell


def table(head: Sequence[str], rows: Sequence[Sequence[str]], indent: str = "  ") -> Iterator[str]:
    """Yield the lines of a table; what strangers wrote is made harmless for terminals, and cut."""
    cells = [list(head), *([_cell(text) for text in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        yield indent + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _cell(text: str) -> str:
    text = harmless(text)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def harmless(text: str) -> str:
    """Return a text without what a terminal would obey, or would show in another order."""
    return "".join(
        char if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} else f"\\x{ord(char):02x}"
        for char in text
    )
