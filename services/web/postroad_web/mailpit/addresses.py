"""Which addresses the link check may connect to: those of the public Internet alone. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

# They lead to an IPv4 address: RFC 6052 §2.1, RFC 3056 §2, RFC 4380 §2.6.
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214 §6.1: these bits come before the IPv4 address


def is_public(text: str) -> bool:
    """Return whether an IP address is of the public Internet; False if it is no address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return _is_public(address)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is None and int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
        if address.is_site_local:  # RFC 3879 §4: deprecated, but routers may know it still
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_private(host: str) -> bool:
    """Return whether a URL's host needs no resolver to be known as one that may not be connected to."""
    # RFC 6761 §6.3: localhost, and all names under it
    return f".{host.lower().rstrip('.')}".endswith(".localhost") or (is_literal(host) and not is_public(host))


def is_literal(host: str) -> bool:
    """Return whether a URL's host is an IP address, in one of the forms that resolvers take."""
    bare = host.removeprefix("[").removesuffix("]")
    last = bare.rstrip(".").rpartition(".")[2]
    return ":" in bare or last.isdigit() or last.lower().startswith("0x")
