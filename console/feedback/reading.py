"""Reports as people read them: in pages, one with its session, figures and facets. The one place
for page, API and export. All of it blocks: call it through `store.offload`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa

from console.audit import now
from console.feedback.beside import findings_near, session_of
from console.feedback.given import STATUSES
from console.identity.people import Person
from console.instance import Instance
from console.queries import feedback as queries
from console.queries.audit import Order
from console.queries.facets import FACET_VALUES
from console.queries.feedback import ReportsSeen
from console.queries.feedback_filter import FeedbackFilter
from console.session_reader import Reader as SessionReader
from schema.bind import At, Text, Texts
from schema.errors import BadParameter, NotFound, shorten
from schema.policy import Principal, Seen
from schema.tables import FEEDBACK_HISTORY, FEEDBACK_REPORTS

Row = dict[str, Any]
READ = "feedback.read"
TREND_DAYS = 30
MOST_DUPLICATES = 200  # of one group that are listed


# What an export holds: column -> its type in a Parquet file.
EXPORTED: Mapping[str, pa.DataType] = {
    **{
        name: FEEDBACK_REPORTS.schema[name].to_pyarrow()
        for name in queries.SHOWN
        if name in FEEDBACK_REPORTS.schema
    },
    **dict.fromkeys(("duplicates", "reporters"), pa.int64()),
    **dict.fromkeys(("first_at", "last_at"), pa.timestamp("us")),
    **dict.fromkeys(("reporter_email", "assignee_email"), pa.string()),
}


@dataclass(frozen=True)
class Reader:
    """Who reads the reports of which instance."""

    instance: Instance
    principal: Principal

    @property
    def seen(self) -> ReportsSeen:
        return ReportsSeen.by(self.principal)

    def seen_for(self, filter: FeedbackFilter) -> ReportsSeen:
        """`seen`, with what was found in sessions where the filter asks for it."""
        return ReportsSeen.by(self.principal, findings=filter.finds)

    @property
    def sessions(self) -> SessionReader:
        return SessionReader(self.instance, self.principal)

    def own(self) -> Reader:
        """The same person without what rights add: they see what they sent."""
        return replace(self, principal=self.principal.as_anybody())

    def ask(self, question: Any, *args: Any) -> list[Row]:
        return self.instance.store.rows(question, *args)


@dataclass(frozen=True)
class Page:
    """Reports as `shown`, how many there are on all, and the places {"ts", "id"} from which the
    pages beside are read: `next` is the last row when there are more, `prev` the first when there
    may be rows before."""

    rows: list[Row]
    total: int
    next: Row | None
    prev: Row | None = None


def order(
    reader: Reader, sort: str | None, ts: datetime | None, id: str | None, *, newer: bool = False
) -> Order:
    """`sort` as `<key>:asc|desc`, and the report after which the page begins, or, `newer`, before
    which it ends. Raises BadParameter."""
    key, _, direction = (sort or "last_at:desc").partition(":")
    if key not in queries.SORTS or direction not in ("", "asc", "desc"):
        raise BadParameter(
            "sort", sort, "<key>:asc or :desc with one of " + ", ".join(queries.SORTS)
        )
    if newer and id is None:
        raise BadParameter("newer", "true", "with cursor_ts and cursor_id: the row to end before")
    column = queries.SORTS[key]
    wanted = Order(column, direction != "asc", ts, id, back=newer)
    if id is None or column == "timestamp":
        return wanted
    rows = reader.ask(queries.by_id, reader.seen, Text(id))
    if not rows:
        raise BadParameter("cursor_id", id, "the id of a report")
    return replace(wanted, ts=rows[0]["timestamp"], value=rows[0][column])


def listing(reader: Reader, filter: FeedbackFilter, by: Order, limit: int) -> Page:
    """One page of reports, or of the heads of their groups, and where its neighbours are."""
    rows = reader.ask(queries.page, reader.seen_for(filter), filter, by, limit + 1)
    total = rows[0]["total"] if rows else _total(reader, filter) if by.started else 0
    more, rows = len(rows) > limit, rows[:limit]
    if by.back:
        rows.reverse()
    first, last = (_place(rows[0]), _place(rows[-1])) if rows else (None, None)
    found = dressed(reader, rows)
    if by.back:
        return Page(found, total, last, first if more else None)
    return Page(found, total, last if more else None, first if by.started else None)


def one(reader: Reader, id: str) -> Row:
    """One report with its excerpt, its session, what was found there, its history, the other
    reports of its group, and the group's `trend`. Of those only what this reader may see. Raises
    NotFound, also for a report that they may not see."""
    rows = reader.ask(queries.by_id, reader.seen, Text(id))
    if not rows:
        raise NotFound(f"no report {shorten(id)} here", detail="List the reports to see their ids.")
    (row,) = rows
    head = row["head_id"]
    group = reader.ask(queries.group, reader.seen, Text(head))
    (kept,) = reader.ask(queries.excerpt, Seen(FEEDBACK_REPORTS, reader.principal), Text(id))
    history = reader.ask(queries.history, Seen(FEEDBACK_HISTORY, reader.principal), Text(id))
    others = [other for other in group if other["id"] not in (id, head)][:MOST_DUPLICATES]
    session = session_of(reader.sessions, row)
    return {
        **shown(reader, row),
        "session_excerpt": kept["session_excerpt"],
        "session": session,
        "findings": findings_near(reader.sessions, row, session),
        "history": [_change(reader, change) for change in history],
        "duplicates_list": dressed(reader, others),
        "trend": trends(reader, [head])[head],
    }


def known(reader: Reader, fingerprint: str) -> Row:
    """How the group stands that a report with this fingerprint would join: counts, times, status
    and answer; nobody's name and nothing of a report. Raises NotFound."""
    rows = reader.ask(queries.known, reader.seen.groups, Text(fingerprint))
    if not rows:
        raise NotFound("nobody has reported this yet")
    (row,) = rows
    return {
        "fingerprint": fingerprint,
        "reports": row["members"],
        **{name: row[name] for name in ("reporters", "resolution", "fixed_in")},
        "status": row["status"] or "open",
        **{name: row[name] for name in ("first_at", "last_at")},
    }


def readers(reader: Reader) -> Row:
    """Who can read what is sent: how many `admins`, and the names of the `groups` with the
    grant."""
    (admins,) = reader.ask(queries.admins)
    groups = [row["name"] for row in reader.ask(queries.reading_groups)]
    return {"admins": admins["admins"], "groups": groups}


def kpis(reader: Reader, filter: FeedbackFilter) -> Row:
    """`groups` and `reports` that match, of how many `reporters`; by status how many groups; how
    many are `reopened`, `unassigned` (of those that are not closed), and since when the oldest that
    is not closed waits (`oldest_open_at`)."""
    rows = {row["status"]: row for row in reader.ask(queries.kpis, reader.seen_for(filter), filter)}
    whole = rows.pop(None)
    unclosed = [rows[status] for status in STATUSES[:2] if status in rows]
    return {
        **{name: whole[name] for name in ("groups", "reports", "reporters", "reopened")},
        "by_status": {name: rows[name]["groups"] if name in rows else 0 for name in STATUSES},
        "reports_by_status": {
            name: rows[name]["reports"] if name in rows else 0 for name in STATUSES
        },
        "unassigned": sum(row["unassigned"] for row in unclosed),
        "oldest_open_at": min((row["oldest_at"] for row in unclosed), default=None),
    }


def facets(reader: Reader, filter: FeedbackFilter) -> Row:
    """By facet its values, the most frequent first: `{value, count}`, of people `{id, label, name,
    count}`; `other` sums what is beyond the first 50. A count is what the list would hold."""
    found: dict[str, list[Row]] = {facet: [] for facet in queries.FACETS}
    seen = ReportsSeen.by(reader.principal, findings=True)
    for row in reader.ask(queries.facets, seen, filter):
        found[row["facet"]].append(row)
    answer: Row = {}
    other: Row = {}
    people = reader.instance.people.all()
    for facet, rows in found.items():
        rows.sort(key=lambda row: (-row["count"], row["value"] is None, row["value"] or ""))
        rest = rows[FACET_VALUES:]
        other[facet] = {"values": len(rest), "count": sum(row["count"] for row in rest)}
        of_people = facet in ("assignee", "reporter")
        answer[facet] = [_value(row, people if of_people else None) for row in rows[:FACET_VALUES]]
    return {**answer, "other": other}


def trends(reader: Reader, heads: Sequence[str]) -> dict[str, list[int]]:
    """Reports a day of each group in the last 30 days, today's last (UTC)."""
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=TREND_DAYS - 1)
    found = {head: [0] * TREND_DAYS for head in heads}
    for row in reader.ask(queries.per_day, reader.seen, Texts(tuple(heads)), At(first)):
        place = (row["day"] - first.date()).days
        if 0 <= place < TREND_DAYS:
            found[row["head_id"]][place] = row["reports"]
    return found


def several(reader: Reader, ids: Sequence[str]) -> dict[str, Row]:
    """Those of these reports that there are, by id."""
    rows = reader.ask(queries.by_ids, reader.seen, Texts(tuple(ids)))
    return {row["id"]: shown(reader, row) for row in rows}


def flat(reader: Reader, row: Row) -> Row:
    """A report as a row of a file: `EXPORTED`."""
    people = reader.instance.people
    reporter, assignee = people.get(row["reporter_user"]), people.get(row["assignee"])
    return {
        **row,
        "reporter_email": reporter.email if reporter else None,
        "assignee_email": assignee.email if assignee else None,
        "duplicates": (row["members"] or 1) - 1,
    }


def dressed(reader: Reader, rows: Iterable[Row]) -> list[Row]:
    return [shown(reader, row) for row in rows]


def shown(reader: Reader, row: Row) -> Row:
    """A report as JSON has it, its people named."""
    people = reader.instance.people
    reporter = people.get(row["reporter_user"])
    return {
        **{name: row[name] for name in ("id", "created_at", "updated_at", "message", "category")},
        "reporter": {
            "user_id": row["reporter_user"],
            "email": reporter.email if reporter else None,
            "name": reporter.name if reporter else None,
        },
        "tags": _parsed(row["tags"], list),
        "status": row["status"],
        "version": row["version"] or 1,
        "assignee": _person(reader, row["assignee"]),
        **{name: row[name] for name in ("resolution", "fixed_in", "resolved_at")},
        "resolved_by": _person(reader, row["resolved_by"]),
        **{name: row[name] for name in ("fingerprint", "error", "merged_into")},
        "kept_apart": bool(row["kept_apart"]),
        "reopened": row["reopened"] or 0,
        "duplicates": (row["members"] or 1) - 1,
        "reporters": row["reporters"] or 1,
        "first_at": row["first_at"],
        "last_at": row["last_at"],
        "environment": _parsed(row["environment"], dict),
        "session_file": row["session_file"],
        "excerpt_turns": row["excerpt_turns"],
    }


def _person(reader: Reader, id: str | None) -> Row | None:
    person = reader.instance.people.get(id)
    return {"user_id": id, "email": person.email if person else None} if id else None


def _change(reader: Reader, row: Row) -> Row:
    """`{at, actor, what, from?, to?, report?, …}`: one change of a report."""
    change = _parsed(row["change"], dict)
    change.pop("answer", None)
    return {"at": row["at"], "actor": _person(reader, row["actor"]), **change}


def _value(row: Row, people: Mapping[str, Person] | None) -> Row:
    if people is None:
        return {"value": row["value"], "count": row["count"]}
    person = people.get(row["value"]) if row["value"] else None
    label, name = (person.email, person.name) if person else (row["value"], None)
    return {"id": row["value"], "label": label, "name": name, "count": row["count"]}


def _total(reader: Reader, filter: FeedbackFilter) -> int:
    (found,) = reader.ask(queries.counted, reader.seen_for(filter), filter)
    return int(found["total"])


def _place(row: Row) -> Row:
    return {"ts": row["timestamp"], "id": row["id"]}


def _parsed(text: str | None, kind: type) -> Any:
    """JSON of this kind; an empty one for what is none."""
    try:
        value = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return kind()
    return value if isinstance(value, kind) else kind()
