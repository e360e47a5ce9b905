"""The order of commands (RFC 5321 §4.1.4): the states of a session, and the row of each verb in the table of states."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from postroad.mail.reply import Reply, reply
from postroad.smtp.server.commands import COMMAND_LINE
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from postroad.smtp.server.engine import Engine
    from postroad.smtp.server.events import Event
    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.service import Session


class State(StrEnum):
    """How far a session has come."""

    CONNECTED = "connected"  # the greeting is not sent yet
    REFUSED = "refused"  # 554 instead of a greeting: only QUIT is left (RFC 5321 §3.1)
    GREETED = "greeted"  # no EHLO or HELO yet
    READY = "ready"  # no mail transaction is open
    MAIL = "mail"  # MAIL was accepted, no recipient yet
    RCPT = "rcpt"  # one recipient or more
    DATA = "data"  # content is coming
    EXCHANGE = "exchange"  # lines that are not commands, such as the responses of AUTH
    CLOSED = "closed"


_NO_SERVICE = reply(503, "5.5.1", "Bad sequence of commands: no SMTP service here")
_NEED_HELLO = reply(503, "5.5.1", "Bad sequence of commands: send EHLO or HELO first")
_NEED_MAIL = reply(503, "5.5.1", "Bad sequence of commands: send MAIL first")
_NO_RECIPIENTS = reply(554, "5.5.1", "No valid recipients")
_NESTED = reply(503, "5.5.1", "Bad sequence of commands: a mail transaction is open")

# The reply to a verb in each state in which it is out of sequence; where it is legal, its row has no entry.
Row = dict[State, Reply]
AT_THE_END: Row = {}
# RFC 5321 §3.1: the server SHOULD respond to any intervening commands with 503, and waits for QUIT.
ANYTIME: Row = {State.REFUSED: _NO_SERVICE}
# RFC 5321 §4.1.4, RFC 3207 §4.2, RFC 4954 §4
OUTSIDE_TRANSACTION: Row = ANYTIME | {State.GREETED: _NEED_HELLO, State.MAIL: _NESTED, State.RCPT: _NESTED}
IN_TRANSACTION: Row = ANYTIME | {State.GREETED: _NEED_HELLO, State.READY: _NEED_MAIL}
WITH_RECIPIENTS: Row = IN_TRANSACTION | {State.MAIL: _NO_RECIPIENTS}  # RFC 5321 §3.3: 503 or 554

_STATES = (State.REFUSED, State.GREETED, State.READY, State.MAIL, State.RCPT)  # those that take commands


def always(_profile: Profile, _session: Session) -> bool:
    """Return True: the verb depends on nothing."""
    return True


def never(_profile: Profile, _session: Session) -> bool:
    """Return False: the verb is known, and not implemented."""
    return False


@value
class Verb:
    """A command: the function that carries it out, and the states in which it is legal.

    `run` gets the octets after the verb and its space, without trailing white space. It says its reply, or returns the
    event that asks for a reply; it raises `CommandError` to refuse.
    """

    name: str  # capitals
    run: Callable[[Engine, bytes], Event | None]
    refused: Mapping[State, Reply]
    line: int = COMMAND_LINE
    applies: Callable[[Profile, Session], bool] = always  # whether HELP lists it
    noted: bool = False  # whether its refusal is an event, `Refused`
    secret: bool = False  # its argument may be a password


def sequence_table(verbs: Iterable[Verb]) -> str:
    """Return the table of states and commands: `ok`, or the code that refuses the command."""
    rows = [f"{'':10}" + "".join(f"{state:>9}" for state in _STATES)]
    for verb in verbs:
        cells = (verb.refused.get(state) for state in _STATES)
        rows.append(f"{verb.name:10}" + "".join(f"{cell.code if cell else 'ok':>9}" for cell in cells))
    return "\n".join(rows)
