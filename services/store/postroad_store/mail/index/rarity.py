"""Which trigrams of a text are worth asking for: those that few messages have.

FTS5 passes over the whole list of one that most messages have, and it keeps hardly any of them out. How often one
occurs is estimated by the distance of its entries at one place of its list, which takes 0.1 ms. A wrong guess costs
time and no result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.index.trigrams import quoted

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

LOOKED_AT = 32  # entries
LEAST = 3  # trigrams of a text that are asked for in any case
# To pass over a list that is so many times as long as the shortest, 4 ns an entry, costs a hundredth of reading the
# messages that the shortest leaves, 40 µs each.
TIMES = 100
OFTEN = 0.5  # of the messages; a list of more keeps few of them out

_LIST = "SELECT rowid FROM trigrams WHERE trigrams MATCH ? AND rowid > ? LIMIT ?"


def worth_asking(reader: sqlite3.Connection, trigrams: Sequence[str], upto: int) -> Sequence[str]:
    """Return those of a text's trigrams that narrow it down; `upto` is the highest row. Raises `sqlite3.Error`."""
    if len(trigrams) <= LEAST:
        return trigrams
    shares = {trigram: _share(reader, trigram, upto) for trigram in trigrams}
    ordered = sorted(trigrams, key=shares.__getitem__)
    most = min(shares[ordered[0]] * TIMES, OFTEN)
    return ordered[:LEAST] + [trigram for trigram in ordered[LEAST:] if shares[trigram] <= most]


def _share(reader: sqlite3.Connection, trigram: str, upto: int) -> float:
    """Return which share of the rows above the middle have a trigram, about, and never none."""
    middle = upto // 2
    rows = reader.execute(_LIST, (quoted(trigram), middle, LOOKED_AT)).fetchall()
    reached = rows[-1][0] if len(rows) == LOOKED_AT else upto
    return (len(rows) or 1) / (reached - middle or 1)
