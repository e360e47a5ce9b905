"""Domain names: sequences of labels, compared without regard to the case of ASCII letters (RFC 1035 §3.1, RFC 4343).

A `Name` is always absolute. It keeps the case in which it was written, and equals every other spelling of itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# Octets; RFC 1035 §2.3.4. A name's length includes the length octets of its labels and the root.
MAX_LABEL = 63
MAX_NAME = 255

Key = tuple[bytes, ...]

# RFC 1035 §5.1: \X is the character X without its special meaning, \DDD the octet of that decimal number.
_PIECE = re.compile(r"\\([0-9]{3})|\\([^0-9])|(\.)|([^\\.]+)", re.DOTALL)
# Characters that need no escape in a label of a master file; the others are written \DDD or \X.
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*/+!#%&'=?^`{|}~:,<>[]")
_QUOTED = frozenset(b'."\\();@$')


class BadName(ValueError):  # noqa: N818 - BadNameError would say no more
    """The text is not a domain name, or the labels do not make one; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """An absolute domain name. `labels` begins with the leftmost label and leaves out the root's empty label.

    `key` is the same for equal names: the labels with ASCII letters in lower case.
    Raises `BadName` if a label is empty, or a label or the whole name is too long.
    """

    labels: tuple[bytes, ...]
    key: Key = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the lengths and fold the case."""
        lengths = [len(label) for label in self.labels]
        if not all(lengths) or max(lengths, default=1) > MAX_LABEL:
            raise BadName(f"{self} is not a domain name: a label has 1 to {MAX_LABEL} octets")
        if sum(lengths) + len(lengths) + 1 > MAX_NAME:
            raise BadName(f"{self} is not a domain name: it is over {MAX_NAME} octets")
        object.__setattr__(self, "key", tuple([label.lower() for label in self.labels]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Name) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        """Give the name as a master file has it, with its final dot."""
        return "".join(map(_label_text, self.labels)) or "."

    @classmethod
    def parse(cls, text: str, origin: Name | None = None) -> Name:
        """Read a name in master-file form (RFC 1035 §5.1). A name without a final dot is relative to `origin`.

        Without an origin every name is taken as absolute. Raises `BadName`.
        """
        if text == "@" and origin is not None:
            return origin
        if text == ".":
            return cls(())
        if not text.isascii():
            raise BadName(f"{text!r} is not a domain name: it is not ASCII, so write A-labels (RFC 5890 §2.3.2.1)")
        # Nearly all names have no escape: one split does the work of a match per label.
        labels = _unescape(text) if "\\" in text else text.encode().split(b".")
        if labels[-1] == b"" and len(labels) > 1:
            labels.pop()
        elif origin is not None:
            labels += origin.labels
        return cls(tuple(labels))

    def child(self, *labels: bytes) -> Name:
        """Return the name below this one that has these labels in front."""
        return Name(labels + self.labels)

    def octets(self) -> bytes:
        """Return the name in its wire form, without compression (RFC 1035 §3.1)."""
        return b"".join(bytes((len(label),)) + label for label in self.labels) + b"\0"

    def parent(self) -> Name:
        """Return the name without its leftmost label; raises `BadName` for the root, which has no label."""
        if not self.labels:
            raise BadName("the root has no parent")
        return Name(self.labels[1:])

    def is_under(self, ancestor: Name) -> bool:
        """Whether the name equals `ancestor` or lies below it."""
        depth = len(ancestor.key)
        return depth == 0 or self.key[-depth:] == ancestor.key


ROOT = Name(())


def _unescape(text: str) -> list[bytes]:
    """Return the labels of a name with escapes in it; the last one is empty if the name ends in a dot."""
    labels = [b""]
    position = 0
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None:
            raise BadName(f"{text!r} is not a domain name: a backslash takes one character or three digits")
        position = piece.end()
        decimal, escaped, dot, plain = piece.groups()
        if dot:
            labels.append(b"")
        elif decimal and int(decimal) > 255:
            raise BadName(f"{text!r} is not a domain name: \\{decimal} is no octet")
        else:
            labels[-1] += bytes((int(decimal),)) if decimal else (escaped or plain).encode()
    return labels


def _label_text(label: bytes) -> str:
    text = ""
    for octet in label:
        if octet in _PLAIN:
            text += chr(octet)
        elif octet in _QUOTED:
            text += "\\" + chr(octet)
        else:
            text += f"\\{octet:03d}"
    return text + "."
