"""One column of the usage events against another. Blocks: call it through `store.offload`."""

from __future__ import annotations

from typing import Any

from console.queries import telemetry
from console.queries.telemetry_filter import TelemetryFilter
from console.telemetry import Reader, Row, named_key
from schema.errors import BadParameter

MEASURES = ("invocations", "errors", "error_rate")
_Count = list[int]  # events, errors


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


def pivot(
    reader: Reader,
    filter: TelemetryFilter,
    rows: str = "username",
    columns: str = "tool_name",
    measure: str = "invocations",
    *,
    limit: int = 50,
    columns_limit: int = 30,
) -> Row:
    """`columns` (`key, label`) and `rows` (`key, label, total, cells`), most used first; `totals`
    by column. The row or column `other` sums what is beyond the limits, so that `grand_total` is
    that of all events; `none` is for events without a value."""
    found = reader.ask(telemetry.pivot, reader.seen, filter, rows, columns, limit, columns_limit)
    found.sort(key=lambda row: (row["row_place"], row["column_place"]))
    cells: dict[str, dict[str, _Count]] = {}
    across: dict[str, tuple[int, _Count]] = {}
    whole = [0, 0]
    for cell in found:
        row = named_key(cell["row"], rest=cell["row_place"] >= limit)
        column = named_key(cell["column"], rest=cell["column_place"] >= columns_limit)
        count = [cell["count"], cell["errors"]]
        _add(cells.setdefault(row, {}).setdefault(column, [0, 0]), count)
        _add(across.setdefault(column, (cell["column_place"], [0, 0]))[1], count)
        _add(whole, count)
    named = sorted(across, key=lambda column: across[column][0])
    return {
        "rows_by": rows,
        "columns_by": columns,
        "measure": measure,
        "columns": [{"key": key, "label": reader.label(columns, key)} for key in named],
        "rows": [
            {
                "key": key,
                "label": reader.label(rows, key),
                "total": _value(measure, [sum(part) for part in zip(*some.values(), strict=True)]),
                "cells": {column: _value(measure, count) for column, count in some.items()},
            }
            for key, some in cells.items()
        ],
        "totals": {column: _value(measure, across[column][1]) for column in named},
        "grand_total": _value(measure, whole),
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


def _add(sum_: _Count, count: _Count) -> None:
    sum_[0] += count[0]
    sum_[1] += count[1]


def _value(measure: str, count: _Count) -> float | int:
    calls, errors = count
    if measure == "invocations":
        return calls
    if measure == "errors":
        return errors
    return round(errors / calls, 4) if calls else 0.0
