"""What is counted for Prometheus. One registry an instance, so that tests and servers do not share
figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

if TYPE_CHECKING:
    from schema.store import Store


class Metrics:
    def __init__(self, store: Store) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "agnes_requests",
            "Requests by handler, method and status.",
            ["handler", "method", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "agnes_request_seconds",
            "Time to answer, by handler.",
            ["handler"],
            registry=self.registry,
        )
        self.lost = Counter(
            "agnes_audit_lost", "Audit rows that could not be written.", registry=self.registry
        )
        self.posthog = Counter(
            "agnes_posthog_events",
            "Events for PostHog by what became of them: sent, failed, dropped.",
            ["outcome"],
            registry=self.registry,
        )
        waiting = Gauge(
            "agnes_writes_waiting", "Writes not yet acknowledged.", registry=self.registry
        )
        waiting.set_function(lambda: store.waiting)
        commits = Gauge("agnes_commits", "Commits since the start.", registry=self.registry)
        commits.set_function(store.version)
