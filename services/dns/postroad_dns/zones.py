"""Zones as master files (RFC 1035 §5), which any name server can load.

`python -m postroad_dns.zones` prints all zones of the world, for people to read or for another name server.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from postroad.config import ConfigError, Settings
from postroad.dns.rdata import AAAA, CNAME, DNAME, MX, NS, PTR, SOA, SRV, TXT, UNDERSTOOD, A, Type
from postroad.dns.zone import ZoneError
from postroad.world.source import WorldError, load_world
from postroad_dns.addressbook import build_catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad.dns.rdata import Rdata
    from postroad.dns.zone import RRset, Zone


def format_zone(zone: Zone) -> str:
    """Return the zone as a master file that begins with the SOA."""
    return "\n".join((f"$ORIGIN {zone.apex}", *record_lines(zone))) + "\n"


def record_lines(zone: Zone) -> Iterator[str]:
    """Yield each record of a zone, the SOA first: owner, TTL, class, type and RDATA."""
    yield from _lines(zone.soa)
    for node in zone.nodes.values():
        for rrset in node.values():
            if rrset is not zone.soa:
                yield from _lines(rrset)


def _lines(rrset: RRset) -> Iterator[str]:
    kind = Type(rrset.type).name if rrset.type in UNDERSTOOD else f"TYPE{rrset.type}"
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


def main() -> int:
    """Print the zones of the world; 1 if the world can't be read."""
    try:
        settings = Settings.from_environ(os.environ)
        world = load_world(settings.world, settings.network, capturing=settings.capturing)
        catalog = build_catalog(world, settings, int(time.time()))
    except (ConfigError, WorldError, ZoneError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for zone in catalog.zones.values():
        sys.stdout.write(f"{format_zone(zone)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
