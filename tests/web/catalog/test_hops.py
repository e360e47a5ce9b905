"""How long the hops of messages take."""

from __future__ import annotations

import pytest

from postroad_web.catalog import hops as module
from postroad_web.catalog.hops import Hops


@pytest.fixture
def observed() -> list[tuple[str, float]]:
    return []


@pytest.fixture
def hops(observed: list[tuple[str, float]]) -> Hops:
    return Hops(lambda hop, seconds: observed.append((hop, seconds)))


def attempted(queue_id: str, second: int, attempt: int = 1) -> bytes:
    return (
        b'{"n":5,"time":"1970-01-01T00:00:%02dZ","service":"relay","kind":"attempted","queue_id":"%s",'
        b'"message_id":"<a@b>","attempt":%d,"host":"mx"}\n' % (second, queue_id.encode(), attempt)
    )


def test_the_first_attempt_is_measured_once(hops: Hops, observed: list[tuple[str, float]]) -> None:
    hops.accepted("q1", 5.0)
    hops.attempted(attempted("q2", 6))
    hops.attempted(attempted("q1", 6, attempt=2))
    assert observed == []
    hops.attempted(attempted("q1", 7))
    hops.attempted(attempted("q1", 8))
    assert observed == [("attempt", 2.0)]


@pytest.mark.parametrize(
    "line",
    [b"", b"{}\n", attempted("q1", 6).replace(b'"queue_id"', b'"id"'), attempted("q1", 6).replace(b"1970", b"year")],
)
def test_lines_that_make_no_sense(hops: Hops, observed: list[tuple[str, float]], line: bytes) -> None:
    hops.accepted("q1", 5.0)
    hops.attempted(line)
    assert observed == []


def test_either_journal_may_be_ahead(hops: Hops, observed: list[tuple[str, float]]) -> None:
    hops.stored("s1", 7.0)
    hops.stored("s1", 7.5)  # another mailbox of the same delivery
    hops.delivered("s1", 5.0)
    hops.delivered("s2", 5.0)
    hops.stored("s2", 6.0)
    assert observed == [("store", 2.0), ("store", 1.0)]


def test_many_may_be_under_way_at_a_time(hops: Hops, observed: list[tuple[str, float]]) -> None:
    for number in range(10_001):
        hops.accepted(f"q{number}", 0.0)
    hops.attempted(attempted("q0", 1))
    assert observed == []
    hops.attempted(attempted("q1", 1))
    assert observed == [("attempt", 1.0)]


def test_what_never_meets_is_forgotten(
    hops: Hops, observed: list[tuple[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    for number in range(10):
        hops.accepted(f"q{number}", 0.0)
        hops.stored(f"s{number}", 0.0)
        hops.delivered(f"d{number}", 0.0)
    for events in (hops._accepted, hops._stored, hops._delivered):
        assert len(events) == 3
    hops.attempted(attempted("q9", 1))
    assert observed == [("attempt", 1.0)]
