"""What is counted for the metrics."""

from __future__ import annotations

from postroad_web.catalog.tallies import Tallies


def test_events_and_hops() -> None:
    tallies = Tallies()
    tallies.count("stored")
    tallies.count("stored")
    tallies.observe("delivery", 0.002)
    tallies.observe("delivery", -5.0)  # a clock was set back
    tallies.observe("delivery", 1e6)
    assert tallies.events == {"stored": 2}
    figures = tallies.latencies["delivery"].figures()
    assert figures["count"] == 3
    assert figures["sum"] == 1e6 + 0.002
    buckets = figures["buckets"]
    assert isinstance(buckets, dict)
    assert (buckets["0.001"], buckets["0.0025"], buckets["600.0"]) == (1, 2, 2)
