"""From a domain to the hosts that take its mail (RFC 5321 §5.1, RFC 7505). Pure: DNS answers and dice are passed in.

`exchangers` reads the MX answer, `route` puts hosts and addresses in the order of attempts.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, TypeAlias

from postroad.smtp.client.outcome import Deferred, Failed, deferred, failed
from postroad.value import value
from postroad.world.world import MX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from ipaddress import IPv4Network

MAX_ADDRESSES = 10  # tried in one attempt; RFC 5321 §5.1: at least two

IPAddress: TypeAlias = IPv4Address | IPv6Address


@value
class Records:
    """An RRset: MX for an MX question, addresses for an A question."""

    mx: tuple[MX, ...] = ()
    addresses: tuple[IPv4Address, ...] = ()


@value
class NoData:
    """The name exists and has no such records (RFC 2308 §2.2)."""


@value
class NoSuchDomain:
    """NXDOMAIN (RFC 2308 §2.1)."""


@value
class Trouble:
    """No usable answer (SERVFAIL, REFUSED, a timeout, no name server); `reason` is in words."""

    reason: str


Answer: TypeAlias = Records | NoData | NoSuchDomain | Trouble


@value
class Target:
    """A server to connect to."""

    host: str
    address: IPAddress

    def __str__(self) -> str:
        """Give `name[address]`, as logs and DSNs show it."""
        return f"{self.host}[{self.address}]"


@value
class Route:
    """Servers in the order of attempts, and the MX list that they come from."""

    targets: tuple[Target, ...]
    mx: tuple[MX, ...]


def exchangers(domain: str, answer: Answer) -> tuple[MX, ...] | Deferred | Failed:
    """Return the mail exchangers of a domain, given the answer to its MX question."""
    if isinstance(answer, Trouble):
        return deferred("4.4.3", f"Host or domain name lookup for {domain} failed: {answer.reason}")
    if isinstance(answer, NoSuchDomain):
        return failed("5.1.2", f"Domain {domain} does not exist")
    if isinstance(answer, NoData) or not answer.mx:
        # RFC 5321 §5.1: "If an empty list of MXs is returned, the address is treated as if it was associated with
        # an implicit MX RR, with a preference of 0, pointing to that host."
        return (MX(0, domain),)
    if any(mx.host == "." for mx in answer.mx):
        # RFC 7505 §3: "." says that the domain takes no mail; with another MX it is an error, and means the same.
        # RFC 7505 §4.1 with RFC 7504 §4: a client that gives up because of it uses 556 and 5.1.10.
        return failed("5.1.10", f"Domain {domain} does not accept mail (null MX)")
    return answer.mx


def ordered(mx: Iterable[MX], shuffle: Callable[[list[MX]], None]) -> list[MX]:
    """Sort by preference, lowest first; RFC 5321 §5.1: those of equal preference MUST be randomized."""
    result = list(mx)
    shuffle(result)
    result.sort(key=lambda exchanger: exchanger.preference)
    return result


def route(
    domain: str,
    mx: Sequence[MX],
    hosts: Mapping[str, Answer],
    *,
    own_names: frozenset[str],
    own_addresses: frozenset[IPAddress],
    network: IPv4Network,
) -> Route | Deferred | Failed:
    """Return the servers for a domain from its ordered MX list and the A answers for the hosts on it.

    Servers outside `network` are never contacted: no mail leaves the private network.
    """
    implicit = len(mx) == 1 and mx[0].host == domain
    targets: list[Target] = []
    trouble: list[str] = []
    outside: list[str] = []
    ourselves: int | None = None
    for exchanger in mx:
        answer = hosts[exchanger.host]
        addresses = answer.addresses if isinstance(answer, Records) else ()
        is_own = exchanger.host in own_names or is_localhost(exchanger.host)
        if is_own or any(address in own_addresses for address in addresses):
            # RFC 5321 §5.1: if we are on the list ourselves, all of our preference and above MUST be discarded.
            ourselves = exchanger.preference
            break
        if isinstance(answer, Trouble):
            trouble.append(f"{exchanger.host}: {answer.reason}")
        for address in addresses:
            if address in network:
                targets.append(Target(exchanger.host, address))
            else:
                outside.append(f"{exchanger.host}[{address}]")
    if ourselves is not None:
        preferences = {exchanger.host: exchanger.preference for exchanger in mx}
        targets = [target for target in targets if preferences[target.host] < ourselves]
        if not targets and not trouble:
            return failed("5.4.6", f"Mail for {domain} loops back to myself")
    if targets:
        return Route(tuple(targets[:MAX_ADDRESSES]), tuple(mx))
    if trouble:
        return deferred("4.4.3", f"Host or domain name lookup failed: {', '.join(trouble)}")
    if outside:
        return failed("5.4.4", f"Mail for {domain} would leave the private network: {', '.join(outside)}")
    if implicit:
        return failed("5.1.2", f"Domain {domain} has neither MX nor address records")
    # RFC 5321 §5.1: "If MX records are present, but none of them are usable ... this situation MUST be reported".
    return failed(
        "5.4.4", f"No mail exchanger of {domain} has an address: {', '.join(exchanger.host for exchanger in mx)}"
    )


def is_localhost(host: str) -> bool:
    """Whether a name means the machine that asks (RFC 6761 §6.3), which for a relay is the relay itself."""
    return host == "localhost" or host.endswith(".localhost")


def literal_route(literal: str, *, own_addresses: frozenset[IPAddress], network: IPv4Network) -> Route | Failed:
    """Return the server that an address literal names (RFC 5321 §4.1.3), if it is in the private network."""
    text = literal[1:-1]
    address = ip_address(text[5:] if text[:5].lower() == "ipv6:" else text)
    if address in own_addresses:
        return failed("5.4.6", f"Mail for {literal} loops back to myself")
    if address not in network:
        return failed("5.4.4", f"Mail for {literal} would leave the private network")
    return Route((Target(literal, address),), ())
