"""The states of a client's session, and the causes that lead from one to the next, in one table.

    GREETING   ── GREETED ──▶ HELLO
    HELLO      ── NO_EHLO ──▶ HELLO
               ── ASK_TLS ──▶ STARTTLS
               ── READY ──▶ READY
    STARTTLS   ── GO_AHEAD ──▶ HANDSHAKE
               ── READY ──▶ READY
    HANDSHAKE  ── tls_started() ──▶ HELLO
    READY      ── send() ──▶ ENVELOPE
               ── quit() ──▶ QUIT
    ENVELOPE   ── GO_ON ──▶ CONTENT
               ── LONE_DOT ──▶ FINAL
               ── FINISHED ──▶ READY
    CONTENT    ── content() ──▶ CONTENT
               ── end_content() ──▶ FINAL
    FINAL      ── FINISHED ──▶ READY

From every state CLOSE leads to CLOSED, which is the last. A test compares this drawing
with the one that `drawing` makes of the table.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from postroad.engine import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """How far the session has come."""

    GREETING = "GREETING"
    HELLO = "HELLO"
    STARTTLS = "STARTTLS"
    HANDSHAKE = "HANDSHAKE"
    READY = "READY"
    ENVELOPE = "ENVELOPE"
    CONTENT = "CONTENT"
    FINAL = "FINAL"
    QUIT = "QUIT"
    CLOSED = "CLOSED"


class Cause(StrEnum):
    """The cause of a transition: a call of the adapter (with brackets), or something that the server has said."""

    GREETED = "GREETED"  # 220, and EHLO follows
    NO_EHLO = "NO_EHLO"  # 5yz, and HELO follows
    ASK_TLS = "ASK_TLS"  # STARTTLS is offered, and asked for
    GO_AHEAD = "GO_AHEAD"  # 220 to STARTTLS
    TLS_STARTED = "tls_started()"
    READY = "READY"  # no step is left before the first transaction
    SEND = "send()"
    GO_ON = "GO_ON"  # 354
    LONE_DOT = "LONE_DOT"  # 354 with no recipient left
    CONTENT = "content()"
    END_CONTENT = "end_content()"
    FINISHED = "FINISHED"  # each recipient has an outcome
    QUIT = "quit()"
    CLOSE = "CLOSE"  # from either side


TRANSITIONS: Mapping[State, Mapping[Cause, State]] = {
    State.GREETING: {Cause.GREETED: State.HELLO},
    State.HELLO: {Cause.NO_EHLO: State.HELLO, Cause.ASK_TLS: State.STARTTLS, Cause.READY: State.READY},
    State.STARTTLS: {Cause.GO_AHEAD: State.HANDSHAKE, Cause.READY: State.READY},
    State.HANDSHAKE: {Cause.TLS_STARTED: State.HELLO},
    State.READY: {Cause.SEND: State.ENVELOPE, Cause.QUIT: State.QUIT},
    State.ENVELOPE: {Cause.GO_ON: State.CONTENT, Cause.LONE_DOT: State.FINAL, Cause.FINISHED: State.READY},
    State.CONTENT: {Cause.CONTENT: State.CONTENT, Cause.END_CONTENT: State.FINAL},
    State.FINAL: {Cause.FINISHED: State.READY},
    State.QUIT: {},
    State.CLOSED: {},
}

# The states in which the adapter acts next; in the others the server speaks.
OUR_TURN = frozenset({State.HANDSHAKE, State.READY, State.CONTENT, State.CLOSED})


def after(state: State, cause: Cause) -> State:
    """Return the state that follows; raises `LocalProtocolError` for a cause that is not legal there."""
    if cause is Cause.CLOSE:
        return State.CLOSED
    following = TRANSITIONS[state].get(cause)
    if following is None:
        raise LocalProtocolError(f"{cause.removesuffix('()')} is not legal in state {state}")
    return following


def drawing() -> str:
    """Return the table as the module's docstring has it."""
    lines = []
    for state, causes in TRANSITIONS.items():
        name: str = state
        for cause, following in causes.items():
            lines.append(f"    {name:<10} ── {cause} ──▶ {following}")
            name = ""
    return "\n".join(lines)
