"""Which refusals a wait tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_web.waiting import refused
from postroad_web.waiting.refused import KEPT, Refusal, Refusals
from tests.web.worlds import SomeWorlds

if TYPE_CHECKING:
    import pytest


def test_the_latest_are_kept() -> None:
    refusals = Refusals(SomeWorlds(w1=""))
    for number in range(KEPT + 5):
        refusals.hear(
            {"n": number, "time": "2026-11-26T12:00:00.000Z", "recipient": "bob@beta.test", "reply": "550 no"}
        )
    assert [refusal.number for refusal in refusals.after(0, "default")] == list(range(5, KEPT + 5))
    (last,) = refusals.after(KEPT + 3, "default")
    assert (last.recipients, last.reply, last.sender, last.at) == (("bob@beta.test",), "550 no", None, 1795694400.0)


def test_whom_a_content_was_for() -> None:
    refusals = Refusals(SomeWorlds(w1=""))
    refusals.hear({"n": 1, "time": "2026-11-26T12:00:00.000Z", "recipients": ["a@b.test", "c@d.test"], "reply": "550"})
    refusals.hear({"n": 2, "time": "2026-11-26T12:00:00.000Z", "reply": "451"})
    refusals.hear({"n": 3, "time": "2026-11-26T12:00:00.000Z", "command": "TLS", "reason": "no handshake"})
    assert [refusal.recipients for refusal in refusals.after(0, "default")] == [("a@b.test", "c@d.test"), ()]


def test_what_is_told_of_a_refusal() -> None:
    refusals = Refusals(SomeWorlds())
    time = "2026-11-26T12:00:00.500Z"
    whole = {"n": 1, "time": time, "reply": "550 no", "command": "RCPT", "sender": "a@b.test", "client": "app"}
    refusals.hear(whole | {"recipients": ["c@d.test"], "recipient": "e@f.test"})
    refusals.hear({"n": 2, "time": time, "reply": "451"})
    assert refusals.after(0, "default") == [
        Refusal(1, time, 1795694400.5, "RCPT", "a@b.test", ("c@d.test",), "550 no", "app"),
        Refusal(2, time, 1795694400.5, "", None, (), "451", ""),
    ]


def test_each_world_has_its_own() -> None:
    refusals = Refusals(SomeWorlds(w1=""))
    for number, details in enumerate([{}, {"world": "w1"}, {"recipient": "nobody@w1.test"}], 1):
        refusals.hear({"n": number, "time": "2026-11-26T12:00:00.000Z", "reply": "550", **details})
    assert [refusal.number for refusal in refusals.after(0, "default")] == [1]
    assert [refusal.number for refusal in refusals.after(0, "w1")] == [2, 3]
    refusals.forget("w1")
    refusals.forget("w1")
    assert refusals.after(0, "w1") == []


def test_those_of_few_worlds_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused, "WORLDS", 2)
    refusals = Refusals(SomeWorlds())
    for number, world in enumerate(("a", "b", "a", "c"), 1):
        refusals.hear({"n": number, "time": "2026-11-26T12:00:00.000Z", "reply": "550", "world": world})
    assert [len(refusals.after(0, world)) for world in "abc"] == [2, 0, 1]
