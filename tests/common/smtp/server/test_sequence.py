"""The table of states and commands, as it is printed."""

from __future__ import annotations

from postroad.mail.address import Address
from postroad.smtp.extensions import EXTENSIONS
from postroad.smtp.server.profile import Profile
from postroad.smtp.server.sequence import sequence_table
from postroad.smtp.server.service import Limits

VERBS = Profile(
    hostname="mx.test",
    limits=Limits(),
    postmaster=Address("postmaster", "mx.test"),
    extensions=EXTENSIONS,
    starttls=False,
).verbs.values()

TABLE = """\
            refused  greeted    ready     mail     rcpt
EHLO            503       ok       ok       ok       ok
HELO            503       ok       ok       ok       ok
MAIL            503      503       ok      503      503
RCPT            503      503      503       ok       ok
DATA            503      503      503      554       ok
RSET            503       ok       ok       ok       ok
NOOP            503       ok       ok       ok       ok
QUIT             ok       ok       ok       ok       ok
VRFY            503       ok       ok       ok       ok
EXPN            503       ok       ok       ok       ok
HELP            503       ok       ok       ok       ok
STARTTLS        503      503       ok      503      503
AUTH            503      503       ok      503      503"""


def test_table() -> None:
    assert sequence_table(VERBS) == TABLE


def test_every_refusal_is_a_permanent_one_with_its_status() -> None:
    for verb in VERBS:
        for state, refusal in verb.refused.items():
            assert state.value in TABLE
            assert refusal.code in (503, 554)
            assert str(refusal.status) == "5.5.1"
