"""The calls over time: how many and how many of them failed, or by what the table is grouped by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from console import telemetry
from console.audit import new_id
from console.pages.render import iso
from console.pages.telemetry import words
from console.pages.telemetry.groups import BY, grouped_by
from console.pages.telemetry.reading import Reading
from schema.errors import BadParameter

TOP = 6  # values of a group that have a colour of their own
STACKS = ("errors", "groups")


def read(reading: Reading) -> dict[str, Any] | None:
    """None on tabs without it, and where no call is found. `stack`: what the bars are made of;
    `names` of their parts; `stacks`: the ways to look at it, with their queries; each bucket has
    the query that looks at nothing else."""
    state = reading.state
    if state.tab not in BY:
        return None
    stack = state.rest.get("stack", STACKS[0])
    if stack not in STACKS:
        raise BadParameter("stack", stack, "one of " + ", ".join(STACKS))
    group = grouped_by(state)
    by = group if stack == "groups" and group != "day" else None
    found = telemetry.series(reading.reader, reading.filter, by, TOP)
    length = timedelta(seconds=found["bucket_seconds"]) - timedelta(milliseconds=1)
    for bucket in found["buckets"]:
        bucket["only"] = state.url(
            since=iso(bucket["ts"]), until=iso(bucket["ts"] + length), since_minutes=None
        )
        if by:
            bucket["groups"] = {
                words.label(by, name): count for name, count in bucket["groups"].items()
            }
    total = sum(bucket["total"] for bucket in found["buckets"])
    if not total:
        return None
    return {
        **found,
        "mark": new_id(),
        "total": total,
        "errors": sum(bucket["errors"] for bucket in found["buckets"]),
        "stack": "groups" if by else STACKS[0],
        "names": _names(found["buckets"]),
        "stacks": _stacks(reading, group),
    }


def _names(buckets: list[dict[str, Any]]) -> list[str]:
    """The parts of the bars, the most frequent first, what sums the rest last."""
    counts: dict[str, int] = {}
    for bucket in buckets:
        for name, count in bucket["groups"].items():
            counts[name] = counts.get(name, 0) + count
    return sorted(counts, key=lambda name: (name == "other", -counts[name], name))


def _stacks(reading: Reading, group: str) -> list[tuple[str, str, str]]:
    """Name, title and query of each way; nothing to choose where the groups are days."""
    if group == "day":
        return []
    url = reading.state.url
    return [
        ("errors", "Errors", url(stack=None)),
        ("groups", f"By {words.GROUPS[group].lower()}", url(stack="groups")),
    ]
