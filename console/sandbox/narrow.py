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
from decimal import Decimal
from typing import Any

from console.sources.bounds import Bound, Within

Node = Mapping[str, Any]
Fold = Callable[[str], str]

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


def narrowed(node: Node, uses: Mapping[str, int], fold: Fold) -> dict[str, Within]:
    """By the folded name of a table. `node`: a query that was found harmless; `uses`: how often
    each table stands in it, by the same names. What stands there twice is read whole; else the one
    SELECT that a table stands in decides, wherever it is."""
    found: dict[str, Within] = {}
    waiting: list[Any] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
            if one.get("type") == "SELECT_NODE" and not one["sample"]:
                found |= _of_select(one, uses, fold)
    return found


def _of_select(node: Node, uses: Mapping[str, int], fold: Fold) -> dict[str, Within]:
    sources = _sources(node["from_table"])
    if sources is None:
        return {}
    called: dict[str, str] = {}  # by what it is called in the question
    for source in sources:
        if source["type"] != "BASE_TABLE":
            continue
        name = fold(source["table_name"])
        if uses.get(name) == 1 and not source["column_name_alias"] and not source["sample"]:
            called[fold(source["alias"]) or name] = name
    alone = next(iter(called.values()), None) if len(sources) == 1 else None
    aliases = {fold(one["alias"]) for one in node["select_list"]}
    found: dict[str, list[Bound]] = {name: [] for name in called.values()}
    for names, operator, value in _compared(node["where_clause"]):
        column = fold(names[-1])
        if len(names) == 2 and (of := called.get(fold(names[0]))):
            found[of].append(Bound(column, operator, value))
        elif len(names) == 1 and alone and column not in aliases:
            found[alone].append(Bound(column, operator, value))
    limit = _limit(node) if alone else None
    return {name: Within(tuple(bounds), limit) for name, bounds in found.items()}


def _sources(source: Node) -> list[Node] | None:
    """The tables and queries that are joined; None where a join is none of the plain ones."""
    waiting, found = [source], []
    while waiting:
        one = waiting.pop()
        if one["type"] == "JOIN":
            plain = one["ref_type"] in ("REGULAR", "CROSS") and one["join_type"] in _JOINS
            if not plain or one["sample"]:
                return None
            waiting += [one["left"], one["right"]]
        elif one["type"] in ("BASE_TABLE", "SUBQUERY"):
            found.append(one)
        else:
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
    if node["class"] == "FUNCTION":
        return _made(node)
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


def _made(node: Node) -> str | None:
    """A moment put together from numbers, as Ibis writes it; no finer than a microsecond."""
    numbers = [_number(part) for part in node["children"]]
    parts = [one for one in numbers if one is not None and not one.scaleb(6) % 1]
    whole = [int(one) for one in parts[:5]]
    if len(parts) < len(numbers) or whole != parts[:5] or node["schema"] or node["filter"]:
        return None
    if node["function_name"] == "make_date" and len(whole) == 3:
        text = "{:04d}-{:02d}-{:02d}".format(*whole)
    elif node["function_name"] == "make_timestamp" and len(parts) == 6:
        text = "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}".format(*whole) + f":{parts[5]:09.6f}"
    else:
        return None
    return text if _MOMENT.fullmatch(text) else None


def _number(node: Node) -> Decimal | None:
    if node["class"] != "CONSTANT" or node["value"]["is_null"]:
        return None
    kind, value = node["value"]["type"], node["value"]["value"]
    if kind["id"] in _WHOLE:
        return Decimal(value)
    if kind["id"] == "DECIMAL" and isinstance(value, int):
        return Decimal(value).scaleb(-kind["type_info"]["scale"])
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
