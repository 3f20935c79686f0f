"""What a backend that only reads refuses, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import ibis.common.exceptions as exc
import ibis.expr.operations as ops
import ibis.expr.types as ir

_ELSEWHERE = (
    "fetch what you need with .to_pyarrow() and go on in ibis.duckdb.connect(); a file that many "
    "need can be registered by an admin"
)


def _refused(name: str, instead: str = _ELSEWHERE) -> Callable[..., NoReturn]:
    def method(self: object, *_: Any, **__: Any) -> NoReturn:
        raise exc.UnsupportedOperationError(f"{name}: ibis.agnes only reads. Instead: {instead}")

    method.__name__, method.__doc__ = name, "Refused: this backend only reads."
    return method


class ReadOnly:
    """Everything of Ibis that would write there, or bring rows or code of one's own there."""

    create_table = _refused("create_table")
    create_view = _refused("create_view")
    drop_table = _refused("drop_table")
    drop_view = _refused("drop_view")
    insert = _refused("insert")
    upsert = _refused("upsert")
    rename_table = _refused("rename_table")
    truncate_table = _refused("truncate_table")
    read_csv = _refused("read_csv")
    read_delta = _refused("read_delta")
    read_json = _refused("read_json")
    read_parquet = _refused("read_parquet")
    raw_sql = _refused("raw_sql", "con.sql(query), which is a table")
    _create_cached_table = _refused("cache")
    _register_in_memory_table = _refused("a memtable")

    def _make_memtable_finalizer(self, name: str) -> None:
        """None was ever there."""

    def _register_udfs(self, expr: ir.Expr) -> None:
        for function in expr.op().find((ops.ScalarUDF, ops.AggUDF)):
            if function.__input_type__.name != "BUILTIN":
                _refused(f"the function {type(function).__name__} of your own")(self)
