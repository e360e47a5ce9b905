"""What of a message is indexed, and what of a search is asked of the index: its runs of three characters.

Whatever a search can match must be in the indexed text. So that is more than the message: header fields unfolded, and
the addresses as FROM, TO, CC and BCC see them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.mime.fields import unfold
from postroad_store.mail.search.addresstext import PLACES, addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


def trigrams_of(needle: bytes) -> Sequence[str] | None:
    """Return the trigrams of a folded text, or some of a long one. None if the index cannot help."""
    text = needle.decode("utf-8", "replace")
    if len(text) < SHORTEST or "\n" in text or "\r" in text:  # a line's end may be a fold, which is not indexed
        return None
    trigrams = list(dict.fromkeys(text[at : at + 3] for at in range(len(text) - 2)))
    return trigrams[:: -(-len(trigrams) // MAX_TRIGRAMS)]  # from everywhere


def query(texts: Iterable[Sequence[str]]) -> str:
    """Return what FTS5 is asked for all trigrams of any of some texts."""
    return " OR ".join(f"({' AND '.join(map(quoted, trigrams))})" for trigrams in texts)


def quoted(trigram: str) -> str:
    """Return a trigram as FTS5's string."""
    return '"{}"'.format(trigram.replace('"', '""'))
