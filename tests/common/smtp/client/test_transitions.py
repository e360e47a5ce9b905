"""The table of the client's states, and its drawing."""

from __future__ import annotations

import pytest

from postroad.engine import LocalProtocolError
from postroad.smtp.client import transitions
from postroad.smtp.client.transitions import OUR_TURN, TRANSITIONS, Cause, State, after, drawing


def test_the_drawing_in_the_docstring_is_the_table() -> None:
    drawn = [line for line in str(transitions.__doc__).splitlines() if "──▶" in line]
    assert drawing().splitlines() == drawn
    assert f"From every state {Cause.CLOSE} leads to {State.CLOSED}, which is the last." in str(transitions.__doc__)


def test_every_state_is_reached_and_every_cause_has_its_place() -> None:
    reached = {following for causes in TRANSITIONS.values() for following in causes.values()}
    assert reached | {State.GREETING, State.CLOSED} == set(State) == set(TRANSITIONS)
    assert {cause for causes in TRANSITIONS.values() for cause in causes} | {Cause.CLOSE} == set(Cause)


def test_the_adapter_acts_in_the_states_that_have_calls_of_its_own() -> None:
    with_calls = {state for state, causes in TRANSITIONS.items() if any(cause.endswith("()") for cause in causes)}
    assert with_calls | {State.CLOSED} == OUR_TURN


@pytest.mark.parametrize("state", State)
def test_what_does_not_go(state: State) -> None:
    assert after(state, Cause.CLOSE) is State.CLOSED
    for cause in set(Cause) - set(TRANSITIONS[state]) - {Cause.CLOSE}:
        with pytest.raises(LocalProtocolError, match=f"is not legal in state {state}"):
            after(state, cause)
    for cause, following in TRANSITIONS[state].items():
        assert after(state, cause) is following
