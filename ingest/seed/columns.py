"""Arrow columns and tables out of arrays, without a step per row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.seed.draws import Flags
from schema.table import Table
from schema.transaction import arrow_schema


def taken(values: Any, places: Any) -> pa.Array:
    """`values[place]` for each place; null where the place is below 0."""
    indices = pa.array(np.asarray(places, np.int64), mask=np.asarray(places) < 0)
    source = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    return source.take(indices)


def masked(values: pa.Array, kept: Flags) -> pa.Array:
    """`values`, null where not `kept`."""
    return pc.if_else(pa.array(kept), values, pa.scalar(None, values.type))


def filled(table: Table, **columns: Any) -> pa.Table:
    """Rows of `table` out of columns of equal length; those not given are null. Raises KeyError for
    an unknown one.
    """
    schema = arrow_schema(table)
    if strange := columns.keys() - set(schema.names):
        raise KeyError(f"{table.name} has no column {', '.join(sorted(strange))}")
    length = len(next(iter(columns.values())))
    arrays = [
        _column(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(length, field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


def _column(values: Any, type: pa.DataType) -> pa.Array:
    return values.cast(type) if isinstance(values, pa.Array) else pa.array(values, type)
