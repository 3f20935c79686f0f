"""From what is new at a source to one whole Parquet file, and what is told of it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from console.syncing import profile, readers
from console.syncing.drift import Drift, drift, told
from console.syncing.failed import DRIFT, SOURCE, Failed
from console.syncing.readers import Reading, literal, quoted
from console.syncing.sources import Fresh, Order, cursor_of
from console.tables.table_files import Column
from schema.errors import shorten

_GROUP = 100_000  # rows
_NUMBER = re.compile(r"u?int[0-9]+|float[0-9]+|decimal\(.*\)")
_BATCHES = "agnes_fresh"


def written(order: Order, fresh: Fresh) -> dict[str, Any]:
    """See `child.attempt`. Raises Failed, and what the engine raises."""
    places = [file.place for file in fresh.files]
    places += [str(order.target), *([order.last.path] if order.last else [])]
    con = readers.engine(places, order.work, memory=order.memory, disk=order.most)
    appends = order.appends and order.last is not None
    select = _fresh(con, order, fresh, texts=_texts(con, order) if appends else ())
    found: Drift = {}
    if appends:
        select, found = _appended(con, order, select)
    (count,) = _row(
        con,
        f"COPY ({select}) TO {literal(str(order.target))} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_GROUP})",
    )
    fresh.refuse_changed()
    columns = readers.columns(con, f"FROM read_parquet({literal(str(order.target))})")
    if order.last and not appends:
        found = drift(_columns(order.last.columns), columns)
    brought = int(count)
    if appends and order.last:
        brought -= int(
            _row(con, f"SELECT count(*) FROM read_parquet({literal(order.last.path)})")[0]
        )
    return {
        "rows": int(count),
        "brought": brought,
        "columns": [asdict(column) for column in columns],
        "profile": _profile(con, order),
        "state": _state(con, order, fresh),
        "drift": found,
        **_sealed(order.target),
    }


def _fresh(
    con: duckdb.DuckDBPyConnection, order: Order, fresh: Fresh, *, texts: Sequence[str]
) -> str:
    """A SELECT of what is new."""
    if fresh.batches is not None:
        con.register(_BATCHES, fresh.batches)
        con.execute(f"CREATE TABLE fresh AS FROM {_BATCHES}")
        if fresh.met:
            raise fresh.met[0]
        return "SELECT * FROM fresh"
    select = _select(con, order, fresh, texts)
    if fresh.format in ("json", "ndjson") and list(readers.kinds(con, select)) == ["json"]:
        (count,) = _row(con, f"SELECT count(*) FROM ({select})")
        if not count:  # the engine makes a column of this name where it finds none
            raise Failed(SOURCE, f"{fresh.files[0].path}: it is empty")
    return select


def _select(
    con: duckdb.DuckDBPyConnection, order: Order, fresh: Fresh, texts: Sequence[str]
) -> str:
    reading = Reading(fresh.format, order.definition.options, texts)
    relation = readers.relation(fresh.files, reading)
    try:
        return readers.selected(con, relation)
    except duckdb.Error as error:
        if fresh.format == "csv" and "sniffing" in str(error):
            readers.refuse_ragged(con, fresh.files, reading)
        raise


def _texts(con: duckdb.DuckDBPyConnection, order: Order) -> list[str]:
    """The columns of the version before that hold texts. One that never had a value is none."""
    rows = _last(order)
    kinds = readers.kinds(con, f"SELECT * FROM {rows}")
    texts = [name for name, kind in kinds.items() if kind == "VARCHAR"]
    empty = _empty(con, rows, texts)
    return [name for name in texts if name not in empty]


def _last(order: Order) -> str:
    if order.last is None or not Path(order.last.path).exists():
        raise Failed(SOURCE, "its last version is gone: sync once with sync_mode=full")
    return f"read_parquet({literal(order.last.path)})"


def _appended(con: duckdb.DuckDBPyConnection, order: Order, select: str) -> tuple[str, Drift]:
    """A SELECT of the version before and what is new. Raises Failed where columns are gone, or have
    another type; columns that are new are taken."""
    rows = _last(order)
    before, after = (readers.columns(con, one) for one in (f"FROM {rows}", select))
    found = drift(before, after)
    retyped = [one["name"] for one in found.get("retyped", ())]
    empty_new = _empty(con, f"({select})", retyped)
    empty_old = _empty(con, rows, [name for name in retyped if name not in empty_new])
    kept = [one for one in retyped if one not in empty_new and one not in empty_old]
    kept = [one for one in kept if not _widens(before, after, one)]
    if found:
        found["retyped"] = [one for one in found["retyped"] if one["name"] in kept]
    if found and (found["removed"] or kept):
        raise Failed(DRIFT, f"append needs the columns that are there: {told(found)}", drift=found)
    old = f"SELECT * {_without(empty_old)} FROM {rows}"
    new = f"SELECT * {_without(empty_new)} FROM ({select})"
    return f"{old} UNION ALL BY NAME {new}", found if any(found.values()) else {}


def _empty(con: duckdb.DuckDBPyConnection, rows: str, names: Sequence[str]) -> list[str]:
    """Those of these columns that hold no value at all."""
    if not names:
        return []
    counts = _row(
        con, f"SELECT {', '.join(f'count({quoted(name)})' for name in names)} FROM {rows}"
    )
    return [name for name, count in zip(names, counts, strict=True) if not count]


def _widens(before: Sequence[Column], after: Sequence[Column], name: str) -> bool:
    """Whether the new column's values fit into the old one's type without being changed."""
    old, new = (next(one.type for one in side if one.name == name) for side in (before, after))
    if old.startswith("timestamp") and new == "date":
        return True
    if not (_NUMBER.fullmatch(old) and _NUMBER.fullmatch(new)):
        return False
    if new.startswith("int") and old.startswith("int"):
        return int(new[3:]) < int(old[3:])
    return old == "float64" and (new == "float32" or new.startswith("int"))


def _without(names: Sequence[str]) -> str:
    return f"EXCLUDE ({', '.join(map(quoted, names))})" if names else ""


def _profile(con: duckdb.DuckDBPyConnection, order: Order) -> list[dict[str, Any]] | None:
    """None where it needs more memory than there is: a table without one is better than none."""
    with contextlib.suppress(duckdb.OutOfMemoryException, MemoryError):
        return profile.profiled(con, str(order.target))
    return None


def _state(con: duckdb.DuckDBPyConnection, order: Order, fresh: Fresh) -> dict[str, Any]:
    column = order.definition.cursor_column
    if column is None:
        return fresh.state
    rows = f"read_parquet({literal(str(order.target))})"
    if column not in readers.kinds(con, f"SELECT * FROM {rows}"):
        raise Failed(SOURCE, f"cursor_column={shorten(column)} is no column of it")
    (highest,) = _row(con, f"SELECT max({quoted(column)}) FROM {rows}")
    return {**fresh.state, "cursor": cursor_of(column, highest)}


def _sealed(path: Path) -> dict[str, Any]:
    """`bytes, sha256` of a file that is on the disk for good."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
        os.fsync(file.fileno())
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def _columns(told: Sequence[dict[str, str]]) -> list[Column]:
    return [Column(**one) for one in told]


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] = con.execute(sql).fetchall()[0]
    return found
