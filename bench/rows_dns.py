"""DNS, warm: queries a second of one process each, by dnsperf, the same names and record types on both sides."""

from __future__ import annotations

import re
import subprocess
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from bench.peers import DNS_PORT, NSD_ADDRESS, Nsd, program
from bench.table import Row, at_least, interleave
from postroad.config import Settings
from postroad.world.source import load_world
from postroad_dns.addressbook import build_catalog
from postroad_dns.zones import format_zone
from tests.harness.stack import Port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harness.processes import ProcessStack

SECONDS = 5
# What a relay and a mail client ask for, with some names that do not exist.
QUERIES = """alpha.test MX
beta.test MX
alpha.test SOA
beta.test NS
beta.test TXT
www.beta.test A
mx.postroad.test A
_imaps._tcp.alpha.test SRV
nobody.alpha.test A
alpha.test A
elsewhere.example MX
"""


def zones(stack: ProcessStack) -> dict[str, str]:
    """Return the zones that the stack serves, as master files by their names."""
    world = load_world(stack.world_file, IPv4Network(f"{stack.network}.0/24"))
    catalog = build_catalog(world, Settings.from_environ({}), serial=1)
    return {str(zone.apex): format_zone(zone) for zone in catalog.zones.values()}


def dnsperf(address: str, port: int, queries: Path) -> Callable[[], float]:
    binary = program("dnsperf", "dnsperf")

    def measure() -> float:
        done = subprocess.run(
            [binary, "-s", address, "-p", str(port), "-d", str(queries), "-l", str(SECONDS), "-c", "4", "-q", "200"],
            check=True,
            capture_output=True,
            text=True,
            timeout=SECONDS * 6,
        )
        lost = re.search(r"Queries lost:\s+(\d+)", done.stdout)
        if lost is None or int(lost[1]) > 100:
            raise RuntimeError(f"queries were lost:\n{done.stdout}")
        match = re.search(r"Queries per second:\s+([\d.]+)", done.stdout)
        if match is None:
            raise RuntimeError(f"dnsperf said:\n{done.stdout}")
        return float(match[1])

    return measure


def rows(stack: ProcessStack, folder: Path, rounds: int) -> Iterator[Row]:
    """Measure beside NSD, which serves the very same zones."""
    folder.mkdir(parents=True)
    with Nsd(folder / "nsd", zones(stack)):
        row = Row("DNS warm", "queries/s", at_least(0.8), peer_name="nsd, 1 process")
        yield compared(row, stack.endpoint(Port.DNS), (NSD_ADDRESS, DNS_PORT), folder, rounds)


def compared(row: Row, ours: tuple[str, int], peer: tuple[str, int], folder: Path, rounds: int) -> Row:
    """Measure two servers, both warm."""
    queries = folder / "queries"
    queries.write_text(QUERIES)
    mine, theirs = dnsperf(*ours, queries), dnsperf(*peer, queries)
    mine()
    theirs()
    return interleave(row, rounds, mine, theirs)
