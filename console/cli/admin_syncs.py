"""`agnes admin activity syncs`: each table's syncs over time, worst first.

It asks and prints; the server filters and counts.
"""

from __future__ import annotations

from typing import Any

from console.cli.filters import Chosen, filtered
from console.cli.output import (
    Column,
    JsonOption,
    Row,
    dash,
    field,
    moment,
    note,
    say,
    show_json,
    show_table,
    time_field,
)
from console.cli.text import plain

LEGEND = "o ok  ! some failed  x failed  - none finished  . nothing ran"


def _sign(cell: Any) -> str:
    """A cell of the grid as one letter."""
    if not cell:
        return "."
    if cell["failed"]:
        return "x" if cell["failed"] == cell["runs"] else "!"
    return "o" if cell["ok"] else "-"


def _bad(row: Row) -> str:
    return "red" if row.get("failed") else ""


TABLES = (
    Column("TABLE", field("table_id"), floor=12),
    Column("RUNS", field("runs"), right=True),
    Column("FAILED", field("failed"), right=True, style=_bad),
    Column("ROWS", field("rows"), drop=2, right=True),
    Column("P50 MS", field("p50_duration_ms"), drop=3, right=True),
    Column("TIME", lambda row: "".join(map(_sign, row.get("cells") or ())), drop=1),
)
FAILURES = (
    Column("FAILED AT", time_field("timestamp")),
    Column("TABLE", field("table_id"), floor=12),
    Column("ERROR", lambda row: dash(row.get("error") or row.get("result")), floor=20),
    Column("ID", field("id"), drop=1),
)


@filtered
def syncs(chosen: Chosen, as_json: JsonOption = False) -> None:
    """Each table's syncs over time, worst first, and what failed."""
    from console.client import connect

    with connect() as client:
        answer = client.request("GET", "/api/admin/observability/syncs", params=chosen.params())
    if as_json:
        show_json(answer)
        return
    if not answer["tables"]:
        say("no sync in this window; next: a longer one (--since 7d), or fewer filters")
        return
    show_table(TABLES, answer["tables"])
    buckets = answer["buckets"]
    say(f"\nfrom {moment(buckets[0])}, one sign for {_length(answer['bucket_seconds'])}: {LEGEND}")
    if answer["failures"]:
        say()
        show_table(FAILURES, answer["failures"])
    shown, other = len(answer["failures"]), answer["other"]
    if shown < answer["failed"]:
        note(f"the {shown} newest of {answer['failed']} failures; a shorter window shows others")
    if other["tables"]:
        note(f"{other['tables']} more tables: {other['runs']} runs, {other['failed']} failed")


def _length(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{plain(seconds)} s"
