"""Further records of a domain: world and name server take and refuse the same, or one of them would stay behind."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Network

from hypothesis import example, given, settings
from hypothesis import strategies as st

from postroad.config import Settings
from postroad.dns.zone import ZoneError
from postroad.world.source import WorldError, parse_world
from postroad_dns.addressbook import build_catalog
from tests.common.world.test_source import HOSTS

SETTINGS = Settings.from_environ({})
NETWORK = IPv4Network("127.0.0.0/24")
TEXT = HOSTS.replace('[domains."x.test"]', '[domains."b.a.x.test"]\n[domains."x.test"]')
WORLD = parse_world(TEXT.encode(), NETWORK)

NAME = st.one_of(
    st.sampled_from(
        ["a", "b", "@", "*", "mx", "ns.a", "b.a", "n", "m\\120", "a\\.b", "\\097", "\\042", "y.test.", "x.test."]
    ),
    st.sampled_from(["a", "b", "n", "ns.a", "_imap._tcp", ".", '"a"', "a\\30", "a\\300", "é", "a" * 63, "a" * 64]),
    st.integers(110, 130).map(lambda count: "a." * count + "b"),
)
WORD = st.one_of(
    NAME,
    st.sampled_from(
        ["0", "1", "65535", "65536", "300", "ab", "issue", "192.0.2.1", "127.0.0.9", "2001:db8::1", "\\#", "(", ")"]
    ),
    st.sampled_from(['""', '"a b"', '"\\999"', "\\065", ";", "\u0663", "\u00b2", '"', "fe80::1%eth0", "x" * 256]),
)
STRING = st.sampled_from(["x", '""', '"a b"', '"\\999"', '"\\065;"', "\\065", "é", "\u00a0", "x" * 256])
NUMBER = st.sampled_from(["0", "1", "65535", "65536", "²"])
# For each type what its RDATA should be like; any word may stand in the place of any other.
KINDS = {
    "A": [st.sampled_from(["192.0.2.1", "127.0.0.9"])],
    "AAAA": [st.sampled_from(["2001:db8::1", "fe80::1%eth0"])],
    "CAA": [NUMBER, st.sampled_from(["issue", "is-sue"]), STRING],
    "CNAME": [NAME],
    "DNAME": [NAME],
    "HINFO": [STRING, STRING],
    "MX": [NUMBER, NAME],
    "NAPTR": [NUMBER, NUMBER, STRING, STRING, STRING, NAME],
    "NS": [NAME],
    "PTR": [NAME],
    "RP": [NAME, NAME],
    "SPF": [STRING],
    "SRV": [NUMBER, NUMBER, NUMBER, NAME],
    "TLSA": [NUMBER, NUMBER, NUMBER, st.sampled_from(["ab", "abc"])],
    "TXT": [STRING, STRING],
    "SOA": [NAME, NAME],
    **{f"TYPE{number}": [st.just("\\# 1"), st.just("ab")] for number in (0, 1, 41, 200, 65280, 65536)},
}
BEFORE = st.lists(st.sampled_from(["IN", "in", "CH", "300", "1h30m", "99999w", "4294967296", "\u0663"]), max_size=1)


@st.composite
def line(draw: st.DrawFn) -> str:
    """A record, more or less."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    rdata = [draw(field if draw(st.integers(0, 9)) else WORD) for field in KINDS[kind]]
    return " ".join([draw(NAME), *draw(BEFORE), kind, *rdata])


@given(st.lists(line(), min_size=1, max_size=4))
@example(["a NS ns.a"])
@example(["a NS ns.b.a"])
@example(["b.a TXT x"])
@example(["a CNAME b", "a CNAME b"])
@example(["mx NS n.y.test."])
@example(["mx TXT x\nb TXT y"])
@example(["x DS \\# 1 ab"])
@example(["x TXT ("])
@example(["a NS n", "n CNAME b"])
@example(["m\\120 A 192.0.2.1"])
@example(["\\097 CNAME b", "a TXT x"])
@example([f"{'a.' * 123}b A 192.0.2.1"])
@settings(max_examples=300)
def test_world_and_name_server_take_and_refuse_the_same(lines: list[str]) -> None:
    assert taken_by_world(lines) is taken_by_name_server(lines)


def taken_by_world(lines: list[str]) -> bool:
    try:
        parse_world(f"{TEXT}records = {json.dumps(lines)}".encode(), NETWORK)
    except WorldError:
        return False
    return True


def taken_by_name_server(lines: list[str]) -> bool:
    """Whether zones can be made of a world that nobody has checked."""
    domain = replace(WORLD.domains["x.test"], records=tuple(lines))
    try:
        build_catalog(replace(WORLD, domains={**WORLD.domains, "x.test": domain}), SETTINGS, 1)
    except ZoneError:
        return False
    return True
