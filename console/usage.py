"""Who uses the instance, as people read it: people by hour, day or week, over seven days, by kind
of client, new ones. All of it blocks: call it through `store.offload`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from console import activity
from console.activity import Reader, Row
from console.durations import moment, starts
from console.queries import usage
from console.queries.audit_filter import AuditFilter
from console.queries.usage import DAY, HOUR, WEEK

_HOURS_UP_TO = DAY  # seconds of a window that is shown by hours
_DAYS_UP_TO = 120 * DAY
_MOST_WEEKS = 200
UNITS = {HOUR: "hour", DAY: "day", WEEK: "week"}


def step(filter: AuditFilter) -> int:
    """Seconds of a bucket: an hour up to a day, a day up to 120 days, then whole weeks."""
    span = activity.window_minutes(filter) * 60
    if span <= _HOURS_UP_TO:
        return HOUR
    if span <= _DAYS_UP_TO:
        return DAY
    return WEEK * max(1, -(-span // (WEEK * _MOST_WEEKS)))


def of_people(reader: Reader, filter: AuditFilter) -> Row:
    """`people` of the window (the card's own figure), `people_7d` of the seven days up to its end,
    `new_people`, `kinds` with people and events each, and `buckets`. One person with two kinds of
    client counts in both, so kinds are no parts of a whole; nor are buckets."""
    seconds = step(filter)
    shift = usage.first_monday(seconds)
    counted = reader.ask(usage.people, filter, seconds)
    new = {row["bucket"]: row["people"] for row in reader.ask(usage.newcomers, filter, seconds)}
    weekly = _weekly(reader, filter) if seconds == DAY else {}
    total = {row["bucket"]: row for row in counted if row["kind"] is None}
    kinds = [row for row in counted if row["bucket"] is None and row["kind"] is not None]
    by_kind: dict[int, dict[str, int]] = {}
    for row in counted:
        if row["bucket"] is not None and row["kind"] is not None:
            by_kind.setdefault(row["bucket"], {})[row["kind"]] = row["people"]
    none = {"people": 0, "events": 0}
    return {
        "window_minutes": activity.window_minutes(filter),
        "unit": UNITS.get(seconds, f"{seconds // WEEK} weeks"),
        "bucket_seconds": seconds,
        "people": total.get(None, none)["people"],
        "events": total.get(None, none)["events"],
        "people_7d": _last_week(reader, filter),
        "new_people": sum(new.values()),
        "kinds": [
            {"client_kind": row["kind"], "people": row["people"], "events": row["events"]}
            for row in sorted(kinds, key=lambda row: (-row["people"], row["kind"]))
        ],
        "buckets": [
            {
                "ts": moment(start),
                "people": total.get(start, none)["people"],
                "people_7d": weekly.get(start, 0) if seconds == DAY else None,
                "new_people": new.get(start, 0),
                "events": total.get(start, none)["events"],
                "partial": _is_partial(filter, start, seconds),
                "kinds": by_kind.get(start, {}),
            }
            for start in starts(filter, seconds, shift)
        ],
    }


def _week_before(filter: AuditFilter, at: Any) -> AuditFilter:
    return filter.between(at - timedelta(days=7), filter.until)


def _weekly(reader: Reader, filter: AuditFilter) -> dict[int, int]:
    """People by day, distinct over the seven days up to it: the first days look at what was before
    the window."""
    wider = _week_before(filter, filter.since)
    return {row["bucket"]: row["people"] for row in reader.ask(usage.weekly, wider)}


def _last_week(reader: Reader, filter: AuditFilter) -> int:
    found = reader.ask(usage.people, _week_before(filter, filter.until), DAY)
    whole = [row for row in found if row["bucket"] is None and row["kind"] is None]
    return int(whole[0]["people"]) if whole else 0


def _is_partial(filter: AuditFilter, start: int, seconds: int) -> bool:
    if filter.since is None or filter.until is None:
        return False
    return moment(start) < filter.since or moment(start + seconds) > filter.until
