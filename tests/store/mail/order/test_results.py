from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.order import results
from postroad_store.mail.order.results import Results

if TYPE_CHECKING:
    import pytest


def test_a_result_is_that_of_the_same_messages() -> None:
    kept = Results()
    assert kept.get("a", [1, 2]) is None
    kept.put("a", [1, 2], "x")
    assert kept.get("a", [1, 2]) == "x"
    assert kept.get("a", [1, 2, 3]) is None
    assert kept.get("b", [1, 2]) is None
    kept.put("a", [1, 2, 3], "y")
    assert kept.get("a", [1, 2]) is None
    assert kept.get("a", [1, 2, 3]) == "y"


def test_a_result_of_the_first_messages_is_a_beginning() -> None:
    kept = Results()
    assert kept.begun("a", [1, 2]) is None
    kept.put("a", [1, 2], "x")
    assert kept.begun("a", [1, 2, 300]) == "x"
    assert kept.begun("a", [1, 3, 4]) is None
    assert kept.begun("a", [1]) is None


def test_those_that_were_used_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MAX_KEPT", 4)
    kept = Results()
    kept.put("a", [1, 2], "a")
    kept.put("b", [1, 2], "b")
    assert kept.get("a", [1, 2]) == "a"
    kept.put("c", [1], "c")
    assert [kept.get(asked, uids) for asked, uids in (("a", [1, 2]), ("b", [1, 2]), ("c", [1]))] == ["a", None, "c"]
    kept.put("d", [1, 2, 3, 4, 5], "d")
    assert kept.get("d", [1, 2, 3, 4, 5]) is None
