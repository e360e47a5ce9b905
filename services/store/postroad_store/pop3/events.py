"""What the POP3 engine asks of the session: the commands that need the mail (RFC 1939)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.protocol.contract import Event

if TYPE_CHECKING:
    from postroad.sasl.mechanism import Claim


@value
class Login(Event):
    """The client proves who it is, by USER and PASS, APOP or AUTH."""

    claim: Claim


@value
class LoginAbandoned(Event):
    """The client has cancelled a login that was granted: give the maildrop back; nothing is to be answered."""


@value
class PlaintextRefused(Event):
    """A login was refused because anybody could have read the password; nothing is to be answered."""

    login: str | None  # where the client has given it


@value
class Retrieve(Event):
    """Send a message: whole, or with `lines` its header and so many lines of its body (TOP)."""

    number: int
    lines: int | None


@value
class ListAll(Event):
    """Go on with a long answer to LIST, or to UIDL, whose first line has been given."""

    numbers: list[int]
    unique_ids: bool


@value
class Update(Event):
    """The client has quit: remove the messages it marked, and only now (RFC 1939 §6)."""

    numbers: tuple[int, ...]
