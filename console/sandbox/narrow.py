"""Which rows of a table a question can use at most, as far as its text says so plainly.

A table that is read at its source need not send more. Whatever is left out here would be left out
by the question too, which runs over what came: so only what is certain is taken. That is a
comparison of a column with a whole number or a moment that must hold for every row of the answer,
and a LIMIT of a question that takes rows as they are. A comparison never holds for a row that an
outer join has made up, so it may be asked before the join.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from console.sources.bounds import Bound, Within

Node = Mapping[str, Any]

_OPERATORS = {
    "COMPARE_EQUAL": "=",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
}
_TURNED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
_TIMES = {"DATE", "TIMESTAMP"}
_JOINS = {"INNER", "LEFT", "RIGHT", "OUTER"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?", re.ASCII)
_ROWS = 1 << 31


def narrowed(node: Node, uses: Mapping[str, int], fold: Callable[[str], str]) -> dict[str, Within]:
    """By the folded name of a table. `node`: a query that was found harmless; `uses`: how often
    each table stands in it, by the same names. What stands there twice is read whole."""
    if node["type"] != "SELECT_NODE" or (node.get("cte_map") or {}).get("map") or node["sample"]:
        return {}
    tables = _tables(node["from_table"])
    if tables is None:
        return {}
    called: dict[str, str] = {}  # by what it is called in the question
    for table in tables:
        name = fold(table["table_name"])
        if uses.get(name) != 1 or table["column_name_alias"] or table["sample"]:
            return {}
        called[fold(table["alias"]) or name] = name
    alone = next(iter(called.values())) if len(called) == len(tables) == 1 else None
    aliases = {fold(one["alias"]) for one in node["select_list"]}
    found: dict[str, list[Bound]] = {name: [] for name in called.values()}
    for names, operator, value in _compared(node["where_clause"]):
        column = fold(names[-1])
        if len(names) == 2 and (of := called.get(fold(names[0]))):
            found[of].append(Bound(column, operator, value))
        elif len(names) == 1 and alone and column not in aliases:
            found[alone].append(Bound(column, operator, value))
    limit = _limit(node) if node["from_table"]["type"] == "BASE_TABLE" else None
    return {name: Within(tuple(bounds), limit) for name, bounds in found.items()}


def _tables(source: Node) -> list[Node] | None:
    """The tables that are joined; None where a join is none of the plain ones."""
    waiting, found = [source], []
    while waiting:
        one = waiting.pop()
        if one["type"] == "JOIN":
            plain = one["ref_type"] in ("REGULAR", "CROSS") and one["join_type"] in _JOINS
            if not plain or one["sample"]:
                return None
            waiting += [one["left"], one["right"]]
        elif one["type"] == "BASE_TABLE":
            found.append(one)
        elif one["type"] != "SUBQUERY":
            return None
    return found


def _compared(condition: Node | None) -> Iterator[tuple[list[str], str, int | str]]:
    """What must hold for every row: a column's names, an operator, a value."""
    waiting = [condition] if condition else []
    while waiting:
        one = waiting.pop()
        if one["class"] == "CONJUNCTION" and one["type"] == "CONJUNCTION_AND":
            waiting += one["children"]
        elif one["class"] == "COMPARISON" and one["type"] in _OPERATORS:
            operator = _OPERATORS[one["type"]]
            yield from _with_column(one["left"], operator, one["right"])
            yield from _with_column(one["right"], _TURNED[operator], one["left"])
        elif one["class"] == "BETWEEN" and one["type"] == "COMPARE_BETWEEN":
            yield from _with_column(one["input"], ">=", one["lower"])
            yield from _with_column(one["input"], "<=", one["upper"])


def _with_column(
    column: Node, operator: str, other: Node
) -> Iterator[tuple[list[str], str, int | str]]:
    value = _value(other)
    if column["class"] == "COLUMN_REF" and value is not None:
        yield column["column_names"], operator, value


def _value(node: Node) -> int | str | None:
    """A whole number, or a moment as text; None for anything else."""
    if node["class"] == "CAST" and node["cast_type"]["id"] in _TIMES and not node["try_cast"]:
        node = node["child"]
    if node["class"] != "CONSTANT" or node["value"]["is_null"]:
        return None
    kind, value = node["value"]["type"]["id"], node["value"]["value"]
    if kind in _WHOLE and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind == "VARCHAR" and isinstance(value, str) and _MOMENT.fullmatch(value):
        return value
    return None


def _limit(node: Node) -> int | None:
    """How many rows are enough, where any are as good as others."""
    plain = not (
        node["where_clause"]
        or node["group_expressions"]
        or node["group_sets"]
        or node["having"]
        or node["qualify"]
        or node["aggregate_handling"] != "STANDARD_HANDLING"
    )
    taken = all(one["class"] in ("COLUMN_REF", "STAR") for one in node["select_list"])
    if not plain or not taken or len(node["modifiers"]) != 1:
        return None
    (only,) = node["modifiers"]
    if only["type"] != "LIMIT_MODIFIER" or not only["limit"]:
        return None
    parts = [only["limit"], only["offset"]] if only["offset"] else [only["limit"]]
    counts = [_value(part) for part in parts]
    if not all(isinstance(count, int) and 0 <= count < _ROWS for count in counts):
        return None
    return sum(count for count in counts if isinstance(count, int))
