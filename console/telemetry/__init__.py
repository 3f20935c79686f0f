"""Tools, skills, subagents and MCP servers as people read them: cards, facets, groups and events of
one filter. The one place for page, API and export. All of it blocks: call it through
`store.offload`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from console.facets import told
from console.instance import Instance
from console.queries import telemetry
from console.queries.telemetry import LEAST
from console.queries.telemetry_filter import ANY, NONE, OUTCOMES, TERMS, TelemetryFilter
from console.session_filter import WINDOW, window
from schema.errors import BadParameter
from schema.policy import Principal, Seen
from schema.table import Table
from schema.tables import USAGE_EVENTS

Row = dict[str, Any]
READ = "telemetry.read"
FILTERS = (*WINDOW, *TERMS)
DAY = 86_400  # seconds
_LONGEST = 512
_BUCKETS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY)
MOST_BUCKETS = 60
_UNITS = {60: "minute", 3600: "hour", DAY: "day"}


@dataclass(frozen=True)
class Reader:
    """Who reads the telemetry of which instance."""

    instance: Instance
    principal: Principal

    @property
    def seen(self) -> Seen:
        return self.of(USAGE_EVENTS)

    def of(self, table: Table) -> Seen:
        return Seen(table, self.principal)

    def ask(self, question: Any, *args: Any) -> list[Row]:
        return self.instance.store.rows(question, *args)

    def name(self, user_id: str | None) -> tuple[str | None, str | None]:
        """E-mail and name of a person, as they are today."""
        person = self.instance.people.get(user_id)
        return (person.email, person.name) if person else (None, None)

    def named(self, row: Row) -> Row:
        email, name = self.name(row["user_id"])
        return {**row, "user_email": email, "user_name": name}

    def label(self, group: str, value: str | None) -> str | None:
        """How a value of a group is called."""
        return (self.name(value)[0] or value) if group in ("user", "users") else value


def filter_of(given: Mapping[str, str], *, now: datetime) -> TelemetryFilter:
    """Parameters of a request -> filter. Raises BadParameter."""
    for name, text in given.items():
        if len(text) > _LONGEST:
            raise BadParameter(name, text, f"at most {_LONGEST} characters")
    _one_of(given, "only_errors", ("true", "false"))
    _one_of(given, "outcome", (*OUTCOMES, NONE, ANY))
    terms = {name: given[name] for name in TERMS if name in given}
    if terms.get("only_errors") == "false":
        del terms["only_errors"]
    if "q" in terms:
        terms["q"] = terms["q"].lower()
    return TelemetryFilter(*window(given, now), terms)


def _one_of(given: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> None:
    if name in given and given[name] not in allowed:
        raise BadParameter(name, given[name], "one of " + ", ".join(allowed))


def sort_of(text: str | None, group: str | None) -> str:
    """`<key>:asc|desc`, checked: of groups one of `SORTS`, of events `occurred_at`. Raises
    BadParameter."""
    known = telemetry.SORTS if group else ("occurred_at",)
    name, _, direction = (text or ("invocations" if group else "occurred_at")).partition(":")
    if name not in known or direction not in ("", "asc", "desc"):
        raise BadParameter("sort", text or "", "<key>:asc or :desc with one of " + ", ".join(known))
    return f"{name}:{direction or 'desc'}"


def group_of(text: str | None, name: str = "group_by") -> str | None:
    """A name of `GROUPS`, checked. Raises BadParameter."""
    if text is not None and text not in telemetry.GROUPS:
        raise BadParameter(name, text, "one of " + ", ".join(telemetry.GROUPS))
    return text


def wilson(errors: int, count: int) -> tuple[float, float]:
    """The 95 % interval (Wilson) of a rate; everything is possible where nothing was counted."""
    if not count:
        return 0.0, 1.0
    z = telemetry.Z
    rate, spread = errors / count, z * z / count
    about = z * math.sqrt(rate * (1 - rate) / count + spread / (4 * count))
    middle = rate + spread / 2
    low, high = (middle - about) / (1 + spread), (middle + about) / (1 + spread)
    return max(0.0, low), min(1.0, high)


def rates(errors: int, count: int) -> Row:
    """An error rate with its interval; `enough`: of so many calls that it may be compared."""
    low, high = wilson(errors, count)
    return {
        "error_rate": round(errors / count, 4) if count else 0.0,
        "error_low": round(low, 4),
        "error_high": round(high, 4),
        "enough": count >= LEAST,
    }


def kpis(reader: Reader, filter: TelemetryFilter) -> Row:
    (found,) = reader.ask(telemetry.kpis, reader.seen, filter)
    return {
        "window_minutes": window_minutes(filter),
        **found,
        **rates(found["errors"], found["events_total"]),
        "least": LEAST,
    }


def before(reader: Reader, filter: TelemetryFilter) -> Row | None:
    """The cards of the window of the same length before; None where it has no events, or begins
    before the first one that is known: what happened then is not known."""
    since, until = ends(filter)
    end = since - timedelta(microseconds=1)  # a moment is in one of the two
    earlier = filter.between(end - (until - since), end)
    ((first_at,),) = (row.values() for row in reader.ask(telemetry.began, reader.seen))
    if first_at is None or earlier.since is None or first_at > earlier.since:
        return None
    found = kpis(reader, earlier)
    return found if found["events_total"] else None


def facets(reader: Reader, filter: TelemetryFilter) -> Row:
    people = reader.instance.people.all()
    found = reader.ask(telemetry.facets, reader.seen, filter)
    return {"window_minutes": window_minutes(filter), **told(found, telemetry.FACETS, people)}


def query(
    reader: Reader,
    filter: TelemetryFilter,
    group_by: str | None = None,
    sort: str = "invocations:desc",
    limit: int = 100,
    offset: int = 0,
) -> Row:
    """One page of groups, or, without `group_by`, of events. `group_alias` is the column grouped
    by. Groups of fewer than `least` events are not `enough` for their rate to decide an order."""
    if group_by is None:
        rows = reader.ask(telemetry.raw, reader.seen, filter, sort.partition(":")[2], limit, offset)
        total = kpis(reader, filter)["events_total"]
        page = [reader.named(row) for row in rows]
    else:
        found = reader.ask(telemetry.grouped, reader.seen, filter, group_by, sort, limit, offset)
        if offset and not found:  # past the end: how many there are is in no row
            first = reader.ask(telemetry.grouped, reader.seen, filter, group_by, sort, 1, 0)
            total = first[0]["total"] if first else 0
        else:
            total = found[0]["total"] if found else 0
        page = [_group(reader, group_by, row) for row in found]
    after = offset + limit
    return {
        "group_by": group_by,
        "group_alias": telemetry.GROUPS[group_by] if group_by else None,
        "least": LEAST,
        "rows": page,
        "total": total,
        "limit": limit,
        "offset": offset,
        "next_offset": after if after < total else None,
    }


def _group(reader: Reader, group: str, row: Row) -> Row:
    shown = {name: value for name, value in row.items() if name != "total"}
    label = reader.label(group, row["bucket"])
    return {**shown, "label": label, **rates(row["errors"], row["invocations"])}


def groups(reader: Reader, filter: TelemetryFilter, group_by: str, sort: str) -> list[Row]:
    """All groups, as `query` shows them: what an export of the table holds."""
    found = reader.ask(telemetry.grouped, reader.seen, filter, group_by, sort, None, 0)
    return [_group(reader, group_by, row) for row in found]


def series(
    reader: Reader, filter: TelemetryFilter, group_by: str | None = None, top: int = 8
) -> Row:
    """Every bucket of the window, empty ones included; `groups` names what its `total` consists of:
    the `top` most frequent values, `none` for events without one, `other` for all else."""
    seconds = bucket_seconds(filter)
    found = reader.ask(telemetry.series, reader.seen, filter, seconds, group_by, top)
    buckets: dict[int, Row] = {
        start: {"ts": _moment(start), "total": 0, "errors": 0, "groups": {}}
        for start in _starts(filter, seconds)
    }
    for row in sorted(found, key=lambda row: row["place"]):
        bucket = buckets[row["bucket"]]
        bucket["total"] += row["count"]
        bucket["errors"] += row["errors"]
        if group_by is not None:
            name = named_key(row["value"], rest=row["place"] >= top)
            label = reader.label(group_by, name) or name
            bucket["groups"][label] = bucket["groups"].get(label, 0) + row["count"]
    return {
        "bucket_seconds": seconds,
        "unit": _UNITS.get(seconds, f"{seconds} s"),
        "group_by": group_by,
        "buckets": list(buckets.values()),
    }


def named_key(value: str | None, *, rest: bool) -> str:
    """A value as a key of an answer: `other` for what is summed up, `none` for null."""
    if rest:
        return "other"
    return "none" if value is None else value


def bucket_seconds(filter: TelemetryFilter) -> int:
    """The finest round step that gives at most `MOST_BUCKETS` buckets; whole days beyond that."""
    since, until = ends(filter)
    span = int((until - since).total_seconds())
    for seconds in _BUCKETS:
        if span <= seconds * (MOST_BUCKETS - 1):
            return seconds
    return DAY * -(-span // (DAY * (MOST_BUCKETS - 1)))


def _starts(filter: TelemetryFilter, seconds: int) -> range:
    first, last = (int(at.replace(tzinfo=UTC).timestamp()) for at in ends(filter))
    return range(first - first % seconds, last + 1, seconds)


def _moment(start: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(seconds=start)


def ends(filter: TelemetryFilter) -> tuple[datetime, datetime]:
    if filter.since is None or filter.until is None:
        raise ValueError("this needs a window with both ends")
    return filter.since, filter.until


def window_minutes(filter: TelemetryFilter) -> int:
    since, until = ends(filter)
    return round((until - since).total_seconds() / 60)
