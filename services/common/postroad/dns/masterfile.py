"""Master files (RFC 1035 §5): text to records, and a zone to text.

Beside the plain form it takes $TTL (RFC 2308 §4), TTLs with units such as 1h30m, class and TTL in either order,
parentheses, quoted strings, and RDATA of any type as octets (RFC 3597 §5). $INCLUDE is refused: the world is one
file. TXT strings over 255 octets are refused as RFC 1035 §3.3 has it; write several.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from postroad.dns.name import Name
from postroad.dns.rdata import AAAA, CNAME, DNAME, MX, NS, PTR, SOA, SRV, TXT, A, Opaque, Rdata, Type
from postroad.dns.zone import MAX_TTL, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from postroad.dns.zone import RRset, Zone

MAX_STRING = 255  # octets of a character-string; RFC 1035 §3.3
MAX_RDATA = 65535  # octets; RFC 1035 §3.2.1

# A token is quoted or bare; a semicolon outside quotes starts a comment. A bare backslash takes the next character.
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f\v]+)|(?P<comment>;[^\n]*)|(?P<line>\n)|(?P<open>\()|(?P<close>\))"""
    r"""|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>(?:[^\s;()"\\]|\\.)+)""",
    re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(?:(\d{3})|(.))", re.DOTALL)
_TTL = re.compile(r"(?:\d+[smhdw])+|\d+", re.IGNORECASE)
_TTL_PART = re.compile(r"(\d+)([smhdw])", re.IGNORECASE)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_GENERIC_TYPE = re.compile(r"TYPE(\d{1,5})", re.IGNORECASE)
_CLASSES = {"CH", "CS", "HS", "ANY", "NONE"}


class ZoneFileError(ValueError):
    """The text is no master file; the message says on which line of it, and why."""


@dataclass(frozen=True, slots=True)
class _Token:
    """One word of an entry, escapes still in it."""

    text: str
    quoted: bool = False

    def octets(self) -> bytes:
        """Return the character-string that the word is (RFC 1035 §5.1)."""
        result = bytearray()
        position = 0
        for escape in _ESCAPE.finditer(self.text):
            result += self.text[position : escape.start()].encode()
            decimal, character = escape.groups()
            if decimal and int(decimal) > 255:
                raise ZoneFileError(f"\\{decimal} is no octet")
            result += bytes((int(decimal),)) if decimal else character.encode()
            position = escape.end()
        return bytes(result + self.text[position:].encode())


@dataclass(slots=True)
class _Rdata:
    """The words of one RDATA, taken from the left."""

    tokens: Sequence[_Token]
    origin: Name
    position: int = 0

    def token(self) -> _Token:
        if self.position == len(self.tokens):
            raise ZoneFileError("the RDATA ends too early")
        self.position += 1
        return self.tokens[self.position - 1]

    def word(self) -> str:
        return self.token().text

    def name(self) -> Name:
        return Name.parse(self.word(), self.origin)

    def number(self, bits: int) -> int:
        text = self.word()
        if not (text.isascii() and text.isdigit()) or int(text) >= 1 << bits:
            raise ZoneFileError(f"{text!r} is not a number of {bits} bits")
        return int(text)

    def seconds(self) -> int:
        return parse_ttl(self.word())

    def hexadecimal(self) -> bytes:
        text = "".join(token.text for token in self.rest())
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise ZoneFileError(f"{text!r} is not hexadecimal") from None

    def rest(self) -> Sequence[_Token]:
        rest = self.tokens[self.position :]
        self.position = len(self.tokens)
        return rest

    def strings(self) -> tuple[bytes, ...]:
        strings = tuple(token.octets() for token in self.rest())
        if not strings:
            raise ZoneFileError("the RDATA ends too early")
        for string in strings:
            if len(string) > MAX_STRING:
                raise ZoneFileError(f"a string of {len(string)} octets; {MAX_STRING} is the most, so write several")
        if sum(map(len, strings)) + len(strings) > MAX_RDATA:
            raise ZoneFileError(f"the strings are over {MAX_RDATA} octets together")
        return strings


def _address4(rdata: _Rdata) -> A:
    return A(IPv4Address(rdata.word()))


def _address6(rdata: _Rdata) -> AAAA:
    address = IPv6Address(rdata.word())
    if address.scope_id is not None:  # as in fe80::1%eth0: it has its meaning on one machine
        raise ZoneFileError(f"{address} has a zone index")
    return AAAA(address)


def _caa(rdata: _Rdata) -> Opaque:
    # RFC 8659 §4.1: flags, length of the tag, tag, value; not a character-string, so it may be long.
    flags, tag, value = rdata.number(8), rdata.word(), rdata.rest()
    if not re.fullmatch(r"[A-Za-z0-9]{1,255}", tag) or len(value) != 1:
        raise ZoneFileError("CAA is flags, a tag and one value")
    return Opaque(Type.CAA, bytes((flags, len(tag))) + tag.encode() + value[0].octets())


def _tlsa(rdata: _Rdata) -> Opaque:
    # RFC 6698 §2.1: usage, selector, matching type, association data.
    return Opaque(Type.TLSA, bytes((rdata.number(8), rdata.number(8), rdata.number(8))) + rdata.hexadecimal())


def _sshfp(rdata: _Rdata) -> Opaque:
    # RFC 4255 §3.1: algorithm, fingerprint type, fingerprint.
    return Opaque(Type.SSHFP, bytes((rdata.number(8), rdata.number(8))) + rdata.hexadecimal())


def _hinfo(rdata: _Rdata) -> Opaque:
    # RFC 1035 §3.3.2: CPU and OS.
    return Opaque(Type.HINFO, _string(rdata.token()) + _string(rdata.token()))


def _naptr(rdata: _Rdata) -> Opaque:
    # RFC 3403 §4.1: order, preference, flags, services, regular expression, replacement.
    numbers = rdata.number(16).to_bytes(2, "big") + rdata.number(16).to_bytes(2, "big")
    strings = _string(rdata.token()) + _string(rdata.token()) + _string(rdata.token())
    return Opaque(Type.NAPTR, numbers + strings + rdata.name().octets())


def _rp(rdata: _Rdata) -> Opaque:
    # RFC 1183 §2.2: mailbox and a name with TXT records; RFC 3597 §4: not compressed.
    return Opaque(Type.RP, rdata.name().octets() + rdata.name().octets())


def _spf(rdata: _Rdata) -> Opaque:
    # RFC 7208 §3.1 has given the type up; it is TXT by another number.
    return Opaque(Type.SPF, b"".join(bytes((len(string),)) + string for string in rdata.strings()))


def _string(token: _Token) -> bytes:
    octets = token.octets()
    if len(octets) > MAX_STRING:
        raise ZoneFileError(f"a string of {len(octets)} octets; {MAX_STRING} is the most")
    return bytes((len(octets),)) + octets


def _soa(rdata: _Rdata) -> SOA:
    mname, rname, serial = rdata.name(), rdata.name(), rdata.number(32)
    return SOA(mname, rname, serial, rdata.seconds(), rdata.seconds(), rdata.seconds(), rdata.seconds())


_READERS: dict[str, Callable[[_Rdata], Rdata]] = {
    "A": _address4,
    "AAAA": _address6,
    "CAA": _caa,
    "CNAME": lambda rdata: CNAME(rdata.name()),
    "DNAME": lambda rdata: DNAME(rdata.name()),
    "HINFO": _hinfo,
    "MX": lambda rdata: MX(rdata.number(16), rdata.name()),
    "NAPTR": _naptr,
    "NS": lambda rdata: NS(rdata.name()),
    "PTR": lambda rdata: PTR(rdata.name()),
    "RP": _rp,
    "SOA": _soa,
    "SPF": _spf,
    "SRV": lambda rdata: SRV(rdata.number(16), rdata.number(16), rdata.number(16), rdata.name()),
    "SSHFP": _sshfp,
    "TLSA": _tlsa,
    "TXT": lambda rdata: TXT(rdata.strings()),
}
# The types that the server has to understand, so their RDATA may not come as mere octets (RFC 3597 §5).
_NOT_GENERIC = frozenset(
    {Type.A, Type.NS, Type.CNAME, Type.SOA, Type.PTR, Type.MX, Type.TXT, Type.AAAA, Type.SRV, Type.DNAME}
)


def parse_ttl(text: str) -> int:
    """Return the seconds that a TTL stands for: a number, or numbers with units s, m, h, d, w."""
    if not text.isascii() or not _TTL.fullmatch(text):
        raise ZoneFileError(f"{text!r} is no TTL")
    seconds = sum(int(count) * _UNITS[unit.lower()] for count, unit in _TTL_PART.findall(text)) or int(
        re.sub(r"\D", "", text)
    )
    if seconds > MAX_TTL:
        raise ZoneFileError(f"the TTL {text} is over {MAX_TTL} seconds")
    return seconds


def parse(text: str, origin: Name, ttl: int) -> list[Record]:
    """Read a master file. `ttl` is for records without one, in seconds, until the file sets another.

    Raises `ZoneFileError`.
    """
    records: list[Record] = []
    owner: Name | None = None
    for line, begins_blank, tokens in _entries(text):
        try:
            if tokens[0].text.startswith("$") and not begins_blank:
                origin, ttl = _control(tokens, origin, ttl)
                continue
            words = list(tokens)
            if not begins_blank:
                owner = Name.parse(words.pop(0).text, origin)
            if owner is None:
                raise ZoneFileError("the first record has no owner name")
            record = _record(owner, words, origin, ttl)
        except ValueError as error:
            raise ZoneFileError(f"line {line}: {error}") from error
        records.append(record)
    return records


def _entries(text: str) -> Iterator[tuple[int, bool, list[_Token]]]:
    """Yield the entries: the line each begins on, whether that begins with a blank, and the words."""
    tokens: list[_Token] = []
    position, depth, line, started, blank = 0, 0, 1, 1, False
    at_start = True
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ZoneFileError(f"line {line}: a quote without its other half, or a lone backslash")
        kind = match.lastgroup
        if at_start:
            started, blank, at_start = line, kind == "space", False
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
            if depth < 0:
                raise ZoneFileError(f"line {line}: a closing parenthesis without its opening one")
        elif kind == "line" and not depth:
            if tokens:
                yield started, blank, tokens
            tokens, at_start = [], True
        elif kind in {"quoted", "bare"}:
            tokens.append(_Token(match[kind], kind == "quoted"))
        line += match[0].count("\n")
        position = match.end()
    if depth:
        raise ZoneFileError(f"line {started}: an opening parenthesis without its closing one")
    if tokens:
        yield started, blank, tokens


def _control(tokens: Sequence[_Token], origin: Name, ttl: int) -> tuple[Name, int]:
    control, words = tokens[0].text.upper(), tokens[1:]
    if control == "$ORIGIN" and len(words) == 1:
        return Name.parse(words[0].text, origin), ttl
    if control == "$TTL" and len(words) == 1:
        return origin, parse_ttl(words[0].text)
    raise ZoneFileError(f"{tokens[0].text} is not known here, or has not one argument")


def _record(owner: Name, words: list[_Token], origin: Name, ttl: int) -> Record:
    """Read `[TTL] [class] type RDATA` or `[class] [TTL] type RDATA` (RFC 1035 §5.1)."""
    seen_ttl = seen_class = False
    while words and not words[0].quoted:
        word = words[0].text.upper()
        if not seen_class and word == "IN":
            seen_class = True
        elif not seen_ttl and word[0].isdigit():
            ttl, seen_ttl = parse_ttl(word), True
        elif word in _CLASSES:
            raise ZoneFileError(f"class {word} is not served, only IN")
        else:
            break
        del words[0]
    if not words:
        raise ZoneFileError("the record has no type")
    kind = words[0].text.upper()
    rdata = _Rdata(words[1:], origin)
    if len(words) > 1 and words[1] == _Token("\\#"):
        parsed: Rdata = _generic(kind, rdata)
    elif kind in _READERS:
        parsed = _READERS[kind](rdata)
    else:
        raise ZoneFileError(f"type {kind} is not known; write TYPEnnn \\# length hexadecimal (RFC 3597)")
    if rdata.rest():
        raise ZoneFileError(f"the {kind} record has more words than it may")
    return Record(owner, ttl, parsed)


def _generic(kind: str, rdata: _Rdata) -> Opaque:
    r"""Read RDATA as octets: \# length hexadecimal (RFC 3597 §5)."""
    number = _GENERIC_TYPE.fullmatch(kind)
    code = int(number[1]) if number else int(Type.__members__.get(kind, 0))
    # RFC 6895 §3.1: 0 and 128 to 255 are no data types, 41 is OPT.
    if not 0 < code < 1 << 16 or 128 <= code <= 255 or code == Type.OPT or code in _NOT_GENERIC:
        raise ZoneFileError(f"type {kind} can't be given as octets")
    rdata.word()
    length = rdata.number(16)
    data = rdata.hexadecimal()
    if len(data) != length:
        raise ZoneFileError(f"{len(data)} octets where {length} were announced")
    return Opaque(code, data)


def format_zone(zone: Zone) -> str:
    """Return the zone as a master file, SOA first, that any name server can load."""
    lines = [f"$ORIGIN {zone.apex}", *_lines(zone.soa)]
    for node in zone.nodes.values():
        lines.extend(line for rrset in node.values() if rrset is not zone.soa for line in _lines(rrset))
    return "\n".join(lines) + "\n"


def _lines(rrset: RRset) -> Iterator[str]:
    kind = Type(rrset.type).name if rrset.type in _NOT_GENERIC else f"TYPE{rrset.type}"
    for rdata in rrset.rdatas:
        yield f"{rrset.owner} {rrset.ttl} IN {kind} {_rdata_text(rdata)}"


def _rdata_text(rdata: Rdata) -> str:
    match rdata:
        case A(address) | AAAA(address):
            return str(address)
        case NS(target) | CNAME(target) | DNAME(target) | PTR(target):
            return str(target)
        case MX(preference, exchange):
            return f"{preference} {exchange}"
        case TXT(strings):
            return " ".join(map(_string_text, strings))
        case SRV(priority, weight, port, target):
            return f"{priority} {weight} {port} {target}"
        case SOA(mname, rname, serial, refresh, retry, expire, minimum):
            return f"{mname} {rname} {serial} {refresh} {retry} {expire} {minimum}"
    return f"\\# {len(rdata.data)} {rdata.data.hex()}".rstrip()


def _string_text(string: bytes) -> str:
    text = "".join(chr(octet) if 32 <= octet < 127 and octet not in b'"\\' else f"\\{octet:03d}" for octet in string)
    return f'"{text}"'
