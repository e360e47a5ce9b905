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


_ANY = frozenset({State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED})
_NONAUTH = frozenset({State.NOT_AUTHENTICATED})
_AUTH = frozenset({State.AUTHENTICATED, State.SELECTED})
_SELECT = frozenset({State.SELECTED})

LEGAL: Mapping[bytes, frozenset[State]] = MappingProxyType(
    {
        # command-any (RFC 3501 §6.1)
        b"CAPABILITY": _ANY,
        b"NOOP": _ANY,
        b"LOGOUT": _ANY,
        b"ID": _ANY,  # RFC 2971 §3.1
        # command-nonauth (RFC 3501 §6.2)
        b"STARTTLS": _NONAUTH,
        b"AUTHENTICATE": _NONAUTH,
        b"LOGIN": _NONAUTH,
        # command-auth (RFC 3501 §6.3)
        b"SELECT": _AUTH,
        b"EXAMINE": _AUTH,
        b"CREATE": _AUTH,
        b"DELETE": _AUTH,
        b"RENAME": _AUTH,
        b"SUBSCRIBE": _AUTH,
        b"UNSUBSCRIBE": _AUTH,
        b"LIST": _AUTH,
        b"LSUB": _AUTH,
        b"STATUS": _AUTH,
        b"APPEND": _AUTH,
        b"IDLE": _AUTH,  # RFC 2177 §3
        b"NAMESPACE": _AUTH,  # RFC 2342 §5
        # command-select (RFC 3501 §6.4)
        b"CHECK": _SELECT,
        b"CLOSE": _SELECT,
        b"UNSELECT": _SELECT,  # RFC 3691 §2
        b"EXPUNGE": _SELECT,
        b"SEARCH": _SELECT,
        b"FETCH": _SELECT,
        b"STORE": _SELECT,
        b"COPY": _SELECT,
        b"MOVE": _SELECT,  # RFC 6851 §3.1
        b"UID SEARCH": _SELECT,
        b"UID FETCH": _SELECT,
        b"UID STORE": _SELECT,
        b"UID COPY": _SELECT,
        b"UID MOVE": _SELECT,
        b"UID EXPUNGE": _SELECT,  # RFC 4315 §2.1
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
