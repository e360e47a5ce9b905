"""The families of metrics, from the figures of the services and the catalog's tallies. Pure.

Names follow Prometheus' conventions: base units, and `_total` on what only grows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from postroad_web.catalog.tallies import Tallies

    Figures = Mapping[str, Any]

_OUTCOMES: Final = ("delivered", "deferred", "failed", "expired", "dropped")
_COPIES: Final = ("stored", "captured", "retrieved", "copied", "moved", "removed")
_HOPS: Final = {
    "attempt": "the first transaction with a server",
    "delivery": "the 250 of the recipient's server",
    "store": "the mailbox",
    "catalog": "the record with its content",
}


def families(
    figures: Mapping[str, Figures | None], tallies: Tallies, records: int, position: Mapping[str, int]
) -> Iterable[Metric]:
    """Return all families; the figures of a service that is away are None.

    `records` are those of the catalog, and `position` the last event of each journal that it knows.
    """
    there = {service: given for service, given in figures.items() if given is not None}
    return [
        _labelled(
            GaugeMetricFamily, "postroad_up", "Whether the service answers; web does if you read this.", "service",
            {service: int(given is not None) for service, given in figures.items()},
        ),
        *_of_processes(there),
        *_of_journals(there, position),
        *_of_mail(tallies, records),
        *_of_relay(there.get("relay", {})),
        *_of_store(there.get("store", {})),
        *_of_dns(there.get("dns", {})),
        _labelled(
            GaugeMetricFamily, "postroad_sessions", "Open sessions of the mail protocols.", ("service", "door"),
            {
                (service, door): count
                for service, given in there.items()
                for door, count in given.get("sessions", {}).items()
            },
        ),
    ]  # fmt: skip


def _of_processes(there: Mapping[str, Figures]) -> Iterator[Metric]:
    for kind, name, text, key in (
        (CounterMetricFamily, "postroad_process_cpu_seconds", "Processor time.", "cpu_seconds"),
        (GaugeMetricFamily, "postroad_process_resident_memory_bytes", "Resident memory.", "rss"),
        (GaugeMetricFamily, "postroad_process_open_fds", "Open files and sockets.", "open_fds"),
        (GaugeMetricFamily, "postroad_process_start_time_seconds", "Start, in seconds since 1970.", "started"),
    ):
        yield _labelled(kind, name, text, "service", _values(there, "process", key))


def _of_journals(there: Mapping[str, Figures], position: Mapping[str, int]) -> Iterator[Metric]:
    yield _labelled(
        CounterMetricFamily, "postroad_journal_dropped_events",
        "Events that the journal lacks, as the disk or its queue was full.", "service",
        _values(there, "journal", "dropped"),
    )  # fmt: skip
    lag = {
        service: max(0, last - position.get(service, 0)) for service, last in _values(there, "journal", "last").items()
    }
    yield _labelled(
        GaugeMetricFamily, "postroad_catalog_lag_events", "Events that the catalog does not know yet.", "service", lag
    )


def _of_mail(tallies: Tallies, records: int) -> Iterator[Metric]:
    events = tallies.events
    yield _plain(CounterMetricFamily, "postroad_messages_accepted", "Messages that came in.", events["accepted"])
    yield _plain(CounterMetricFamily, "postroad_notifications", "Notifications (DSNs) sent.", events["reported"])
    yield _plain(CounterMetricFamily, "postroad_refusals", "Commands and contents refused.", events["refused"])
    yield _labelled(
        CounterMetricFamily, "postroad_recipients",
        "Outcomes of attempts, per recipient; one that is deferred may be counted again.", "outcome",
        {outcome: events[outcome] for outcome in _OUTCOMES},
    )  # fmt: skip
    yield _labelled(
        CounterMetricFamily, "postroad_copies", "What happened to copies in mailboxes.", "event",
        {event: events[event] for event in _COPIES},
    )  # fmt: skip
    yield _plain(GaugeMetricFamily, "postroad_catalog_messages", "Messages in the catalog.", records)
    text = "From the relay's 250 to " + ", ".join(f"{what} ({hop})" for hop, what in _HOPS.items()) + "."
    latency = HistogramMetricFamily("postroad_message_latency_seconds", text, labels=["hop"])
    for hop, histogram in tallies.latencies.items():
        _add(latency, [hop], histogram.figures())
    yield latency


def _of_relay(relay: Figures) -> Iterator[Metric]:
    for family, text, key in (
        ("postroad_queue_messages", "Messages in the queue.", "length"),
        ("postroad_queue_held_messages", "Messages in the queue that an administrator has stopped.", "held"),
        ("postroad_queue_deferred_messages", "Messages in the queue that wait for another attempt.", "deferred"),
        ("postroad_queue_oldest_age_seconds", "Age of the oldest message in the queue.", "oldest_age"),
        ("postroad_queue_resting_domains", "Domains whose servers can't be reached.", "resting_domains"),
    ):
        yield from _if_there(GaugeMetricFamily, family, text, relay.get("queue", {}).get(key))
    attempts = relay.get("attempts", {})
    yield from _if_there(
        CounterMetricFamily, "postroad_attempts", "Attempts to deliver a message.", attempts.get("made")
    )
    yield from _if_there(
        GaugeMetricFamily, "postroad_attempts_under_way", "Attempts that are under way.", attempts.get("under_way")
    )


def _of_store(store: Figures) -> Iterator[Metric]:
    if "commits" in store:
        commits = HistogramMetricFamily(
            "postroad_store_commit_duration_seconds", "SQLite commits of the store, with their fsync."
        )
        _add(commits, [], store["commits"])
        yield commits
    yield from _if_there(
        GaugeMetricFamily, "postroad_store_open_mailboxes", "Mailboxes in memory.",
        store.get("mailboxes", {}).get("open"),
    )  # fmt: skip
    yield from _if_there(
        GaugeMetricFamily, "postroad_store_messages", "Messages in all mailboxes.", store.get("messages")
    )


def _of_dns(dns: Figures) -> Iterator[Metric]:
    yield _labelled(CounterMetricFamily, "postroad_dns_queries", "DNS queries.", "transport", dns.get("queries", {}))
    yield _labelled(
        CounterMetricFamily, "postroad_dns_responses", "DNS responses by the RCODE of their header.", "rcode",
        dns.get("answers", {}),
    )  # fmt: skip
    yield _labelled(
        CounterMetricFamily, "postroad_dns_cache_lookups", "DNS queries, by whether the response was in the cache.",
        "result", dns.get("cache", {}),
    )  # fmt: skip
    yield from _if_there(GaugeMetricFamily, "postroad_dns_zones", "Zones that are served.", dns.get("zones"))


def _values(there: Mapping[str, Figures], group: str, key: str) -> dict[str, float]:
    return {service: given[group][key] for service, given in there.items() if key in given.get(group, {})}


def _plain(kind: Any, name: str, text: str, value: float) -> Metric:
    family: Metric = kind(name, text, value=value)
    return family


def _if_there(kind: Any, name: str, text: str, value: float | None) -> Iterator[Metric]:
    if value is not None:
        yield _plain(kind, name, text, value)


def _labelled(kind: Any, name: str, text: str, labels: str | tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    """Return a family with a sample per value; the keys are the values of the labels."""
    names = (labels,) if isinstance(labels, str) else labels
    family = kind(name, text, labels=names)
    for key, value in values.items():
        family.add_metric((key,) if isinstance(labels, str) else key, value)
    result: Metric = family
    return result


def _add(family: HistogramMetricFamily, labels: list[str], figures: Mapping[str, Any]) -> None:
    """Add a histogram as the control doors write it."""
    buckets = [(bound, float(count)) for bound, count in figures["buckets"].items()]
    family.add_metric(labels, [*buckets, ("+Inf", float(figures["count"]))], sum_value=figures["sum"])
