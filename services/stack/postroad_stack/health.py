"""The program `postroad health`: does a service answer in its own protocol? The containers are checked with it.

It uses only the standard library, and little of it, because it is started every few seconds while the stack runs.
"""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST = "127.0.0.1"
TIMEOUT = 2.0  # seconds for each step

# RFC 1035 §4.1: ID 0x6865, opcode QUERY, one question: the root, SOA, IN.
_QUERY = b"he\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00" + b"\x00\x00\x06\x00\x01"
_SERVFAIL = 2

# The greeting of a service, the client's farewell, and the beginning of the answer to that.
_TALKS = {
    "smtp": (b"220 ", b"QUIT\r\n", b"221 "),  # RFC 5321 §4.2.2
    "pop3": (b"+OK", b"QUIT\r\n", b"+OK"),  # RFC 1939 §4, §5
    "imap": (b"* OK", b"a LOGOUT\r\n", b"* BYE"),  # RFC 3501 §7.1.1, §6.1.3
}

# RFC 9110 §9.3.1: here the client speaks first. /livez needs no password.
_REQUEST = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


USAGE = f"""\
usage: postroad health PROTOCOL:[HOST:]PORT ...

Speak each protocol to {HOST}, such as dns:53, or to another host, such as imap:127.0.0.143:1143; the protocols are
dns, http, {", ".join(_TALKS)}.
Exit status 1 means that one of them is not well.
"""


class HealthError(Exception):
    """The service does not answer as it should."""


def check(protocol: str, host: str, port: int, timeout: float = TIMEOUT) -> None:
    """Speak the protocol to the port; raises `HealthError` or `OSError` if the service is not well.

    `timeout` is in seconds, for each step.
    """
    if protocol == "dns":
        _check_dns(host, port, timeout)
        return
    with socket.create_connection((host, port), timeout) as connection, connection.makefile("rb") as lines:
        if protocol == "http":
            connection.sendall(_REQUEST)
            _expect(lines.readline(1000), b"HTTP/1.1 200 ")
            return
        greeting, farewell, answer = _TALKS[protocol]
        _expect(lines.readline(1000), greeting)
        connection.sendall(farewell)
        _expect(lines.readline(1000), answer)


def _expect(line: bytes, beginning: bytes) -> None:
    if not line.startswith(beginning):
        raise HealthError(f"said {line!r}, not {beginning!r}")


def _check_dns(host: str, port: int, timeout: float) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(timeout)
        udp.connect((host, port))
        udp.send(_QUERY)
        _expect_response(udp.recv(4096))
    with socket.create_connection((host, port), timeout) as tcp, tcp.makefile("rb") as stream:
        # RFC 1035 §4.2.2: over TCP a message is preceded by two octets of length.
        tcp.sendall(len(_QUERY).to_bytes(2, "big") + _QUERY)
        _expect_response(stream.read(14)[2:])


def _expect_response(message: bytes) -> None:
    # RFC 1035 §4.1.1: QR is the first bit of octet 2.
    # A name server that is not the root answers REFUSED, which shows as well that it lives.
    if len(message) < 12 or message[:2] != _QUERY[:2] or not message[2] & 0x80 or message[3] & 0x0F == _SERVFAIL:
        raise HealthError(f"answered {message[:12].hex() or 'nothing'}")


def _target(argument: str) -> tuple[str, str, int]:
    """Take `protocol:port` or `protocol:host:port` apart; port 0 if the text has no port."""
    protocol, _, rest = argument.partition(":")
    host, _, port = rest.rpartition(":")
    return protocol, host or HOST, int(port) if port.isdecimal() else 0


def main(arguments: Sequence[str]) -> int:
    """Check each `protocol:port`; returns 1 if one is not well, with a line that says which and why."""
    targets = [_target(argument) for argument in arguments]
    if not targets or any(
        protocol not in {"dns", "http", *_TALKS} or not 0 < port < 1 << 16 for protocol, _, port in targets
    ):
        asked = arguments[:1] in (["-h"], ["--help"])
        (sys.stdout if asked else sys.stderr).write(USAGE)
        return 0 if asked else 2
    for argument, (protocol, host, port) in zip(arguments, targets, strict=True):
        try:
            check(protocol, host, port)
        except (OSError, HealthError) as error:
            sys.stdout.write(f"{argument}: {error}\n")
            return 1
    return 0
