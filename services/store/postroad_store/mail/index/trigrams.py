"""What of a message is indexed, and what of a search is asked of the index: its runs of three characters.

Whatever a search can match must be in the indexed text. So that is more than the message: header fields unfolded, and
the addresses as FROM, TO, CC and BCC see them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.mime.fields import unfold
from postroad_store.mail.search.addresstext import PLACES, addresses

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORTEST = 3  # characters of a text that can be asked for
MAX_TRIGRAMS = 30  # of a text that are asked for: more of them narrow nothing down


def indexed_text(*, plain: bool, header: bytes, body: bytes, envelope: bytes) -> str:
    """Return the text of a message that is indexed.

    Header and body are as `database.reader.Reader.texts` gives them: of a plain message its own, of another its text.
    """
    head = unfold(header)
    pieces = [head, body]
    if b"\0" in head:  # HEADER searches values without their NULs
        pieces.append(head.replace(b"\0", b""))
    pieces += [text for name in PLACES if (text := addresses(envelope, name)) is not None]
    text = b"\n".join(pieces)
    if plain:
        text = text.lower()
    # FTS5 stops at a NUL; no search has one.
    return text.replace(b"\0", b" ").decode("utf-8", "replace")


def query(needles: Sequence[bytes]) -> str | None:
    """Return what FTS5 is asked for any of some folded texts. None if the index cannot help."""
    asked = [_all_of(needle) for needle in needles]
    return None if None in asked else " OR ".join(f"({each})" for each in asked)


def _all_of(needle: bytes) -> str | None:
    """Return what is asked for one text: all its trigrams."""
    text = needle.decode("utf-8", "replace")
    if len(text) < SHORTEST or "\n" in text or "\r" in text:  # a line's end may be a fold, which is not indexed
        return None
    trigrams = list(dict.fromkeys(text[at : at + 3] for at in range(len(text) - 2)))
    return " AND ".join('"{}"'.format(each.replace('"', '""')) for each in _spread(trigrams))


def _spread(trigrams: Sequence[str]) -> Sequence[str]:
    """Return at most `MAX_TRIGRAMS` of them, from everywhere."""
    return trigrams[:: -(-len(trigrams) // MAX_TRIGRAMS)]
