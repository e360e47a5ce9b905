"""The table of states and commands, as it is printed."""

from __future__ import annotations

from postroad.smtp.server.commands import Command
from postroad.smtp.server.sequence import SEQUENCE, sequence_table

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
    assert sequence_table() == TABLE


def test_every_refusal_is_a_permanent_one_with_its_status() -> None:
    for state, refusals in SEQUENCE.items():
        for command, refusal in refusals.items():
            assert command in Command, state
            assert refusal.code in (503, 554)
            assert str(refusal.status) == "5.5.1"
