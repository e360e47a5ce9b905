"""The states of an IMAP connection (RFC 3501 §3), and the sets of them that commands are legal in (RFC 3501 §6)."""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(Enum):
    """The states of a connection (RFC 3501 §3)."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"

    __hash__ = object.__hash__  # an Enum's own is a function in Python


# Each look-up of a member costs as much as a small function.
STRANGER, LOGGED_IN, SELECTED = State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED

# command-any, command-nonauth, command-auth, command-select (RFC 3501 §9)
ANY = frozenset({State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED})
NONAUTH = frozenset({State.NOT_AUTHENTICATED})
AUTH = frozenset({State.AUTHENTICATED, State.SELECTED})
SELECT = frozenset({State.SELECTED})

# The transitions between states: the arrows of the diagram in RFC 8437 §5, which are those of RFC 3501 §3.4 and the way
# back to the not authenticated state.
TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.NOT_AUTHENTICATED: frozenset({State.AUTHENTICATED, State.LOGOUT}),
        State.AUTHENTICATED: frozenset({State.SELECTED, State.NOT_AUTHENTICATED, State.LOGOUT}),
        State.SELECTED: frozenset({State.AUTHENTICATED, State.SELECTED, State.NOT_AUTHENTICATED, State.LOGOUT}),
        State.LOGOUT: frozenset(),
    }
)
