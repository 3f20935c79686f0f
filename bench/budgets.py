"""What is measured, what it may cost, and what the incumbent costs on the same kind of machine: one
table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Budget:
    """One row of the report. `unit` is ms, s, MB or /s; of `/s` more is better, of all others less.
    A limit or an incumbent's figure that does not exist is None.
    """

    name: str
    work: str
    unit: str
    p50: float | None = None
    p95: float | None = None
    incumbent_p50: float | None = None
    incumbent_p95: float | None = None

    @property
    def more_is_better(self) -> bool:
        return self.unit == "/s"


@dataclass(frozen=True)
class Figure:
    """What was measured, in the unit of its budget. `n` counts the samples; rates have no p95."""

    name: str
    p50: float
    p95: float | None
    n: int

    def as_dict(self) -> dict[str, Any]:
        return {"p50": self.p50, "p95": self.p95, "n": self.n}

    @classmethod
    def from_dict(cls, name: str, found: Mapping[str, Any]) -> Figure:
        return cls(name, float(found["p50"]), found.get("p95"), int(found.get("n", 0)))


BUDGETS = (
    Budget("start", "cold start to first answer", "s", 6, None, 12.1),
    Budget("browser.paint", "browser: navigation to first paint", "ms"),
    Budget("browser.row", "browser: navigation to the first audit row", "ms", 220, 300, 1311, 1757),
    Budget("browser.live", "browser: until the table answers to a click", "ms", None, 1500),
    Budget("browser.filter", "browser: a filter, until every part shows it", "ms", None, 300),
    Budget("timeline", "timeline 24 h, 50 rows", "ms", 8, 15, 55, 66),
    Budget("clients", "timeline 24 h, 50 rows, 8 clients", "/s", 350, None, 36),
    Budget("deep", "timeline, deep cursor (20 days back)", "ms", 15, None, 221),
    Budget("q", "timeline q, rare match in 30 days", "ms", 100, None, 226),
    Budget("facets", "facets 24 h", "ms", 25, None, 476),
    Budget("kpis", "kpis 24 h", "ms", 10, None, 80),
    Budget("health", "health, uncached", "ms", 30, None, 131),
    Budget("writes.1", "audit writes in process, 1 writer", "/s", 500, None, 642),
    Budget("writes.8", "audit writes in process, 8 writers", "/s", 3000, None, 911),
    Budget("writes.64", "audit writes in process, 64 writers", "/s", 8000),
    Budget("writes.floor", "raw commits of one row (the floor for 1 writer)", "/s"),
    Budget("upload", "session upload 236 kB, one after the other", "/s", 200, None, 66),
    Budget("records", "transcripts processed, records a core", "/s", 25_000, None, 425),
    Budget("large", "100 MB transcript, from upload to processed", "s", 8),
    Budget("page", "100 events out of a 100 MB transcript", "ms", 15, None, 6300),
    Budget("search", "text search, 311 transcripts of 250 MB", "ms", 30),
    Budget("search.many", "text search, 2,000 transcripts", "ms", 100),
    Budget("tick", "a tick with nothing to do", "ms", 50),
    Budget("sessions", "sessions list, 20 k sessions", "ms", 10, None, 39),
    Budget("sessions.kpis", "sessions kpis, 20 k sessions", "ms", 6, None, 21),
    Budget("sessions.facets", "sessions facets, 20 k sessions", "ms"),
    Budget("sessions.heatmap", "findings with their heatmap, 20 k sessions", "ms", 100),
    Budget("telemetry.facets", "telemetry facets 7 d", "ms", 40, None, 307),
    Budget("telemetry.kpis", "telemetry kpis 7 d", "ms", 15, None, 89),
    Budget("telemetry.query", "telemetry query by tool 7 d", "ms", 25, None, 182),
    Budget("query", "own GROUP BY in SQL, first of each person", "ms", 120, None, 192),
    Budget("query.again", "own GROUP BY in SQL, asked before", "ms", 120, None, 192),
    Budget("query.arrow", "1 M own rows into a notebook", "s", 2),
    Budget("catalog", "catalog of tables", "ms", 20),
    Budget("memory", "memory of the server after the load", "MB", 600, None, 1550),
    Budget("help", "agnes --help", "s", 0.4),
    Budget("report.dry_run", "agnes report --dry-run, 50 turns of 100 MB", "s", 0.6),
)
BY_NAME = {budget.name: budget for budget in BUDGETS}


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie, interpolated. Raises ValueError
    without values.
    """
    if not values:
        raise ValueError("no values, no percentile")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def spread(name: str, values: list[float]) -> Figure:
    """The figure of many samples."""
    return Figure(name, percentile(values, 0.5), percentile(values, 0.95), len(values))


def of_budget(budget: Budget, figure: Figure) -> float | None:
    """How much of its budget a figure uses: 1.0 is all of it, more is too much. The worse of p50
    and p95; None where there is no budget.
    """
    pairs = [(figure.p50, budget.p50), (figure.p95, budget.p95)]
    shares = [
        limit / value if budget.more_is_better else value / limit
        for value, limit in pairs
        if value and limit
    ]
    return max(shares, default=None)
