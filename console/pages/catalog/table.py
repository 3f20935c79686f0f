"""One table: why these rows, what its columns mean, some rows, and how to begin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import pyarrow as pa

from console.asking.explain import explain
from console.pages.catalog.reading import Reading
from console.pages.catalog.snippets import Snippet, snippets
from console.pages.catalog.tables import matching, title, why_unreadable
from console.tables.offered import Offer
from schema.errors import AgnesError

ROWS = 5
_SHOWN = 200  # characters of a value


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Opened:
    """`columns`: those that the search is about, of `of`; `sample`: rows as texts, None for null,
    in the order of all columns. `broken`: why it cannot be read."""

    offer: Offer
    title: str
    columns: Sequence[Column]
    of: int
    why: dict[str, Any] | None
    names: Sequence[str]
    sample: Sequence[Sequence[str | None]]
    snippets: Sequence[Snippet]
    broken: str | None = None


def read(reading: Reading) -> Opened | None:
    table = reading.table
    if table is None:
        return None
    kinds, words = ibis.Schema.from_pyarrow(table.schema()), reading.state.words
    shown = matching(table, words) if words else list(table.columns)
    why, rows, broken = None, [], None
    try:
        why = explain(reading.instance, reading.caller.me, table)
        rows = [row for batch in table.first(ROWS) for row in _texts(batch)]
    except AgnesError as error:
        broken = why_unreadable(error)
    return Opened(
        offer=table,
        title=title(table),
        columns=[Column(name, _kind(kinds[name]), table.columns[name]) for name in shown],
        of=len(table.columns),
        why=why,
        names=list(table.columns),
        sample=rows,
        snippets=snippets(table.name),
        broken=broken,
    )


def _kind(kind: Any) -> str:
    return str(kind.copy(nullable=True))


def _texts(batch: pa.RecordBatch) -> list[list[str | None]]:
    columns = [[_text(value) for value in column] for column in batch.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _text(scalar: pa.Scalar) -> str | None:
    """A value for people. What Python has no value for is shown as Arrow writes it."""
    if not scalar.is_valid:
        return None
    try:
        value = scalar.as_py()
    except (OverflowError, ValueError):
        value = str(scalar)
    if isinstance(value, datetime):
        text = value.isoformat(" ", "seconds")
    elif isinstance(value, list | dict):
        text = json.dumps(value, default=str, ensure_ascii=False)
    else:
        text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
