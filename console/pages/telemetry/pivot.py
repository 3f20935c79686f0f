"""One column against another: who uses what, which model fails at which tool. What is exported is
what is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from console.pages import visits
from console.pages.telemetry import words
from console.pages.telemetry.actions import held
from console.pages.telemetry.groups import narrowing
from console.pages.telemetry.reading import Reading
from console.queries.telemetry import LEAST
from console.telemetry import group_of
from console.telemetry import pivot as telemetry_pivot
from console.telemetry.pivot import Count, Table, measure_of
from schema.errors import BadParameter

ROWS, COLUMNS = "user", "tool"
MEASURES = {"invocations": "Calls", "errors": "Errors", "error_rate": "Error rate"}
# How much is shown by name: rows and columns.
SIZES = {"": (20, 10), "more": (200, 60)}
_ALL = telemetry_pivot.MOST_ROWS, telemetry_pivot.MOST_COLUMNS
FORMATS = ("csv", "json", "parquet")
_EXPORT = "/api/admin/telemetry/export"
_PALEST = 8  # percent of the colour that the least cell has; none has nothing
_REST = "other"


@dataclass(frozen=True)
class Cell:
    """`shade`: percent of the full colour; `faint`: of too few calls to say anything."""

    value: float
    count: Count
    shade: int = 0
    faint: bool = False
    url: str | None = None


@dataclass(frozen=True)
class Head:
    """A value that a row or a column is about; `url` asks for it alone."""

    name: str
    title: str
    url: str | None


def read(reading: Reading) -> dict[str, Any]:
    """`lines`: heads of the rows with their cells and totals. `cut`: some values have no name here;
    `all` is how many rows and columns a file can name. Raises BadParameter."""
    asked = reading.state.rest
    rows, columns = _group(asked, "rows", ROWS), _group(asked, "columns", COLUMNS)
    measure, size = measure_of(asked.get("measure")), asked.get("size", "")
    if size not in SIZES:
        raise BadParameter("size", size, "more, or nothing")
    limit, columns_limit = SIZES[size]
    sizes = {"limit": limit, "columns_limit": columns_limit}
    found = telemetry_pivot.counted(reading.reader, reading.filter, rows, columns, **sizes)
    parts = rows, columns, measure
    return {
        "table": found,
        "measure": measure,
        "measures": MEASURES,
        "groups": words.GROUPS,
        "heads": [_head(reading, columns, key) for key in found.columns],
        "lines": list(_lines(reading, found, measure)),
        "totals": [_total(found.down(column), measure) for column in found.columns],
        "whole": _total(found.whole, measure),
        "cut": found.rows_total > limit or found.columns_total > columns_limit,
        "size": size,
        "least": LEAST,
        "exports": _exports(reading, parts, SIZES[size]),
        "all_exports": _exports(reading, parts, _ALL),
        "all": (min(found.rows_total, _ALL[0]), min(found.columns_total, _ALL[1])),
        "kept": _kept(reading),
    }


def _group(asked: dict[str, str], name: str, usual: str) -> str:
    by = group_of(asked.get(name), name) or usual
    if by not in words.GROUPS:
        raise BadParameter(name, by, "one of " + ", ".join(words.GROUPS))
    return by


def _lines(reading: Reading, found: Table, measure: str) -> Any:
    most = max(
        (one.measured(measure) for one in found.cells.values() if _tells(one, measure)), default=0
    )
    for row in found.rows:
        cells: list[Cell | None] = []
        for column in found.columns:
            count = found.cells.get((row, column))
            if count is None:
                cells.append(None)
                continue
            url = _narrowed(reading, {found.rows_by: row, found.columns_by: column})
            cells.append(_cell(count, measure, most, url))
        yield _head(reading, found.rows_by, row), cells, _total(found.across(row), measure)


def _tells(count: Count, measure: str) -> bool:
    """Whether a cell has calls enough for its figure to be compared."""
    return measure != "error_rate" or count.calls >= LEAST


def _cell(count: Count, measure: str, most: float, url: str | None) -> Cell:
    value = count.measured(measure)
    if not _tells(count, measure):
        return Cell(value, count, faint=True, url=url)
    shade = round(_PALEST + (70 - _PALEST) * value / most) if value and most else 0
    return Cell(value, count, shade, url=url)


def _total(count: Count, measure: str) -> Cell:
    return Cell(count.measured(measure), count, faint=not _tells(count, measure))


def _head(reading: Reading, by: str, key: str) -> Head:
    name = words.label(by, key)
    title = name
    if by == "user":
        email, called = reading.reader.name(key)
        name, title = called or email or name, email or name
    return Head(name, title, _narrowed(reading, {by: key}))


def _narrowed(reading: Reading, values: dict[str, str]) -> str | None:
    """The query of the calls with these values; None for what sums several."""
    if _REST in values.values():
        return None
    given: dict[str, str | None] = {}
    for by, key in values.items():
        given |= narrowing(reading, by, key)
    return reading.state.url(**given)


def _exports(
    reading: Reading, parts: tuple[str, str, str], size: tuple[int, int]
) -> list[tuple[str, str]]:
    """Format and address of the table with so many rows and columns by name."""
    asked = {**held(reading), "pivot": ",".join(parts)}
    asked |= {"limit": str(size[0]), "columns_limit": str(size[1])}
    return [(name, _EXPORT + visits.url({**asked, "format": name})) for name in FORMATS]


def _kept(reading: Reading) -> dict[str, str]:
    """What the form that chooses another table leaves as it is."""
    own = ("rows", "columns", "measure")
    return {name: text for name, text in reading.state.asks.items() if name not in own}
