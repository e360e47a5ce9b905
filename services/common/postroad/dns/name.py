"""Domain names: sequences of labels, compared without regard to the case of ASCII letters (RFC 1035 §3.1, RFC 4343).

A `Name` is always absolute. It keeps the case it was written in and is equal to every other spelling of itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# RFC 1035 §2.3.4: labels 63 octets or less, names 255 octets or less (length octets and root included).
MAX_LABEL = 63
MAX_NAME = 255

Key = tuple[bytes, ...]

# RFC 1035 §5.1: \X is the character X without its special meaning, \DDD the octet of that decimal number.
_PIECE = re.compile(r"\\(\d{3})|\\(\D)|(\.)|([^\\.]+)", re.DOTALL)
# Characters that stand for themselves in a label of a master file; the others are written \DDD or \X.
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*/+!#%&'=?^`{|}~:,<>[]")
_QUOTED = frozenset(b'."\\();@$')


class BadName(ValueError):  # noqa: N818 - BadNameError says no more
    """The text or the labels are no domain name; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """An absolute domain name; `labels` has the leftmost first and leaves the root's empty label out.

    `key` is what equal names share: the labels with ASCII letters in lower case.
    Raises `BadName` where a label or the whole is empty or too long.
    """

    labels: tuple[bytes, ...]
    key: Key = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the lengths and fold the case."""
        if any(not 0 < len(label) <= MAX_LABEL for label in self.labels):
            raise BadName(f"a label of {self} is empty or over {MAX_LABEL} octets")
        if sum(map(len, self.labels)) + len(self.labels) + 1 > MAX_NAME:
            raise BadName(f"{self} is over {MAX_NAME} octets")
        object.__setattr__(self, "key", tuple(label.lower() for label in self.labels))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Name) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        """Give the name as a master file has it, with its final dot."""
        return "".join(map(_label_text, self.labels)) or "."

    @classmethod
    def parse(cls, text: str, origin: Name | None = None) -> Name:
        """Read a name in master-file form (RFC 1035 §5.1); one without a final dot is relative to `origin`.

        Without an origin every name is taken as absolute. Raises `BadName`.
        """
        if not text.isascii():
            raise BadName(f"{text!r} is not ASCII; write A-labels (RFC 5890 §2.3.2.1)")
        if text == "@" and origin is not None:
            return origin
        if text == ".":
            return cls(())
        labels: list[bytes] = []
        label = b""
        position = 0
        absolute = origin is None
        while position < len(text):
            piece = _PIECE.match(text, position)
            if piece is None:
                raise BadName(f"{text!r} ends in a lone backslash or a short \\DDD")
            position = piece.end()
            decimal, escaped, dot, plain = piece.groups()
            if dot:
                labels.append(label)
                label = b""
            elif decimal:
                if int(decimal) > 255:
                    raise BadName(f"\\{decimal} in {text!r} is no octet")
                label += bytes((int(decimal),))
            else:
                label += (escaped or plain).encode()
            if dot and position == len(text):
                absolute = True
        if label or not labels:
            labels.append(label)
        if not absolute and origin is not None:
            labels.extend(origin.labels)
        return cls(tuple(labels))

    def child(self, *labels: bytes) -> Name:
        """Return the name below this one that has these labels in front."""
        return Name(labels + self.labels)

    def octets(self) -> bytes:
        """Return the name as it goes over the wire without compression (RFC 1035 §3.1)."""
        return b"".join(bytes((len(label),)) + label for label in self.labels) + b"\0"

    def parent(self) -> Name:
        """Return the name without its leftmost label; the root has none and raises `BadName`."""
        if not self.labels:
            raise BadName("the root has no parent")
        return Name(self.labels[1:])

    def is_under(self, ancestor: Name) -> bool:
        """Whether the name is the other or lies below it."""
        depth = len(ancestor.key)
        return depth == 0 or self.key[-depth:] == ancestor.key


ROOT = Name(())


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
