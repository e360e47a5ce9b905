"""The figures that every service has."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from postroad.control import process
from postroad.control.histogram import Histogram
from postroad.control.process import process_figures


def test_a_histogram_is_cumulative() -> None:
    histogram = Histogram((0.001, 0.5, 2.0))
    for seconds in (0.001, 0.0005, -1.0, 0.002, 2.0, 2.5):
        histogram.observe(seconds)
    figures = histogram.figures()
    assert figures["buckets"] == {"0.001": 3, "0.5": 4, "2.0": 5}
    assert figures["count"] == histogram.count == 6
    assert figures["sum"] == pytest.approx(4.5035)


def test_an_empty_histogram() -> None:
    bounds = [
        "0.0005",
        "0.001",
        "0.0025",
        "0.005",
        "0.01",
        "0.025",
        "0.05",
        "0.1",
        "0.25",
        "0.5",
        "1.0",
        "2.5",
        "5.0",
        "10.0",
        "30.0",
        "60.0",
        "300.0",
    ]
    assert Histogram().figures() == {"buckets": dict.fromkeys(bounds, 0), "sum": 0.0, "count": 0}
    assert Histogram((1.0,)).figures() == {"buckets": {"1.0": 0}, "sum": 0.0, "count": 0}


def test_figures_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = process_figures()
    assert figures["cpu_seconds"] > 0
    assert 1 << 20 < figures["rss"] < 1 << 34
    assert 3 <= figures["open_fds"] < 1000
    assert time.time() - 86400 < figures["started"] <= time.time()
    monkeypatch.setattr(process, "_MEMORY", Path("/nonexistent"))
    assert 1 << 20 < process_figures()["rss"] < 1 << 34
