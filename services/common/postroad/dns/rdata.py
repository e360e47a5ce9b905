"""RDATA: the data of a record, one frozen class per type that the name server has to understand.

The server understands a type if it compresses or follows the type's names, or adds records because of them. The
RDATA of every other type is octets (`Opaque`, RFC 3597 §3).
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

from postroad.value import value

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from postroad.dns.name import Name


class Type(IntEnum):
    """The TYPEs and QTYPEs that Postroad knows by name (RFC 1035 §3.2.2 and the RFCs cited per type)."""

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


# Types whose RDATA may not come as mere octets (RFC 3597 §5), since the server has to understand it.
UNDERSTOOD = frozenset(
    {Type.A, Type.NS, Type.CNAME, Type.SOA, Type.PTR, Type.MX, Type.TXT, Type.AAAA, Type.SRV, Type.DNAME}
)
IN = 1  # RFC 1035 §3.2.4: the Internet, the one class served


@value
class A:
    """An IPv4 address (RFC 1035 §3.4.1)."""

    type: ClassVar[int] = Type.A
    address: IPv4Address


@value
class AAAA:
    """An IPv6 address (RFC 3596 §2.2)."""

    type: ClassVar[int] = Type.AAAA
    address: IPv6Address


@value
class Target:
    """RDATA that is one name. One dataclass for four types: each would take 0.4 ms of every service's start."""

    target: Name


class NS(Target):
    """An authoritative name server of the owner (RFC 1035 §3.3.11)."""

    __slots__ = ()
    type: ClassVar[int] = Type.NS


class CNAME(Target):
    """The canonical name that the owner is an alias of (RFC 1035 §3.3.1)."""

    __slots__ = ()
    type: ClassVar[int] = Type.CNAME


class DNAME(Target):
    """The name whose descendants the owner's descendants are aliases of (RFC 6672 §2.1)."""

    __slots__ = ()
    type: ClassVar[int] = Type.DNAME


class PTR(Target):
    """The name that an address points to (RFC 1035 §3.3.12)."""

    __slots__ = ()
    type: ClassVar[int] = Type.PTR


@value
class MX:
    """A mail exchanger (RFC 1035 §3.3.9). The root as exchange is the null MX (RFC 7505 §3)."""

    type: ClassVar[int] = Type.MX
    preference: int
    exchange: Name


@value
class TXT:
    """One character-string or several, of at most 255 octets each (RFC 1035 §3.3.14)."""

    type: ClassVar[int] = Type.TXT
    strings: tuple[bytes, ...]


@value
class SRV:
    """Where a service is (RFC 2782). The root as target says that the service is not offered (RFC 6186 §3.4)."""

    type: ClassVar[int] = Type.SRV
    priority: int
    weight: int
    port: int
    target: Name


@value
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


@value
class Opaque:
    """RDATA of a type that the server does not understand: octets (RFC 3597 §3)."""

    type: int
    data: bytes


Rdata = A | AAAA | NS | CNAME | DNAME | PTR | MX | TXT | SRV | SOA | Opaque


def host_named(rdata: Rdata) -> Name | None:
    """Return the host whose addresses belong in the additional section (RFC 1035 §3.3, RFC 2782), or None."""
    match rdata:
        case NS(target) | SRV(_, _, _, target):
            return target
        case MX(_, exchange):
            return exchange
        case _:
            return None
