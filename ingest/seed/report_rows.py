"""The rows of reports: they themselves, their history, what people were told of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from ingest.seed.columns import filled
from ingest.seed.draws import HOUR, as_times
from ingest.seed.ids import uuid7
from ingest.seed.people import Crowd
from ingest.seed.reports import DAY, Reports
from schema.table import Table
from schema.tables import FEEDBACK_HISTORY, FEEDBACK_REPORTS, NOTIFICATIONS
from schema.transaction import Rows

Row = dict[str, Any]
_KEPT = 30 * DAY  # what was read is forgotten after that
_READ = 2 * DAY  # what is older was read, by then
_LETTERS = 12
_BECAME = {
    "open": "is open again",
    "triaged": "was taken up",
    "resolved": "is resolved",
    "wontfix": "will not be changed",
}


def report_rows(seed: int, made: Reports, crowd: Crowd, end: int) -> list[Rows]:
    notices = sorted(_notices(made, crowd, end), key=lambda row: row["created_at"])
    times = np.array([row["created_at"] for row in notices], np.int64)
    ids = uuid7(seed, "report notices", times, np.arange(len(times))).to_pylist()
    named = [{**row, "id": id} for row, id in zip(notices, ids, strict=True)]
    return [
        _rows(FEEDBACK_REPORTS, made.rows),
        _rows(FEEDBACK_HISTORY, made.history),
        _rows(NOTIFICATIONS, named),
    ]


def _rows(table: Table, rows: list[Row]) -> Rows:
    if not rows:
        return Rows(table, [])
    columns = {name: [row.get(name) for row in rows] for name in rows[0]}
    times = {name for name, kind in table.schema.items() if kind.is_timestamp()}
    for name in times & columns.keys():
        columns[name] = [None if at is None else _moment(at) for at in columns[name]]
    return Rows(table, filled(table, **columns))


def _moment(at: int) -> Any:
    return as_times(np.array([at]))[0].item()


def _notices(made: Reports, crowd: Crowd, end: int) -> Iterator[Row]:
    """The newest notice about each group for each admin, about each report for its reporter."""
    for head in made.rows:
        if head["merged_into"]:
            continue
        group = made.group(head)
        yield from _of_admins(made, crowd, head, group, end)
        for report in group:
            if (at := _changed(made, head)) and report["created_at"] < at > end - _KEPT:
                yield _of_reporter(head, report, at, end)


def _of_admins(made: Reports, crowd: Crowd, head: Row, group: list[Row], end: int) -> Iterator[Row]:
    last = max(row["created_at"] for row in group)
    if last <= end - _KEPT:
        return
    mark, people = head["fingerprint"][:_LETTERS], len({row["reporter_user"] for row in group})
    back = any(row["at"] == last and _what(row) == "reopened" for row in _of(made, head))
    words = "Reported again:" if len(group) > 1 else "New report"
    words = "Came back after it was resolved: report" if back else words
    counts = f", {len(group)} reports of {people} {'person' if people == 1 else 'people'}"
    for admin in crowd.admins:
        yield {
            "user_id": crowd.ids[admin],
            "kind": "report.reopened" if back else "report.new",
            "about": f"report:{head['id']}",
            "link": f"/admin/feedback/{head['id']}",
            "subject": f"{words} {mark}{counts if len(group) > 1 else ''}",
            **_told(last, end),
        }


def _of_reporter(head: Row, report: Row, at: int, end: int) -> Row:
    became = _BECAME[head["status"]] + (", with an answer" if head["resolution"] else "")
    return {
        "user_id": report["reporter_user"],
        "kind": "report.changed",
        "about": f"report:{report['id']}",
        "link": f"/me/reports/{report['id']}",
        "subject": f"Your report {report['fingerprint'][:_LETTERS]} {became}",
        **_told(at, end),
    }


def _told(at: int, end: int) -> Row:
    read = min(at + 5 * HOUR, end - 1) if at < end - _READ else None
    return {"created_at": at, "channel": "console", "state": "new", "read_at": read}


def _changed(made: Reports, head: Row) -> int | None:
    """When somebody changed its status last."""
    times = [row["at"] for row in _of(made, head) if _what(row) == "status"]
    return max(times, default=None)


def _of(made: Reports, head: Row) -> list[Row]:
    return [row for row in made.history if row["report_id"] == head["id"]]


def _what(row: Row) -> str:
    what: str = orjson.loads(row["change"])["what"]
    return what
