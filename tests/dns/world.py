"""A small world and what is made of it, for the tests of the name server."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from postroad.config import Settings
from postroad.dns import masterfile as zonefile
from postroad.dns.name import ROOT, Name
from postroad.dns.zone import Catalog, Zone
from postroad.mail.address import Address
from postroad.world.world import MX, Account, Domain, Host, Role, World

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "dns"
NETWORK = IPv4Network("127.0.0.0/24")


def host(name: str, address: str, role: Role | None = None) -> Host:
    return Host(name, IPv4Address(address), role)


HOSTS = (
    host("ns.postroad.test", "127.0.0.53", Role.DNS),
    host("relay.postroad.test", "127.0.0.25", Role.RELAY),
    host("mx.postroad.test", "127.0.0.143", Role.STORE),
)
STORE = (MX(10, "mx.postroad.test"),)


def domain(name: str, *records: str, mx: tuple[MX, ...] = STORE, users: tuple[str, ...] = ("user",)) -> Domain:
    return Domain(name, mx, {user: Account(Address(user, name), "secret") for user in users}, records=records)


def world(*domains: Domain, hosts: tuple[Host, ...] = HOSTS) -> World:
    known = (domain("postroad.test", users=("capture",)), *domains)
    return World(NETWORK, {machine.name: machine for machine in hosts}, {served.name: served for served in known})


def settings(**changed: str) -> Settings:
    return Settings.from_environ({f"POSTROAD_{name.upper()}": value for name, value in changed.items()})


def zone(text: str, apex: str = "example.") -> Zone:
    name = Name.parse(apex)
    return Zone.build(name, zonefile.parse(text, ROOT, 3600))


def golden_catalog() -> Catalog:
    return Catalog.of(
        zone((GOLDEN / f"{file}.zone").read_text(), apex)
        for file, apex in (("rfc", "example."), ("child", "child.example."))
    )
