"""Prometheus metrics of all workers as one page. No label ever carries a person, an item or a hospital.

With several workers the parent names a shared folder in ``PROMETHEUS_MULTIPROC_DIR`` and every worker's page adds all
of them up; without it this process speaks for itself.
"""

import os
from functools import lru_cache
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from rules.model import Verdict

CHECKS: Final = Counter("dipcheck_checks", "Verdicts answered", ["dialect", "state"])
PROBLEMS: Final = Counter("dipcheck_problems", "Requests refused, by dialect and problem", ["dialect", "code"])
SECONDS: Final = Histogram(
    "dipcheck_check_seconds",
    "Time from the last byte of a request to the first of its answer",
    ["dialect"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
FINDINGS: Final = Counter("dipcheck_findings", "Findings, by kind and level", ["kind", "level"])
NOT_CHECKED: Final = Counter("dipcheck_not_checked", "Rules that applied and could not run", ["kind", "reason"])
REUSED_IDS: Final = Counter("dipcheck_message_ids_reused", "Message ids that came again with other content")
JOURNAL_EVENTS: Final = Counter(
    "dipcheck_journal_events", "What happened to records: written, retried, set aside, not recorded …", ["event"]
)
JOURNAL_BYTES: Final = Gauge(
    "dipcheck_journal_depth_bytes", "Journal bytes not yet in PostgreSQL", multiprocess_mode="livesum"
)
JOURNAL_RECORDS: Final = Gauge(
    "dipcheck_journal_depth_records", "Journal records not yet in PostgreSQL", multiprocess_mode="livesum"
)
JOURNAL_LAG: Final = Gauge(
    "dipcheck_journal_lag_seconds", "Age of the oldest record not yet in PostgreSQL", multiprocess_mode="livemax"
)
DISPOSITIONS: Final = Counter("dipcheck_dispositions", "Dispositions received, by what became of them", ["state"])
RECHECKS: Final = Counter("dipcheck_rechecks", "Orders checked afterwards, by what became of them", ["outcome"])
HISTORY_TOLD: Final = Counter(
    "dipcheck_history_told",
    "What was told of saved lines, by step (confirm, settling, import) and result",
    ["by", "result"],
)
UPSTREAM: Final = Counter("dipcheck_upstream", "Answers of the provincial platform, by outcome", ["outcome"])
COMPARISONS: Final = Counter("dipcheck_upstream_comparisons", "Lines compared with the platform", ["outcome"])
HISTORY_READ: Final = Counter("dipcheck_history", "Look-ups of recorded history by a check, by outcome", ["outcome"])
WEBHOOKS: Final = Counter("dipcheck_webhooks", "Verdicts of mode=later posted, by outcome", ["outcome"])
SWAPS: Final = Counter("dipcheck_rulebook_swaps", "Rulebooks taken into use, or refused", ["outcome"])
RULEBOOK_AGE: Final = Gauge(
    "dipcheck_activation_age_seconds",
    "Time since the active packs were last confirmed by the database",
    multiprocess_mode="livemax",
)


def count(dialect: str, verdict: Verdict) -> None:
    """Count one check."""
    _child(CHECKS, dialect, verdict.state).inc()
    for finding in verdict.findings:
        _child(FINDINGS, finding.kind, finding.level).inc()
    for entry in verdict.not_checked:
        _child(NOT_CHECKED, entry.kind, entry.reason).inc()


@lru_cache(maxsize=1_024)
def _child(counter: Counter, *labels: str) -> Counter:
    """Return a counter with its labels set, remembered: looking it up costs more than counting."""
    return counter.labels(*labels)


def page() -> bytes:
    """Return the metrics page."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


class JournalCounters:
    """Takes the journal's and the recorder's events to Prometheus."""

    def add(self, event: str, amount: int = 1) -> None:
        """Count an event."""
        JOURNAL_EVENTS.labels(event).inc(amount)
