"""Who may call: which names this service answers to, and from which pages a browser may call it. Pure.

A page of the Internet can make a browser send requests here. It can't read the answers, unless it had the browser
believe that its own name leads to this machine (DNS rebinding); so names that anybody could own are refused.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

# RFC 9110 §7.2: Host = uri-host [ ":" port ]
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_]([a-z0-9._-]{0,252}[a-z0-9_.])?)(:[0-9]{1,5})?", re.ASCII)
_FOUR = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)", re.ASCII)

# RFC 6761 §6.2, §6.3; ICANN keeps internal out of the root zone. Docker, Podman and Testcontainers name the host so for
# containers: host.docker.internal, host.containers.internal, host.testcontainers.internal.
_NOBODYS = frozenset({"test", "localhost", "internal"})


def is_ours(host: str, further: Collection[str]) -> bool:
    """Whether a Host field names this service.

    Nobody can register a name without a dot, or one of `_NOBODYS`, and no page has an address of this machine as its
    origin. `further` are names in lower case that the operator has allowed.
    """
    match = _HOST.fullmatch(host.lower())
    if match is None:
        return False
    name = match[1]
    if name.startswith("["):
        return _is_ipv6(name[1:-1])
    if _FOUR.fullmatch(name):
        return True
    name = name.removesuffix(".")
    last = name.rpartition(".")[2]
    if last.isdigit() or last.startswith("0x"):  # some read it as an address, some as a name
        return False
    return "." not in name or last in _NOBODYS or name in further


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def refused_origin(method: str, host: str, headers: dict[str, str], *, websocket: bool) -> str | None:
    """Return why a browser's request is refused, or None.

    `headers` has origin, sec-fetch-site, sec-fetch-mode and sec-fetch-dest as far as they were sent. A client that is
    no browser sends none of them.
    """
    changes = websocket or method not in SAFE
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and changes:
        scheme, separator, authority = origin.lower().partition("://")
        own = separator and scheme in {"http", "https"} and _authority(authority, scheme) == _authority(host, scheme)
        if not own:
            return "A page of another origin may not do this; the Origin field has to name the host that is called."
    if site is None or site in {"same-origin", "none"}:
        return None
    if changes and origin is None:
        return "A page of another site may not do this."
    if site == "cross-site" and not changes:
        mode, destination = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
        # A link that somebody has followed, or a frame: what is framed is shown only to pages of ours (frame-ancestors)
        # and to browsers under test that leave that policy out.
        if mode == "navigate" and destination in {"document", "iframe", "frame"}:
            return None
        return "A page of another site may not load this."
    return None


def _authority(text: str, scheme: str) -> str:
    """Return host and port without the scheme's own port."""
    return text.lower().removesuffix(":80" if scheme == "http" else ":443")
