"""`/api/admin/telemetry`: which tools, skills, subagents and MCP servers are used, and how their
calls end. SPEC section 12."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa

from console import telemetry
from console.api.streamed import format_of, stream
from console.audit import entry, now
from console.export import FORMATS
from console.handler import Handler, integer
from console.identity.rights import TELEMETRY, Right
from console.queries.telemetry import everything
from console.queries.telemetry_filter import TelemetryFilter
from console.queries.telemetry_popularity import KINDS
from console.telemetry import FILTERS, READ, Reader, Row, filter_of, group_of, sort_of
from console.telemetry import cost as telemetry_cost
from console.telemetry import neighbours as telemetry_neighbours
from console.telemetry import people as telemetry_people
from console.telemetry import pivot as telemetry_pivot
from console.telemetry import popularity as telemetry_popularity
from console.telemetry.popularity import SORTS
from schema.errors import BadParameter
from schema.tables import USAGE_EVENTS

_KINDS = {"int64": pa.int64(), "boolean": pa.bool_(), "timestamp(6)": pa.timestamp("us")}
EXPORTED = {
    name: _KINDS.get(kind.lstrip("!"), pa.string()) for name, kind in USAGE_EVENTS.columns.items()
} | {"mcp_server": pa.string(), "user_email": pa.string(), "user_name": pa.string()}
_COUNTED = (
    *("invocations", "distinct_users", "distinct_sessions", "errors", "rejected", "denied"),
    *("interrupted", "unresolved"),
)
GROUPED = {
    "bucket": pa.string(),
    "label": pa.string(),
    **dict.fromkeys(_COUNTED, pa.int64()),
    **dict.fromkeys(("error_rate", "error_low", "error_high"), pa.float64()),
    "enough": pa.bool_(),
    "first_at": pa.timestamp("us"),
    "last_at": pa.timestamp("us"),
}


class TelemetryHandler(Handler):
    """What the endpoints over usage events share: the filter, the reader, the row that says it was
    read. `more` are parameters beside the filter's; order and paging are no part of what was
    read."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": TELEMETRY}
    actions: ClassVar[Mapping[str, str]] = {"GET": READ}
    endpoint: str
    more: tuple[str, ...] = ()

    @property
    def reader(self) -> Reader:
        return Reader(self.instance, self.caller.me)

    def answer(self, filter: TelemetryFilter, given: Mapping[str, str]) -> Row:
        raise LookupError("an endpoint without an answer")

    async def get(self) -> None:
        given = self.query((*FILTERS, *self.more))
        filter = filter_of(given, now=now())
        found = await self.instance.store.offload(self.answer, filter, given)
        params = {"endpoint": self.endpoint, **asked(given)}
        await self.instance.was_read(self.caller, READ, params)
        self.send(found)


def asked(given: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in given.items() if name in FILTERS}


class Kpis(TelemetryHandler):
    endpoint = "kpis"

    def answer(self, filter: TelemetryFilter, given: Mapping[str, str]) -> Row:
        return telemetry.kpis(self.reader, filter)


class Facets(TelemetryHandler):
    endpoint = "facets"

    def answer(self, filter: TelemetryFilter, given: Mapping[str, str]) -> Row:
        return telemetry.facets(self.reader, filter)


class Query(TelemetryHandler):
    endpoint = "query"
    more = ("group_by", "sort", "limit", "offset")

    def answer(self, filter: TelemetryFilter, given: Mapping[str, str]) -> Row:
        group = group_of(given.get("group_by"))
        sort = sort_of(given.get("sort"), group)
        limit = integer(given, "limit", 100, 1, 1000)
        offset = integer(given, "offset", 0, 0, 10**9)
        return telemetry.query(self.reader, filter, group, sort, limit, offset)


class Series(TelemetryHandler):
    endpoint = "series"
    more = ("group_by", "top")

    def answer(self, filter: TelemetryFilter, given: Mapping[str, str]) -> Row:
        group = group_of(given.get("group_by"))
        return telemetry.series(self.reader, filter, group, integer(given, "top", 8, 1, 30))


class Pivot(TelemetryHandler):
    endpoint = "pivot"
    more = ("rows", "columns", "measure", "limit", "columns_limit")

    def answer(self, filter: TelemetryFilter, given: Mapping[str, str]) -> Row:
        rows = group_of(given.get("rows"), "rows") or "username"
        columns = group_of(given.get("columns"), "columns") or "tool_name"
        measure = telemetry_pivot.measure_of(given.get("measure"))
        pivot, sizes = telemetry_pivot.pivot, _sizes(given)
        return pivot(self.reader, filter, rows, columns, measure, **sizes)


def _sizes(given: Mapping[str, str]) -> dict[str, int]:
    """How much of a pivot is shown by name."""
    rows, columns = telemetry_pivot.MOST_ROWS, telemetry_pivot.MOST_COLUMNS
    return {
        "limit": integer(given, "limit", telemetry_pivot.ROWS, 1, rows),
        "columns_limit": integer(given, "columns_limit", telemetry_pivot.COLUMNS, 1, columns),
    }


class Neighbours(TelemetryHandler):
    endpoint = "neighbours"

    def answer(self, filter: TelemetryFilter, given: Mapping[str, str]) -> Row:
        if "tool_name" not in given:
            raise BadParameter("tool_name", "", "give the tool whose neighbours are asked for")
        return telemetry_neighbours.neighbours(self.reader, filter, given["tool_name"])


class Cost(TelemetryHandler):
    endpoint = "cost"

    def answer(self, filter: TelemetryFilter, given: Mapping[str, str]) -> Row:
        return telemetry_cost.cost(self.reader, filter)


class Popularity(TelemetryHandler):
    """Always of the last 30 days, so it takes no filter."""

    async def get(self) -> None:
        given = self.query(("kind", "sort", "limit"))
        kind, sort = given.get("kind", "skills"), given.get("sort", "most_used")
        for name, text, allowed in (("kind", kind, KINDS), ("sort", sort, SORTS)):
            if text not in allowed:
                raise BadParameter(name, text, "one of " + ", ".join(allowed))
        limit = integer(given, "limit", 200, 1, 1000)

        def found() -> Row:
            return telemetry_popularity.popularity(self.reader, kind, sort, limit=limit, now=now())

        answer = await self.instance.store.offload(found)
        params = {"endpoint": "popularity", "kind": kind}
        await self.instance.was_read(self.caller, READ, params)
        self.send(answer)


class People(TelemetryHandler):
    endpoint = "people"

    def answer(self, filter: TelemetryFilter, given: Mapping[str, str]) -> Row:
        return telemetry_people.people(self.reader, filter)


class Summary(TelemetryHandler):
    """The overview of a window, with an audit row of its own name."""

    actions: ClassVar[Mapping[str, str]] = {"GET": "usage.summary"}

    async def get(self) -> None:
        window = self.query(("window",)).get("window", "7d")

        def found() -> Row:
            return telemetry_people.summary(self.reader, window, now=now())

        answer = await self.instance.store.offload(found)
        await self.instance.was_read(self.caller, "usage.summary", {"window": window})
        self.send(answer)


class Export(TelemetryHandler):
    """All events that match, streamed; with `group_by` or `pivot` exactly the table that `query`
    without paging, or `pivot` with the same limits, shows."""

    actions: ClassVar[Mapping[str, str]] = {"GET": "usage.export"}

    async def get(self) -> None:
        given = self.query((*FILTERS, "format", "group_by", "pivot", "sort", *_SIZES))
        format, group = format_of(given), group_of(given.get("group_by"))
        sort = sort_of(given.get("sort"), group)
        filter = filter_of(given, now=now())
        params = {name: text for name, text in given.items() if name != "format"}
        if group and "pivot" in given:
            raise BadParameter("pivot", given["pivot"], "give group_by or pivot, not both")
        for name in (*_SIZES, "sort"):
            # A pivot is in the order of its counts; all else is exported as a whole.
            if name in given and ("pivot" in given) is (name == "sort"):
                allowed = "a table without pivot" if name == "sort" else "a pivot"
                raise BadParameter(name, given[name], f"only with {allowed}")
        sizes = _sizes(given)
        if group or "pivot" in given:
            parts = telemetry_pivot.parts_of(given["pivot"]) if "pivot" in given else None

            def table() -> tuple[Any, list[Row]]:
                if parts:
                    rows, columns, measure = parts
                    pivot = telemetry_pivot.pivot
                    return _pivoted(pivot(self.reader, filter, rows, columns, measure, **sizes))
                return GROUPED, telemetry.groups(self.reader, filter, group or "", sort)

            columns, rows = await self.instance.store.offload(table)
            await self._send(columns, rows, format=format, params=params)
            return
        await stream(
            self,
            everything(self.reader.seen, filter),
            EXPORTED,
            format=format,
            name="agnes-telemetry",
            action="usage.export",
            params=params,
            dress=lambda rows: [self.reader.named(row) for row in rows],
        )

    async def _send(
        self, columns: Any, rows: Sequence[Row], *, format: str, params: Mapping[str, str]
    ) -> None:
        write, content_type, ending = FORMATS[format]
        said = {**params, "format": format, "row_count": len(rows)}
        await self.instance.record(entry(self.caller, "usage.export", params=said))
        self.set_header("Content-Type", content_type)
        self.set_header("X-Row-Count", str(len(rows)))
        file = f"agnes-telemetry-{now():%Y%m%d-%H%M%S}.{ending}"
        self.set_header("Content-Disposition", f'attachment; filename="{file}"')
        self.finish(b"".join(write([list(rows)], columns)))


def _pivoted(answer: Row) -> tuple[dict[str, Any], list[Row]]:
    names, rows = telemetry_pivot.table(answer)
    kind = pa.float64() if answer["measure"] == "error_rate" else pa.int64()
    return {names[0]: pa.string(), **dict.fromkeys(names[1:], kind)}, rows


_SIZES = ("limit", "columns_limit")
_BASE = r"/api/admin/telemetry"
ROUTES = [
    (f"{_BASE}/kpis", Kpis),
    (f"{_BASE}/facets", Facets),
    (f"{_BASE}/query", Query),
    (f"{_BASE}/series", Series),
    (f"{_BASE}/pivot", Pivot),
    (f"{_BASE}/neighbours", Neighbours),
    (f"{_BASE}/cost", Cost),
    (f"{_BASE}/popularity", Popularity),
    (f"{_BASE}/people", People),
    (f"{_BASE}/summary", Summary),
    (f"{_BASE}/export", Export),
]
