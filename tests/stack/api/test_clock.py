"""`postroad clock` against an API with given answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from postroad_stack import clock

if TYPE_CHECKING:
    from tests.stack.api.conftest import FakeApi

CLOCK = {"now": "2026-11-26T14:00:00.000Z", "ahead": 7200.0, "next": "2026-11-26T14:05:00.000Z"}


def test_show(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.answers["GET /v1/worlds/default/clock"] = 200, CLOCK
    assert clock.main([]) == 0
    assert capsys.readouterr().out == (
        "2026-11-26T14:00:00.000Z, 7200 s ahead of the machine; the next attempt is due at 2026-11-26T14:05:00.000Z\n"
    )
    assert clock.main(["show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == CLOCK


def test_push(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.answers["POST /v1/worlds/shop/clock"] = 200, {**CLOCK, "next": None}
    assert clock.main(["push", "2h", "--world", "shop"]) == 0
    assert api.asked == [("POST /v1/worlds/shop/clock", {"push": "2h"})]
    assert capsys.readouterr().out.endswith("; nothing waits for an attempt\n")


def test_a_world_that_is_not_there(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert clock.main(["push", "next", "--world", "nowhere"]) == 1
    assert api.asked == [("POST /v1/worlds/nowhere/clock", {"push": "next"})]
    assert "There is no" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["push"], ["show", "2h"], ["wind"]])
def test_wrong_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit) as error:
        clock.main(words)
    assert error.value.code == 2
