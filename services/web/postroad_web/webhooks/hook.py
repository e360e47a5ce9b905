"""One webhook: its record, the signature of what it sends, when it tries again, where it may send. Pure.

Signatures and field names are those of Standard Webhooks: the receiver computes HMAC-SHA256 over `id.timestamp.body`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import asdict, dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from postroad.world.world import DEFAULT_WORLD

RETRIES = (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0)  # seconds before each further try; then the event is given up
SECRET = 24  # octets
_PREFIX = "whsec_"
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9a-fA-F:.]{2,45}")
_VISIBLE = re.compile(r"[!-~]{1,2000}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook as it is kept."""

    id: str
    world: str  # whose events; EVERY: of all worlds
    url: str
    secret: str
    events: tuple[str, ...]  # kinds; empty: all
    query: str | None
    created: float  # seconds since the epoch
    cursor: int  # all events up to it were taken, or given up


class Target(NamedTuple):
    """Where a webhook is sent."""

    scheme: str
    host: str
    port: int
    path: str  # with the query

    @property
    def authority(self) -> str:
        """What the Host field says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


_PORTS = {"http": 80, "https": 443}

# RFC 1122 §3.2.1.3, RFC 1918 §3, RFC 2544 §C.2.2 (the containers' by default), RFC 4291 §2.5.3, RFC 4193 §3.1
_NEAR = tuple(
    map(
        ip_network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "::1/128", "fc00::/7"),
    )
)
_CLOUDS = (ip_network("fd00:ec2::/32"), ip_network("fd20:ce::/32"))  # Amazon's and Google's


def target_of(url: str) -> Target:
    """Return where a URL leads; raises `ValueError` with what it must be."""
    if not _VISIBLE.fullmatch(url):
        raise ValueError("must be a URL of visible ASCII characters")
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not _HOST.fullmatch(host):
        raise ValueError("must be http://host:port/path, or the same with https")
    if parts.username is not None or parts.fragment:
        raise ValueError("must not have a user name or a fragment")
    port = parts.port if parts.port is not None else _PORTS[parts.scheme]  # ValueError for a number that is no port
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path)


def may_be_sent_to(address: str) -> bool:
    """Whether an IP address is of this machine or of a private network.

    Those from which clouds give a machine its credentials are not: they are link-local, or among `_CLOUDS`.
    """
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in network for network in _NEAR) and not any(ip in network for network in _CLOUDS)


def new_secret(octets: bytes) -> str:
    """Return random octets as a secret."""
    return _PREFIX + base64.b64encode(octets).decode("ascii")


def signed(secret: str, ident: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the header fields that prove where a body comes from, and when it was sent."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.digest(key, f"{ident}.{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": ident,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + base64.b64encode(digest).decode("ascii"),
    }


def next_try(tries: int) -> float | None:
    """Return the seconds until the next try after so many; None: give up."""
    return RETRIES[tries - 1] if tries <= len(RETRIES) else None


def kept(hook: Hook) -> dict[str, Any]:
    """Return the hook as JSON."""
    return asdict(hook)


def read_hook(value: dict[str, Any]) -> Hook:
    """Return the hook that was kept so."""
    return Hook(**{"world": DEFAULT_WORLD, **value, "events": tuple(value["events"])})
