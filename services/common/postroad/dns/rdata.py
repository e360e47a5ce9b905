"""RDATA: what a record says, one frozen class for each type that the server has to understand.

A type is understood when its names are compressed, followed or lead to additional records. All others are
octets to the server (`Opaque`, RFC 3597 §3).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from postroad.dns.name import Name


class Type(IntEnum):
    """The TYPEs and QTYPEs that the server treats by name (RFC 1035 §3.2.2 and those cited in `rdata`)."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    HINFO = 13
    MX = 15
    TXT = 16
    RP = 17
    AAAA = 28
    SRV = 33
    NAPTR = 35
    DNAME = 39
    OPT = 41
    DS = 43
    SSHFP = 44
    TLSA = 52
    SPF = 99
    IXFR = 251
    AXFR = 252
    MAILB = 253
    MAILA = 254
    ANY = 255
    CAA = 257


IN = 1  # RFC 1035 §3.2.4: the Internet, the one class served


@dataclass(frozen=True, slots=True)
class A:
    """An IPv4 address (RFC 1035 §3.4.1)."""

    type: ClassVar[int] = Type.A
    address: IPv4Address


@dataclass(frozen=True, slots=True)
class AAAA:
    """An IPv6 address (RFC 3596 §2.2)."""

    type: ClassVar[int] = Type.AAAA
    address: IPv6Address


@dataclass(frozen=True, slots=True)
class NS:
    """An authoritative name server of the owner (RFC 1035 §3.3.11)."""

    type: ClassVar[int] = Type.NS
    target: Name


@dataclass(frozen=True, slots=True)
class CNAME:
    """The canonical name that the owner is an alias of (RFC 1035 §3.3.1)."""

    type: ClassVar[int] = Type.CNAME
    target: Name


@dataclass(frozen=True, slots=True)
class DNAME:
    """The name whose descendants the owner's descendants are aliases of (RFC 6672 §2.1)."""

    type: ClassVar[int] = Type.DNAME
    target: Name


@dataclass(frozen=True, slots=True)
class PTR:
    """The name that an address points to (RFC 1035 §3.3.12)."""

    type: ClassVar[int] = Type.PTR
    target: Name


@dataclass(frozen=True, slots=True)
class MX:
    """A mail exchanger (RFC 1035 §3.3.9); the root as exchange is the null MX (RFC 7505 §3)."""

    type: ClassVar[int] = Type.MX
    preference: int
    exchange: Name


@dataclass(frozen=True, slots=True)
class TXT:
    """One character-string or several, of 255 octets at the most each (RFC 1035 §3.3.14)."""

    type: ClassVar[int] = Type.TXT
    strings: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SRV:
    """Where a service is (RFC 2782); the root as target says that it is not offered (RFC 6186 §3.4)."""

    type: ClassVar[int] = Type.SRV
    priority: int
    weight: int
    port: int
    target: Name


@dataclass(frozen=True, slots=True)
class SOA:
    """The start of a zone of authority (RFC 1035 §3.3.13). Times are in seconds.

    `minimum` is the TTL of negative answers (RFC 2308 §4).
    """

    type: ClassVar[int] = Type.SOA
    mname: Name
    rname: Name
    serial: int
    refresh: int
    retry: int
    expire: int
    minimum: int


@dataclass(frozen=True, slots=True)
class Opaque:
    """RDATA of a type whose meaning is nothing to the server: octets (RFC 3597 §3)."""

    type: int
    data: bytes


Rdata = A | AAAA | NS | CNAME | DNAME | PTR | MX | TXT | SRV | SOA | Opaque


def host_named(rdata: Rdata) -> Name | None:
    """Return the host whose addresses are of use beside this record (RFC 1035 §3.3, RFC 2782), or None."""
    match rdata:
        case NS(target) | SRV(_, _, _, target):
            return target
        case MX(_, exchange):
            return exchange
        case _:
            return None
