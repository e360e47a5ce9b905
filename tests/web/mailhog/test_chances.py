"""Jim's chances, and the relay's faults that they are."""

from __future__ import annotations

from typing import Any

import pytest

from postroad_web.mailhog.chances import Chances, chances_in, chances_of, faults_of
from postroad_web.mailpit.gojson import BadJsonError, Struct

NOTHING = {
    "DisconnectChance": 0,
    "AcceptChance": 0,
    "LinkSpeedAffect": 0,
    "LinkSpeedMin": 0,
    "LinkSpeedMax": 0,
    "RejectSenderChance": 0,
    "RejectRecipientChance": 0,
    "RejectAuthChance": 0,
}


def test_mailhogs_own() -> None:
    assert Chances().shape() == {
        "DisconnectChance": 0.005,
        "AcceptChance": 0.99,
        "LinkSpeedAffect": 0.1,
        "LinkSpeedMin": 1024,
        "LinkSpeedMax": 10240,
        "RejectSenderChance": 0.05,
        "RejectRecipientChance": 0.05,
        "RejectAuthChance": 0.05,
    }
    assert [*Chances().shape()] == [*NOTHING]


def test_what_a_body_leaves_out_is_0() -> None:
    chances, seed = chances_in(Struct({}))
    assert chances.shape() == NOTHING
    assert seed == 0


def test_members_match_whatever_their_case() -> None:
    chances, seed = chances_in(Struct({"disconnectchance": 1, "LINKSPEEDMIN": 5.5, "seed": 7, "x": 1}))
    assert chances.shape() == NOTHING | {"DisconnectChance": 1, "LinkSpeedMin": 5.5}
    assert seed == 7


@pytest.mark.parametrize(
    "value", [{"AcceptChance": "1"}, {"AcceptChance": True}, {"Seed": 1.5}, {"Seed": -1}, {"AcceptChance": 10**400}]
)
def test_what_can_not_be_read(value: dict[str, Any]) -> None:
    with pytest.raises(BadJsonError):
        chances_in(Struct(value))


def test_a_seed_is_a_number_that_json_can_have() -> None:
    for seed in (0, (1 << 53) - 1):
        assert chances_in(Struct({"seed": seed}))[1] == seed
    for seed in (-1, 1 << 53, 1 << 54):
        with pytest.raises(BadJsonError, match="Seed is out of range"):
            chances_in(Struct({"seed": seed}))


def test_they_become_faults_and_back() -> None:
    faults = faults_of(Chances(), 7)
    assert faults == {
        "seed": 7,
        "words": "mailhog",
        "mail": {"code": 550, "probability": 5},
        "rcpt": {"code": 550, "probability": 5},
        "auth": {"code": 500, "probability": 5},
        "link": {"refused": 1, "lost": 0.5, "slow": 10, "slowest": 1024, "fastest": 10240},
    }
    assert chances_of(faults) == Chances()


@pytest.mark.parametrize("words", ["mailpit", None])
def test_without_jim(words: str | None) -> None:
    assert chances_of({"words": words}) is None


def test_what_can_not_be_becomes_the_nearest_that_can() -> None:
    chances, _ = chances_in(Struct({"RejectSenderChance": 5, "RejectAuthChance": -1, "LinkSpeedMax": 1e300}))
    faults = faults_of(chances, 0)
    assert (faults["mail"]["probability"], faults["auth"]["probability"]) == (100, 0)
    assert (faults["link"]["slowest"], faults["link"]["fastest"]) == (1, 1e12)
    for least, most, link in ((0.5, 0.5, (1, 1)), (1e13, 1, (1e12, 1e12)), (9, 7, (9, 9)), (2, 1e13, (2, 1e12))):
        chances, _ = chances_in(Struct({"LinkSpeedMin": least, "LinkSpeedMax": most}))
        assert (faults_of(chances, 0)["link"]["slowest"], faults_of(chances, 0)["link"]["fastest"]) == link
