"""Which functions a question may call. Deny by default: what is not listed in
`console/data/duckdb_function_classes.csv`, which was reviewed function by function, is refused,
whatever a newer engine brings."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Functions:
    """Names in lower case. `values`: scalars, aggregates, windows and macros; `tables`: what may
    stand in FROM; `reasons`: why a known one is refused."""

    values: frozenset[str]
    tables: frozenset[str]
    reasons: dict[str, str]


@cache
def functions() -> Functions:
    file = resources.files("console") / "data" / "duckdb_function_classes.csv"
    values: set[str] = set()
    tables: set[str] = set()
    reasons: dict[str, str] = {}
    for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines()):
        name = row["name"].lower()
        if row["verdict"] != "allow":
            reasons[name] = row["reason"]
        elif row["kind"] == "table":
            tables.add(name)
        else:
            values.add(name)
    return Functions(frozenset(values), frozenset(tables), reasons)
