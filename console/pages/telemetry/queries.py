"""The tab Queries: what was asked of the data, most often, most slowly, with most failures."""

from __future__ import annotations

from typing import Any

from console import durations
from console.asking import asked_queries
from console.pages.telemetry.of_log import of_log
from console.pages.telemetry.reading import Reading

ORDERS = (("most", "Most asked"), ("slowest", "Slowest"), ("failing", "Most failing"))
SHOWN = 50
_ALL = "query."


def read(reading: Reading) -> dict[str, Any]:
    """The figures, and for each text the list of the events that a search for it finds. The
    literals of queries are masked, also of one's own: they are telemetry here."""
    log, sort = of_log(reading), reading.state.sort
    found = asked_queries.queries(log.reader, log.filter, sort, limit=SHOWN)
    for row in found["rows"]:
        row["fragment"] = asked_queries.fragment(row["query"])
        row["listed"] = log.events(_ALL, row["fragment"])
    return {
        **found,
        "log": log,
        "page": log.url(tab="queries"),
        "orders": ORDERS,
        "order": durations.order(sort),
    }
