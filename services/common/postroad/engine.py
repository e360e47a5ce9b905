"""Common to the protocol engines: the values that say why no event is due, and the error for misuse.

An engine is a state machine without I/O. Its caller feeds `receive_data` and takes events from `next_event`; one of the
two values of `Wait` in place of an event says whose turn it is.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final


class LocalProtocolError(RuntimeError):
    """The caller has asked an engine for something that is not legal in its state: a bug of ours, not of the peer."""


class Wait(Enum):
    """Why an engine has no event."""

    NEED_DATA = auto()  # the peer must speak first
    PAUSED = auto()  # the caller must act first: answer the last event, send something; or the session is over


NEED_DATA: Final = Wait.NEED_DATA
PAUSED: Final = Wait.PAUSED
