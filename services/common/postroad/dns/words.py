"""Words of a master file: names, numbers, TTLs, strings, and the RDATA that they make (RFC 1035 §5.1).

`_FORMS` has one line per type that is written in a form of its own. RDATA of any other type is written as octets
(RFC 3597 §5). A word comes as it is written: a quoted string with its quotes, escapes unresolved.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.dns.name import ROOT, Name
from postroad.dns.rdata import AAAA, CNAME, DNAME, MX, NS, PTR, SOA, SRV, TXT, UNDERSTOOD, A, Opaque, Type
from postroad.dns.zone import MAX_TTL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from postroad.dns.rdata import Rdata

MAX_STRING = 255  # octets of a character-string; RFC 1035 §3.3
MAX_RDATA = 65535  # octets; RFC 1035 §3.2.1

# RFC 1035 §5.1: \X is the character X without its special meaning, \DDD the octet of that decimal number.
_ESCAPE = re.compile(r"\\(?:([0-9]{3})|(.))", re.DOTALL)
_TTL = re.compile(r"(?:[0-9]{1,10}[smhdw])+|[0-9]{1,10}", re.IGNORECASE | re.ASCII)
_TTL_PART = re.compile(r"([0-9]+)([smhdw])", re.IGNORECASE | re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_GENERIC_TYPE = re.compile(r"TYPE([0-9]{1,5})", re.ASCII)
_GENERIC = "\\#"  # RFC 3597 §5: the RDATA that follows is octets


class ZoneFileError(ValueError):
    """The text is not a master file or not a record; the message says why, and for a file on which line."""


def parse_ttl(text: str) -> int:
    """Return a TTL in seconds: a number of seconds, or numbers with the units s, m, h, d, w."""
    if not _TTL.fullmatch(text):
        raise ZoneFileError(f"{text} is not a TTL")
    if text.isdigit():
        seconds = int(text)
    else:
        seconds = sum(int(count) * _UNITS[unit.lower()] for count, unit in _TTL_PART.findall(text))
    if seconds > MAX_TTL:
        raise ZoneFileError(f"the TTL {text} is over {MAX_TTL} seconds (RFC 2181 §8)")
    return seconds


def parse_rdata(kind: str, words: Sequence[str], origin: Name) -> Rdata:
    """Read RDATA of a type, whose name is in capitals; raises `ZoneFileError` or `BadName`."""
    if words[:1] == [_GENERIC]:
        return _generic(kind, words[1:])
    form = _FORMS.get(kind)
    if form is None:
        raise ZoneFileError(f"type {kind} is not known; write TYPEnnn \\# length hexadecimal (RFC 3597 §5)")
    count, repeats = len(form.fields), form.rest is not None
    if len(words) < count + repeats or (len(words) > count and not repeats):
        wanted = f"{count + repeats} field{'' if count + repeats == 1 else 's'}{' or more' if repeats else ''}"
        raise ZoneFileError(f"{kind} takes {wanted}, not {len(words)}")
    values = [read(word, origin) for read, word in zip(form.fields, words, strict=False)]
    if form.rest is not None:
        values.append(form.rest(words[count:]))
    return form.make(*values)


def _generic(kind: str, words: Sequence[str]) -> Opaque:
    """Read RDATA as octets: length hexadecimal (RFC 3597 §5)."""
    number = _GENERIC_TYPE.fullmatch(kind)
    code = int(number[1]) if number else Type.__members__.get(kind)
    if code is None:
        raise ZoneFileError(f"type {kind} is not known; write TYPEnnn")
    # RFC 6895 §3.1: TYPE has 16 bits; 0 and 128 to 255 are not types of data, and 41 is OPT.
    if not 0 < code < 1 << 16 or 128 <= code <= 255 or code == Type.OPT:
        raise ZoneFileError(f"{kind} is no type of data (RFC 6895 §3.1)")
    if code in UNDERSTOOD:
        raise ZoneFileError(f"{kind} is written in its own form, not as octets")
    if len(words) < 1 or not re.fullmatch("[0-9]{1,5}", words[0]):
        raise ZoneFileError("unknown RDATA is \\# length hexadecimal (RFC 3597 §5)")
    data = _hexadecimal(words[1:])
    if len(data) != int(words[0]) or len(data) > MAX_RDATA:
        raise ZoneFileError(f"the RDATA has {len(data)} octets, not {words[0]}, or over {MAX_RDATA}")
    return Opaque(code, data)


# Fields: each takes a word, and the origin of relative names.


def parse_name(word: str, origin: Name) -> Name:
    """Read a domain name; raises `ZoneFileError` or `BadName`."""
    if word.startswith('"'):
        raise ZoneFileError(f"{word} is not a domain name: it is in quotes")
    return Name.parse(word, origin)


def _number(bits: int) -> Callable[[str, Name], int]:
    limit = (1 << bits) - 1

    def read(word: str, _origin: Name) -> int:
        if not re.fullmatch("[0-9]{1,10}", word) or int(word) > limit:
            raise ZoneFileError(f"{word:.20} is not a number from 0 to {limit}")
        return int(word)

    return read


def _packed(bits: int) -> Callable[[str, Name], bytes]:
    number = _number(bits)
    return lambda word, origin: number(word, origin).to_bytes(bits // 8, "big")


def _seconds(word: str, _origin: Name) -> int:
    return parse_ttl(word)


def _address4(word: str, _origin: Name) -> IPv4Address:
    try:
        return IPv4Address(word)
    except ValueError:
        raise ZoneFileError(f"{word} is not an IPv4 address") from None


def _address6(word: str, _origin: Name) -> IPv6Address:
    try:
        address = IPv6Address(word)
    except ValueError:
        raise ZoneFileError(f"{word} is not an IPv6 address") from None
    if address.scope_id is not None:  # as in fe80::1%eth0: a zone index means something on one machine only
        raise ZoneFileError(f"{word} is not an IPv6 address, since it has a zone index")
    return address


def _name_octets(word: str, origin: Name) -> bytes:
    return parse_name(word, origin).octets()  # RFC 3597 §4: not compressed


def _tag(word: str, _origin: Name) -> bytes:
    # RFC 8659 §4.1: the length of the tag, and the tag, of letters and digits
    if not re.fullmatch("[A-Za-z0-9]{1,255}", word):
        raise ZoneFileError(f"the tag {word} must have only letters and digits (RFC 8659 §4.1)")
    return bytes((len(word),)) + word.encode()


def _octets(word: str, _origin: Name) -> bytes:
    """Return the octets that a word means (RFC 1035 §5.1)."""
    text = word[1:-1] if word.startswith('"') else word
    if "\\" not in text:
        return text.encode()
    result = bytearray()
    position = 0
    for escape in _ESCAPE.finditer(text):
        result += text[position : escape.start()].encode()
        decimal, character = escape.groups()
        if decimal and int(decimal) > 255:
            raise ZoneFileError(f"\\{decimal} is no octet")
        result += bytes((int(decimal),)) if decimal else character.encode()
        position = escape.end()
    return bytes(result + text[position:].encode())


def _string(word: str, origin: Name) -> bytes:
    """Return a character-string in its wire form (RFC 1035 §3.3)."""
    octets = _octets(word, origin)
    if len(octets) > MAX_STRING:
        raise ZoneFileError(f"a string has {len(octets)} octets, which is over {MAX_STRING} octets")
    return bytes((len(octets),)) + octets


# The last field of some types: it takes the rest of the words.


def _hexadecimal(words: Sequence[str]) -> bytes:
    text = "".join(words)
    if not re.fullmatch("(?:[0-9A-Fa-f]{2})*", text):
        raise ZoneFileError(f"{text:.40} is not hexadecimal")
    return bytes.fromhex(text)


def _strings(words: Sequence[str]) -> tuple[bytes, ...]:
    # RFC 1035 §3.3.14: one or more character-strings
    strings = tuple(_octets(word, ROOT) for word in words)
    if (longest := max(map(len, strings))) > MAX_STRING:
        raise ZoneFileError(f"a string has {longest} octets, which is over {MAX_STRING} octets: write it as several")
    if sum(map(len, strings)) + len(strings) > MAX_RDATA:
        raise ZoneFileError(f"the strings are over {MAX_RDATA} octets together")
    return strings


class _Form(NamedTuple):
    """How the RDATA of a type is written: its fields, what takes the rest of the words, and what the values make."""

    fields: tuple[Callable[[str, Name], Any], ...]
    make: Callable[..., Rdata]
    rest: Callable[[Sequence[str]], Any] | None = None


def _opaque(kind: Type) -> Callable[..., Opaque]:
    return lambda *parts: Opaque(kind, b"".join(parts))


_u8, _u16 = _packed(8), _packed(16)

_FORMS = {
    "A": _Form((_address4,), A),
    "AAAA": _Form((_address6,), AAAA),
    "CAA": _Form((_u8, _tag, _octets), _opaque(Type.CAA)),  # RFC 8659 §4.1: the value may be over 255 octets
    "CNAME": _Form((parse_name,), CNAME),
    "DNAME": _Form((parse_name,), DNAME),
    "HINFO": _Form((_string, _string), _opaque(Type.HINFO)),  # RFC 1035 §3.3.2
    "MX": _Form((_number(16), parse_name), MX),
    # RFC 3403 §4.1: order, preference, flags, services, regular expression, replacement
    "NAPTR": _Form((_u16, _u16, _string, _string, _string, _name_octets), _opaque(Type.NAPTR)),
    "NS": _Form((parse_name,), NS),
    "PTR": _Form((parse_name,), PTR),
    "RP": _Form((_name_octets, _name_octets), _opaque(Type.RP)),  # RFC 1183 §2.2
    "SOA": _Form((parse_name, parse_name, _number(32), _seconds, _seconds, _seconds, _seconds), SOA),
    # RFC 7208 §3.1: the type is obsolete; its RDATA is that of TXT.
    "SPF": _Form((), lambda texts: Opaque(Type.SPF, b"".join(bytes((len(text),)) + text for text in texts)), _strings),
    "SRV": _Form((_number(16), _number(16), _number(16), parse_name), SRV),
    "SSHFP": _Form((_u8, _u8), _opaque(Type.SSHFP), _hexadecimal),  # RFC 4255 §3.1
    "TLSA": _Form((_u8, _u8, _u8), _opaque(Type.TLSA), _hexadecimal),  # RFC 6698 §2.1
    "TXT": _Form((), TXT, _strings),
}
