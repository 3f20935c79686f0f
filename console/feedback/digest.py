"""What the daily digest tells: the reports of one day (UTC), what came of others on it, and how the
inbox stands. Figures and facets are the inbox's own, of the same filter, so that both agree. Lists
hold a report's message as one short line and nothing of its excerpt. All of it blocks: call it
through `store.offload`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from console import links
from console.audit import printable
from console.feedback import reading
from console.feedback.reading import Reader
from console.queries import feedback as queries
from console.queries import feedback_digest as questions
from console.queries.feedback_digest import UNCLOSED
from console.queries.feedback_filter import FeedbackFilter
from schema.bind import At
from schema.errors import BadParameter
from schema.policy import Seen
from schema.tables import FEEDBACK_HISTORY

Row = dict[str, Any]
DAY = timedelta(days=1)
SHOWN_DAYS = 30  # of the picture
OLDEST = 10
LISTED = 50  # of what is listed otherwise
TITLE = 120  # characters of a message
FACETS = ("category", "tag", "finding")
_INSTANT = timedelta(microseconds=1)  # both ends of a window are in it
_FIRST = date(2000, 1, 1)


def day_of(given: Mapping[str, str], at: datetime) -> datetime:
    """`day`, an ISO date; the last day that is over. Raises BadParameter."""
    today = datetime(at.year, at.month, at.day)
    if not (text := given.get("day")):
        return today - DAY
    allowed = f"a date such as {today - DAY:%Y-%m-%d}, up to today"
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadParameter("day", text, allowed) from None
    if text != day.isoformat() or not _FIRST <= day <= today.date():
        raise BadParameter("day", text, allowed)
    return datetime(day.year, day.month, day.day)


def digest(reader: Reader, day: datetime, at: datetime) -> Row:
    """`came`: the figures of the day's reports. Their groups are `new`, or were there before
    (`again`), the most reported first. `reopened`: came back after they were resolved; `closed`
    that day and still so; `oldest` of those that wait. `open` and `all` hold the figures of what
    nobody has closed, and of everything that is kept. `by`: facet -> a row a value, with how many
    groups of each of the three have it. `days`: reports a day, 30 of them."""
    end = day + DAY
    of_day, everything = FeedbackFilter(day, end - _INSTANT), FeedbackFilter()
    groups = reader.ask(queries.everything, reader.seen_for(of_day), of_day)
    groups.sort(key=lambda row: (-(row["members"] or 1), row["id"]))
    new = [row for row in groups if row["first_at"] >= day]
    history = Seen(FEEDBACK_HISTORY, reader.principal)
    back = reader.ask(questions.reopened, reader.seen, history, At(day), At(end))
    figures = reading.kpis(reader, everything)
    return {
        "day": day.date().isoformat(),
        "since": day,
        "until": end,
        "is_over": end <= at,
        "came": reading.kpis(reader, of_day),
        "open": _unclosed(figures),
        "all": figures,
        "new": _listed(reader, new),
        "again": _listed(reader, (row for row in groups if row["first_at"] < day)),
        "reopened": _listed(reader, back),
        "closed": _listed(reader, reader.ask(questions.closed, reader.seen, At(day), At(end))),
        "oldest": _listed(reader, reader.ask(questions.waiting, reader.seen, OLDEST)),
        "by": _by(reader, of_day),
        "days": _days(reader, end),
    }


def has_news(told: Row) -> bool:
    """Whether anything was reported on that day."""
    return bool(told["came"]["reports"] or told["reopened"]["total"])


def in_short(told: Row) -> str:
    """The counts of a digest, in one line."""
    counts = {
        "new": told["new"]["total"],
        "reported again": told["again"]["total"],
        "back after they were resolved": told["reopened"]["total"],
        "closed": told["closed"]["total"],
    }
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"Reports of {told['day']}: {said}; {told['open']['groups']} wait"


def _unclosed(figures: Row) -> Row:
    return {
        "groups": sum(figures["by_status"][status] for status in UNCLOSED),
        "reports": sum(figures["reports_by_status"][status] for status in UNCLOSED),
        "unassigned": figures["unassigned"],
        "oldest_open_at": figures["oldest_open_at"],
    }


def _listed(reader: Reader, rows: Iterable[Row]) -> Row:
    found = list(rows)
    return {"total": len(found), "rows": [_line(reader, row) for row in found[:LISTED]]}


def _line(reader: Reader, row: Row) -> Row:
    shown = reading.shown(reader, row)
    kept = ("id", "category", "tags", "status", "fixed_in", "resolved_at", "first_at", "last_at")
    assignee = shown["assignee"]
    return {
        **{name: shown[name] for name in kept},
        "title": one_line(row["message"]),
        "answer": one_line(row["resolution"]),
        "reports": shown["duplicates"] + 1,
        "reporters": shown["reporters"],
        "times_reopened": shown["reopened"],
        "assignee": assignee and (assignee["email"] or assignee["user_id"]),
        "href": links.report(row["id"]),
    }


def one_line(text: str | None) -> str:
    """A text as one line of at most `TITLE` printable characters."""
    line = printable(" ".join((text or "").split()))
    return line if len(line) <= TITLE else line[: TITLE - 1] + "…"


def _by(reader: Reader, of_day: FeedbackFilter) -> Row:
    everything = [_counts(reader, FeedbackFilter())]
    unclosed = [_counts(reader, FeedbackFilter(terms={"status": one})) for one in UNCLOSED]
    parts = {"came": [_counts(reader, of_day)], "open": unclosed, "all": everything}
    found: Row = {}
    for facet in FACETS:
        sums = {name: sum((one[facet] for one in some), Counter()) for name, some in parts.items()}
        values = sorted(sums["all"], key=lambda value: (-sums["all"][value], value or ""))
        found[facet] = [
            {"value": value, **{name: sums[name][value] for name in parts}} for value in values
        ]
    return found


def _counts(reader: Reader, filter: FeedbackFilter) -> dict[str, Counter[str | None]]:
    found = reading.facets(reader, filter)
    return {
        facet: Counter({row["value"]: row["count"] for row in found[facet]}) for facet in FACETS
    }


def _days(reader: Reader, end: datetime) -> list[Row]:
    first = end - SHOWN_DAYS * DAY
    rows = reader.ask(questions.daily, reader.seen, At(first), At(end))
    counts = {row["day"]: row["reports"] for row in rows}
    days = [(first + number * DAY).date() for number in range(SHOWN_DAYS)]
    return [{"day": day.isoformat(), "reports": counts.get(day, 0)} for day in days]
