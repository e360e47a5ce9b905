"""Faults that a test asks for."""

from __future__ import annotations

from typing import Any

import pytest

from postroad_relay.submission.faults import LARGEST_SEED, Command, Faults
from postroad_relay.submission.link import FaultError, drawn

OFF = {"code": 451, "probability": 0}
GOOD = {"refused": 0, "lost": 0, "slow": 0, "slowest": 1024, "fastest": 10240}
DEFAULT = {
    "seed": 0,
    "words": "mailpit",
    "mail": OFF,
    "rcpt": OFF,
    "auth": {"code": 535, "probability": 0},
    "link": GOOD,
}


def decisions(faults: Faults, command: Command, count: int = 1000) -> list[bool]:
    return [faults.refusal(command) is not None for _ in range(count)]


def test_there_are_none_by_default() -> None:
    assert Faults().to_json() == DEFAULT
    assert Faults.of({}).to_json() == DEFAULT
    assert not any(any(decisions(Faults(), command)) for command in Command)


def test_what_is_left_out_has_its_default() -> None:
    assert Faults.of({"rcpt": {"probability": 1.5}, "auth": {"code": 454}}).to_json() == {
        **DEFAULT,
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


def test_the_same_lines_for_ever() -> None:
    link = {"refused": 50, "lost": 50, "slow": 50, "slowest": 1000, "fastest": 2000}
    faults = Faults.of({"seed": 42, "link": link})
    assert "".join("01"[faults.refuses_connection()] for _ in range(32)) == "11011111000111100111110001010101"
    assert "".join("01"[faults.loses_connection()] for _ in range(32)) == "10000001100100111011110111010101"
    speeds = [faults.speed() for _ in range(8)]
    assert [speed and round(speed) for speed in speeds] == [1146, None, 1879, 1809, 1771, 1742, None, None]


def test_what_is_drawn_has_to_be_below_the_probability() -> None:
    share = drawn(0, "mail", 0) * 100
    for more, refused in ((0.0, False), (0.001, True)):
        faults = Faults.of({"mail": {"probability": share + more}})
        assert (faults.refusal(Command.MAIL) is not None) is refused


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


def test_mailhogs_words() -> None:
    fault = {"code": 550, "probability": 100}
    faults = Faults.of({"words": "mailhog", "mail": fault, "rcpt": fault, "auth": {"code": 500, "probability": 100}})
    assert str(faults.refusal(Command.MAIL, "a@alpha.test")) == "550 Invalid sender a@alpha.test"
    assert str(faults.refusal(Command.RCPT, "b@beta.test")) == "550 Invalid recipient b@beta.test"
    assert str(faults.refusal(Command.AUTH)) == "500 Unrecognised command"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], "faults must be an object"),
        ({"data": {}}, "there is no fault data"),
        ({"seed": "x"}, "seed must be a whole number"),
        ({"seed": -1}, f"seed must be between 0 and {LARGEST_SEED}"),
        ({"seed": LARGEST_SEED + 1}, f"seed must be between 0 and {LARGEST_SEED}"),
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
        ({"words": "mine"}, "words must be one of mailpit, mailhog"),
        ({"words": []}, "words must be one of mailpit, mailhog"),
        ({"link": 1}, "link must be an object with fastest, lost, refused, slow, slowest"),
        ({"link": {"speed": 1}}, "link must be an object with fastest, lost, refused, slow, slowest"),
        ({"link": {"lost": 101}}, "lost must be between 0 and 100"),
        ({"link": {"slow": None}}, "slow must be a number"),
        ({"link": {"slowest": 0}}, "slowest must be at least 1, and fastest no less than it"),
        ({"link": {"slowest": 3, "fastest": 2}}, "slowest must be at least 1, and fastest no less than it"),
    ],
)
def test_what_can_not_be(value: Any, sentence: str) -> None:
    with pytest.raises(FaultError, match=f"^{sentence}$"):
        Faults.of(value)


@pytest.mark.parametrize("seed", [0, LARGEST_SEED])
def test_seeds_at_the_ends(seed: int) -> None:
    assert Faults.of({"seed": seed}).seed == seed


@pytest.mark.parametrize("code", [400, 599])
@pytest.mark.parametrize("probability", [0, 0.5, 100])
def test_the_bounds_of_a_fault(code: int, probability: float) -> None:
    assert Faults.of({"mail": {"code": code, "probability": probability}}).to_json()["mail"] == {
        "code": code,
        "probability": probability,
    }


@pytest.mark.parametrize("percent", [0, 0.5, 100])
def test_the_bounds_of_a_link(percent: float) -> None:
    value = {"refused": percent, "lost": percent, "slow": percent, "slowest": 1, "fastest": 1e12}
    assert Faults.of({"link": value}).to_json()["link"] == value


@pytest.mark.parametrize("link", [{"slowest": 0.5}, {"fastest": 1e12 + 1}, {"slowest": 2, "fastest": 1}])
def test_speeds_out_of_bounds(link: dict[str, float]) -> None:
    with pytest.raises(FaultError, match="slowest must be at least 1, and fastest no less than it"):
        Faults.of({"link": link})
