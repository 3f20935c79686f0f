"""Arrow to pandas, as Ibis's own DuckDB backend does it."""

from __future__ import annotations

import warnings
from typing import Any

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.formats.pandas import PandasData


def result(expr: ir.Expr, found: pa.Table) -> Any:
    """The answer `found` as what `expr` is: a frame, a series or one value."""
    columns = {
        name: _values(column)
        for name, column in zip(found.column_names, found.columns, strict=True)
    }
    with warnings.catch_warnings():  # Ibis 12 asks pandas 3 for an option that goes with pandas 4
        warnings.filterwarnings("ignore", "The 'future.infer_string' option", DeprecationWarning)
        schema = expr.as_table().schema()
        return expr.__pandas_result__(PandasData.convert_table(pd.DataFrame(columns), schema))


def _values(column: pa.ChunkedArray) -> Any:
    """Nested values, and columns in which some are missing, go through Python's own."""
    nested = pa.types.is_nested(column.type) or pa.types.is_dictionary(column.type)
    return column.to_pylist() if nested or column.null_count else column.to_pandas()
