"""What the ManageSieve engine asks of the session: the commands that need an account or its scripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad_store.protocol.contract import Event

if TYPE_CHECKING:
    from postroad.sasl.mechanism import Claim


@dataclass(frozen=True, slots=True)
class Login(Event):
    """The client has proved who it is, by AUTHENTICATE."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class PlaintextRefused(Event):
    """A login was refused because anybody could have read the password; nothing is to be answered."""


@dataclass(frozen=True, slots=True)
class LoggedOut(Event):
    """UNAUTHENTICATE was answered: the session has no account any more; nothing is to be answered."""


@dataclass(frozen=True, slots=True)
class Put(Event):
    """Check a script, and store it unless `name` is None."""

    name: str | None
    content: bytes


@dataclass(frozen=True, slots=True)
class Get(Event):
    """Send a script."""

    name: str


@dataclass(frozen=True, slots=True)
class ListAll(Event):
    """List the scripts."""


@dataclass(frozen=True, slots=True)
class Activate(Event):
    """Make a script the active one; with an empty name, none is."""

    name: str


@dataclass(frozen=True, slots=True)
class Delete(Event):
    """Delete a script."""

    name: str


@dataclass(frozen=True, slots=True)
class Rename(Event):
    """Rename a script."""

    name: str
    new_name: str


@dataclass(frozen=True, slots=True)
class HaveSpace(Event):
    """Say whether a script of this size would fit."""

    name: str
    size: int
