"""The same zones served by NSD and by Knot DNS: they must say what we say, where they follow the same RFCs."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import dns.rrset
import pytest

from postroad_dns.responder import Responder
from postroad_dns.zones import format_zone
from tests.dns.golden import QUESTIONS, query
from tests.dns.test_wire import packet
from tests.dns.world import golden_catalog
from tests.harness.needs import require_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.interop

NSD = """server:
  ip-address: 127.0.0.1@{port}
  username: ""
  zonesdir: {folder}
  pidfile: {folder}/pid
  xfrdfile: {folder}/xfrd.state
  zonelistfile: {folder}/zone.list
  logfile: {folder}/log
  server-count: 1
  minimal-responses: yes
remote-control:
  control-enable: no
"""
KNOT = """server:
  listen: 127.0.0.1@{port}
  rundir: {folder}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: {folder}
template:
  - id: default
    storage: {folder}
zone:
"""

# Where a peer answers otherwise, and is no worse for it.
DIFFERENT = {
    "nsd": {},
    "knot": {
        "back.child.example. A": "RFC 1034 §4.3.2 step 3a goes back to step 1; Knot stays in the zone",
    },
}


def free_port() -> int:
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        port: int = tcp.getsockname()[1]
        return port


@pytest.fixture(scope="module", params=["nsd", "knot"])
def peer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """One peer with our zones, on a port of its own."""
    name: str = request.param
    folder: Path = tmp_path_factory.mktemp(name)
    port = free_port()
    config = (NSD if name == "nsd" else KNOT).format(port=port, folder=folder)
    for number, zone in enumerate(golden_catalog().zones.values()):
        (folder / f"{number}.zone").write_text(format_zone(zone))
        if name == "nsd":
            config += f'zone:\n  name: "{zone.apex}"\n  zonefile: {number}.zone\n'
        else:
            config += f'  - domain: "{zone.apex}"\n    file: {number}.zone\n'
    (folder / "config").write_text(config)
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    command = [require_program("nsd"), "-d", "-c"] if name == "nsd" else [require_program("knotd"), "-c"]
    with subprocess.Popen(
        [*command, str(folder / "config")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(port, process)
            yield name, port
        finally:
            process.terminate()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            dns.query.udp(query("example. SOA"), "127.0.0.1", 0.2, port)
        except (dns.exception.Timeout, OSError):
            continue
        return
    pytest.fail("the peer did not come up")


def essence(response: dns.message.Message) -> object:
    """What has to be alike: all but the additional section, and the NS that some put beside a positive answer."""
    positive = any(rrset.rdtype != dns.rdatatype.CNAME for rrset in response.answer)
    return (
        response.rcode(),
        response.flags,
        response.ednsflags,
        lines(response.answer),
        [] if positive else lines(response.authority),
    )


def lines(section: list[dns.rrset.RRset]) -> list[str]:
    return sorted(line.lower() for rrset in section for line in rrset.to_text().splitlines())


# RFC 8482 §4.1 leaves it to the server which RRset it gives to ANY; NSD draws lots.
@pytest.mark.parametrize("question", [question for question in QUESTIONS if not question.endswith(" ANY")])
def test_the_peer_says_the_same(peer: tuple[str, int], question: str) -> None:
    name, port = peer
    asked = query(question)
    ours = Responder(golden_catalog()).udp(asked.to_wire())
    assert ours is not None
    theirs = dns.query.udp(asked, "127.0.0.1", 5, port)
    alike = essence(dns.message.from_wire(ours)) == essence(theirs)
    assert alike is (question not in DIFFERENT[name]), f"we:\n{dns.message.from_wire(ours)}\n{name}:\n{theirs}"


# RFC 8906 §8.1.4 asks without flags. NSD and Knot give RD back where it was set; we give back none.
@pytest.mark.parametrize("opcode", [3, 6, 15])
def test_the_peer_answers_an_unknown_opcode_as_we_do(peer: tuple[str, int], opcode: int) -> None:
    _, port = peer
    asked = packet(b"", flags=opcode << 11, counts=(0, 0, 0, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(5)
        udp.sendto(asked, ("127.0.0.1", port))
        theirs = udp.recv(512)
    assert Responder(golden_catalog()).udp(asked) == theirs
