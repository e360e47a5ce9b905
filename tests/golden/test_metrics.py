"""The text of GET /metrics, whole; POSTROAD_GOLDEN=write writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from prometheus_client.exposition import generate_latest

from postroad_web.api.families import families
from postroad_web.api.metrics import registry_of
from postroad_web.catalog.tallies import BOUNDS, Tallies
from tests.web.api.test_metrics import FIGURES

HERE = Path(__file__).parent / "metrics"


def tallies() -> Tallies:
    """Return tallies in which no two figures are the same."""
    some = Tallies()
    kinds = ("accepted", "reported", "refused", "delivered", "deferred", "failed", "expired", "dropped")
    copies = ("stored", "captured", "retrieved", "copied", "moved", "removed")
    for number, kind in enumerate((*kinds, *copies), start=3):
        some.events[kind] = number
    for number, hop in enumerate(some.latencies, start=1):
        for bound in BOUNDS:
            for _ in range(number):
                some.observe(hop, bound)
        some.observe(hop, 700.0)
    return some


@pytest.mark.parametrize("name", ["all", "away"])
def test_metrics_are_the_golden_ones(name: str) -> None:
    path = HERE / f"{name}.txt"
    figures = {**FIGURES, "web": {"process": {"cpu_seconds": 2.5, "rss": 5, "open_fds": 7, "started": 9.5}}}
    if name == "away":
        figures = dict.fromkeys(FIGURES, None)
    text = generate_latest(registry_of(families(figures, tallies(), 41, {"relay": 100, "store": 60})))
    if os.environ.get("POSTROAD_GOLDEN") == "write":
        HERE.mkdir(exist_ok=True)
        path.write_bytes(text)
    assert text == path.read_bytes()
