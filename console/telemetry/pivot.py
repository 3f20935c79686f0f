"""One column of the usage events against another. Blocks: call it through `store.offload`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.queries import telemetry
from console.queries.telemetry_filter import TelemetryFilter
from console.telemetry import Reader, Row, named_key
from schema.errors import BadParameter

MEASURES = ("invocations", "errors", "error_rate")
ROWS, COLUMNS = 50, 30  # shown unless asked otherwise
MOST_ROWS, MOST_COLUMNS = 1000, 200


@dataclass(frozen=True)
class Count:
    """Events, and those of them that failed."""

    calls: int = 0
    errors: int = 0

    def measured(self, measure: str) -> float | int:
        if measure == "invocations":
            return self.calls
        if measure == "errors":
            return self.errors
        return round(self.errors / self.calls, 4) if self.calls else 0.0


@dataclass(frozen=True)
class Table:
    """Every event is in one cell. `rows` and `columns` are values, most used first, days in their
    own order; `other` is what is beyond the limits, `none` events without a value. `rows_total`,
    `columns_total`: how many values there are in all."""

    rows_by: str
    columns_by: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Mapping[tuple[str, str], Count]
    rows_total: int
    columns_total: int

    def across(self, row: str) -> Count:
        return summed(self.cells.get((row, column), Count()) for column in self.columns)

    def down(self, column: str) -> Count:
        return summed(self.cells.get((row, column), Count()) for row in self.rows)

    @property
    def whole(self) -> Count:
        return summed(self.cells.values())


def summed(counts: Iterable[Count]) -> Count:
    calls = errors = 0
    for count in counts:
        calls, errors = calls + count.calls, errors + count.errors
    return Count(calls, errors)


def parts_of(text: str) -> tuple[str, str, str]:
    """`rows,columns[,measure]` as an export asks for a pivot. Raises BadParameter."""
    rows, columns, measure, *more = [*text.split(","), "", ""]
    if any(more) or (measure or MEASURES[0]) not in MEASURES:
        raise BadParameter("pivot", text, "rows,columns,measure; measure: " + ", ".join(MEASURES))
    for name in (rows, columns):
        if name not in telemetry.GROUPS:
            allowed = "rows,columns,measure; rows, columns: " + ", ".join(telemetry.GROUPS)
            raise BadParameter("pivot", text, allowed)
    return rows, columns, measure or MEASURES[0]


def measure_of(text: str | None) -> str:
    """A name of `MEASURES`, checked. Raises BadParameter."""
    if text is not None and text not in MEASURES:
        raise BadParameter("measure", text, "one of " + ", ".join(MEASURES))
    return text or MEASURES[0]


def counted(
    reader: Reader,
    filter: TelemetryFilter,
    rows: str = "username",
    columns: str = "tool_name",
    *,
    limit: int = ROWS,
    columns_limit: int = COLUMNS,
) -> Table:
    """The events of a filter by `rows` and `columns`, names of `GROUPS`."""
    found = reader.ask(telemetry.pivot, reader.seen, filter, rows, columns, limit, columns_limit)
    cells: dict[tuple[str, str], Count] = {}
    places: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for cell in found:
        row = named_key(cell["row"], rest=cell["row_place"] >= limit)
        column = named_key(cell["column"], rest=cell["column_place"] >= columns_limit)
        count = Count(cell["count"], cell["errors"])
        cells[row, column] = summed((cells.get((row, column), Count()), count))
        for place, key, side in zip(places, (row, column), ("row", "column"), strict=True):
            place[key] = min(place.get(key, limit + columns_limit), cell[f"{side}_place"])
    first = found[0] if found else {"row_values": 0, "column_values": 0}
    totals = int(first["row_values"]), int(first["column_values"])
    return Table(rows, columns, _keys(rows, places[0]), _keys(columns, places[1]), cells, *totals)


def _keys(by: str, places: Mapping[str, int]) -> list[str]:
    """In the order of their places; days in their own, with what is no day behind them."""
    if by == "day":
        return sorted(places, key=lambda key: (not key[:1].isdigit(), key))
    return sorted(places, key=places.__getitem__)


def pivot(
    reader: Reader,
    filter: TelemetryFilter,
    rows: str = "username",
    columns: str = "tool_name",
    measure: str = "invocations",
    *,
    limit: int = ROWS,
    columns_limit: int = COLUMNS,
) -> Row:
    """`columns` (`key, label`) and `rows` (`key, label, total, cells`), most used first, days in
    their own order; `totals` by column. The row or column `other` sums what is beyond the limits,
    so that `grand_total` is that of all events; `none` is for events without a value. `rows_total`,
    `columns_total`: how many values there are."""
    found = counted(reader, filter, rows, columns, limit=limit, columns_limit=columns_limit)
    return {
        "rows_by": rows,
        "columns_by": columns,
        "measure": measure,
        "rows_total": found.rows_total,
        "columns_total": found.columns_total,
        "columns": [{"key": key, "label": reader.label(columns, key)} for key in found.columns],
        "rows": [
            {
                "key": key,
                "label": reader.label(rows, key),
                "total": found.across(key).measured(measure),
                "cells": {
                    column: found.cells[key, column].measured(measure)
                    for column in found.columns
                    if (key, column) in found.cells
                },
            }
            for key in found.rows
        ],
        "totals": {column: found.down(column).measured(measure) for column in found.columns},
        "grand_total": found.whole.measured(measure),
    }


def table(answer: Row) -> tuple[list[str], list[Row]]:
    """A pivot as the columns and rows of a file, with a last row and column of totals."""
    keys = [column["key"] for column in answer["columns"]]
    names = [answer["rows_by"], *_titles(answer["rows_by"], answer["columns"]), "total"]

    def line(label: str, cells: Row, total: Any) -> Row:
        return dict(zip(names, [label, *(cells.get(key) for key in keys), total], strict=True))

    lines = [line(row["label"], row["cells"], row["total"]) for row in answer["rows"]]
    return names, [*lines, line("total", answer["totals"], answer["grand_total"])]


def _titles(first: str, columns: list[Row]) -> list[str]:
    """Labels as the names of columns; one that is taken already gets the column's number."""
    taken = [first, "total"]
    for number, column in enumerate(columns, 1):
        label = column["label"]
        while label in taken:
            label = f"{label} ({number})"
        taken.append(label)
    return taken[2:]
