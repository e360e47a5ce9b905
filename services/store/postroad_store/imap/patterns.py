"""The patterns of LIST and LSUB, and which names match them (RFC 3501 §6.3.8, §6.3.9).

Pure. Names are in modified UTF-7, as patterns are on the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.model.errors import LimitReached

if TYPE_CHECKING:
    from collections.abc import Iterable

DELIMITER = b"/"
MAX_PATTERN = 1000  # octets, reference and pattern together
_INBOX = b"INBOX"


class Pattern:
    """A mailbox pattern: `*` is any octets, `%` any but the hierarchy delimiter.

    A state machine: its states are places in the pattern, and the set of states that it can be in is the bits of one
    integer. So no pattern takes longer than its length times the length of the name.
    """

    __slots__ = ("_accepting", "_literals", "_percents", "_stars", "ends_in_percent")

    def __init__(self, pattern: bytes) -> None:
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
        self._literals = literals
        self._stars = stars
        self._percents = percents
        self._accepting = 1 << place
        self.ends_in_percent = pattern.endswith(b"%")

    def matches(self, name: bytes) -> bool:
        """Return True if the whole name matches."""
        wild = self._stars | self._percents
        states = 1
        for octet in name:
            states |= (states & wild) << 1  # a wildcard may match no octet
            stay = states & (self._stars if octet == DELIMITER[0] else wild)
            states = stay | (states & self._literals.get(octet, 0)) << 1
            if not states:
                return False
        states |= (states & wild) << 1
        return bool(states & self._accepting)


def check_length(reference: bytes, mailbox: bytes) -> None:
    """Raise `LimitReached` if a pattern is too long: matching time grows with its length and that of the names."""
    if len(reference) + len(mailbox) > MAX_PATTERN:
        raise LimitReached("mailbox pattern is too long")


def pattern_of(reference: bytes, mailbox: bytes) -> Pattern:
    """Return the canonical pattern: the reference and then the name (RFC 3501 §6.3.8); INBOX in capitals."""
    text = reference + mailbox
    first, slash, rest = text.partition(DELIMITER)
    # RFC 3501 §5.1: INBOX is case-insensitive. A pattern with a wildcard may mean other names too: see `matching`.
    return Pattern(_INBOX + slash + rest if first.upper() == _INBOX else text)


def root_of(reference: bytes) -> bytes:
    """Return the root of a reference, for `LIST reference ""`."""
    first, slash, _ = reference.partition(DELIMITER)
    return first + slash if slash else b""


def matching(reference: bytes, mailbox: bytes, names: Iterable[bytes]) -> dict[bytes, bool]:
    r"""Return the names that match, sorted, INBOX first; False marks a name that is only a level above a match.

    RFC 3501 §6.3.8: if `%` is the last character, matching levels of hierarchy are returned too.
    RFC 3501 §6.3.9: with LSUB these levels replace the names below, and are \Noselect.
    """
    pattern = pattern_of(reference, mailbox)
    any_case = Pattern((reference + mailbox).upper())
    matched: dict[bytes, bool] = {}
    tried: set[bytes] = set()  # levels that many names have in common
    for name in names:
        if pattern.matches(name) or (name == _INBOX and any_case.matches(name)):
            matched[name] = True
        if pattern.ends_in_percent:
            level, slash, _ = name.rpartition(DELIMITER)
            while slash and level not in tried:
                tried.add(level)
                if pattern.matches(level):
                    matched.setdefault(level, False)
                level, slash, _ = level.rpartition(DELIMITER)
    return dict(sorted(matched.items(), key=lambda item: (item[0] != _INBOX, item[0])))
