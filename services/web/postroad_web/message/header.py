"""Header fields, written: folded, in ASCII by encoded-words (RFC 2047) and extended parameters (RFC 2231)."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from postroad_web.catalog.record import Address

LINE = 76  # characters that a line should not exceed (RFC 5322 §2.1.1, RFC 2047 §2)
_LONGEST_WORD = 900  # octets; a longer one must be cut, which encoded-words alone allow

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
# RFC 5322 §3.2.3 atext and the space: a display-name that needs no quotes
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
# RFC 2047 §5 (3): the characters of an encoded-word in a phrase that need no encoding
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


class HeaderError(ValueError):
    """The value can't be written into a header field; the text is a sentence."""


def text_field(name: str, value: str) -> bytes:
    """Return an unstructured field with its line end; raises `HeaderError` for control characters."""
    check(name, value)
    # Text that looks like an encoded-word would be shown decoded, and white space at its ends would be lost.
    plain = value.isascii() and "=?" not in value and value == value.strip() and "\t" not in value
    words = value.split(" ")
    if not plain or (" " * 2 in value and len(name) + len(value) > LINE) or max(map(len, words)) > _LONGEST_WORD:
        words = list(_encoded_words(value))
    return _folded(name, words)


def address_field(name: str, people: Iterable[Address]) -> bytes:
    """Return an address field with its line end; the addresses have been checked."""
    pieces: list[str] = []
    for person in people:
        check(name, person.name)
        address = person.address
        if person.name:
            pieces += _phrase(person.name)
            address = f"<{address}>"
        pieces.append(f"{address},")
    pieces[-1] = pieces[-1].removesuffix(",")
    return _folded(name, pieces)


def parameter(name: str, value: str) -> bytes:
    """Return `; name=value` of a MIME field, on lines of its own."""
    check(name, value)
    if value.isascii() and len(value) <= 60:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f';\r\n {name}="{escaped}"'.encode()
    # RFC 2231 §4.1: pieces that are numbered, the first with the charset
    pieces: list[str] = []
    piece = "utf-8''"
    for character in value:
        encoded = quote_from_bytes(character.encode("utf-8", "replace"), safe="!#$&+^`{|}~")
        if len(piece) + len(encoded) > 60:
            pieces.append(piece)
            piece = ""
        piece += encoded
    pieces.append(piece)
    if len(pieces) == 1:
        return f";\r\n {name}*={piece}".encode()
    return "".join(f";\r\n {name}*{number}*={text}" for number, text in enumerate(pieces)).encode()


def check(name: str, value: str) -> None:
    """Raise `HeaderError` for a value that could begin another field."""
    if _CONTROL.search(value):
        raise HeaderError(f"the value of {name} has a line end or another control character")


def _folded(name: str, words: list[str]) -> bytes:
    """Join words by spaces, with a line end before a space where the line would be too long."""
    lines: list[str] = []
    line = f"{name}:"
    for word in words:
        # RFC 5322 §3.2.2: no line may be of white space alone, so only a word begins one
        if word and len(line) + 1 + len(word) > LINE and line.strip() and not line.endswith(":"):
            lines.append(line)
            line = ""
        line += f" {word}"
    lines.append(line)
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n"


def _phrase(name: str) -> list[str]:
    """Return the words of a display-name."""
    if not name.isascii() or "=?" in name or len(name) > LINE - 16:
        return list(_encoded_words(name))
    if _ATOMS.match(name):
        return name.split(" ")
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"']


def _encoded_words(text: str) -> Iterator[str]:
    """Yield encoded-words of at most 75 characters, each of whole characters (RFC 2047 §2, RFC 2047 §5)."""
    octets = text.encode("utf-8", "replace")
    quoted = sum(octet not in _Q_SAFE and octet != 0x20 for octet in octets)
    encode = _q if quoted * 6 <= len(octets) else _b
    room = LINE - 1 - len("=?utf-8?q??=") - 12  # the first follows the field's name
    piece, length = "", 0
    for character in text:
        size = len(encode(character))
        if length + size > room:
            yield _word(encode, piece)
            piece, length = "", 0
        piece += character
        length = len(encode(piece)) if encode is _b else length + size
    yield _word(encode, piece)


def _word(encode: Callable[[str], str], piece: str) -> str:
    return f"=?utf-8?q?{_q(piece)}?=" if encode is _q else f"=?utf-8?b?{_b(piece)}?="


def _q(text: str) -> str:
    return "".join(
        "_" if octet == 0x20 else chr(octet) if octet in _Q_SAFE else f"={octet:02X}"
        for octet in text.encode("utf-8", "replace")
    )


def _b(text: str) -> str:
    return binascii.b2a_base64(text.encode("utf-8", "replace"), newline=False).decode("ascii")
