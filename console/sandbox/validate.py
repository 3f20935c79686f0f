"""May this text run? Decided on DuckDB's own parse of it, never on the text.

What is decided by the engine's parser cannot be misread by ours: comments, quotes, literals and
keywords as names mean to us what they will mean when it runs. The tree is walked against lists of
what may stand in it; a kind of node that is not listed is refused. Names of CTEs count where they
are visible, and only there: `WITH users AS (SELECT * FROM users) …` reads the table `users`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import duckdb
import orjson

from console.sandbox.functions import functions
from console.sandbox.measure import DEPTH, Refused, measured
from console.sandbox.narrow import narrowed
from console.sources.bounds import Bound, Within
from schema.errors import shorten

NODES = 5_000  # of a parse tree
_TREE = 16 << 20  # bytes of a parse tree's text
_QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_SOURCES = {
    "BASE_TABLE",
    "SUBQUERY",
    "JOIN",
    "TABLE_FUNCTION",
    "EMPTY",
    "EXPRESSION_LIST",
    "PIVOT",
}
_EXPRESSIONS = {
    "BETWEEN",
    "CASE",
    "CAST",
    "COLLATE",
    "COLUMN_REF",
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "FUNCTION",
    "LAMBDA",
    "LAMBDA_REF",
    "OPERATOR",
    "POSITIONAL_REFERENCE",
    "STAR",
    "SUBQUERY",
    "TYPE",
    "WINDOW",
}
_MODIFIERS = {"ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER"}
_PARSER: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "enable_external_access": "false",
    "python_enable_replacements": "false",
}
_FOLD = str.maketrans(ascii_uppercase, ascii_lowercase)
_local = threading.local()

Node = Mapping[str, Any]
Scope = frozenset[str]


@dataclass(frozen=True)
class Checked:
    """A text that may run, with plain blanks. `needs`: table -> the columns it can use of it, in
    the table's order; `within`: table -> the rows that it can use of it."""

    sql: str
    needs: Mapping[str, Sequence[str]]
    within: Mapping[str, Within] = field(default_factory=dict)


def validate(
    sql: str,
    tables: Mapping[str, Sequence[str]],
    *,
    cheapest: Callable[[str], str] | None = None,
) -> Checked:
    """The question in `sql` over `tables` (name -> columns). `cheapest`: which column of a table
    is read where only the number of its rows counts; the first, if nothing is said. Raises
    Refused."""
    sql = measured(sql)
    node = parsed(sql)
    walk = _Walk(tables)
    walk.query(node)
    needs = walk.needs(cheapest or (lambda name: tables[name][0]))
    return Checked(sql, needs, walk.within(node))


def parsed(sql: str) -> Node:
    """The one query node of the text, as the engine reads it."""
    answer = _parser().execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    if answer and len(answer[0]) > _TREE:
        raise Refused(f"the question has more than {NODES:,} parts")
    try:
        tree: Node = orjson.loads(answer[0]) if answer else {"error": True}
    except orjson.JSONDecodeError:  # deeper than a reader of JSON goes
        raise Refused(f"the question is nested more than {DEPTH} deep") from None
    if tree["error"]:
        said = str(tree.get("error_message", "")).partition("\n")[0]
        if "Only SELECT" in said:
            raise Refused("only one SELECT can be asked", detail="Nothing can be changed here.")
        raise Refused(f"this cannot be read: {said or 'not a question'}"[:300])
    statements = tree["statements"]
    if len(statements) != 1:
        raise Refused(f"{len(statements)} statements; ask one at a time")
    if statements[0]["named_param_map"]:
        raise Refused("placeholders have no value here; write the value")
    node: Node = statements[0]["node"]
    return node


def _parser() -> duckdb.DuckDBPyConnection:
    """An empty database of this thread's own, which only parses."""
    found: duckdb.DuckDBPyConnection | None = getattr(_local, "parser", None)
    if found is None:
        found = _local.parser = duckdb.connect(":memory:", config=_PARSER)
    return found


class _Walk:
    """One pass over a tree without recursion, each node with the CTEs that it sees."""

    def __init__(self, tables: Mapping[str, Sequence[str]]) -> None:
        self._tables = {_folded(name): (name, columns) for name, columns in tables.items()}
        self._waiting: list[tuple[Any, Scope]] = []
        self._seen = 0
        self._used: dict[str, int] = {}  # how often each table stands in FROM
        self._rows: set[str] = set()  # names that mean a whole row of a used table
        self._words: set[str] = set()  # every name that stands anywhere
        self._parts: list[tuple[str, list[str]]] = []  # `t.a`: what stands before, and the rest
        self._whole = False

    def query(self, node: Node) -> None:
        self._waiting.append((node, frozenset()))
        while self._waiting:
            value, scope = self._waiting.pop()
            if isinstance(value, str):
                self._words.add(value.lower())
            elif isinstance(value, list):
                self._waiting += [(item, scope) for item in value]
            elif isinstance(value, dict):
                self._seen += 1
                if self._seen > NODES:
                    raise Refused(f"the question has more than {NODES:,} parts")
                self._node(value, scope)

    def needs(self, cheapest: Callable[[str], str]) -> dict[str, Sequence[str]]:
        """By table what of it can be used: every column whose name stands anywhere. A whole row
        (`*`, a table's name as a value) needs all; a mere count needs one."""
        found: dict[str, Sequence[str]] = {}
        of_tables = {c.lower() for table in self._used for c in self._tables[table][1]}
        for name, rest in self._parts:
            self._words |= {*rest} if name in self._rows - of_tables else {name, *rest}
        for table in sorted(self._used):
            name, columns = self._tables[table]
            whole = self._whole or not self._rows.isdisjoint(self._words)
            wanted = [c for c in columns if whole or c.lower() in self._words]
            found[name] = wanted or [cheapest(name)]
        return found

    def within(self, node: Node) -> dict[str, Within]:
        """By table which rows of it can be used; the names of columns are its own."""
        found: dict[str, Within] = {}
        for folded, within in narrowed(node, self._used, _folded).items():
            name, columns = self._tables[folded]
            known = {_folded(column): column for column in columns}
            bounds = [
                Bound(known[bound.column], bound.operator, bound.value)
                for bound in within.bounds
                if bound.column in known
            ]
            found[name] = Within(tuple(bounds), within.limit)
        return found

    def _node(self, node: Node, scope: Scope) -> None:
        if "class" in node:
            self._expression(node, scope)
        elif isinstance(kind := node.get("type"), str) and kind.endswith("_NODE"):
            self._select(node, kind, scope)
        elif "sample" in node and isinstance(node.get("type"), str) and "alias" in node:
            self._source(node, scope)
        elif isinstance(kind, str) and kind.endswith("_MODIFIER") and kind not in _MODIFIERS:
            raise Refused(f"{_said(kind)} is not allowed here")
        else:
            self._inside(node, scope)

    def _inside(self, node: Node, scope: Scope, *without: str) -> None:
        self._waiting += [(value, scope) for name, value in node.items() if name not in without]

    # -- queries

    def _select(self, node: Node, kind: str, scope: Scope) -> None:
        if kind not in _QUERIES:
            raise Refused(f"{_said(kind)} is not allowed here; ask a SELECT")
        for entry in (node.get("cte_map") or {}).get("map", ()):
            self._waiting.append((entry["value"], scope))
            scope |= {self._named(entry["key"])}
        if kind == "RECURSIVE_CTE_NODE":  # its own name is visible in the step, not in the start
            inner = scope | {self._named(node["cte_name"])}
            self._waiting.append((node["right"], inner))
            self._inside(node, scope, "cte_map", "right")
        elif kind == "CTE_NODE":
            inner = scope | {self._named(node["cte_name"])}
            self._waiting.append((node["child"], inner))
            self._inside(node, scope, "cte_map", "child")
        else:
            self._inside(node, scope, "cte_map")

    def _named(self, name: str) -> str:
        """A CTE's name. One of the tables' would hide the table, and mislead who reads it."""
        if _folded(name) in self._tables:
            raise Refused(f"WITH {shorten(name)} hides a table of that name; call it otherwise")
        return _folded(name)

    # -- FROM

    def _source(self, node: Node, scope: Scope) -> None:
        kind = node["type"]
        if kind not in _SOURCES:
            raise Refused(f"{_said(kind)} is not allowed here; ask a SELECT")
        if kind == "BASE_TABLE":
            self._table(node, scope)
        elif kind == "TABLE_FUNCTION":
            self._called(node["function"], functions().tables, "table function")
            self._inside(node["function"], scope)
        self._whole |= kind == "PIVOT" or node.get("ref_type") == "NATURAL"
        self._inside(node, scope, "function", "alias", "table_name")

    def _table(self, node: Node, scope: Scope) -> None:
        name = _folded(node["table_name"])
        if node.get("at_clause"):
            raise Refused("AT (…) is not allowed here: there is only the present")
        plain = not node["schema_name"] and not node["catalog_name"]
        if plain and name in scope:
            return
        if not plain or name not in self._tables:
            known = ", ".join(sorted(known for known, _ in self._tables.values()))
            parts = (node["catalog_name"], node["schema_name"], node["table_name"])
            named = shorten(".".join(filter(None, parts)))
            detail = "" if plain else "Named without a schema."
            raise Refused(f"only these can be asked: {known}; not {named}", detail=detail)
        self._used[name] = self._used.get(name, 0) + 1
        self._whole |= bool(node["column_name_alias"])  # `t(a, b)` names columns by their place
        self._rows |= {node["table_name"].lower(), node["alias"].lower()} - {""}

    # -- values

    def _expression(self, node: Node, scope: Scope) -> None:
        kind = node["class"]
        if kind not in _EXPRESSIONS:
            raise Refused(f"{_said(kind)} is not allowed here")
        if kind == "CONSTANT":
            return
        if kind in ("FUNCTION", "WINDOW"):
            self._called(node, functions().values, "function")
        if kind == "COLUMN_REF" and len(node["column_names"]) > 1:
            first, *rest = (name.lower() for name in node["column_names"])
            self._parts.append((first, rest))
            return
        self._whole |= kind in ("STAR", "POSITIONAL_REFERENCE")
        self._inside(node, scope, "class", "type", "function_name", "alias")

    def _called(self, node: Node, allowed: frozenset[str], what: str) -> None:
        name = _folded(node["function_name"])
        if node["schema"] not in ("", "main") or node["catalog"] or name not in allowed:
            reason = functions().reasons.get(name)
            why = f" ({reason})" if reason else ""
            raise Refused(f"the {what} {shorten(name)} is not allowed here{why}")


def _folded(name: str) -> str:
    """As the engine compares names: only ASCII letters have a case."""
    return name.translate(_FOLD)


def _said(kind: str) -> str:
    return kind.removesuffix("_NODE").removesuffix("_REF").replace("_", " ")
