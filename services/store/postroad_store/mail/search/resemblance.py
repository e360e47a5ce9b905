"""Texts that resemble what is searched for (RFC 6203 §3).

A text resembles a needle if it has the needle itself, or at least half of the needle's words, in any order. A word of
the text may differ by a typing mistake from one of four characters or more, by two from one of eight or more: a
character too many, one too few, another one, or two that have changed places.

What it costs is bounded. A word with `n` mistakes, cut into `n + 1` pieces, has one of the pieces unharmed. So a text
is looked at only around the pieces, and around so many of them at most. Two characters that have changed places may
stand in two pieces: so the word with the characters at a cut exchanged is looked for as well.
"""

from __future__ import annotations

import re
from dataclasses import field
from itertools import pairwise
from typing import TYPE_CHECKING

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_WORDS = 8  # of a needle; more of them are not looked for
MAX_WORD = 32  # characters of a word, up to which mistakes are forgiven
MAX_TOKEN = 4 * MAX_WORD + 8  # octets around a piece that are looked at
MAX_PLACES = 32  # of a piece in one text that are looked at
MAX_KNOWN = 4096  # words of texts of which is remembered how near they are
ONE_MISTAKE, TWO_MISTAKES = 4, 8  # characters of a word that may have so many mistakes
IN_ANY_ORDER = 0.95  # how near a text is that has all words, but not as they were given

# Of digits, letters, and all beyond ASCII: accents are characters of their own. Said the other way round, since Python
# takes a millisecond over a set of a million characters.
_WORDS = re.compile(r"[^\x00-/:-@\[-`{-\x7f]+")
_LETTERS = rb"[0-9A-Za-z\x80-\xff]"
_BEFORE = re.compile(_LETTERS + rb"*\Z")
_AFTER = re.compile(_LETTERS + rb"*")


@value
class Word:
    """A word of a needle, and what is looked for in its stead: itself, or `pieces`, of which one must be there."""

    text: str
    octets: bytes
    mistakes: int
    pieces: tuple[bytes, ...]
    _known: dict[bytes, float] = field(default_factory=dict, repr=False, compare=False)

    def nearness(self, text: bytes) -> float:
        """Return how near a folded text comes to the word: 1 if it has it, 0 if it has nothing like it."""
        if self.octets in text:
            return 1.0
        if not self.mistakes:
            return 0.0
        best = 0.0
        for piece in self.pieces:
            at = text.find(piece)
            for _ in range(MAX_PLACES):
                if at < 0:
                    break
                end = _AFTER.match(text, at, at + MAX_TOKEN).end()  # type: ignore[union-attr]  # it may be empty
                before = _BEFORE.search(text, max(at - MAX_TOKEN, 0), at)
                start = at if before is None else before.start()
                best = max(best, self._of_token(text[start:end]))
                at = text.find(piece, max(end, at + 1))
        return best

    def _of_token(self, token: bytes) -> float:
        known = self._known.get(token)
        if known is None:
            errors = mistakes(self.text, token.decode("utf-8", "replace"), self.mistakes)
            known = 1 - errors / (self.mistakes + 1)
            if len(self._known) < MAX_KNOWN:
                self._known[token] = known
        return known


def mistakes(word: str, other: str, most: int) -> int:
    """Return how many mistakes lead from one word to the other; `most` + 1 if there are more."""
    if abs(len(word) - len(other)) > most:
        return most + 1
    above: list[int] = []
    row = list(range(len(other) + 1))
    for place, character in enumerate(word, 1):
        before, above, row = above, row, [place]
        for at, theirs in enumerate(other, 1):
            least = min(above[at] + 1, row[at - 1] + 1, above[at - 1] + (character != theirs))
            if place > 1 and at > 1 and character == other[at - 2] and word[place - 2] == theirs:
                least = min(least, before[at - 2] + 1)
            row.append(least)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def word_of(text: str) -> Word:
    """Make ready to look for a word, which is folded."""
    allowed = 0
    if ONE_MISTAKE <= len(text) <= MAX_WORD:
        allowed = 2 if len(text) >= TWO_MISTAKES else 1
    cuts = [len(text) * number // (allowed + 1) for number in range(allowed + 2)]
    pieces = [text[start:end] for start, end in pairwise(cuts)]
    pieces += [f"{text[: cut - 1]}{text[cut]}{text[cut - 1]}{text[cut + 1 :]}" for cut in cuts[1:-1]]
    return Word(text, text.encode("utf-8"), allowed, tuple(piece.encode("utf-8") for piece in pieces))


class Resemblance:
    """A needle, made ready to be compared with many texts."""

    __slots__ = ("_least", "needle", "words")

    def __init__(self, needle: bytes) -> None:
        """Take the folded needle."""
        self.needle = needle
        words = dict.fromkeys(_WORDS.findall(needle.decode("utf-8", "replace")))
        self.words = tuple(map(word_of, list(words)[:MAX_WORDS]))
        self._least = (len(self.words) + 1) // 2  # words that a text must have

    @property
    def asked(self) -> tuple[bytes, ...]:
        """Return texts of which every text that resembles the needle has one."""
        return tuple(dict.fromkeys(piece for word in self.words for piece in word.pieces)) or (self.needle,)

    def of(self, *texts: bytes) -> float:
        """Return how near folded texts, taken together, come to the needle: up to 1, and 0 for not at all."""
        if any(self.needle in text for text in texts):
            return 1.0
        return IN_ANY_ORDER * self.share([max(word.nearness(text) for text in texts) for word in self.words])

    def share(self, shares: Sequence[float]) -> float:
        """Return how many of the words have been found, up to 1; 0 if they are not half of them."""
        if not shares or sum(map(bool, shares)) < self._least:
            return 0.0
        return sum(shares) / len(shares)
