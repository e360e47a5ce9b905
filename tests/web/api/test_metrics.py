"""GET /metrics."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from postroad.control.client import DoorAway, DoorRefused
from postroad.control.histogram import Histogram
from postroad_web.api import metrics
from postroad_web.catalog.tallies import Tallies
from tests.web.api.asgi import NoCatalog, client, services

PROCESS = {"cpu_seconds": 1.5, "rss": 1 << 20, "open_fds": 9, "started": 1_767_225_600.0}


def commits() -> dict[str, Any]:
    histogram = Histogram((0.001, 0.01))
    histogram.observe(0.0005)
    histogram.observe(0.5)
    return histogram.figures()


FIGURES: dict[str, Any] = {
    "dns": {
        "process": PROCESS,
        "queries": {"udp": 7, "tcp": 1},
        "answers": {"NOERROR": 6, "NXDOMAIN": 2},
        "cache": {"hits": 5, "misses": 3},
        "zones": 4,
    },
    "relay": {
        "process": PROCESS,
        "journal": {"last": 120, "dropped": 3},
        "queue": {"length": 2, "held": 1, "deferred": 1, "oldest_age": 4.5, "resting_domains": 1},
        "attempts": {"made": 17, "under_way": 1},
        "sessions": {"app": 1, "smtp": 0, "submission": 2, "submissions": 0},
    },
    "store": {
        "process": PROCESS,
        "journal": {"last": 50, "dropped": 0},
        "sessions": {"smtp": 1, "pop3": 0, "imap": 3},
        "commits": commits(),
        "mailboxes": {"open": 2},
        "messages": 11,
    },
}


class Door:
    def __init__(self, service: str, figures: Any) -> None:
        self.service = service
        self._figures = figures

    async def get(self, path: str) -> Any:
        assert path == "/figures"
        if isinstance(self._figures, Exception):
            raise self._figures
        if self._figures == "slow":
            await asyncio.get_running_loop().create_future()
        return self._figures


class Catalog(NoCatalog):
    def __init__(self) -> None:
        self.position = {"relay": 100, "store": 60}
        self.tallies = Tallies()
        for kind, count in {"accepted": 3, "delivered": 4, "failed": 1, "stored": 4, "reported": 1}.items():
            self.tallies.events[kind] = count
        self.tallies.observe("delivery", 0.02)

    @property
    def every(self) -> Any:
        return self

    def counts(self) -> Any:
        return SimpleNamespace(total=4, unread=2)


async def scrape(figures: dict[str, Any] | None = None, accept: str = "") -> tuple[str, dict[tuple[str, ...], float]]:
    given = FIGURES | (figures or {})
    doors: dict[str, Any] = {service: Door(service, given[service]) for service in ("dns", "relay", "store")}
    async with client(services(catalog=Catalog(), **doors)) as http:
        response = await http.get("/metrics", headers={"Accept": accept})
    assert response.status_code == 200
    parser = parse_openmetrics if "openmetrics" in response.headers["content-type"] else parse
    samples = {}
    for family in parser(response.text):
        assert family.documentation
        for sample in family.samples:
            samples[sample.name, *sample.labels.values()] = sample.value
    return response.headers["content-type"], samples


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
async def test_everything_is_there(accept: str) -> None:
    content_type, samples = await scrape(accept=accept)
    assert content_type.startswith("application/openmetrics-text" if accept else "text/plain; version=")
    expected = {
        ("postroad_up", "dns"): 1,
        ("postroad_up", "web"): 1,
        ("postroad_process_cpu_seconds_total", "store"): 1.5,
        ("postroad_process_resident_memory_bytes", "dns"): 1 << 20,
        ("postroad_process_open_fds", "relay"): 9,
        ("postroad_process_start_time_seconds", "relay"): 1_767_225_600,
        ("postroad_journal_dropped_events_total", "relay"): 3,
        ("postroad_catalog_lag_events", "relay"): 20,
        ("postroad_catalog_lag_events", "store"): 0,
        ("postroad_messages_accepted_total",): 3,
        ("postroad_notifications_total",): 1,
        ("postroad_refusals_total",): 0,
        ("postroad_recipients_total", "delivered"): 4,
        ("postroad_recipients_total", "failed"): 1,
        ("postroad_copies_total", "stored"): 4,
        ("postroad_catalog_messages",): 4,
        ("postroad_message_latency_seconds_bucket", "delivery", "0.025"): 1,
        ("postroad_message_latency_seconds_bucket", "delivery", "0.01"): 0,
        ("postroad_message_latency_seconds_bucket", "delivery", "+Inf"): 1,
        ("postroad_message_latency_seconds_sum", "delivery"): 0.02,
        ("postroad_message_latency_seconds_count", "attempt"): 0,
        ("postroad_queue_messages",): 2,
        ("postroad_queue_oldest_age_seconds",): 4.5,
        ("postroad_attempts_total",): 17,
        ("postroad_sessions", "app", "relay"): 1,
        ("postroad_sessions", "imap", "store"): 3,
        ("postroad_store_commit_duration_seconds_bucket", "0.001"): 1,
        ("postroad_store_commit_duration_seconds_count",): 2,
        ("postroad_store_open_mailboxes",): 2,
        ("postroad_store_messages",): 11,
        ("postroad_dns_queries_total", "udp"): 7,
        ("postroad_dns_responses_total", "NXDOMAIN"): 2,
        ("postroad_dns_cache_lookups_total", "hits"): 5,
        ("postroad_dns_zones",): 4,
    }
    assert {name: samples.get(name) for name in expected} == expected
    assert samples["postroad_process_resident_memory_bytes", "web"] > 1 << 20


@pytest.mark.parametrize(
    "figures", [DoorAway("store", "it is a test"), DoorRefused(500, "something failed"), "slow", None, 5]
)
async def test_a_service_that_is_away(figures: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "PATIENCE", 0.05)
    _, samples = await scrape({"store": figures})
    assert samples["postroad_up", "store"] == 0
    assert samples["postroad_up", "relay"] == 1
    assert ("postroad_process_open_fds", "store") not in samples
    assert ("postroad_store_commit_duration_seconds_count",) not in samples
    assert samples["postroad_messages_accepted_total",] == 3


async def test_all_are_away_and_nothing_has_happened() -> None:
    _, samples = await scrape({service: DoorAway(service, "test") for service in FIGURES})
    assert [samples["postroad_up", service] for service in ("dns", "relay", "store", "web")] == [0, 0, 0, 1]
    assert ("postroad_queue_messages",) not in samples


async def test_a_service_that_has_no_such_figures_yet() -> None:
    _, samples = await scrape({"relay": {"process": {}}, "store": {}, "dns": {}})
    assert samples["postroad_up", "relay"] == 1
    assert ("postroad_process_open_fds", "relay") not in samples
    assert ("postroad_dns_zones",) not in samples
