"""How the columns of a table differ from those of its last version."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from console.tables.table_files import Column

Drift = dict[str, Any]


def drift(old: Iterable[Column], new: Iterable[Column]) -> Drift:
    """`{added, removed, retyped}`: names, names, and `{name, before, after}` with the types as Ibis
    writes them. Empty where nothing differs; order and meanings do not count."""
    before = {column.name: column.type for column in old}
    after = {column.name: column.type for column in new}
    found = {
        "added": [name for name in after if name not in before],
        "removed": [name for name in before if name not in after],
        "retyped": [
            {"name": name, "before": before[name], "after": kind}
            for name, kind in after.items()
            if before.get(name, kind) != kind
        ],
    }
    return found if any(found.values()) else {}


def told(found: Drift) -> str:
    """The same as a sentence: `new: a, b; gone: c; d was int64, is string`."""
    retyped = [f"{one['name']} was {one['before']}, is {one['after']}" for one in found["retyped"]]
    lists = [
        f"{word}: {', '.join(names)}"
        for word, names in (("new", found["added"]), ("gone", found["removed"]))
        if names
    ]
    return "; ".join([*lists, *retyped])
