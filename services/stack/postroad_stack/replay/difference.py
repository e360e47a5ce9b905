"""Compares the answers on record with those of a server, and shows them aligned. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from postroad_stack.replay.player import Exchange

# What is compared by `by_code`. Lines that do not match are not: the server words them, and says as many as it likes.
_SMTP = re.compile(r"\d{3}(?= |\Z)")
_CODES = {
    "smtp": _SMTP,
    "lmtp": _SMTP,
    "imap": re.compile(r"\S+ (?:OK|NO|BAD|BYE|PREAUTH)\b|\+|\* (?:\d+ )?[A-Z]+", re.IGNORECASE),
    "pop3": re.compile(r"\+OK|-ERR|\+ ", re.IGNORECASE),
    "managesieve": re.compile(r"(?:OK|NO|BYE)\b", re.IGNORECASE),
}
_UNTAGGED = re.compile(r"\* (?:\d+ )?(\w+)\Z")
_OF_NOTE = frozenset(
    {"BYE", "PREAUTH", "FETCH", "SEARCH", "EXPUNGE", "VANISHED", "LIST", "STATUS"}
)  # of IMAP's untagged


# What a server draws anew each time: the timestamp of a greeting (RFC 1939 §7), the same as a challenge (RFC 2195 §2),
# and the ID that it gives to a message.
_DRAWN = re.compile(
    r"(?P<timestamp>(?<= )<[^<>\s]+@[^<>\s]+>\Z)|(?P<challenge>(?:(?<=\A334 )|(?<=\A\+ ))P[A-P][A-Za-z0-9+/]+=*\Z)"
    r"|(?P<ID>(?:(?<=queued as )|(?<=stored as ))[A-Za-z0-9]+\Z)"
)


def exactly(text: str) -> str | None:
    """Return a line as it is compared: all of it but what is drawn anew each time."""
    return _DRAWN.sub(lambda drawn: f"({drawn.lastgroup})", text)


def by_code(protocol: str) -> Callable[[str], str | None]:
    """Return what compares codes and kinds of responses alone, without their texts; None: a line is not compared."""
    pattern = _CODES[protocol]

    def code(text: str) -> str | None:
        if text.startswith("("):  # TLS, closed
            return text
        match = pattern.match(text)
        if match is None:
            return None
        untagged = _UNTAGGED.match(match[0])
        if untagged is None:
            return match[0].upper()
        return untagged[1].upper() if untagged[1].upper() in _OF_NOTE else None

    return code


def differs(exchange: Exchange, seen: Callable[[str], str | None]) -> bool:
    """Whether the answers differ."""
    return exchange.unsent or _seen(exchange.recorded, seen) != _seen(exchange.heard, seen)


def _seen(lines: Sequence[str], seen: Callable[[str], str | None]) -> list[str]:
    return [text for text in map(seen, lines) if text is not None]


def rendered(exchange: Exchange, seen: Callable[[str], str | None], *, several: bool = False) -> Iterator[str]:
    """Yield an exchange as text: what is only on record has `-`, what only the server has said `+`."""
    who = str(exchange.who) if several else ""
    for text in exchange.said:
        yield f"{'!' if exchange.unsent else ' '} C{who}: {text}"
    recorded, heard = exchange.recorded, exchange.heard
    # Lines that are not compared are aligned by their text.
    first_words, second_words = ([seen(text) or text for text in lines] for lines in (recorded, heard))
    matcher = SequenceMatcher(a=first_words, b=second_words, autojunk=False)
    for kind, first, last, start, end in matcher.get_opcodes():
        if kind == "equal":
            yield from _marked(" ", who, heard[start:end], seen)
            continue
        yield from _marked("-", who, recorded[first:last], seen)
        yield from _marked("+", who, heard[start:end], seen)


def _marked(mark: str, who: str, lines: Sequence[str], seen: Callable[[str], str | None]) -> Iterator[str]:
    for line in lines:
        if seen(line) is not None:
            yield f"{mark} S{who}: {line}"
        elif mark != "-":
            yield f"  S{who}: {line}"  # it is not compared
