"""From an expression to DuckDB's SQL that names the columns it uses, and no others.

The server copies for a question only the columns that it names; `*` anywhere means all. So what an
expression does not use is taken out of it first, and no `*` is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler

from console.ibis_agnes.used import only_used


class AgnesCompiler(DuckDBCompiler):  # type: ignore[misc]  # Ibis has no types
    __slots__ = ()

    def translate(self, op: ops.Node, *, params: Mapping[ir.Value, Any]) -> Any:
        return super().translate(only_used(op), params=params)

    # Where Ibis would write `*`:

    def visit_Select(self, op: ops.Node, **parts: Any) -> Any:
        select = super().visit_Select(op, **parts)
        if isinstance(select, sge.Select) and select.is_star:
            select.set("expressions", list(self._cleanup_names(parts["selections"])))
        return select

    def visit_Limit(self, op: ops.Node, *, parent: Any, **parts: Any) -> Any:
        if isinstance(parent, sge.Table) or parent.this.args.get("limit") is not None:
            parent = self._named(parent, op.parent).subquery(parent.alias_or_name, copy=False)
        return super().visit_Limit(op, parent=parent, **parts)

    def visit_Union(self, op: ops.Set, **parts: Any) -> Any:
        return super().visit_Union(op, **self._both(op, parts))

    def visit_Intersection(self, op: ops.Set, **parts: Any) -> Any:
        return super().visit_Intersection(op, **self._both(op, parts))

    def visit_Difference(self, op: ops.Set, **parts: Any) -> Any:
        return super().visit_Difference(op, **self._both(op, parts))

    def _both(self, op: ops.Set, parts: dict[str, Any]) -> dict[str, Any]:
        left, right = self._named(parts["left"], op.left), self._named(parts["right"], op.right)
        return {**parts, "left": left, "right": right}

    def _named(self, source: Any, of: ops.Relation) -> Any:
        """Every column of `source`, by name."""
        if not isinstance(source, (sge.Table, sge.Subquery)):
            return source
        about = {"table": source.alias_or_name, "quoted": self.quoted}
        return sqlglot.select(*(sqlglot.column(name, **about) for name in of.schema)).from_(source)
