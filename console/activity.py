"""The audit log as people read it: rows with names, masked, in pages; cards, facets and histogram
from the same filter. The one place for page, API and export. All but `was_read` block: call them
through `store.offload`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from console.audit import Caller
from console.facets import told
from console.instance import Instance
from console.masking import mask
from console.queries import audit
from console.queries import earlier as earlier_window
from console.queries.audit import Order
from console.queries.audit_filter import AuditFilter
from console.queries.masked import SeenMasked
from schema.errors import BadParameter, NotFound
from schema.policy import Principal, Seen
from schema.tables import AUDIT_LOG

Row = dict[str, Any]
Question = Callable[..., Any]  # of `queries`: rows, filter, order, limit -> a table
READ = "activity.read"
_TIMELINES = ("timeline", "page")

# A page needs few rows: look just below its start first. The cost of a page then does not depend on
# its depth.
_STEPS = (timedelta(hours=1), timedelta(hours=8), timedelta(hours=64))
_SEARCH_STEPS = (timedelta(hours=8),)  # a search looks through texts: each step costs
_BUCKETS = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
MOST_BUCKETS = 60


@dataclass(frozen=True)
class Reader:
    """Who reads the log of which instance."""

    instance: Instance
    principal: Principal

    @property
    def seen(self) -> Seen:
        """The rows that this reader may see. Only an admin's searches look behind the mask, and not
        those made with somebody else's eyes."""
        me = self.principal
        masked = me.view is not None or (me.sees_all(AUDIT_LOG) and not me.is_admin)
        return (SeenMasked if masked else Seen)(AUDIT_LOG, self.principal)

    def ask(self, question: Any, *args: Any) -> list[Row]:
        return self.instance.store.rows(question, self.seen, *args)

    def dress(self, rows: Iterable[Row]) -> list[Row]:
        """Rows with the names of their people, masked for this reader."""
        return [self.named(mask(row, self.principal)) for row in rows]

    def named(self, row: Row) -> Row:
        """`row` with who did it, as people know them."""
        person = self.instance.people.get(row["user_id"])
        email, name = (person.email, person.name) if person else (None, None)
        return {**row, "user_email": email, "user_name": name}


async def was_read(
    instance: Instance, caller: Caller, endpoint: str, given: Mapping[str, str]
) -> None:
    """Write that the log was read; of its filter PostHog is told the fields, where it is told."""
    await instance.was_read(caller, READ, {"endpoint": endpoint, **given})
    if endpoint in _TIMELINES and (keys := sorted(given)):
        about = tuple(sorted(given.items()))
        reader = caller.me.reader
        instance.posthog.once("activity_timeline_filtered", reader, about, filter_keys=keys)


@dataclass(frozen=True)
class Page:
    """Rows as they are shown, and the places {"ts", "id"} from which its neighbours are read:
    `next` is the last row when there are more, `prev` the first when there may be rows before."""

    rows: list[Row]
    next: dict[str, Any] | None
    prev: dict[str, Any] | None = None


def order(
    sort: str | None,
    ts: datetime | None,
    id: str | None,
    reader: Reader,
    *,
    newer: bool = False,
) -> Order:
    """`sort` as `column:asc|desc`, and the row after which the page begins, or, `newer`, before
    which it ends. Only for other sorts than by time is that row looked up, because its value is
    needed. Raises BadParameter."""
    column, _, direction = (sort or "timestamp:desc").partition(":")
    if column not in audit.SORTS or direction not in ("", "asc", "desc"):
        raise BadParameter(
            "sort", sort, "<column>:asc or :desc with one of " + ", ".join(audit.SORTS)
        )
    if newer and id is None:
        raise BadParameter("newer", "true", "with cursor_ts and cursor_id: the row to end before")
    wanted = Order(column, direction != "asc", ts, id, back=newer)
    if id is None or column == "timestamp":
        return wanted
    rows = reader.ask(audit.by_id, audit.Id(id))
    if not rows:
        raise BadParameter("cursor_id", id, "the id of a row of this log")
    return replace(wanted, ts=rows[0]["timestamp"], value=rows[0][column])


def timeline(reader: Reader, filter: AuditFilter, by: Order, limit: int) -> Page:
    """One page of events, and where the next begins."""
    found = raw_page(reader, audit.timeline, filter, by, limit)
    return replace(found, rows=reader.dress(found.rows))


def raw_page(
    reader: Reader, question: Question, filter: AuditFilter, by: Order, limit: int
) -> Page:
    """One page of what `question` finds, neither named nor masked yet."""
    rows: list[Row] = []
    for narrowed in _windows(filter, by):
        rows = reader.ask(question, narrowed, by, limit + 1)
        if len(rows) > limit:
            break
    more, rows = len(rows) > limit, rows[:limit]
    if by.back:
        rows.reverse()
    first, last = (_place(rows[0]), _place(rows[-1])) if rows else (None, None)
    # Where a page began at a cursor, that cursor's own row stands on the other side of it.
    if by.back:
        return Page(rows, last, first if more else None)
    return Page(rows, last if more else None, first if by.started else None)


def preceding(reader: Reader, filter: AuditFilter, by: Order) -> int:
    """How many rows stand before the one at which `by` begins."""
    (found,) = reader.ask(audit.preceding, filter, by)
    return int(found["rows"])


def _place(row: Row) -> dict[str, Any]:
    return {"ts": row["timestamp"], "id": row["id"]}


def _windows(filter: AuditFilter, by: Order) -> Iterable[AuditFilter]:
    """Ever wider windows beside the page's start, the last one `filter` itself."""
    if by.column == "timestamp" and filter.since is not None and filter.until is not None:
        searching = any(term.field == "q" for term in filter.terms)
        for step in _SEARCH_STEPS if searching else _STEPS:
            if by.falls:
                top = min(by.ts or filter.until, filter.until)
                if top - step > filter.since:
                    yield filter.between(top - step, top)
            else:
                bottom = max(by.ts or filter.since, filter.since)
                if bottom + step < filter.until:
                    yield filter.between(bottom, bottom + step)
    yield filter


def kpis(reader: Reader, filter: AuditFilter) -> Row:
    (found,) = reader.ask(audit.kpis, filter)
    return _figures(found, filter)


def before(reader: Reader, filter: AuditFilter) -> Row | None:
    """The KPIs of the window of the same length before; None where it has no rows, or begins before
    the log does."""
    if filter.since is None or filter.until is None:
        return None
    try:
        start = filter.since - (filter.until - filter.since)
    except OverflowError:
        return None
    earlier = filter.between(start, filter.since - timedelta(microseconds=1))
    (found,) = reader.ask(earlier_window.kpis, earlier)
    if not (found["events_total"] and found["older"]):
        return None
    return _figures(found, earlier)


def _figures(found: Row, filter: AuditFilter) -> Row:
    total, measured, p95 = found["events_total"], found["measured"], found["p95_duration_ms"]
    return {
        "window_minutes": window_minutes(filter),
        "events_total": total,
        "active_users": found["active_users"],
        "errors": found["errors"],
        "error_rate": round(found["errors"] / total, 4) if total else 0.0,
        "p95_duration_ms": None if p95 is None else round(p95),
        "duration_coverage": round(measured / total, 4) if total else 0.0,
    }


def facets(reader: Reader, filter: AuditFilter) -> Row:
    people = reader.instance.people.all()
    found = told(reader.ask(audit.facets, filter), audit.FACETS, people)
    return {"window_minutes": window_minutes(filter), **found}


def histogram(reader: Reader, filter: AuditFilter) -> Row:
    """`bucket_seconds` and every bucket of the window, empty ones included; `ts` is a bucket's
    start."""
    seconds = bucket_seconds(filter)
    found = {row["bucket"]: row for row in reader.ask(audit.histogram, filter, seconds)}
    first, last = _epoch(filter.since), _epoch(filter.until)
    starts = range(first - first % seconds, last + 1, seconds)
    return {
        "bucket_seconds": seconds,
        "buckets": [
            {
                "ts": datetime.fromtimestamp(start, UTC).replace(tzinfo=None),
                "total": found[start]["total"] if start in found else 0,
                "error": found[start]["error"] if start in found else 0,
            }
            for start in starts
        ],
    }


def bucket_seconds(filter: AuditFilter) -> int:
    """The finest round step that gives at most `MOST_BUCKETS` buckets; whole days beyond that."""
    span = _epoch(filter.until) - _epoch(filter.since)
    for seconds in _BUCKETS:
        if span <= seconds * (MOST_BUCKETS - 1):
            return seconds
    return 86400 * -(-span // (86400 * (MOST_BUCKETS - 1)))


def one(reader: Reader, id: str) -> Row:
    """One row, named and masked. Raises NotFound, also for a row that this reader may not see."""
    return reader.dress([raw(reader, id)])[0]


def raw(reader: Reader, id: str) -> Row:
    """One row as it is stored, for those who mask it themselves. Raises NotFound as `one`."""
    rows = reader.ask(audit.by_id, audit.Id(id))
    if not rows:
        raise NotFound(
            f"no event {id} here", detail="Ids are shown by `agnes admin activity --json`."
        )
    return rows[0]


def window_minutes(filter: AuditFilter) -> int:
    return round((_epoch(filter.until) - _epoch(filter.since)) / 60)


def _epoch(at: datetime | None) -> int:
    if at is None:
        raise ValueError("this needs a window with both ends")
    return int(at.replace(tzinfo=UTC).timestamp())
