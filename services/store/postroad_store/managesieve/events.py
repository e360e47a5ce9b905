"""What the ManageSieve engine asks of the session: the commands that need an account or its scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.protocol.contract import Event

if TYPE_CHECKING:
    from postroad.sasl.mechanism import Claim


@value
class Login(Event):
    """The client has proved who it is, by AUTHENTICATE."""

    claim: Claim


@value
class PlaintextRefused(Event):
    """A login was refused because anybody could have read the password; nothing is to be answered."""


@value
class LoggedOut(Event):
    """UNAUTHENTICATE was answered: the session has no account any more; nothing is to be answered."""


@value
class Put(Event):
    """Check a script, and store it unless `name` is None."""

    name: str | None
    content: bytes


@value
class Get(Event):
    """Send a script."""

    name: str


@value
class ListAll(Event):
    """List the scripts."""


@value
class Activate(Event):
    """Make a script the active one; with an empty name, none is."""

    name: str


@value
class Delete(Event):
    """Delete a script."""

    name: str


@value
class Rename(Event):
    """Rename a script."""

    name: str
    new_name: str


@value
class HaveSpace(Event):
    """Say whether a script of this size would fit."""

    name: str
    size: int
