from __future__ import annotations

import runpy

import pytest

from postroad_store.imap.parse import PARSERS
from postroad_store.imap.states import LEGAL, TRANSITIONS, State, refusal, table


def test_every_command_has_a_parser() -> None:
    assert set(LEGAL) == {*PARSERS, b"STARTTLS"}


@pytest.mark.parametrize(
    ("name", "state", "text"),
    [
        (b"NOOP", State.NOT_AUTHENTICATED, None),
        (b"FETCH", State.SELECTED, None),
        (b"FETCH", State.AUTHENTICATED, "No mailbox selected"),
        (b"FETCH", State.NOT_AUTHENTICATED, "Please log in first"),
        (b"LOGIN", State.SELECTED, "Already logged in"),
        (b"XFOO", State.SELECTED, "Error in IMAP command XFOO: Unknown command"),
    ],
)
def test_refusal(name: bytes, state: State, text: str | None) -> None:
    assert refusal(name, state) == text


def test_nothing_leaves_logout() -> None:
    assert not TRANSITIONS[State.LOGOUT]
    assert not any(State.LOGOUT in legal for legal in LEGAL.values())


def test_the_table_prints() -> None:
    lines = table().splitlines()
    assert len(lines) == 1 + len(LEGAL)
    assert lines[0].split() == ["not", "authenticated", "authenticated", "selected", "logout"]
    assert "UID FETCH                      BAD                 BAD                 yes              closed" in lines


@pytest.mark.filterwarnings("ignore:.*found in sys.modules.*:RuntimeWarning")
def test_it_is_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module("postroad_store.imap.states", run_name="__main__")
    assert capsys.readouterr().out == table() + "\n"
