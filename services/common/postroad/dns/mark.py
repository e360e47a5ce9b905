"""An EDNS option that says for which world a question is asked. It is private: no RFC has it. Pure.

The relay asks for all worlds. Where a name is not the world's own, such as that of a host elsewhere, only the relay
knows whose mail has asked; it says so to its own name server, which has the question among that world's transcripts.
The option's value is a mark of the world (`postroad.world.mark`). Its code is one of those for local use (RFC 6891 §9).
"""

from __future__ import annotations

import struct

CODE = 65_001
_PAYLOAD = 1232  # octets of a datagram that the relay takes
_OPT = struct.Struct("!BHHIH")  # RFC 6891 §6.1.2: root, OPT, payload size, extended RCODE and flags, RDLEN
_OPTION = struct.Struct("!HH")
_TYPE_OPT = 41
_COUNTS = struct.Struct("!HHHH")  # RFC 1035 §4.1.1, behind ID and flags
_FIXED = 4  # octets of a question behind its name


def opt_record(mark: str) -> bytes:
    """Return the OPT record with the option."""
    value = mark.encode()
    head = _OPT.pack(0, _TYPE_OPT, _PAYLOAD, 0, _OPTION.size + len(value))
    return head + _OPTION.pack(CODE, len(value)) + value


def mark_in(query: bytes, start: int) -> str | None:
    """Return the mark in a query of the form that `opt_record` makes; `start` is where its question begins."""
    try:
        if _COUNTS.unpack_from(query, start - _COUNTS.size) != (1, 0, 0, 1):
            return None
        while query[start]:
            start += query[start] + 1
        owner, kind, _, _, length = _OPT.unpack_from(query, start + 1 + _FIXED)
        start += 1 + _FIXED + _OPT.size
        code, size = _OPTION.unpack_from(query, start)
        value = query[start + _OPTION.size :]
        if (owner, kind, code) != (0, _TYPE_OPT, CODE) or len(value) != size or length != _OPTION.size + size:
            return None
        return value.decode("ascii")
    except (struct.error, IndexError, UnicodeDecodeError):
        return None
