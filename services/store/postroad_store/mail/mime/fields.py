"""Header sections and structured fields, read leniently from octets (RFC 5322 §2.2, RFC 2045 §5).

What cannot be read is passed over, never refused: the mail is there and must be shown. Line ends may be CRLF or
LF. Octets above 127 stand where they stand (RFC 6532).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

MAX_PARAMETERS = 100  # of one field; what follows is dropped


def header_end(content: bytes, start: int, limit: int) -> int:
    """Return the offset after the empty line that ends the header section at `start`, `limit` where none does."""
    if content.startswith(b"\r\n", start, limit):
        return start + 2
    if content.startswith(b"\n", start, limit):
        return start + 1
    crlf = content.find(b"\n\r\n", start, limit)
    lf = content.find(b"\n\n", start, limit if crlf < 0 else crlf)
    if lf >= 0:
        return lf + 2
    return limit if crlf < 0 else crlf + 3


def unfold(header: bytes) -> bytes:
    """Return a header section with LF line ends and without folding (RFC 5322 §2.2.3).

    Unfolding takes the line end away and leaves the white space that followed it.
    """
    text = header.replace(b"\r\n", b"\n")
    if b"\n " in text:
        text = text.replace(b"\n ", b" ")
    if b"\n\t" in text:
        text = text.replace(b"\n\t", b"\t")
    return text


def fields(header: bytes) -> list[tuple[bytes, bytes]]:
    """Return the (lower-case name, unfolded value) of each field, in order; lines that are no field are left out.

    RFC 5322 §4.5.8: white space may stand before the colon.
    """
    found = []
    for line in unfold(header).split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            found.append((name.rstrip(b" \t").lower(), value.strip(b" \t\r")))
    return found


# RFC 2045 §5.1: token := 1*<any (US-ASCII) CHAR except SPACE, CTLs, or tspecials>. Here 8-bit octets pass too.
_TOKEN = rb"[^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f]+"
# RFC 5322 §3.2.1 quoted-pair, §3.2.4 quoted-string; one that is never closed ends with the field.
_QUOTED = rb'"((?:[^"\\]|\\.)*)(?:"|\\?\Z)'
_QUOTED_STRING = re.compile(_QUOTED, re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_TYPE = re.compile(rb"\s*(%b)\s*/\s*(%b)" % (_TOKEN, _TOKEN))
_VALUE_TOKEN = re.compile(_TOKEN)
# A parameter's value that is no quoted string: up to white space, a semicolon or a comment. RFC 2045 would have
# tspecials quoted; many a mailer writes them bare (boundary=a=b, name=x@y), so they are taken as they stand.
_PARAMETER = re.compile(rb'\s*([^\s=;"()]+)\s*=\s*(?:%b|([^\s;"(]*))' % _QUOTED, re.DOTALL)
_EXTENDED = re.compile(rb"([^*]+)(?:\*(\d{1,3}))?(\*)?\Z")
_PLAIN_TYPE = re.compile(
    rb"(%b)/(%b)(?:[ \t]*;[ \t]*([A-Za-z0-9*-]+)=(?:([A-Za-z0-9_.'+-]+)|\"([^\"\\]*)\"))?\Z" % (_TOKEN, _TOKEN)
)


def without_comments(value: bytes) -> bytes:
    """Return the value with its comments, nested ones too, each put as one space (RFC 5322 §3.2.2)."""
    if b"(" not in value:
        return value
    out: list[bytes] = []
    position = depth = start = 0
    while position < len(value):
        octet = value[position]
        if octet == 0x5C:  # quoted-pair
            position += 2
            continue
        if octet == 0x22 and depth == 0:
            quoted = _QUOTED_STRING.match(value, position)
            position = quoted.end() if quoted else position + 1  # pragma: no branch - it matches any quote
            continue
        if octet == 0x28:
            if depth == 0:
                out.append(value[start:position])
            depth += 1
        elif octet == 0x29 and depth:
            depth -= 1
            if depth == 0:
                start = position + 1
        position += 1
    if depth == 0:
        out.append(value[start:])
    return b" ".join(out)


def unquote(text: bytes) -> bytes:
    """Return the inside of a quoted string with its quoted-pairs resolved."""
    return _QUOTED_PAIR.sub(rb"\1", text) if b"\\" in text else text


@dataclass(frozen=True, slots=True)
class Parameterized:
    """A value with parameters: a Content-Type or a Content-Disposition.

    `value` is the part before the first semicolon (empty where it is not one token or type/subtype), as written;
    `subtype` that of a media type. Parameters are as written too, in order: RFC 2231 continuations and charsets
    are the client's to read (RFC 3501 §7.4.2 gives attribute and value pairs).
    """

    value: bytes
    subtype: bytes
    parameters: tuple[tuple[bytes, bytes], ...]

    def parameter(self, name: bytes) -> bytes | None:
        """Return the first parameter of this lower-case name, or None; RFC 2231's forms of it are read too."""
        for attribute, value in self.parameters:
            if attribute.lower() == name:
                return value
        # RFC 2231 §3, §4: name*0="a"; name*1="b", name*=charset'language'percent-encoded, or both: name*0*=...
        pieces: dict[int, bytes] = {}
        for attribute, value in self.parameters:
            match = _EXTENDED.match(attribute)
            if match and match[1].lower() == name:
                number = int(match[2] or 0)
                if match[3]:
                    value = value.split(b"'", 2)[-1] if number == 0 else value  # noqa: PLW2901
                    value = unquote_to_bytes(value)  # noqa: PLW2901
                pieces.setdefault(number, value)
        return b"".join([pieces[number] for number in sorted(pieces)]) if pieces else None


def _parameters(text: bytes, position: int) -> tuple[tuple[bytes, bytes], ...]:
    """Read `; attribute=value` pairs from `position`; whatever else stands between semicolons is passed over."""
    found: list[tuple[bytes, bytes]] = []
    while len(found) < MAX_PARAMETERS:
        position = text.find(b";", position)
        if position < 0:
            break
        position += 1
        match = _PARAMETER.match(text, position)
        if match:
            attribute, quoted, bare = match.groups()
            found.append((attribute, bare if quoted is None else unquote(quoted)))
            position = match.end()
    return tuple(found)


@lru_cache(maxsize=512)
def _media_type(value: bytes) -> Parameterized | None:
    plain = _PLAIN_TYPE.match(value)
    if plain:  # most of all mail: one parameter or none, nothing odd
        main, sub, attribute, token, quoted = plain.groups()
        if attribute is None:
            return Parameterized(main, sub, ())
        return Parameterized(main, sub, ((attribute, quoted if token is None else token),))
    text = without_comments(value)
    match = _TYPE.match(text)
    if match is None:
        return None
    return Parameterized(match[1], match[2], _parameters(text, match.end()))


def media_type(value: bytes) -> Parameterized | None:
    """Read a Content-Type (RFC 2045 §5.1); None where it is not type/subtype, and the default holds (§5.2)."""
    return _media_type(value) if len(value) <= 256 else _media_type.__wrapped__(value)


def disposition(value: bytes) -> Parameterized | None:
    """Read a Content-Disposition (RFC 2183 §2); None where it has no type."""
    text = without_comments(value)
    match = _VALUE_TOKEN.search(text.partition(b";")[0])
    return Parameterized(match[0], b"", _parameters(text, match.end())) if match else None


def token(value: bytes) -> bytes | None:
    """Return the first token of a field such as Content-Transfer-Encoding, or None."""
    match = _VALUE_TOKEN.search(without_comments(value))
    return match[0] if match else None


def tokens(value: bytes) -> list[bytes]:
    """Return the tokens of a comma-separated field such as Content-Language (RFC 3282)."""
    return _VALUE_TOKEN.findall(without_comments(value))
