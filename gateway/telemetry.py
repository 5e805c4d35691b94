"""What operators see while the program runs: its log (structlog, on standard error) and its numbers (Prometheus).

Neither holds commands, literals or secrets: only names, codes, counts and times. Set up by `gateway.app`; the gate
counts with `Meters`.
"""

from __future__ import annotations

import itertools
import logging
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Info, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from structlog.typing import FilteringBoundLogger, Processor

from engine._native import Count, Histogram
from engine.decision import DenyKind

MAX_RULES = 500
OTHER_RULES = "other"
LATENCY_BUCKETS = (5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 5e-3, 2e-2, 1e-1, 1.0)


def set_up_log(level: str, *, as_json: bool, stream: TextIO | None = None) -> None:
    """Send the program's log to standard error (or `stream`), one line for each event."""
    out = stream or sys.stderr
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_json:
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        # WHY plain: the default one prints the values of variables, and these are commands and keys.
        plain = structlog.dev.plain_traceback
        processors.append(structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=plain))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> FilteringBoundLogger:
    """A log for one part of the program."""
    bound: FilteringBoundLogger = structlog.get_logger(part=name)
    return bound


class Latency(Collector):
    """A histogram of times. Prometheus' own costs a tenth of a decision; this is one call into the core."""

    def __init__(self, name: str, help: str) -> None:
        self._name = name
        self._help = help
        self.seen = Histogram(list(LATENCY_BUCKETS))
        """Where the core counts what it does by itself."""
        self.observe = self.seen.observe
        """Count one, in seconds."""
        self.moment, self.observe_since = self.seen.moment, self.seen.observe_since
        """The same for what began at a moment, and one in a `Count` besides: one call where all is told."""

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """As Prometheus reads it: buckets that add up."""
        counts, total = self.seen.read()
        limits = [*(str(limit) for limit in LATENCY_BUCKETS), "+Inf"]
        buckets = list(zip(limits, itertools.accumulate(counts), strict=True))
        yield HistogramMetricFamily(self._name, self._help, buckets=buckets, sum_value=total)


class Tally(Collector):
    """A counter with labels. For what comes with every command; see `Latency`."""

    def __init__(self, name: str, help: str, labels: tuple[str, ...]) -> None:
        self._name = name
        self._help = help
        self._labels = labels
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, ...], Count] = {}

    def of(self, *labels: str) -> Count:
        """Where is counted what has these labels."""
        found = self._counts.get(labels)
        if found is None:
            with self._lock:
                found = self._counts.setdefault(labels, Count())
        return found

    def count(self, *labels: str) -> None:
        """Count one under these labels."""
        self.of(*labels).add()

    def counts(self) -> list[tuple[tuple[str, ...], int]]:
        """Every count with its labels, in order."""
        with self._lock:
            counts = dict(self._counts)
        return [(labels, counts[labels].value) for labels in sorted(counts)]

    def collect(self) -> Iterator[CounterMetricFamily]:
        """As Prometheus reads it."""
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        for labels, count in self.counts():
            family.add_metric(labels, count)
        yield family


_FROM_THE_START = tuple(("deny", kind.value) for kind in DenyKind)
"""Told as none before there is one. WHY: what begins with its first number is no rise to Prometheus, and so no alert."""


class Decisions(Collector):
    """Decisions by verdict and kind of denial, and by the rule that decided: one count each, for what comes with every command.

    Rules are as many as the policies that ever decided have, and no more than `MAX_RULES` in all: others are counted together.
    """

    def __init__(self) -> None:
        self._tally = Tally("", "", ("verdict", "deny_kind", "rule"))
        self._rules: set[str] = set()

    def of(self, verdict: str, deny_kind: str, rule: str) -> Count:
        """Where is counted what came to this by that rule."""
        if rule not in self._rules:
            if len(self._rules) >= MAX_RULES:
                rule = OTHER_RULES
            self._rules.add(rule)
        return self._tally.of(verdict, deny_kind, rule)

    def count(self, verdict: str, deny_kind: str, rule: str) -> None:
        """Count one."""
        self.of(verdict, deny_kind, rule).add()

    def counts(self) -> list[tuple[tuple[str, str], int]]:
        """Every count by verdict and kind of denial, in order."""
        found: dict[tuple[str, str], int] = {}
        for (verdict, kind, _), count in self._tally.counts():
            found[verdict, kind] = found.get((verdict, kind), 0) + count
        return list(found.items())

    def collect(self) -> Iterator[CounterMetricFamily]:
        """As Prometheus reads it."""
        all_ = CounterMetricFamily(
            "sallyport_decisions", "Decisions by verdict and kind of denial", labels=("verdict", "deny_kind")
        )
        for labels, count in {**dict.fromkeys(_FROM_THE_START, 0), **dict(self.counts())}.items():
            all_.add_metric(labels, count)
        yield all_
        by_rule = CounterMetricFamily(
            "sallyport_rule_decisions",
            "Decisions by the first rule that they give as reason",
            labels=("rule", "verdict"),
        )
        rules: dict[tuple[str, str], int] = {}
        for (verdict, _, rule), count in self._tally.counts():
            rules[rule, verdict] = rules.get((rule, verdict), 0) + count
        for labels, count in sorted(rules.items()):
            by_rule.add_metric(labels, count)
        yield by_rule


class Meters:
    """The numbers of one running gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.decisions = Decisions()
        self.registry.register(self.decisions)
        self.decision_seconds = Latency("sallyport_decision_seconds", "Time of a decision, audit included")
        self.registry.register(self.decision_seconds)
        self.target_connections = Tally(
            "sallyport_target_connections",
            "Connections to targets of HTTP and Kubernetes that were kept for another request, served one, or were ended while kept",
            ("protocol", "what"),
        )
        self.registry.register(self.target_connections)
        self.pool_connections = Tally(
            "sallyport_pool_connections",
            "Connections of pools that were new, reused, returned or ended between two sessions, and sessions refused for want of one",
            ("resource", "what"),
        )
        self.registry.register(self.pool_connections)
        self.pool_open = Gauge(
            "sallyport_pool",
            "Connections of pools that are open, those of them that are free, and sessions that wait for one",
            ["resource", "state"],
            registry=self.registry,
        )
        self.sessions = Gauge("sallyport_sessions", "Open sessions", ["protocol"], registry=self.registry)
        self.logins_refused = Counter("sallyport_logins_refused", "Refused logins", ["code"], registry=self.registry)
        self.holds_open = Gauge("sallyport_holds_open", "Commands that wait for people", registry=self.registry)
        self.oldest_hold = Gauge(
            "sallyport_hold_oldest_seconds", "How long the oldest of them waits", registry=self.registry
        )
        self.shown_rows = Counter("sallyport_shown_rows", "Rows that clients were shown", registry=self.registry)
        self.shown_bytes = Counter("sallyport_shown_bytes", "Bytes that clients were shown", registry=self.registry)
        self.masked_values = Counter(
            "sallyport_masked_values",
            "Values that were masked: cells of masked columns, places in what streams showed",
            registry=self.registry,
        )
        self.unusual = Counter(
            "sallyport_unusual_decisions",
            "Decisions about what that kind of job never did before",
            registry=self.registry,
        )
        self.counted = Gauge(
            "sallyport_activity_counted", "Principals and jobs whose activity is counted", registry=self.registry
        )
        self.recordings_stopped = Counter(
            "sallyport_recordings_incomplete_total",
            "Recordings that stopped, or could not begin, while what they are of went on by best effort",
            registry=self.registry,
        )
        self.audit_unsealed = Gauge(
            "sallyport_audit_unsealed", "Entries that no signed checkpoint covers yet", registry=self.registry
        )
        self.audit_free = Gauge(
            "sallyport_audit_free_bytes", "Free space where the audit is written", registry=self.registry
        )
        self.audit_low_water = Gauge(
            "sallyport_audit_low_water_bytes", "Below so much nothing new is allowed", registry=self.registry
        )
        self.audit_refusing = Gauge(
            "sallyport_audit_refusing",
            "1 while nothing can be recorded, and so nothing is allowed",
            registry=self.registry,
        )
        self.store_failing = Gauge(
            "sallyport_store_failing", "1 while the store does not answer", registry=self.registry
        )
        self.not_ready = Gauge("sallyport_not_ready", "1 while no new work can be done", registry=self.registry)
        self.certificate_ends = Gauge(
            "sallyport_certificate_not_after_seconds",
            "When a certificate that is served ends, in seconds since 1970",
            ["where"],
            registry=self.registry,
        )
        self.reload_failing = Gauge(
            "sallyport_reload_failing",
            "1 while a part of the configuration is as it was, because the last reload could not change it",
            ["part"],
            registry=self.registry,
        )
        self.audit_failures = Counter(
            "sallyport_audit_failures", "Entries that could not be written", registry=self.registry
        )
        self.export_behind = Gauge(
            "sallyport_audit_export_behind",
            "Entries that an export has not given over yet",
            ["export"],
            registry=self.registry,
        )
        self.beside_failures = Counter(
            "sallyport_background_failures",
            "Failures of work beside the sessions, which was begun again",
            ["work"],
            registry=self.registry,
        )
        self.export_failures = Counter(
            "sallyport_audit_export_failures", "Tries of an export that failed", ["export"], registry=self.registry
        )
        self.requests_limited = Counter(
            "sallyport_requests_limited", "Requests of somebody who asks too often", registry=self.registry
        )
        self.spans_lost = Counter(
            "sallyport_trace_spans_lost", "Spans that a collector of traces did not take", registry=self.registry
        )
        self.policy_loads = Counter(
            "sallyport_policy_loads", "Attempts to load policies", ["result"], registry=self.registry
        )
        self.shadow_decisions = Counter(
            "sallyport_shadow_decisions",
            "What the candidate policies came to, against what was decided",
            ["result"],
            registry=self.registry,
        )
        self.policy_age = Gauge(
            "sallyport_policy_age_seconds", "Since the policies that decide were confirmed", registry=self.registry
        )
        self.policy_failing = Gauge(
            "sallyport_policy_failing", "1 while newer policies cannot be used", registry=self.registry
        )
        self.policy_info = Info("sallyport_policy", "The policies that decide", registry=self.registry)

    def told(self, rows: int, size: int, masked: int) -> None:
        """Count what clients were shown."""
        self.shown_rows.inc(rows)
        self.shown_bytes.inc(size)
        self.masked_values.inc(masked)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
