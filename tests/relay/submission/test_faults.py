"""Faults that a test asks for."""

from __future__ import annotations

from typing import Any

import pytest

from postroad_relay.submission.faults import LARGEST_SEED, Command, FaultError, Faults

OFF = {"code": 451, "probability": 0}
DEFAULT = {"seed": 0, "mail": OFF, "rcpt": OFF, "auth": {"code": 535, "probability": 0}}


def decisions(faults: Faults, command: Command, count: int = 1000) -> list[bool]:
    return [faults.refusal(command) is not None for _ in range(count)]


def test_there_are_none_by_default() -> None:
    assert Faults().to_json() == DEFAULT
    assert Faults.of({}).to_json() == DEFAULT
    assert not any(any(decisions(Faults(), command)) for command in Command)


def test_what_is_left_out_has_its_default() -> None:
    assert Faults.of({"rcpt": {"probability": 1.5}, "auth": {"code": 454}}).to_json() == {
        "seed": 0,
        "mail": OFF,
        "rcpt": {"code": 451, "probability": 1.5},
        "auth": {"code": 454, "probability": 0},
    }


@pytest.mark.parametrize("command", list(Command))
def test_the_probability_holds_and_the_seed_decides(command: Command) -> None:
    def of(seed: int, probability: float) -> list[bool]:
        return decisions(Faults.of({"seed": seed, command.value: {"probability": probability}}), command)

    assert of(1, 30) == of(1, 30) != of(2, 30)
    assert 250 < sum(of(1, 30)) < 350
    assert sum(of(1, 0)) == 0
    assert sum(of(1, 100)) == 1000
    assert [refused for refused, more in zip(of(1, 30), of(1, 60), strict=True) if refused and not more] == []


def test_commands_are_counted_by_their_kind() -> None:
    faults = Faults.of({"mail": {"probability": 50}, "rcpt": {"probability": 50}})
    mixed = []
    for _ in range(100):
        faults.refusal(Command.RCPT)
        faults.refusal(Command.AUTH)
        mixed.append(faults.refusal(Command.MAIL) is not None)
    assert mixed == decisions(Faults.of({"mail": {"probability": 50}}), Command.MAIL, 100)


def test_the_same_decisions_for_ever() -> None:
    """A test's seed must give the same refusals with the next version."""
    faults = Faults.of({"seed": 42, "mail": {"probability": 50}})
    assert "".join("01"[refused] for refused in decisions(faults, Command.MAIL, 32)) == SEED_42


SEED_42 = "01000011000001100000101011101000"


@pytest.mark.parametrize(
    ("command", "code", "line"),
    [
        (Command.MAIL, 421, "421 Chaos sender error"),
        (Command.RCPT, 550, "550 Chaos recipient error"),
        (Command.AUTH, 535, "535 Chaos authentication error"),
    ],
)
def test_the_replies(command: Command, code: int, line: str) -> None:
    faults = Faults.of({command.value: {"code": code, "probability": 100}})
    assert str(faults.refusal(command)) == line


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], "faults must be an object"),
        ({"data": {}}, "there is no fault data"),
        ({"seed": "x"}, "seed must be a whole number"),
        ({"seed": -1}, f"seed must be between 0 and {LARGEST_SEED}"),
        ({"seed": 1 << 60}, f"seed must be between 0 and {LARGEST_SEED}"),
        ({"mail": 5}, "mail must be an object with code and probability"),
        ({"mail": {"chance": 5}}, "mail must be an object with code and probability"),
        ({"mail": {"code": 399}}, "error code must be between 400 and 599"),
        ({"mail": {"code": 600}}, "error code must be between 400 and 599"),
        ({"mail": {"code": 451.5}}, "error code must be a whole number"),
        ({"mail": {"code": True}}, "error code must be a whole number"),
        ({"mail": {"probability": 101}}, "probability must be between 0 and 100"),
        ({"mail": {"probability": -1}}, "probability must be between 0 and 100"),
        ({"mail": {"probability": float("nan")}}, "probability must be between 0 and 100"),
        ({"mail": {"probability": "50"}}, "probability must be a number"),
    ],
)
def test_what_can_not_be(value: Any, sentence: str) -> None:
    with pytest.raises(FaultError, match=f"^{sentence}$"):
        Faults.of(value)
