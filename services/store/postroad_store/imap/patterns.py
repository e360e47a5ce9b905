"""The patterns of LIST and LSUB, and which names match them (RFC 3501 §6.3.8, §6.3.9; RFC 5258 §3).

Pure. Names and patterns are octets as the client spells them: modified UTF-7, or UTF-8.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from postroad_store.mail.model.errors import LimitReached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Matcher: TypeAlias = "Callable[[bytes], bool]"

DELIMITER = b"/"
MAX_PATTERN = 1000  # octets, reference and pattern together
MAX_PATTERNS = 100  # of one LIST
_INBOX = b"INBOX"
_BELOW_INBOX = _INBOX + DELIMITER
_BEFORE_WILDCARDS = re.compile(rb"[^*%/]+(?=[*%])")


class Pattern:
    """A mailbox pattern: `*` is any octets, `%` any but the hierarchy delimiter.

    With wildcards of one kind it is a list of texts that follow each other, which are looked for from left to right.
    With both it is a state machine: its states are places in the pattern, and the set of states that it can be in is
    the bits of one integer. So no pattern takes longer than its length times the length of the name.
    """

    __slots__ = ("_matches", "ends_in_percent")

    def __init__(self, pattern: bytes) -> None:
        self.ends_in_percent = pattern.endswith(b"%")
        self._matches = _matcher(pattern)

    def matches(self, name: bytes) -> bool:
        """Return True if the whole name matches."""
        return self._matches(name)


def _matcher(pattern: bytes) -> Matcher:
    if b"%" not in pattern:
        return _following(pattern.split(b"*"))
    if b"*" in pattern:
        return _machine(pattern)
    levels = [_following(level.split(b"%")) for level in pattern.split(DELIMITER)]
    count = len(levels) - 1

    def matches(name: bytes) -> bool:
        return name.count(DELIMITER) == count and all(
            level(part) for level, part in zip(levels, name.split(DELIMITER), strict=True)
        )

    return matches


def _following(texts: list[bytes]) -> Matcher:
    """Return what matches these texts, one after the other, with anything between them."""
    first, *between = texts
    if not between:
        return first.__eq__
    last = between.pop()
    least = len(first) + len(last)

    def matches(name: bytes) -> bool:
        if len(name) < least or not name.startswith(first) or not name.endswith(last):
            return False
        at, end = len(first), len(name) - len(last)
        for text in between:
            at = name.find(text, at, end)
            if at < 0:
                return False
            at += len(text)
        return True

    return matches


def _machine(pattern: bytes) -> Matcher:
    """Return the state machine of a pattern."""
    literals: dict[int, int] = {}
    stars = percents = 0
    place = 0
    last = b""
    for octet in (pattern[at : at + 1] for at in range(len(pattern))):
        if octet in {b"*", b"%"} and last in {b"*", b"%"}:
            if octet == b"*" and last == b"%":  # the wider of two neighbours
                stars |= 1 << (place - 1)
                last = octet
            continue
        if octet == b"*":
            stars |= 1 << place
        elif octet == b"%":
            percents |= 1 << place
        else:
            literals[octet[0]] = literals.get(octet[0], 0) | 1 << place
        last = octet
        place += 1
    accepting, wild = 1 << place, stars | percents

    def matches(name: bytes) -> bool:
        states = 1
        for octet in name:
            states |= (states & wild) << 1  # a wildcard may match no octet
            stay = states & (stars if octet == DELIMITER[0] else wild)
            states = stay | (states & literals.get(octet, 0)) << 1
            if not states:
                return False
        states |= (states & wild) << 1
        return bool(states & accepting)

    return matches


class Patterns:
    """The patterns of one command; a name matches if it matches one of them (RFC 5258 §3).

    Raises `LimitReached` if they are too long or too many: matching time grows with both.
    """

    __slots__ = ("_inbox", "_inferiors", "_matchers", "_percents", "everything")

    def __init__(self, reference: bytes, mailboxes: Sequence[bytes]) -> None:
        if len(mailboxes) > MAX_PATTERNS:
            raise LimitReached("there are too many mailbox patterns")
        if any(len(reference) + len(mailbox) > MAX_PATTERN for mailbox in mailboxes):
            raise LimitReached("mailbox pattern is too long")
        patterns = [pattern_of(reference, mailbox) for mailbox in mailboxes]
        self.everything = any(reference + mailbox == b"*" for mailbox in mailboxes)  # every name matches
        self._matchers = [pattern.matches for pattern in patterns]
        self._percents = [pattern.matches for pattern in patterns if pattern.ends_in_percent]
        # RFC 3501 §6.3.8: INBOX is listed if "INBOX" matches; it is case-insensitive (RFC 3501 §5.1).
        self._inbox = any(Pattern((reference + mailbox).upper()).matches(_INBOX) for mailbox in mailboxes)
        # So it is at the beginning of longer names: `inbox*` has INBOX/sub, which CREATE inbox/sub makes.
        texts = [capitals(reference + mailbox) for mailbox in mailboxes]
        self._inferiors = [Pattern(text).matches for text in texts if text is not None]

    def match(self, name: bytes) -> bool:
        """Return True if the whole name matches one of the patterns."""
        for matches in self._matchers:
            if matches(name):
                return True
        if name.startswith(_BELOW_INBOX):
            return any(matches(name) for matches in self._inferiors)
        return self._inbox and name == _INBOX

    def match_level(self, level: bytes) -> bool:
        """Return True if a level of the hierarchy matches a pattern whose last character is `%`."""
        return any(matches(level) for matches in self._percents)

    def levels(self, name: bytes) -> Iterator[bytes]:
        """Yield the levels above a name that match a pattern whose last character is `%` (RFC 3501 §6.3.8)."""
        level, slash, _ = name.rpartition(DELIMITER)
        while slash and self._percents:
            if self.match_level(level):
                yield level
            level, slash, _ = level.rpartition(DELIMITER)


def levels_above(name: str) -> Iterator[str]:
    """Yield the names above a name in the hierarchy, the nearest first."""
    level, slash, _ = name.rpartition("/")
    while slash:
        yield level
        level, slash, _ = level.rpartition("/")


def pattern_of(reference: bytes, mailbox: bytes) -> Pattern:
    """Return the canonical pattern: the reference and then the name (RFC 3501 §6.3.8); INBOX in capitals."""
    text = reference + mailbox
    first, slash, rest = text.partition(DELIMITER)
    # RFC 3501 §5.1: INBOX is case-insensitive. A pattern with a wildcard may mean other names too: see `Patterns`.
    return Pattern(_INBOX + slash + rest if first.upper() == _INBOX else text)


def capitals(text: bytes) -> bytes | None:
    """Return a pattern with its beginning in capitals, if that means the beginning of INBOX; otherwise None."""
    match = _BEFORE_WILDCARDS.match(text)
    if match is None or not _INBOX.startswith(match[0].upper()):
        return None
    return match[0].upper() + text[match.end() :]


def root_of(reference: bytes) -> bytes:
    """Return the root of a reference, for `LIST reference ""`."""
    first, slash, _ = reference.partition(DELIMITER)
    return first + slash if slash else b""


class Matching:
    r"""The names that match the pattern of an LSUB: False marks one that is only a level above a match.

    RFC 3501 §6.3.9: with LSUB these levels replace the names below, and are \Noselect.
    """

    def __init__(self, reference: bytes, mailbox: bytes) -> None:
        self._patterns = Patterns(reference, (mailbox,))
        self._matched: dict[bytes, bool] = {}

    def add(self, names: Iterable[bytes]) -> None:
        """Look at some names."""
        for name in names:
            if self._patterns.match(name):
                self._matched[name] = True
                continue  # nothing has to stand for it
            for level in self._patterns.levels(name):
                self._matched.setdefault(level, False)

    def found(self) -> list[tuple[bytes, bool]]:
        """Return what matches, sorted, INBOX first."""
        return sorted(self._matched.items(), key=lambda item: (item[0] != _INBOX, item[0]))
