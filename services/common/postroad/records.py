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


class RecordError(ValueError):
    """The line is no record; the message says why."""


@dataclass(frozen=True, slots=True)
class FurtherRecord:
    """What of a record other records have to agree with."""

    owner: str  # absolute, lower case, without the final dot
    kind: str  # the type, in capitals
    rdata: tuple[str, ...]


# A token is a quoted string, or a run without blanks in which "\" takes the next character's meaning away.
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|(?:\\.|[^\s"();\\])+|[()]|;.*|\S')
_TTL = re.compile(r"\d+|(?:\d+[smhdw])+", re.IGNORECASE)
_LABEL = re.compile(r"(?:\\\d{3}|\\\D|[^\\.\s])+\Z")
_UNKNOWN_TYPE = re.compile(r"TYPE(\d{1,5})\Z")  # RFC 3597 §5
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
    _check_name(owner)
    absolute = owner.lower().removesuffix(".")
    if owner.endswith(".") and absolute != zone and not absolute.endswith(f".{zone}"):
        raise RecordError(f"the owner {owner} is not in {zone}")
    # RFC 1035 §5.1: [<TTL>] [<class>] <type> <RDATA>, or [<class>] [<TTL>] <type> <RDATA>
    seen = set()
    while rest:
        if _TTL.fullmatch(rest[0]) and "ttl" not in seen:
            seen.add("ttl")
            if rest[0].isdigit() and int(rest[0]) > MAX_TTL:
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
    if number > 65535:
        raise RecordError(f"{kind} is over TYPE65535")
    if unknown is None and rdata[:1] != ["\\#"]:
        _RDATA[kind](kind, rdata)
    elif number in _UNDERSTOOD.values():
        raise RecordError(f"{kind} is written in its own form, not as octets")
    else:
        _check_unknown(rdata)
    if owner == "@":
        absolute = zone
    elif not owner.endswith("."):
        absolute = f"{absolute}.{zone}"
    return FurtherRecord(absolute, kind, tuple(rdata))


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


def _check_name(name: str) -> None:
    # RFC 1035 §2.3.4: a label has 63 octets or less, a name 255; §5.1: @ is the origin
    if name in {"@", "."}:
        return
    labels = [label.replace("\\.", "?") for label in re.split(r"(?<!\\)\.", name.removesuffix("."))]
    if len(name) > 255 or not all(
        _LABEL.match(label) and label.isascii() and len(re.sub(r"\\(?:\d{3}|.)", "?", label)) <= 63 for label in labels
    ):
        raise RecordError(f"{name} is not a domain name")


def _number(text: str, limit: int) -> None:
    if not (text.isascii() and text.isdigit()) or int(text) > limit:
        raise RecordError(f"{text} is not a number from 0 to {limit}")


def _u8(text: str) -> None:
    _number(text, 255)


def _u16(text: str) -> None:
    _number(text, 65535)


def _hexadecimal(text: str) -> None:
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", text):
        raise RecordError(f"{text} is not hexadecimal")


def _any(_text: str) -> None:
    """Take any token."""


def _ipv4(text: str) -> None:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        raise RecordError(f"{text} is not an IPv4 address") from None


def _ipv6(text: str) -> None:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        raise RecordError(f"{text} is not an IPv6 address") from None


def _fields(*checks: Callable[[str], None], more: bool = False) -> Callable[[str, Sequence[str]], None]:
    """Make the check of RDATA that has these fields; with `more` the last one may be repeated."""

    def check(kind: str, rdata: Sequence[str]) -> None:
        if len(rdata) < len(checks) or (len(rdata) > len(checks) and not more):
            raise RecordError(f"{kind} takes {len(checks)} field{'s' if len(checks) > 1 else ''}, not {len(rdata)}")
        for index, token in enumerate(rdata):
            checks[min(index, len(checks) - 1)](token)

    return check


def _check_strings(kind: str, rdata: Sequence[str]) -> None:
    # RFC 1035 §3.3.14: one or more character-strings, each of 255 octets or less (§3.3)
    if not rdata:
        raise RecordError(f"{kind} takes one string or more")
    for token in rdata:
        plain = token[1:-1] if token.startswith('"') else token
        if len(re.sub(r"\\(?:\d{3}|.)", "?", plain).encode()) > 255:
            raise RecordError(f"a string of {kind} is over 255 octets; write it as several")


def _check_unknown(rdata: Sequence[str]) -> None:
    # RFC 3597 §5: \# <RDLENGTH> <hexadecimal>...
    octets = "".join(rdata[2:])
    if len(rdata) < 2 or not rdata[1].isdigit() or not re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", octets):
        raise RecordError("unknown RDATA is \\# length hexadecimal (RFC 3597 §5)")
    if int(rdata[1]) != len(octets) // 2:
        raise RecordError(f"the RDATA has {len(octets) // 2} octets, not {rdata[1]}")


_RDATA: dict[str, Callable[[str, Sequence[str]], None]] = {
    "A": _fields(_ipv4),
    "AAAA": _fields(_ipv6),
    "CAA": _fields(_u8, _any, _any),
    "CNAME": _fields(_check_name),
    "DNAME": _fields(_check_name),
    "HINFO": _fields(_any, _any),
    "MX": _fields(_u16, _check_name),
    "NAPTR": _fields(_u16, _u16, _any, _any, _any, _check_name),
    "NS": _fields(_check_name),
    "PTR": _fields(_check_name),
    "RP": _fields(_check_name, _check_name),
    "SPF": _check_strings,
    "SRV": _fields(_u16, _u16, _u16, _check_name),
    "SSHFP": _fields(_u8, _u8, _hexadecimal, more=True),
    "TLSA": _fields(_u8, _u8, _u8, _hexadecimal, more=True),
    "TXT": _check_strings,
}
