"""Which refusals a wait tells of."""

from __future__ import annotations

from postroad_web.waiting.refused import KEPT, Refusals
from tests.web.worlds import SomeWorlds


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
