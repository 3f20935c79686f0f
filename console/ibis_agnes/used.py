"""An expression without the columns that it never uses.

From the last table back to the first it is noted which columns each must have; then they are built
anew from the first to the last, with those only. What a kind of table does to its columns is known
for the common kinds; before any other, all columns stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import ibis.expr.operations as ops
from ibis.common.graph import Graph, Node

_SAME = (ops.Filter, ops.Limit, ops.Reference, ops.Sort)  # as many columns as what they stand on
_CHOSEN = (ops.JoinChain, ops.Project)  # `values`: each can be left out
_LEAVES = (ops.DatabaseTable, ops.SQLQueryResult, ops.UnboundTable)
_STAYS = (ops.Unnest, ops.Impure)  # values that change how many rows there are, or one another


def only_used(last: ops.Relation) -> ops.Relation:
    """`last`, which keeps all of its own columns."""
    order = [node for node in Graph.from_bfs(last).toposort()[0] if isinstance(node, ops.Relation)]
    used: dict[ops.Relation, set[str]] = {last: set(last.schema)}
    for node in reversed(order):
        names = used.setdefault(node, set(node.schema))
        for table, more in _needs(node, names):
            used.setdefault(table, set()).update(more)
    built: dict[ops.Relation, ops.Relation] = {}
    for node in order:
        built[node] = _built(node, used[node], built)
    return built[last]


def _needs(node: ops.Relation, names: set[str]) -> Iterator[tuple[ops.Relation, set[str]]]:
    """What the columns `names` of a table take of those that it stands on."""
    if isinstance(node, _CHOSEN):
        chosen = _chosen(node, names)
        yield from _of_values(chosen.values())
        if isinstance(node, ops.JoinChain):
            for table in (node.first, *(link.table for link in node.rest)):
                yield table, set()
            for link in node.rest:
                yield from _of_values(link.predicates)
        else:
            yield node.parent, set()
        return
    for child in node.__children__:
        if not isinstance(child, ops.Relation):
            yield from _of_values([child])
        elif isinstance(node, (*_SAME, ops.DropColumns)):
            yield child, names
        elif isinstance(node, ops.Aggregate):
            yield child, set()
        else:
            yield child, set(child.schema)


def _of_values(values: Any) -> Iterator[tuple[ops.Relation, set[str]]]:
    for value in values:
        for part in value.find(ops.Value, filter=ops.Value):
            if isinstance(part, ops.Field):
                yield part.rel, {part.name}
                continue
            for table in part.__children__:
                if isinstance(table, ops.Relation):
                    whole = not isinstance(part, ops.CountStar)
                    yield table, set(table.schema) if whole else set()


def _chosen(node: ops.Relation, names: set[str]) -> dict[str, ops.Value]:
    """The values behind the columns `names`, in their order, and those that must stay; one at
    least."""
    found = {
        name: value
        for name, value in node.values.items()
        if name in names or value.find(_STAYS, filter=ops.Value)
    }
    return found or dict(list(node.values.items())[:1])


def _built(
    node: ops.Relation, names: set[str], built: Mapping[ops.Relation, ops.Relation]
) -> ops.Relation:
    if isinstance(node, _LEAVES):
        return _projected(node, names)
    if isinstance(node, ops.DropColumns):
        return _projected(built[node.parent], names)
    parts = dict(zip(node.__argnames__, node.__args__, strict=True))
    if isinstance(node, _CHOSEN):
        parts["values"] = _chosen(node, names)
    return type(node)(**{name: _on(part, built) for name, part in parts.items()})


def _projected(table: ops.Relation, names: set[str]) -> ops.Relation:
    kept = [name for name in table.schema if name in names] or list(table.schema)[:1]
    return ops.Project(table, {name: ops.Field(table, name) for name in kept})


def _on(part: Any, built: Mapping[ops.Relation, ops.Relation]) -> Any:
    """A part of a table's definition, on the tables that were built."""
    if isinstance(part, ops.Relation):
        return built[part]
    if isinstance(part, ops.Value):
        return part.replace(lambda node, new: _value_on(node, new, built), filter=ops.Value)
    if isinstance(part, ops.JoinLink):
        return ops.JoinLink(part.how, built[part.table], _on(part.predicates, built))
    if isinstance(part, tuple):
        return tuple(_on(one, built) for one in part)
    if isinstance(part, Mapping):
        return {name: _on(one, built) for name, one in part.items()}
    return part


def _value_on(
    node: Node, new: Mapping[str, Any] | None, built: Mapping[ops.Relation, ops.Relation]
) -> Node:
    parts = dict(new or zip(node.__argnames__, node.__args__, strict=True))
    swapped = {
        name: built[part] if isinstance(part, ops.Relation) else part
        for name, part in parts.items()
    }
    return type(node)(**swapped) if new or swapped != parts else node
