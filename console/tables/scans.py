"""A part of one table as a question: its columns, a condition, how many rows. SPEC section 18.

The condition is somebody's text. It is one expression, or it is refused: it is parsed alone first,
and what the engine reads in the whole question must be that same expression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.sandbox.measure import Refused, measured
from console.sandbox.validate import parsed
from console.tables.offered import Offer
from schema.errors import BadParameter

_ALLOWED = "one condition, such as amount > 10 AND region = 'EU'"
_EMPTY = ("modifiers", "where_clause", "group_expressions", "having", "sample", "qualify")


def statement(table: Offer, *, columns: Sequence[Any] | None, where: str | None, limit: int) -> str:
    """The SELECT: it asks for one row more than `limit`, which tells that there are more. Raises
    BadParameter."""
    names = ", ".join(_quoted(name) for name in _columns(table, columns))
    # Names of ours, quoted; what comes of it is parsed and checked like any question.
    begin = f"SELECT {names} FROM {_quoted(table.name)}"  # noqa: S608 (see above)
    if where is None or not where.strip():
        return f"{begin} LIMIT {limit + 1}"
    alone = _expression(where)
    text = f"{begin} WHERE (\n{where}\n) LIMIT {limit + 1}"
    if _bare(_read(text, where).get("where_clause")) != _bare(alone):
        raise BadParameter("where", where, _ALLOWED)
    return text


def _columns(table: Offer, wanted: Sequence[Any] | None) -> list[str]:
    known = {name.casefold(): name for name in table.columns}
    if wanted is None:
        return list(known.values())
    if not wanted:
        raise BadParameter("columns", "[]", "names of columns, at least one; leave it out for all")
    found: list[str] = []
    for name in wanted:
        if not isinstance(name, str):
            raise BadParameter("columns", name, "a list of names of columns")
        if name.casefold() not in known:
            raise BadParameter.unknown(name, known.values(), what="column")
        if known[name.casefold()] in found:
            raise BadParameter("columns", name, "each column once")
        found.append(known[name.casefold()])
    return found


def _expression(where: str) -> Mapping[str, Any]:
    """The one expression that stands there. Raises BadParameter."""
    node = _read(f"SELECT\n{where}\n", where)
    alone = (
        node["type"] == "SELECT_NODE"
        and not node["cte_map"]["map"]
        and node["from_table"]["type"] == "EMPTY"
        and node["aggregate_handling"] == "STANDARD_HANDLING"
        and not any(node[name] for name in _EMPTY)
        and len(node["select_list"]) == 1
    )
    if not alone or node["select_list"][0]["alias"] or node["select_list"][0]["class"] == "STAR":
        raise BadParameter("where", where, _ALLOWED)
    found: Mapping[str, Any] = node["select_list"][0]
    return found


def _read(text: str, where: str) -> Mapping[str, Any]:
    try:
        return parsed(measured(text))
    except Refused as error:
        raise BadParameter("where", where, f"{_ALLOWED}; {error.message}") from None


def _bare(node: Any) -> Any:
    """Without where in the text it stands."""
    if isinstance(node, dict):
        return {name: _bare(part) for name, part in node.items() if name != "query_location"}
    return [_bare(part) for part in node] if isinstance(node, list) else node


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
