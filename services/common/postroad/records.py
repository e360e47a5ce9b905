"""The further records of a domain, one line of a master file each (RFC 1035 §5.1): checked when the world is loaded.

What the name server would refuse is told here already, with its line in the world file and before any service takes
the world, or dns alone would stay behind. The name server still reads the records for itself.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from ipaddress import IPv4Network

MAX_TTL = 2**31 - 1  # RFC 2181 §8
MAX_STRING = 255  # octets of a character-string; RFC 1035 §3.3
MAX_NAME = 255  # octets of a name with the lengths of its labels; RFC 1035 §2.3.4
MAX_RDATA = 65535  # octets; RFC 1035 §3.2.1


class RecordError(ValueError):
    """The line is no record; the message says why."""


@dataclass(frozen=True, slots=True)
class FurtherRecord:
    """What of a record other records have to agree with."""

    owner: str  # absolute, lower case, without the final dot, in one spelling
    kind: str  # the type, in capitals
    rdata: tuple[str, ...]
    target: str = ""  # of NS: the name server, in the form of an owner


# A token is a quoted string, or a run without blanks in which "\" takes the next character's meaning away.
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|(?:\\.|[^\s"();\\])+|[()]|;.*|\S', re.ASCII)
_TTL = re.compile(r"[0-9]{1,10}|(?:[0-9]{1,10}[smhdw])+", re.IGNORECASE | re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
# RFC 1035 §5.1: \X is the character X without its special meaning, \DDD the octet of that decimal number.
_PIECE = re.compile(r"\\([0-9]{3})|\\([^0-9])|([^\\])", re.DOTALL)
_UNKNOWN_TYPE = re.compile(r"TYPE([0-9]{1,5})\Z")  # RFC 3597 §5
# Types that the name server acts upon, which it therefore wants in their own form and not as mere octets.
_UNDERSTOOD = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "PTR": 12,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
    "DNAME": 39,
}


def parse_record(text: str, zone: str) -> FurtherRecord:
    """Return the record that the text is: `owner [ttl] [class] type rdata`, the owner in the zone.

    Raises `RecordError`.
    """
    if "\n" in text or "\r" in text:
        raise RecordError("a record stands on one line")
    tokens = _tokens(text)
    if not tokens or text[0].isspace():
        raise RecordError("a record begins with its owner name; @ is the domain itself")
    owner, rest = tokens[0], tokens[1:]
    if owner.startswith("$"):
        raise RecordError(f"{owner} is a directive, not a record")
    absolute = _absolute(owner, zone)
    if absolute != zone and not absolute.endswith(f".{zone}"):
        raise RecordError(f"the owner {owner} is not in {zone}")
    # RFC 1035 §5.1: [<TTL>] [<class>] <type> <RDATA>, or [<class>] [<TTL>] <type> <RDATA>
    seen = set()
    while rest:
        if _TTL.fullmatch(rest[0]) and "ttl" not in seen:
            seen.add("ttl")
            parts = re.findall(r"([0-9]+)([smhdw]?)", rest[0].lower())
            if sum(int(count) * _UNITS[unit] for count, unit in parts) > MAX_TTL:
                raise RecordError(f"the TTL {rest[0]} is over {MAX_TTL}")
        elif rest[0].upper() in {"IN", "CH", "HS", "CS"} and "class" not in seen:
            seen.add("class")
            if rest[0].upper() != "IN":
                raise RecordError(f"the class is IN, not {rest[0]}")
        else:
            break
        rest = rest[1:]
    if not rest:
        raise RecordError("the record has no type")
    kind, rdata = rest[0].upper(), rest[1:]
    number = int(unknown[1]) if (unknown := _UNKNOWN_TYPE.match(kind)) else _UNDERSTOOD.get(kind, 0)
    if kind == "SOA":
        raise RecordError("the SOA is the name server's own to make")
    if kind not in _RDATA and unknown is None:
        raise RecordError(f"{rest[0]} is no type of record")
    # RFC 6895 §3.1: TYPE has 16 bits; 0 and 128 to 255 are no types of data, and 41 is OPT.
    if unknown is not None and (number in {0, 41} or 128 <= number <= 255 or number > 65535):
        raise RecordError(f"{kind} is no type of data (RFC 6895 §3.1)")
    if unknown is None and rdata[:1] != ["\\#"]:
        _RDATA[kind](zone, kind, rdata)
    elif number in _UNDERSTOOD.values():
        raise RecordError(f"{kind} is written in its own form, not as octets")
    else:
        _check_unknown(rdata)
    target = _absolute(rdata[0], zone) if kind == "NS" else ""
    return FurtherRecord(absolute, kind, tuple(rdata), target)


def clashes(
    zone: str,
    records: Mapping[int, FurtherRecord],
    domains: Collection[str],
    hosts: Collection[str],
    network: IPv4Network,
) -> Iterator[tuple[int, str]]:
    """Yield what the records of a zone say against the rest of the world or each other, with the index of each."""
    kinds: dict[str, list[str]] = {}
    for index, record in records.items():
        owner, kind = record.owner, record.kind
        parents = [domain for domain in domains if owner == domain or owner.endswith(f".{domain}")]
        if (nearest := max(parents, key=len, default=zone)) != zone:
            yield index, f"{owner} is in {nearest}, which is a domain of its own"
        if owner == zone and kind in {"NS", "CNAME"}:
            yield (
                index,
                f"the domain itself has its {'NS from the name server' if kind == 'NS' else 'SOA and no CNAME'}",
            )
        if kind in {"A", "AAAA", "CNAME"} and owner in hosts:
            yield index, f"{owner} is a host, whose address stands there alone"
        if kind == "A" and ipaddress.IPv4Address(record.rdata[0]) in network:
            yield index, f"{record.rdata[0]} is in the private network: make it a host"
        if kind == "NS" and owner.startswith("*."):
            yield index, "NS at a wildcard means nothing (RFC 4592 §4.2)"
        others = kinds.setdefault(owner, [])
        # RFC 1034 §3.6.2: where a CNAME is, nothing else is; RFC 6672 §2.4: one DNAME at a name
        if others and "CNAME" in {kind, *others}:
            yield index, f"{owner} has a CNAME beside another record (RFC 1034 §3.6.2)"
        elif kind == "DNAME" and "DNAME" in others:
            yield index, f"{owner} has two DNAMEs (RFC 6672 §2.4)"
        others.append(kind)
    for index, record in records.items():
        if record.kind == "DNAME" or (record.kind == "NS" and record.owner != zone):
            yield from ((index, sentence) for sentence in _cut_off(zone, record, kinds, hosts))


def _cut_off(
    zone: str, record: FurtherRecord, kinds: Mapping[str, Sequence[str]], hosts: Collection[str]
) -> Iterator[str]:
    """Yield what is wrong with a record that gives the names below it away."""
    owner, target, below = record.owner, record.target, f".{record.owner}"
    lost = [host for host in sorted(hosts) if host.endswith(below) or (host == owner and record.kind == "NS")]
    if lost:
        yield f"{owner} is given away by its {record.kind}, and then nobody finds the host {', '.join(lost)}"
    if not target.endswith(f".{zone}"):
        return
    if "CNAME" in kinds.get(target, ()):
        yield f"the name server {target} is an alias (RFC 2181 §10.3)"
    # RFC 1035 §5.2: a name server below the names that it serves is found by its address here, or not at all.
    elif f".{target}".endswith(below) and target not in hosts and not {"A", "AAAA"} & set(kinds.get(target, ())):
        yield f"the name server {target} has no address here, and lies below {owner}"


def _tokens(text: str) -> list[str]:
    tokens, depth = [], 0
    for found in _TOKEN.finditer(text):
        piece = found[0]
        if piece in {'"', "\\"}:
            raise RecordError("a quote is left open" if piece == '"' else "the line ends in a backslash")
        if piece in "()":
            depth += 1 if piece == "(" else -1
            if depth not in {0, 1}:
                raise RecordError("the parentheses do not match")
        elif not piece.startswith(";"):
            tokens.append(piece)
    if depth:
        raise RecordError("the parentheses do not match")
    return tokens


def _octets(text: str) -> bytes:
    """Return what a token stands for, its escapes taken away; raises `RecordError`."""
    octets = bytearray()
    for decimal, escaped, plain in _PIECE.findall(text):
        if decimal and int(decimal) > 255:
            raise RecordError(f"\\{decimal} is no octet")
        octets += bytes((int(decimal),)) if decimal else (escaped or plain).encode()
    return bytes(octets)


def _absolute(name: str, zone: str) -> str:
    """Return a name, which is relative to the zone where it has no final dot, in the one spelling that all share."""
    if name in {"@", "."}:
        return zone if name == "@" else ""
    labels = [b""]
    pieces = [(match[0], match[3]) for match in _PIECE.finditer(name)]
    for written, plain in pieces:
        if plain == ".":
            labels.append(b"")
        else:
            labels[-1] += _octets(written)
    # A backslash before one digit or two is left over.
    good = name.isascii() and '"' not in name and "".join(written for written, _ in pieces) == name
    if pieces and pieces[-1][1] == ".":
        labels.pop()
    else:
        labels += [label.encode() for label in zone.split(".")]
    # RFC 1035 §2.3.4: a label has 63 octets or less, a name 255
    if not good or not all(0 < len(label) <= 63 for label in labels) or sum(map(len, labels)) + len(labels) >= MAX_NAME:
        raise RecordError(f"{name} is not a domain name")
    return ".".join(re.sub(rb"[^a-z0-9_*-]", _escape, label.lower()).decode() for label in labels)


def _escape(octet: re.Match[bytes]) -> bytes:
    return b"\\%03d" % octet[0][0]


def _name(zone: str, text: str) -> None:
    _absolute(text, zone)


def _number(text: str, limit: int) -> None:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > limit:
        raise RecordError(f"{text} is not a number from 0 to {limit}")


def _u8(_zone: str, text: str) -> None:
    _number(text, 255)


def _u16(_zone: str, text: str) -> None:
    _number(text, 65535)


def _hexadecimal(_zone: str, text: str) -> None:
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", text):
        raise RecordError(f"{text} is not hexadecimal")


def _unquoted(text: str) -> bytes:
    return _octets(text[1:-1] if text.startswith('"') else text)


def _string(_zone: str, text: str) -> None:
    if len(_unquoted(text)) > MAX_STRING:
        raise RecordError(f"a string has {MAX_STRING} octets or less")


def _tag(_zone: str, text: str) -> None:
    # RFC 8659 §4.1: letters and digits
    if not re.fullmatch("[A-Za-z0-9]{1,255}", text):
        raise RecordError(f"the tag {text} is not of letters and digits")


def _value(_zone: str, text: str) -> None:
    _unquoted(text)  # RFC 8659 §4.1: no character-string, so it may be long


def _ipv4(_zone: str, text: str) -> None:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        raise RecordError(f"{text} is not an IPv4 address") from None


def _ipv6(_zone: str, text: str) -> None:
    try:
        if ipaddress.IPv6Address(text).scope_id is not None:  # as in fe80::1%eth0
            raise ValueError
    except ValueError:
        raise RecordError(f"{text} is not an IPv6 address") from None


def _fields(*checks: Callable[[str, str], None], more: bool = False) -> Callable[[str, str, Sequence[str]], None]:
    """Make the check of RDATA that has these fields; with `more` the last one may be repeated."""

    def check(zone: str, kind: str, rdata: Sequence[str]) -> None:
        if len(rdata) < len(checks) or (len(rdata) > len(checks) and not more):
            raise RecordError(f"{kind} takes {len(checks)} field{'s' if len(checks) > 1 else ''}, not {len(rdata)}")
        for index, token in enumerate(rdata):
            checks[min(index, len(checks) - 1)](zone, token)

    return check


def _check_strings(_zone: str, kind: str, rdata: Sequence[str]) -> None:
    # RFC 1035 §3.3.14: one or more character-strings, each of 255 octets or less (§3.3)
    if not rdata:
        raise RecordError(f"{kind} takes one string or more")
    lengths = [len(_unquoted(token)) for token in rdata]
    if max(lengths) > MAX_STRING:
        raise RecordError(f"a string of {kind} is over {MAX_STRING} octets; write it as several")
    if sum(lengths) + len(lengths) > MAX_RDATA:
        raise RecordError(f"the strings of {kind} are over {MAX_RDATA} octets together")


def _check_unknown(rdata: Sequence[str]) -> None:
    # RFC 3597 §5: \# <RDLENGTH> <hexadecimal>...
    octets = "".join(rdata[2:])
    if len(rdata) < 2 or not re.fullmatch("[0-9]{1,5}", rdata[1]) or not re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", octets):
        raise RecordError("unknown RDATA is \\# length hexadecimal (RFC 3597 §5)")
    if int(rdata[1]) != len(octets) // 2 or len(octets) // 2 > MAX_RDATA:
        raise RecordError(f"the RDATA has {len(octets) // 2} octets, not {rdata[1]}")


_RDATA: dict[str, Callable[[str, str, Sequence[str]], None]] = {
    "A": _fields(_ipv4),
    "AAAA": _fields(_ipv6),
    "CAA": _fields(_u8, _tag, _value),
    "CNAME": _fields(_name),
    "DNAME": _fields(_name),
    "HINFO": _fields(_string, _string),
    "MX": _fields(_u16, _name),
    "NAPTR": _fields(_u16, _u16, _string, _string, _string, _name),
    "NS": _fields(_name),
    "PTR": _fields(_name),
    "RP": _fields(_name, _name),
    "SPF": _check_strings,
    "SRV": _fields(_u16, _u16, _u16, _name),
    "SSHFP": _fields(_u8, _u8, _hexadecimal, more=True),
    "TLSA": _fields(_u8, _u8, _u8, _hexadecimal, more=True),
    "TXT": _check_strings,
}
