"""A bad line: what happens on it, how often, and to whom."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from postroad.control import names
from postroad.smtp.server.service import Purpose, Session
from postroad_relay.submission.badline import BadLine
from postroad_relay.submission.faults import Faults
from postroad_relay.submission.link import Link
from postroad_relay.submission.worldfaults import WorldFaults

if TYPE_CHECKING:
    from collections.abc import Callable

ALWAYS = {"refused": 100, "lost": 100, "slow": 100}


def session(purpose: Purpose = Purpose.APP, client: str | None = None) -> Session:
    return Session(purpose, ip_address("127.0.0.1"), 2525, "s1", client_name=client)


def test_a_good_line() -> None:
    assert Link().is_good
    assert Link(slowest=1).is_good
    faults = Faults()
    assert not faults.refuses_connection()
    assert not faults.loses_connection()
    assert faults.speed() is None


@pytest.mark.parametrize("what", ["refused", "lost", "slow"])
def test_the_chances_hold_and_the_seed_decides(what: str) -> None:
    def of(seed: int, percent: float) -> list[bool]:
        faults = Faults.of({"seed": seed, "link": {what: percent}})
        assert not faults.link.is_good
        happens: dict[str, Callable[[], object]] = {
            "refused": faults.refuses_connection,
            "lost": faults.loses_connection,
            "slow": faults.speed,
        }
        return [bool(happens[what]()) for _ in range(1000)]

    assert of(1, 30) == of(1, 30) != of(2, 30)
    assert 250 < sum(of(1, 30)) < 350
    assert sum(of(1, 100)) == 1000


def test_speeds_are_between_the_two() -> None:
    faults = Faults.of({"link": {"slow": 100, "slowest": 100, "fastest": 200}})
    speeds = [speed for _ in range(1000) if (speed := faults.speed()) is not None]
    assert len(speeds) == 1000
    assert 100 <= min(speeds) < 105
    assert 195 < max(speeds) < 200
    same = Faults.of({"link": {"slow": 100, "slowest": 100, "fastest": 200}})
    assert [same.speed() for _ in range(5)] == speeds[:5]


def lines(**by_world: dict[str, int]) -> WorldFaults:
    faults = WorldFaults()
    for world, link in by_world.items():
        faults.put(world, Faults.of({"link": link}))
    return faults


def test_a_world_has_its_own_line() -> None:
    faults = lines(w1=ALWAYS)
    line = BadLine(faults)
    mine = session(client="app.example")
    assert not any((line.refuses(mine), line.speed(mine), line.breaks(mine)))
    mine.world = "w1"
    assert all((line.refuses(mine), line.speed(mine), line.breaks(mine)))
    mine.world = "w2"
    assert not line.breaks(mine)
    faults.drop("w1")
    faults.drop("w1")
    mine.world = "w1"
    assert not line.breaks(mine)
    assert [lines(w1=ALWAYS).spare_all_lines, faults.spare_all_lines] == [False, True]


def test_who_has_a_bad_line() -> None:
    line = BadLine(lines(default=ALWAYS))
    for purpose in (Purpose.APP, Purpose.SUBMISSION, Purpose.SUBMISSIONS):
        stranger = session(purpose, "app.example")
        assert line.refuses(stranger)
        assert line.breaks(stranger)
        assert line.speed(stranger) is not None
    for spared in (session(Purpose.TRANSFER), session(client=names.WEB), session(client=names.STORE)):
        assert not line.refuses(spared)
        assert not line.breaks(spared)
        assert line.speed(spared) is None


def test_the_words_say_whose_faults_they_are() -> None:
    assert Faults.of({"words": "mailhog", "link": ALWAYS}).to_json()["words"] == "mailhog"
    link = Link.of(ALWAYS)
    assert Faults.of({"link": ALWAYS}).to_json()["link"] == ALWAYS | {"slowest": 1024, "fastest": 10240}
    assert replace(link, lost=0).lost == 0
