"""A resolver for the tests, with a name server's script that has a bit of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad_relay.delivery.resolver import Resolver

if TYPE_CHECKING:
    from tests.relay.nameserver import NameServer, Script

SCRIPT: Script = {
    ("beta.test", "MX"): ["beta.test. 300 MX 10 a.test.", "beta.test. 300 MX 20 B.test."],
    ("a.test", "A"): ["a.test. 300 A 127.0.0.1"],
    ("b.test", "A"): ["b.test. 300 A 127.0.0.2", "b.test. 300 A 127.0.0.1"],
    ("null.test", "MX"): ["null.test. 300 MX 0 ."],
    ("none.test", "MX"): [],
    ("none.test", "A"): [],
    ("gone.test", "MX"): "NXDOMAIN",
    ("refused.test", "MX"): "REFUSED",
    ("broken.test", "MX"): "SERVFAIL",
    ("brief.test", "A"): ["brief.test. 0 A 127.0.0.1"],
    # CNAMEs: within the answer, leading out of it, leading nowhere, round and round
    ("www.test", "A"): ["www.test. 300 CNAME a.test.", "a.test. 300 A 127.0.0.1"],
    ("far.test", "MX"): ["far.test. 300 CNAME beta.test."],
    ("astray.test", "A"): ["astray.test. 300 CNAME lost.test."],
    ("lost.test", "A"): "NXDOMAIN",
    ("ping.test", "A"): ["ping.test. 300 CNAME pong.test."],
    ("pong.test", "A"): ["pong.test. 300 CNAME ping.test."],
    ("loop.test", "A"): ["loop.test. 300 CNAME pool.test.", "pool.test. 300 CNAME loop.test."],
}


def still() -> Clock:
    """A clock that stands still until it is pushed."""
    return Clock(steady=lambda: 100.0)


def make(server: NameServer, clock: Clock | None = None, *, patience: float = 20.0) -> Resolver:
    """Return a resolver that asks twice; `patience` is short where a test wants no answer to come."""
    return Resolver("127.0.0.1", server.port, clock=clock or still(), timeouts=(patience, patience))
