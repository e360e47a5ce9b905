"""The order of commands (RFC 5321 §4.1.4) as a table of states and commands."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from postroad.mail.reply import Reply, reply
from postroad.smtp.server.commands import Command

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """Where a session stands."""

    CONNECTED = "connected"  # the greeting is not sent yet
    REFUSED = "refused"  # 554 instead of a greeting: only QUIT is left (§3.1)
    GREETED = "greeted"  # no EHLO or HELO yet
    READY = "ready"  # no mail transaction is open
    MAIL = "mail"  # MAIL was accepted, no recipient yet
    RCPT = "rcpt"  # one recipient or more
    DATA = "data"  # content is coming
    SASL = "sasl"  # responses of an AUTH exchange are coming
    CLOSED = "closed"


_NO_SERVICE = reply(503, "5.5.1", "Bad sequence of commands: no SMTP service here")
NEED_HELLO = reply(503, "5.5.1", "Bad sequence of commands: send EHLO or HELO first")
_NEED_MAIL = reply(503, "5.5.1", "Bad sequence of commands: send MAIL first")
_NO_RECIPIENTS = reply(554, "5.5.1", "No valid recipients")
_NESTED = reply(503, "5.5.1", "Bad sequence of commands: a mail transaction is open")

# §4.1.4, RFC 3207 §4.2, RFC 4954 §4: what is out of sequence in each state that takes commands, and its reply.
SEQUENCE: Mapping[State, Mapping[Command, Reply]] = {
    # §3.1: the server SHOULD respond to any intervening commands with 503, and waits for QUIT.
    State.REFUSED: {command: _NO_SERVICE for command in Command if command is not Command.QUIT},
    State.GREETED: {
        Command.MAIL: NEED_HELLO,
        Command.RCPT: NEED_HELLO,
        Command.DATA: NEED_HELLO,
        Command.STARTTLS: NEED_HELLO,
        Command.AUTH: NEED_HELLO,
    },
    State.READY: {Command.RCPT: _NEED_MAIL, Command.DATA: _NEED_MAIL},
    State.MAIL: {
        Command.MAIL: _NESTED,
        Command.DATA: _NO_RECIPIENTS,  # §3.3: 503 or 554
        Command.STARTTLS: _NESTED,
        Command.AUTH: _NESTED,
    },
    State.RCPT: {Command.MAIL: _NESTED, Command.STARTTLS: _NESTED, Command.AUTH: _NESTED},
}


def sequence_table() -> str:
    """Return the table of states and commands: `ok`, or the code that refuses the command."""
    rows = [f"{'':10}" + "".join(f"{state:>9}" for state in SEQUENCE)]
    for command in Command:
        cells = (SEQUENCE[state].get(command) for state in SEQUENCE)
        rows.append(f"{command:10}" + "".join(f"{cell.code if cell else 'ok':>9}" for cell in cells))
    return "\n".join(rows)
