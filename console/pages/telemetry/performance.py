"""The tab Performance: how long what the server does takes, by action and over time."""

from __future__ import annotations

from typing import Any

from console import durations
from console.audit import new_id
from console.pages.telemetry.of_log import of_log
from console.pages.telemetry.reading import Reading

ORDERS = (("most", "Most frequent"), ("slowest", "Slowest"), ("failing", "Most failing"))


def read(reading: Reading) -> dict[str, Any]:
    """The figures of the log that the reader may see, and for each action the list of its events.
    `mark` says which chart was drawn of these figures: none without any."""
    log, sort = of_log(reading), reading.state.sort
    found = durations.performance(log.reader, log.filter, sort)
    for row in found["actions"]:
        row["listed"] = log.events(row["action"])
    return {
        **found,
        "mark": new_id() if found["measured"] else None,
        "log": log,
        "page": log.url(tab="performance"),
        "orders": ORDERS,
        "order": durations.order(sort),
    }
