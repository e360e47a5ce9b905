"""The tokens of IMAP commands (RFC 3501 §9), read from one whole command.

A command is a list of parts, in turn the text of a line and a literal: `a LOGIN {3}` CRLF `bob secret` CRLF has the
parts `a LOGIN {3}`, `bob` and ` secret`. `framing` has counted the octets of the literals, so no part of them can be
taken for a command. The grammar is followed strictly (RFC 3501 §2.2.2), with one exception that clients need: a quoted
string may hold octets above 127, because many clients send passwords and search strings in UTF-8.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from postroad_store.imap.extensions import IMAP4REV2, UTF8_ACCEPT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_store.imap.spec import Capability

# literal = "{" number ["+"] "}" CRLF *CHAR8                                      (RFC 7888 §8)
LITERAL = re.compile(rb"\{(\d{1,19})(\+?)\}\Z")

# atom-specials = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials
# list-wildcards = "%" / "*"; quoted-specials = DQUOTE / "\"; resp-specials = "]"
_ATOM_CHAR = rb"!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~"
ATOM = re.compile(rb"[" + _ATOM_CHAR + rb"]+")
# ASTRING-CHAR = ATOM-CHAR / resp-specials
_ASTRING_ATOM = re.compile(rb"[" + _ATOM_CHAR + rb"\]]+")
# list-char = ATOM-CHAR / list-wildcards / resp-specials
_LIST_ATOM = re.compile(rb"[" + _ATOM_CHAR + rb"\]%*]+")
# tag = 1*<any ASTRING-CHAR except "+">
TAG = re.compile(rb"[!#$&',\-./0-9:;<=>?@A-Z\[^_`a-z|}~\]]+")
# quoted = DQUOTE *QUOTED-CHAR DQUOTE; QUOTED-CHAR = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials
_QUOTED = re.compile(rb'"((?:[^"\\\r\n\0]|\\["\\])*)"')
_ESCAPE = re.compile(rb"\\(.)")
# number = 1*DIGIT ; Unsigned 32-bit integer (0 <= n < 4,294,967,296)
_NUMBER = re.compile(rb"\d{1,10}")
MAX_NUMBER = 0xFFFFFFFF
# number64 = 1*DIGIT ; Unsigned 63-bit integer (0 <= n <= 9,223,372,036,854,775,807)
_NUMBER64 = re.compile(rb"\d{1,19}")
MAX_NUMBER64 = (1 << 63) - 1
# flag = "\" atom / atom
_FLAG = re.compile(rb"\\?[" + _ATOM_CHAR + rb"]+")
_UNTIL_SPACE = re.compile(rb"[^ ]+")


class SyntaxFault(Exception):  # noqa: N818 - the client's fault; BAD says what it is
    """The command breaks the grammar; the message is the text of the BAD response."""


class LimitExceeded(SyntaxFault):
    """The command obeys the grammar but exceeds a limit of the server: NO [LIMIT] (RFC 5530 §3), never BAD."""

    def __init__(self, message: str, code: str = "LIMIT") -> None:
        super().__init__(message)
        self.code = code


class UidRequired(SyntaxFault):
    """Message numbers are used by a client that has given them up: BAD [UIDREQUIRED] (RFC 9586 §3)."""

    def __init__(self) -> None:
        super().__init__("Message numbers are not allowed once UIDONLY is enabled")


class Incomplete(SyntaxFault):
    """The command ends at the announcement of a literal that has not arrived."""


class Offered(Protocol):
    """What the client is offered, and has enabled (`offer.Offer`)."""

    def offers(self, capability: Capability) -> bool:
        """Return False if a capability is hidden."""
        ...

    def has_enabled(self, capability: Capability) -> bool:
        """Return True if the client has enabled a capability."""
        ...


class _Everything:
    """Everything is offered and nothing is enabled: for a reader on its own."""

    def offers(self, capability: Capability) -> bool:  # noqa: ARG002 - a signature of the protocol
        return True

    def has_enabled(self, capability: Capability) -> bool:  # noqa: ARG002 - a signature of the protocol
        return False


_EVERYTHING = _Everything()


class Reader:
    """Reads a command token by token; every method takes one token, or raises `SyntaxFault`.

    A parser refuses what is hidden (`offers`) in the words in which it refuses what no server knows.
    """

    __slots__ = ("_at", "_index", "_offered", "_parts", "_text")

    def __init__(self, parts: list[bytes], at: int = 0, offered: Offered = _EVERYTHING) -> None:
        self._parts = parts
        self._index = 0
        self._text = parts[0]
        self._at = at
        self._offered = offered

    def offers(self, capability: Capability) -> bool:
        """Return False if a capability is hidden."""
        return self._offered.offers(capability)

    def has_enabled(self, capability: Capability) -> bool:
        """Return True if the client has enabled a capability."""
        return self._offered.has_enabled(capability)

    def peek(self) -> bytes:
        """Return the next octet without taking it; empty at the end."""
        return self._text[self._at : self._at + 1]

    def sees(self, octets: bytes) -> bool:
        """Return True if exactly these octets are next, without taking them."""
        return self._text.startswith(octets, self._at)

    def rest(self) -> bytes | None:
        """Return the rest of the command without taking it; None if there is a literal in it."""
        return self._text[self._at :] if self._index == len(self._parts) - 1 else None

    def at_end(self) -> bool:
        """Return True at the end of the command."""
        return self._at == len(self._text)

    def end(self) -> None:
        """Take the end of the command."""
        if self._at != len(self._text):
            raise SyntaxFault("Unexpected argument")

    def space(self) -> None:
        """Take exactly one space (RFC 3501 §9, note 2)."""
        if self._text.startswith(b" ", self._at):
            self._at += 1
        else:
            self.take(b" ")  # which refuses what is there

    def take(self, octets: bytes) -> None:
        """Take exactly these octets."""
        if not self.skip(octets):
            if self.at_end():
                raise SyntaxFault("Missing argument")
            raise SyntaxFault("Invalid argument")

    def skip(self, octets: bytes) -> bool:
        """Take exactly these octets if they are next; return False if they are not."""
        if self._text.startswith(octets, self._at):
            self._at += len(octets)
            return True
        return False

    def skip_word(self, word: bytes) -> bool:
        """Take a word of the grammar, given in capitals, if it is next; return False if it is not."""
        match = ATOM.match(self._text, self._at)
        if match is None or match[0].upper() != word:
            return False
        self._at = match.end()
        return True

    def items(self, *, may_be_none: bool = False) -> Iterator[None]:
        """Step through `item *(SP item) ")"`, or `[item *(SP item)] ")"`; in each step the caller takes an item."""
        if may_be_none and self.skip(b")"):
            return
        while True:
            yield
            if self.skip(b")"):
                return
            self.space()

    def match(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        """Take the octets that the pattern matches here."""
        return self.find(pattern, what)[0]

    def find(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        """Take the octets that the pattern matches here, and return the match."""
        match = pattern.match(self._text, self._at)
        if match is None:
            if self.at_end():
                raise SyntaxFault("Missing argument")
            raise SyntaxFault(f"Invalid {what}")
        self._at = match.end()
        return match

    def atom(self) -> bytes:
        """Take an atom."""
        return self.match(ATOM, "atom")

    def keyword(self) -> bytes:
        """Take an atom that is a word of the grammar; return it in upper case (RFC 3501 §9, note 1)."""
        return self.match(ATOM, "argument").upper()

    def word(self) -> bytes:
        """Take everything up to the next space or the end."""
        return self.match(_UNTIL_SPACE, "argument")

    def flag(self) -> bytes:
        """Take a flag: a keyword or a backslash and an atom."""
        return self.match(_FLAG, "flag")

    def number(self) -> int:
        """Take an unsigned 32-bit integer."""
        return self._number(_NUMBER, MAX_NUMBER)

    def number64(self) -> int:
        """Take an unsigned 63-bit integer (RFC 9051 §9)."""
        return self._number(_NUMBER64, MAX_NUMBER64)

    def octets(self) -> int:
        """Take a number of octets, which may have 63 bits once IMAP4rev2 is enabled (RFC 9051 appendix E, 1)."""
        return self.number64() if self.has_enabled(IMAP4REV2) else self.number()

    def _number(self, pattern: re.Pattern[bytes], most: int) -> int:
        number = int(self.match(pattern, "number"))
        if number > most:
            raise SyntaxFault("Number too large")
        return number

    def astring(self) -> bytes:
        """Take an atom, which may hold `]`, or a string."""
        match = _ASTRING_ATOM.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
            return match[0]
        return self.string()

    def list_mailbox(self) -> bytes:
        """Take a mailbox pattern: an atom that may hold `]`, `%` and `*`, or a string."""
        match = _LIST_ATOM.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
            return match[0]
        return self.string()

    def string(self) -> bytes:
        """Take a quoted string or a literal."""
        match = _QUOTED.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
            text = match[1]
            if not text.isascii():
                self._check_utf8(text)
            return _ESCAPE.sub(rb"\1", text) if b"\\" in text else text
        if self.peek() == b"{":
            literal = self._literal()
            if b"\0" in literal:
                raise SyntaxFault("NUL in a literal")  # CHAR8 = %x01-ff
            return literal
        if self.at_end():
            raise SyntaxFault("Missing argument")
        raise SyntaxFault("Invalid string")

    def _check_utf8(self, text: bytes) -> None:
        """Raise `SyntaxFault` for what is no UTF-8, where the client has said that it sends that (RFC 6855 §3)."""
        if self.has_enabled(UTF8_ACCEPT) or self.has_enabled(IMAP4REV2):
            try:
                text.decode()
            except UnicodeDecodeError:
                raise SyntaxFault("A string is not valid UTF-8") from None

    def _literal(self) -> bytes:
        self.literal_size()
        if self._index + 1 == len(self._parts):
            raise Incomplete("Missing literal")
        literal = self._parts[self._index + 1]
        self._index += 2
        self._text = self._parts[self._index]
        self._at = 0
        return literal

    def value(self) -> bytes | None:
        """Take a string, NIL, or a literal8, whose octets may be NULs."""
        # value = nstring / literal8                                                      (RFC 5464 §5)
        return self._literal() if self.skip(b"~") else self.nstring()

    def nstring(self) -> bytes | None:
        """Take a string or NIL."""
        if self.peek() in {b'"', b"{"}:
            return self.string()
        if self.keyword() != b"NIL":
            raise SyntaxFault("Invalid string")
        return None

    def literal8_size(self) -> int | None:
        """Take the announcement of a literal8, whose octets may be NULs; None if something else is next."""
        # literal8 = "~{" number "}" CRLF *OCTET                                      (RFC 3516 §7)
        return self.literal_size() if self.skip(b"~") else None

    def literal_size(self) -> int:
        """Take a literal's announcement at the end of a line, and return the literal's octets."""
        match = LITERAL.match(self._text, self._at)
        if match is None:
            raise SyntaxFault("Invalid literal")
        self._at = match.end()
        return int(match[1])
