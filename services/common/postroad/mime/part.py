"""A part of a message (RFC 3501 §6.4.5), by offsets, so that whoever knows them need not parse the message again."""

from __future__ import annotations

from enum import Enum

from postroad.value import value


class Kind(Enum):
    """The kind of a part's content."""

    LEAF = 0
    MULTIPART = 1
    MESSAGE = 2  # message/rfc822: one child, the message inside


@value
class Part:
    """A part of a message (RFC 3501 §6.4.5), by octet offsets in the whole content.

    `start` to `body` is the part's header (of the root: the message's header section), its empty line included:
    what BODY[n.MIME] gives. `body` to `end` is what BODY[n] gives. A MULTIPART's children are its parts; a
    MESSAGE's only child is the message inside, whose `start` to `body` is BODY[n.HEADER] and whose `body` to
    `end` is BODY[n.TEXT]. Part numbers: `Part.find`.
    """

    kind: Kind
    start: int
    body: int
    end: int
    children: tuple[Part, ...] = ()

    def find(self, numbers: tuple[int, ...]) -> Part | None:
        """Return the part with these numbers below this message, `(2, 1)` for BODY[2.1], or None.

        The root is asked with numbers of the message; `()` is the root itself. RFC 3501 §6.4.5: part 1 of a
        message that is no multipart is its body, and a MESSAGE's parts are numbered through the message inside.
        """
        part = self
        inside = True  # `part` is a message, whose body the next number looks into; else it was numbered itself
        for number in numbers:
            if not inside and part.kind is Kind.MESSAGE:
                part = part.children[0]
                inside = True
            if part.kind is Kind.MULTIPART:
                if not 1 <= number <= len(part.children):
                    return None
                part = part.children[number - 1]
            elif not inside or number != 1:
                return None
            inside = False
        return part
