"""A question of the DNS as octets, and its answer if that has the plainest form that there is (RFC 1035 §4). Pure.

Nearly all that the world's name server answers has this form: records of the type that was asked for, and the addresses
of the hosts that they name. Nothing here is lenient: one octet that is not as expected, and the answer is dnspython's
to read. That takes ten times as long.
"""

from __future__ import annotations

import re
import struct
from ipaddress import IPv4Address
from typing import NamedTuple

from postroad.dns.mark import opt_record
from postroad.world.world import MX
from postroad_relay.delivery.routing import Records

HEADER = struct.Struct("!HHHHHH")  # RFC 1035 §4.1.1
_FIXED = struct.Struct("!HHIH")  # RFC 1035 §4.1.3: of a record, behind its owner
_TYPES = {"A": 1, "MX": 15}
_SIZES = {1: 4, 28: 16}  # octets of the addresses that may be there besides
_IN = 1
_RD = 0x0100
_LOOKED_AT = 0xFA0F  # QR, OPCODE, TC and RCODE
_ANSWER = 0x8000  # QR alone: a whole answer, without error, to a standard query
_OWNER = 0xC00C  # a pointer to the question's name (RFC 1035 §4.1.4)
_LONGEST = 253  # characters of a name as text; RFC 1035 §2.3.4
_MOST_TTL = 1 << 31  # RFC 2181 §8
_OPT = b"\0\0\x29"  # RFC 6891 §6.1.2: the root, and the type
_OPT_SIZE = 11  # octets without options
_LABEL = re.compile(rb"[A-Za-z0-9_-]{1,63}")


class _Odd(Exception):  # noqa: N818 - caught one call up
    """Something is not as expected."""


class Plain(NamedTuple):
    """A plain answer, and the seconds for which it holds."""

    records: Records
    ttl: float


def question(ident: int, name: str, rdtype: str) -> bytes | None:
    """Return a query for the records of a name; None for a name that has other than letters, digits, - and _."""
    labels = name.encode().split(b".")
    if len(name) > _LONGEST or not all(map(_LABEL.fullmatch, labels)):
        return None
    octets = b"".join(bytes((len(label),)) + label for label in labels)
    return HEADER.pack(ident, _RD, 1, 0, 0, 0) + octets + struct.pack("!BHH", 0, _TYPES[rdtype], _IN)


def marked(query: bytes, mark: str) -> bytes:
    """Return a query that says for which world it is asked."""
    ident, flags, *_ = HEADER.unpack_from(query)
    return HEADER.pack(ident, flags, 1, 0, 0, 1) + query[HEADER.size :] + opt_record(mark)


def answer(packet: bytes, asked: bytes) -> Plain | None:
    """Return what a datagram answers to a query, None if it is not of the plain form."""
    try:
        return _answer(packet, asked)
    except (_Odd, IndexError, struct.error):
        return None


def _answer(packet: bytes, asked: bytes) -> Plain:
    _, flags, questions, answers, authorities, additional = HEADER.unpack_from(packet)
    offset = len(asked)
    # RFC 5452 §9.1: the ID and the question are those that were sent. No octet of a length is a letter.
    is_ours = packet[:2] == asked[:2] and packet[HEADER.size : offset].lower() == asked[HEADER.size :].lower()
    if not is_ours or flags & _LOOKED_AT != _ANSWER or (questions, authorities) != (1, 0) or not answers:
        raise _Odd
    wanted = int.from_bytes(asked[-4:-2])
    values: list[MX | IPv4Address] = []
    least = _MOST_TTL
    for _ in range(answers):
        kind, start, end, ttl = _record(packet, offset + 2)
        if int.from_bytes(packet[offset : offset + 2]) != _OWNER or kind != wanted:
            raise _Odd
        values.append(_mx(packet, start, end) if kind == _TYPES["MX"] else _address(packet, start, end))
        least = min(least, ttl)
        offset = end
    for left in range(additional, 0, -1):
        if left == 1 and packet[offset : offset + 3] == _OPT:  # the answer to a marked query
            offset = _after_opt(packet, offset)
            break
        _, offset = _name(packet, offset)
        kind, start, offset, _ = _record(packet, offset)
        if _SIZES.get(kind) != offset - start:
            raise _Odd
    if offset != len(packet) or len(set(values)) < len(values):
        raise _Odd
    mx = tuple(value for value in values if isinstance(value, MX))
    return Plain(Records(mx, tuple(value for value in values if isinstance(value, IPv4Address))), float(least))


def _after_opt(packet: bytes, offset: int) -> int:
    """Return where an OPT record ends that says nothing: its RCODE, version and options are 0 (RFC 6891 §6.1.3)."""
    end = offset + _OPT_SIZE
    if packet[offset + 5 : offset + 7] != b"\0\0" or packet[end - 2 : end] != b"\0\0":
        raise _Odd
    return end


def _record(packet: bytes, offset: int) -> tuple[int, int, int, int]:
    """Return type, begin and end of the RDATA, and TTL of the record whose owner ends at an offset."""
    kind, cls, ttl, length = _FIXED.unpack_from(packet, offset)
    start = offset + _FIXED.size
    if cls != _IN or ttl >= _MOST_TTL or start + length > len(packet):
        raise _Odd
    return kind, start, start + length, ttl


def _address(packet: bytes, start: int, end: int) -> IPv4Address:
    if end - start != 4:
        raise _Odd
    return IPv4Address(packet[start:end])


def _mx(packet: bytes, start: int, end: int) -> MX:
    """Return what RFC 1035 §3.3.9 describes."""
    name, after = _name(packet, start + 2)
    if after != end:
        raise _Odd
    return MX(int.from_bytes(packet[start : start + 2]), name)


def _name(packet: bytes, offset: int) -> tuple[str, int]:
    """Return a name in lower case, and where it ends; a pointer leads to what was before it (RFC 1035 §4.1.4)."""
    labels: list[bytes] = []
    end = 0
    floor = offset
    length = 0
    while size := packet[offset]:
        if size >= 0xC0:
            end = end or offset + 2
            offset = int.from_bytes(packet[offset : offset + 2]) & 0x3FFF
            if not HEADER.size <= offset < floor:
                raise _Odd
            floor = offset
            continue
        label = packet[offset + 1 : offset + 1 + size]
        length += size + 1
        if size != len(label) or not _LABEL.fullmatch(label) or length > _LONGEST + 1:
            raise _Odd
        labels.append(label)
        offset += size + 1
    if not labels:
        raise _Odd
    return b".".join(labels).decode("ascii").lower(), end or offset + 1
