"""Arrow to pandas, as Ibis's own DuckDB backend does it."""

from __future__ import annotations

from typing import Any

import ibis.expr.schema as sch
import pandas as pd
import pyarrow as pa
from ibis.formats.pandas import PandasData


def frame(table: pa.Table, schema: sch.Schema) -> pd.DataFrame:
    """Whole numbers, truth values and nested ones go through Python where some are missing: pandas
    would make other numbers of them."""
    columns = {
        name: _values(column)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return PandasData.convert_table(pd.DataFrame(columns), schema)


def _values(column: pa.ChunkedArray) -> Any:
    nested = pa.types.is_nested(column.type) or pa.types.is_dictionary(column.type)
    return column.to_pylist() if nested or column.null_count else column.to_pandas()
