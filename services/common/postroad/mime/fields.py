"""Header sections and structured fields, read leniently from octets (RFC 5322 §2.2, RFC 2045 §5).

We skip what we cannot read and never refuse it: the mail has been accepted, so the user must be able to see it. Line
ends may be CRLF or LF. Octets above 127 are kept (RFC 6532).
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from postroad.remembered import remembered
from postroad.value import value

MAX_PARAMETERS = 100  # per field; the rest is dropped


def header_end(content: bytes, start: int, limit: int) -> int:
    """Return the offset after the empty line that ends the header section at `start`; without such a line, `limit`."""
    if content.startswith(b"\r\n", start, limit):
        return start + 2
    if content.startswith(b"\n", start, limit):
        return start + 1
    crlf = content.find(b"\n\r\n", start, limit)
    # the second LF of the one may be the first of the other
    lf = content.find(b"\n\n", start, limit if crlf < 0 else crlf + 1)
    if lf >= 0:
        return lf + 2
    return limit if crlf < 0 else crlf + 3


def unfold(header: bytes) -> bytes:
    """Return a header section with LF line ends and without folding (RFC 5322 §2.2.3).

    Unfolding removes the line end and keeps the white space after it.
    """
    return header.replace(b"\r\n", b"\n").replace(b"\n ", b" ").replace(b"\n\t", b"\t")


def fields(header: bytes) -> list[tuple[bytes, bytes]]:
    """Return the (lower-case name, unfolded value) of each field, in order, without lines that are not fields.

    RFC 5322 §4.5.8 allows white space before the colon.
    """
    lines = [line.partition(b":") for line in unfold(header).split(b"\n")]
    return [(name.rstrip(b" \t").lower(), value.strip(b" \t\r")) for name, colon, value in lines if colon]


# RFC 2045 §5.1: token := 1*<any (US-ASCII) CHAR except SPACE, CTLs, or tspecials>. Here 8-bit octets pass too.
_TOKEN = rb"[^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f]+"
# RFC 5322 §3.2.1 quoted-pair, RFC 5322 §3.2.4 quoted-string; an unclosed one ends with the field.
_QUOTED = rb'"((?:[^"\\]|\\.)*)(?:"|\\?\Z)'
_QUOTED_STRING = re.compile(_QUOTED, re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_TYPE = re.compile(rb"\s*(%b)\s*/\s*(%b)" % (_TOKEN, _TOKEN))
_VALUE_TOKEN = re.compile(_TOKEN)
_COMMENT = re.compile(rb"\([^()]*\)")  # one without others in it
_SPACE = b" \t\r\n"
# A single token; or a word that RFC 2183 §2.1, RFC 2183 §2.2 or RFC 2045 §6.1 defines, whatever follows it.
_DISPOSITION = re.compile(rb"%b(?=[ \t\r\n]*(?:;|\Z))|(?i:inline|attachment)(?!%b)" % (_TOKEN, _TOKEN))
_MECHANISM = re.compile(rb"(?i:7bit|8bit|binary|quoted-printable|base64)(?!%b)" % _TOKEN)
# A parameter's value that does not begin as a quoted string ends at white space, a semicolon or a comment.
# RFC 2045 §5.1 wants tspecials quoted; mailers write them bare (boundary=a=b, name=x@y, name=\"x\").
_PAIR = rb'\s*([^\s=;"()]+)\s*=\s*(?:%b|([^\s;(]*))' % _QUOTED
_PARAMETER = re.compile(_PAIR, re.DOTALL)
_EARLY_PARAMETER = re.compile(rb"[\s:,]*" + _PAIR, re.DOTALL)
# Mailers write `application/pdf name="a.pdf"` and `text/plain, charset=utf-8`: the first semicolon is missing.
_EARLY_IN_TYPE = re.compile(rb"[\s,]+" + _PAIR, re.DOTALL)
# RFC 2231 §7: attribute [section] ["*"], where a section is "*" and a number
_EXTENDED = re.compile(rb"([^*]+)(?:\*([0-9]{1,3}))?(\*)?\Z")
# RFC 2231 §7: attribute-char = any US-ASCII character but SPACE, CTLs, "*", "'", "%" and tspecials
_NOT_ATTRIBUTE_CHAR = re.compile(rb"[^A-Za-z0-9!#$&+.^_`{|}~-]")
_PLAIN_TYPE = re.compile(
    rb"(%b)/(%b)(?:[ \t]*;[ \t]*([A-Za-z0-9-]+)=(?:([A-Za-z0-9_.'+-]+)|\"([^\"\\]*)\"))?\Z" % (_TOKEN, _TOKEN)
)


def without_comments(value: bytes) -> bytes:
    """Return the value with its comments, nested ones too, each replaced by one space (RFC 5322 §3.2.2)."""
    if value.find(b"(") < 0:  # `in` tries first whether the octets are a number: ten times as long
        return value
    if b'"' not in value and b"\\" not in value:  # the common form: nothing hides a parenthesis
        bare = _COMMENT.sub(b" ", value)
        if b"(" not in bare:
            return bare
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
    """Return the inside of a quoted string, its quoted-pairs resolved."""
    return _QUOTED_PAIR.sub(rb"\1", text) if b"\\" in text else text


@value
class Parameterized:
    """A value with parameters: a Content-Type or a Content-Disposition.

    `value` is the type as written; `subtype` is for media types. Parameters keep their order; those that RFC 2231
    continuations give come last, each series joined into one parameter.
    """

    value: bytes
    subtype: bytes
    parameters: tuple[tuple[bytes, bytes], ...]

    def parameter(self, name: bytes) -> bytes | None:
        """Return the first parameter of this lower-case name, or None; RFC 2231's forms of it are decoded.

        A series with a gap, which `parameters` keeps apart, is joined here: any boundary is better than none.
        """
        for attribute, given in self.parameters:
            if attribute.lower() == name:
                return given
        pieces: dict[int, bytes] = {}
        for attribute, given in self.parameters:
            match = _EXTENDED.match(attribute)
            if match and match[1].lower() == name:
                number = int(match[2] or 0)
                pieces.setdefault(number, _decoded(given, first=number == 0) if match[3] else given)
        return b"".join([pieces[number] for number in sorted(pieces)]) if pieces else None


def _decoded(value: bytes, *, first: bool) -> bytes:
    # RFC 2231 §4: charset'language'percent-encoded, charset and language in the first piece alone
    return unquote_to_bytes(value.split(b"'", 2)[-1] if first else value)


def _parameters(text: bytes, position: int) -> tuple[tuple[bytes, bytes], ...]:
    """Read `; attribute=value` pairs from `position`; skip anything else between semicolons."""
    read: list[tuple[bytes, bytes]] = []
    while len(read) < MAX_PARAMETERS:
        position = text.find(b";", position)
        if position < 0:
            break
        position += 1
        match = _PARAMETER.match(text, position)
        if match:
            read.append(_pair(match))
            position = match.end()
    return _joined(read)


def _pair(match: re.Match[bytes]) -> tuple[bytes, bytes]:
    attribute, quoted, bare = match.groups()
    return attribute, bare if quoted is None else unquote(quoted)


def _joined(parameters: list[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """Join RFC 2231 continuations, by their numbers; a series with a gap or a number twice stays as it is.

    RFC 2231 §6: IMAP servers SHOULD decode continuations in BODY and BODYSTRUCTURE, and leave charsets to the client.
    A joined parameter keeps the spelling of its first piece, and comes after all plain ones, as Dovecot has it.
    """
    plain: list[tuple[bytes, bytes]] = []
    series: dict[bytes, list[tuple[int, bytes, bytes]]] = {}  # (number, attribute, value) by lower-case name
    for attribute, given in parameters:
        if b"*" in attribute and (match := _EXTENDED.match(attribute)) and match[2]:
            series.setdefault(match[1].lower(), []).append((int(match[2]), attribute, given))
        else:
            plain.append((attribute, given))
    for name in sorted(series):
        pieces = sorted(series[name], key=lambda piece: piece[0])
        if [piece[0] for piece in pieces] == list(range(len(pieces))):
            plain.append(_join([(attribute, given) for _, attribute, given in pieces]))
        else:
            plain += [(attribute, given) for _, attribute, given in pieces]
    return tuple(plain)


def _join(pieces: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """Return one parameter for the pieces of a whole series."""
    name = pieces[0][0].partition(b"*")[0]
    if not any(attribute.endswith(b"*") for attribute, _ in pieces):
        return name, b"".join([value for _, value in pieces])
    # RFC 2231 §4.1: extended and plain pieces may be mixed. One parameter has one form, so the plain ones are
    # percent-encoded; charset and language are empty where the first piece gives none.
    prefix = b"" if pieces[0][0].endswith(b"*") else b"''"
    return name + b"*", prefix + b"".join(
        [value if attribute.endswith(b"*") else _percent_encoded(value) for attribute, value in pieces]
    )


def _percent_encoded(value: bytes) -> bytes:
    return _NOT_ATTRIBUTE_CHAR.sub(lambda match: b"%%%02X" % match[0][0], value)


@remembered(512, 256)
def media_type(value: bytes) -> Parameterized | None:
    """Read a Content-Type (RFC 2045 §5.1); None for the default, if it is not type/subtype (RFC 2045 §5.2)."""
    plain = _PLAIN_TYPE.match(value)
    if plain:  # the most common forms: one parameter or none
        main, sub, attribute, token, quoted = plain.groups()
        if attribute is None:
            return Parameterized(main, sub, ())
        return Parameterized(main, sub, ((attribute, quoted if token is None else token),))
    text = without_comments(value)
    match = _TYPE.match(text)
    if match is None:
        return None
    early = _EARLY_IN_TYPE.match(text, match.end())
    if early is None:
        return Parameterized(match[1], match[2], _parameters(text, match.end()))
    return Parameterized(match[1], match[2], _joined([_pair(early), *_parameters(text, early.end())]))


def disposition(value: bytes) -> Parameterized | None:
    """Read a Content-Disposition (RFC 2183 §2); None if it is empty.

    RFC 2183 §2.8: an unrecognized type is treated as attachment; we treat an unreadable one in the same way. The first
    parameter needs no semicolon: mailers write `attachment filename="a.txt"`.
    """
    text = without_comments(value).strip(_SPACE)
    if not text.strip(_SPACE + b";"):
        return None
    match = _DISPOSITION.match(text)
    start = match.end() if match else 0
    early = _EARLY_PARAMETER.match(text, start)
    parameters = _parameters(text, early.end() if early else start)
    if early:
        parameters = _joined([_pair(early), *parameters])
    return Parameterized(match[0] if match else b"attachment", b"", parameters)


def transfer_encoding(value: bytes) -> bytes:
    """Read a Content-Transfer-Encoding (RFC 2045 §6.1): a mechanism as written, or 7bit if the value has none.

    A mechanism that RFC 2045 §6.1 defines counts even with rubbish after it (`base64,`, `quoted-printable;`). Any other
    value must be one token: a piece of a longer text (`8 bit`, `text/html`) would be a mechanism that nobody wrote.
    """
    text = without_comments(value).strip(_SPACE)
    match = _MECHANISM.match(text) or _VALUE_TOKEN.fullmatch(text)
    return match[0] if match else b"7bit"


def tokens(value: bytes) -> list[bytes]:
    """Return the elements of a comma-separated field such as Content-Language (RFC 3282 §2) that are one token."""
    elements = [element.strip(_SPACE) for element in without_comments(value).split(b",")]
    return [element for element in elements if _VALUE_TOKEN.fullmatch(element)]
