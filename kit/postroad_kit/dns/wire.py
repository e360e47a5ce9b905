"""DNS messages (RFC 1035 §4): a query written, an answer read. RDATA is shown in master-file form."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33}
_NAMES = {number: name for name, number in TYPES.items()}
_RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
_TC = 0x0200
MOST_JUMPS = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What the name server says: its RCODE, and the records of the answer section as (name, type, text)."""

    rcode: str
    records: tuple[tuple[str, str, str], ...]
    truncated: bool

    def of(self, rtype: str) -> list[str]:
        """Return the data of the records of a type, in order."""
        return sorted(text for _, kind, text in self.records if kind == rtype)


def query(ident: int, name: str, rtype: str) -> bytes:
    """Return the octets of a query; raises `ValueError` for a name or a type that can't be asked for."""
    number = TYPES.get(rtype.upper())
    if number is None:
        raise ValueError(f"{rtype} is no type that can be asked for: {', '.join(TYPES)}")
    encoded = b""
    for label in filter(None, name.rstrip(".").split(".")):
        octets = label.encode("idna") if not label.isascii() else label.encode()
        if len(octets) > 63:
            raise ValueError(f"the label {label[:70]} is longer than 63 octets")
        encoded += bytes([len(octets)]) + octets
    return struct.pack("!6H", ident, 0x0100, 1, 0, 0, 0) + encoded + b"\0" + struct.pack("!2H", number, 1)


def read(octets: bytes, ident: int) -> Answer:
    """Return the answer to a query; raises `ValueError` for one that is none."""
    try:
        answered, flags, questions, answers, _, _ = struct.unpack_from("!6H", octets)
        if answered != ident or not flags & 0x8000:
            raise ValueError("this is no answer to the query")
        place = 12
        for _ in range(questions):
            place = _name(octets, place)[1] + 4
        records = []
        for _ in range(answers):
            owner, place = _name(octets, place)
            rtype, _, _, length = struct.unpack_from("!2HIH", octets, place)
            place += 10
            if place + length > len(octets):
                raise ValueError("the answer is cut off")
            text = _READ.get(rtype, _unknown)(octets, place, length)
            records.append((owner, _NAMES.get(rtype, f"TYPE{rtype}"), text))
            place += length
    except (struct.error, IndexError) as error:
        raise ValueError("the answer is cut off") from error
    code = flags & 0xF
    rcode = _RCODES[code] if code < len(_RCODES) else f"RCODE{code}"
    return Answer(rcode, tuple(records), bool(flags & _TC))


def _name(octets: bytes, place: int) -> tuple[str, int]:
    """Return the name at a place, and where it ends (RFC 1035 §4.1.4)."""
    labels: list[str] = []
    end = None
    for _ in range(MOST_JUMPS + 128):
        length = octets[place]
        if length >= 0xC0:
            end = place + 2 if end is None else end
            place = (length & 0x3F) << 8 | octets[place + 1]
        elif length:
            labels.append(octets[place + 1 : place + 1 + length].decode("latin-1"))
            place += 1 + length
        else:
            return ".".join(labels) + ".", place + 1 if end is None else end
    raise ValueError("the answer has a name without an end")


def _of_name(octets: bytes, place: int, _length: int) -> str:
    return _name(octets, place)[0]


def _mx(octets: bytes, place: int, _length: int) -> str:
    (preference,) = struct.unpack_from("!H", octets, place)
    return f"{preference} {_name(octets, place + 2)[0]}"


def _srv(octets: bytes, place: int, _length: int) -> str:
    return " ".join(map(str, (*struct.unpack_from("!3H", octets, place), _name(octets, place + 6)[0])))


def _soa(octets: bytes, place: int, _length: int) -> str:
    primary, place = _name(octets, place)
    mailbox, place = _name(octets, place)
    return " ".join(map(str, (primary, mailbox, *struct.unpack_from("!5I", octets, place))))


def _txt(octets: bytes, place: int, length: int) -> str:
    end, strings = place + length, []
    while place < end:
        size = octets[place]
        strings.append(octets[place + 1 : place + 1 + size].decode("utf-8", "backslashreplace"))
        place += 1 + size
    return "".join(strings)


def _address(octets: bytes, place: int, length: int) -> str:
    return str(ipaddress.ip_address(octets[place : place + length]))


def _unknown(octets: bytes, place: int, length: int) -> str:
    return f"\\# {length} {octets[place : place + length].hex()}"  # RFC 3597 §5


_READ: dict[int, Callable[[bytes, int, int], str]] = {
    TYPES["A"]: _address,
    TYPES["AAAA"]: _address,
    TYPES["NS"]: _of_name,
    TYPES["CNAME"]: _of_name,
    TYPES["PTR"]: _of_name,
    TYPES["MX"]: _mx,
    TYPES["SRV"]: _srv,
    TYPES["SOA"]: _soa,
    TYPES["TXT"]: _txt,
}
