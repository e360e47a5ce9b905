"""The further records of a domain: what they must not say about other domains, hosts and each other."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from postroad.dns.masterfile import parse_record
from postroad.dns.name import Name
from postroad.world.further import FurtherCheck
from postroad.world.world import Host

X_TEST = Name.parse("x.test.")
CHECK = FurtherCheck(
    {"x.test", "sub.x.test"},
    {"mx.x.test": Host("mx.x.test", IPv4Address("127.0.0.143"))},
    IPv4Network("127.0.0.0/24"),
)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["a A 192.0.2.1", "a A 192.0.2.2", "a TXT x", "b CNAME a", "@ MX 10 a", "c DNAME y.test."], []),
        (
            ["a.sub A 192.0.2.1", "sub TXT x"],
            [(0, "a.sub.x.test is in sub.x.test"), (1, "sub.x.test is in sub.x.test")],
        ),
        (["@ A 192.0.2.1", "@ TXT x"], []),
        (["@ NS a"], [(0, "the domain itself has its SOA and NS from the name server")]),
        (["@ SOA a b 1 2 3 4 5"], [(0, "the domain itself has its SOA and NS from the name server")]),
        (["a SOA a b 1 2 3 4 5"], [(0, "a.x.test. has a SOA inside the zone")]),
        (["www.y.test. A 192.0.2.1"], [(0, "the owner www.y.test. is not in x.test")]),
        (["@ CNAME a"], [(0, "the domain itself has its SOA and no CNAME")]),
        (["mx A 192.0.2.1", "mx TXT x"], [(0, "mx.x.test is a host")]),
        (["mx CNAME a"], [(0, "mx.x.test is a host")]),
        (["a A 127.0.0.9"], [(0, "127.0.0.9 is in the private network")]),
        (["* NS a"], [(0, "*.x.test. delegates a wildcard")]),
        (["a CNAME b", "A CNAME B"], []),  # RFC 2181 §5: one record, written twice
        (["a CNAME b", "a CNAME c"], [(1, "a.x.test. has several CNAMEs")]),
        (["a CNAME b", "a TXT x"], [(1, "a.x.test. has a CNAME and other records")]),
        (["a TXT x", "A CNAME b"], [(1, "A.x.test. has a CNAME and other records")]),
        (["a DNAME b", "a DNAME c"], [(1, "a.x.test. has several DNAMEs")]),
        (["\\097 CNAME b", "a TXT x"], [(1, "a.x.test. has a CNAME and other records")]),
        (["m\\x A 192.0.2.1"], [(0, "mx.x.test is a host")]),
        (["\\042 NS a"], [(0, "*.x.test. delegates a wildcard")]),
        (["a NS n", "b NS mx", "c NS n.c", "n.c A 192.0.2.1", "d NS n.d", "n.d AAAA 2001:db8::1"], []),
        (["a NS n.a"], [(0, "the name server n.a.x.test. of a.x.test. has no address here")]),
        (["a NS n", "n CNAME b"], [(0, "the name server n.x.test. of a.x.test. is an alias")]),
        (["mx NS n.y.test."], [(0, "mx.x.test is given away by its NS, and then nobody finds the host mx.x.test")]),
        (["mx DNAME y.test."], []),
        (["a NS mx", "b NS b"], [(1, "the name server b.x.test. of b.x.test. has no address here")]),
        (["@ DNAME y.test."], [(0, "x.test is given away by its DNAME, and then nobody finds the host mx.x.test")]),
    ],
)
def test_what_records_must_not_say(texts: list[str], said: list[tuple[int, str]]) -> None:
    records = {index: parse_record(text, X_TEST, 1) for index, text in enumerate(texts)}
    faults = list(CHECK.faults("x.test", records))
    assert [index for index, _ in faults] == [index for index, _ in said]
    assert all(sentence.startswith(wanted) for (_, sentence), (_, wanted) in zip(faults, said, strict=True))
