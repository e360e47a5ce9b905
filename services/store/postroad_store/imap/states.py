"""The states of an IMAP connection, and which command is legal in which (RFC 3501 §3, §6).

The whole of it is two tables; `python -m postroad_store.imap.states` prints the first.
"""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(Enum):
    """Where a connection stands (RFC 3501 §3)."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


ANY = frozenset({State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED})
NONAUTH = frozenset({State.NOT_AUTHENTICATED})
AUTH = frozenset({State.AUTHENTICATED, State.SELECTED})
SELECT = frozenset({State.SELECTED})

LEGAL: Mapping[bytes, frozenset[State]] = MappingProxyType(
    {
        # command-any (RFC 3501 §6.1)
        b"CAPABILITY": ANY,
        b"NOOP": ANY,
        b"LOGOUT": ANY,
        b"ID": ANY,  # RFC 2971 §3.1
        # command-nonauth (RFC 3501 §6.2)
        b"STARTTLS": NONAUTH,
        b"AUTHENTICATE": NONAUTH,
        b"LOGIN": NONAUTH,
        # command-auth (RFC 3501 §6.3)
        b"SELECT": AUTH,
        b"EXAMINE": AUTH,
        b"CREATE": AUTH,
        b"DELETE": AUTH,
        b"RENAME": AUTH,
        b"SUBSCRIBE": AUTH,
        b"UNSUBSCRIBE": AUTH,
        b"LIST": AUTH,
        b"LSUB": AUTH,
        b"STATUS": AUTH,
        b"APPEND": AUTH,
        b"IDLE": AUTH,  # RFC 2177 §3
        b"NAMESPACE": AUTH,  # RFC 2342 §5
        # command-select (RFC 3501 §6.4)
        b"CHECK": SELECT,
        b"CLOSE": SELECT,
        b"UNSELECT": SELECT,  # RFC 3691 §2
        b"EXPUNGE": SELECT,
        b"SEARCH": SELECT,
        b"FETCH": SELECT,
        b"STORE": SELECT,
        b"COPY": SELECT,
        b"MOVE": SELECT,  # RFC 6851 §3.1
        b"UID SEARCH": SELECT,
        b"UID FETCH": SELECT,
        b"UID STORE": SELECT,
        b"UID COPY": SELECT,
        b"UID MOVE": SELECT,
        b"UID EXPUNGE": SELECT,  # RFC 4315 §2.1
    }
)

# Where each state may lead (the arrows of the diagram in RFC 3501 §3.4).
TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.NOT_AUTHENTICATED: frozenset({State.AUTHENTICATED, State.LOGOUT}),
        State.AUTHENTICATED: frozenset({State.SELECTED, State.LOGOUT}),
        State.SELECTED: frozenset({State.AUTHENTICATED, State.SELECTED, State.LOGOUT}),
        State.LOGOUT: frozenset(),
    }
)


def refusal(name: bytes, state: State) -> str | None:
    """Return the text of the BAD that a command gets in a state, or None where it is legal there."""
    legal = LEGAL.get(name)
    if legal is None:
        return f"Error in IMAP command {name.decode('ascii')}: Unknown command"
    if state in legal:
        return None
    if state is State.NOT_AUTHENTICATED:
        return "Please log in first"
    if State.NOT_AUTHENTICATED in legal:
        return "Already logged in"
    return "No mailbox selected"


def table() -> str:
    """Return the table of command by state, as text."""
    lines = [f"{'':14}" + "".join(f"{state.value:>20}" for state in State)]
    for name, legal in LEGAL.items():
        marks = ("yes" if state in legal else "BAD" if state is not State.LOGOUT else "closed" for state in State)
        lines.append(f"{name.decode('ascii'):14}" + "".join(f"{mark:>20}" for mark in marks))
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    sys.stdout.write(table() + "\n")
