"""The name constraints of the private CA (RFC 5280 §4.2.1.10), since people import it into browsers.

A client that trusts the CA trusts it for the names of the world, for reserved names that no real site has, and for
private addresses, and for nothing else. The constraints are critical, as RFC 5280 §4.2.1.10 requires. OpenSSL, NSS and
GnuTLS enforce them; Java's PKIX ignores constraints of a trust anchor; Mbed TLS can't read a CA that has any
(docs/decisions/0014-name-constraints-of-the-ca.md).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TYPE_CHECKING

from cryptography import x509

from postroad.dns.above import above, is_within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cryptography.x509 import Certificate

# RFC 2606 §2: no real site has these names, so a world may get more domains below them without a new CA.
RESERVED = ("example", "localhost", "test")
# RFC 1122 §3.2.1.3 (g), RFC 1918 §3, RFC 2544 §C.2.2 (the containers' by default), RFC 4291 §2.5.3, RFC 4193 §3.1
PRIVATE = tuple(
    map(
        ip_network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "::1/128", "fc00::/7"),
    )
)
# OpenSSL gives up on a certificate if its names times the constraints are over 2**20, and takes no chain over 100 kB,
# which has room for some 5,000 names.
MOST_DOMAINS = 64


def name_constraints(wanted: x509.SubjectAlternativeName) -> x509.NameConstraints | None:
    """Return the constraints of a CA that is to sign these names; None if they would be too many.

    A name that nothing is wanted below, such as a container's, is permitted without the names below it: there is a
    real top-level domain `store`.
    """
    names = wanted.get_values_for_type(x509.DNSName)
    parents = {parent for name in names for parent in above(name)}
    outside = {name for name in _without_wildcards(names) if not is_within(name, RESERVED)}
    bases = sorted(name for name in outside if not outside.intersection(above(name)))
    if len(bases) > MOST_DOMAINS:
        return None
    networks = {ip_network(address) for address in _addresses(wanted) if not any(address in net for net in PRIVATE)}
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in (*RESERVED, *bases)]
    permitted += [x509.IPAddress(network) for network in (*PRIVATE, *sorted(networks, key=str))]
    return x509.NameConstraints(permitted, [x509.DNSName(f".{name}") for name in bases if name not in parents] or None)


def may_sign(ca: Certificate, wanted: x509.SubjectAlternativeName) -> bool:
    """Whether the constraints of a CA, if it has any, permit all these names."""
    try:
        constraints = ca.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return True
    bases = constraints.permitted_subtrees or []
    permitted = frozenset(base.value for base in bases if isinstance(base, x509.DNSName))
    networks = [
        base.value
        for base in bases
        if isinstance(base, x509.IPAddress) and isinstance(base.value, IPv4Network | IPv6Network)
    ]
    excluded = {base.value[1:] for base in constraints.excluded_subtrees or () if isinstance(base, x509.DNSName)}
    names = wanted.get_values_for_type(x509.DNSName)
    return (
        all(is_within(name, permitted) for name in _without_wildcards(names))
        and not any(excluded.intersection(above(name)) for name in names)
        and all(any(address in network for network in networks) for address in _addresses(wanted))
    )


def _without_wildcards(names: Iterable[str]) -> set[str]:
    return {name.removeprefix("*.") for name in names}


def _addresses(names: x509.SubjectAlternativeName) -> Iterator[IPv4Address | IPv6Address]:
    for address in names.get_values_for_type(x509.IPAddress):
        assert isinstance(address, IPv4Address | IPv6Address)  # noqa: S101 - networks are for constraints alone
        yield address
