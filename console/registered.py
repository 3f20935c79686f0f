"""Registered tables: files with a name, which groups can be granted. The registry says what their
columns are; whose they are say grants.

`register` and `change` are steps for `Store.write`; what they write is undone like any change.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from cachetools import LRUCache
from ibis import _

from console import table_files
from console.agnes_tables import AgnesTable, agnes_tables
from console.audit import Caller, now
from console.changes import objects
from console.changes.kinds import REGISTERED, State
from console.changes.objects import Step
from console.identity import typed
from console.identity.lookup import Row
from console.kept import kept
from console.parquet_rows import Unfit
from console.queries import registered as queries
from console.settings import Settings
from console.table_files import Column, Identity, Opened
from schema.errors import BadParameter, BadRequest, NotFound, shorten
from schema.store import Store
from schema.table import rows_of
from schema.tables import TABLE_REGISTRY
from schema.transaction import Rows, Transaction

LOCAL, BUCKET = "local", "Files"
INTERNAL, INTERNAL_BUCKET = "internal", "Agnes Internal"
NAME = "a name as SQL has them: letters, digits and `_`, at most 63, no digit first"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_TAKEN = ("agnes_", "duckdb_", "information_schema", "pg_", "sqlite_")  # of the engine, and ours
_MEANING = 500  # characters of what a column means
_DESCRIPTION = 2000


@dataclass(frozen=True)
class Registered:
    id: str
    name: str
    location: str
    description: str
    bucket: str
    columns: tuple[Column, ...]


def local(store: Store) -> Sequence[Registered]:
    """The registered files that can be questioned, by name. Blocks."""
    version = store.version("table_registry")
    found = kept(store).get(("registered",), version)
    if found is None:
        rows = store.rows(queries.of_source, LOCAL)
        found = [_registered(row) for row in rows if row["location"] and row["columns"]]
        kept(store).put(("registered",), version, found)
    tables: list[Registered] = found
    return tables


def _registered(row: Mapping[str, Any]) -> Registered:
    return Registered(
        row["id"],
        row["name"],
        row["location"],
        row["description"] or "",
        row["bucket"] or BUCKET,
        tuple(Column(**column) for column in columns_of(row)),
    )


def columns_of(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """The columns that a row of the registry keeps, each `{name, type, meaning}`."""
    found: list[dict[str, str]] = orjson.loads(row["columns"] or "[]")
    return found


def shown(row: Mapping[str, Any]) -> Row:
    """A row of the registry, or its state in the log, with its columns as a list."""
    found = {name: row[name] for name in TABLE_REGISTRY.columns}
    for name in ("created_at", "updated_at"):
        if isinstance(found[name], str):
            found[name] = datetime.fromisoformat(found[name])
    return {**found, "columns": columns_of(row)}


# -- changing the registry


@dataclass(frozen=True)
class File:
    """A file that can be a table: its absolute path, its columns."""

    path: str
    columns: Sequence[Column]


def described(settings: Settings, location: str) -> File:
    """The file that is meant. Blocks. Raises BadParameter for one that cannot be a table."""
    allowed = table_files.folders(settings)
    try:
        path = table_files.located(allowed, location)
        with table_files.opened(allowed, path) as found:
            return File(path, table_files.columns(found))
    except Unfit as error:
        raise BadParameter("location", location, str(error)) from None


def register(caller: Caller, given: Mapping[str, Any], file: File) -> Step:
    """Add a file as a table. `given`: name, and what else is wanted of id, description, bucket,
    meanings. Raises BadParameter, and Conflict for a name that is taken."""
    name = _named(given["name"])
    wanted = {
        **_texts(given),
        "id": typed.label("id", given.get("id") or name.lower(), objects.NAME_LIMIT),
        "name": name,
        "source_type": LOCAL,
        "query_mode": LOCAL,
        "bucket": given.get("bucket") or BUCKET,
        "location": file.path,
        "columns": _kept(_meant(file.columns, given.get("meanings", {}))),
    }
    if wanted["id"].casefold().startswith(_TAKEN[0]):
        raise BadParameter("id", wanted["id"], f"{_TAKEN[0]}… names tables of the console")
    return objects.register(caller, wanted)


def change(caller: Caller, id: str, given: Mapping[str, Any], file: File | None) -> Step:
    """Set what is `given` of name, description, bucket, meanings; with a `file` the table is that
    one from now on, and columns of the same name keep their meanings. Raises NotFound,
    BadParameter, Conflict."""
    wanted = _texts(given)
    if "name" in given:
        wanted["name"] = _named(given["name"])

    def step(transaction: Transaction) -> State | None:
        there = REGISTERED.now(transaction, {"id": id})
        if there is None:
            raise NotFound(f"no table {shorten(id)}", detail="List the tables to see their ids.")
        if there["source_type"] != LOCAL:
            raise BadRequest(f"{there['name']} is no registered file: it cannot be changed here")
        new = dict(wanted)
        if file is not None or "meanings" in given:
            kept = File(there["location"], [Column(**one) for one in columns_of(there)])
            new |= _of_file(kept, file or kept, given.get("meanings", {}))
        return objects.change_table(caller, id, new)(transaction)

    return step


def _of_file(before: File, after: File, meanings: Mapping[str, Any]) -> dict[str, Any]:
    old = {column.name: column.meaning for column in before.columns}
    columns = [replace(column, meaning=old.get(column.name, "")) for column in after.columns]
    return {"location": after.path, "columns": _kept(_meant(columns, meanings))}


def _texts(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: given[name].strip() for name in ("description", "bucket") if name in given}
    if len(found.get("description", "")) > _DESCRIPTION:
        raise BadParameter(
            "description", given["description"], f"at most {_DESCRIPTION} characters"
        )
    if found.get("bucket"):
        found["bucket"] = typed.label("bucket", found["bucket"], objects.NAME_LIMIT)
    return {name: text or None for name, text in found.items()}


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadParameter("name", name, NAME)
    if name.lower().startswith(_TAKEN):
        raise BadParameter("name", name, "names that begin so belong to the console or the engine")
    return name


def _meant(columns: Sequence[Column], meanings: Mapping[str, Any]) -> list[Column]:
    known = {column.name for column in columns}
    for name, meaning in meanings.items():
        if name not in known:
            raise BadParameter.unknown(name, known, what="column")
        if not isinstance(meaning, str) or len(meaning) > _MEANING:
            raise BadParameter(
                f"meanings.{name}", meaning, f"a text of at most {_MEANING} characters"
            )
    return [
        replace(column, meaning=meanings.get(column.name, column.meaning)) for column in columns
    ]


def _kept(columns: Sequence[Column]) -> str:
    """As the registry keeps them: a list, since the names of columns are not keys of ours."""
    told = [{"name": one.name, "type": one.type, "meaning": one.meaning} for one in columns]
    return orjson.dumps(told).decode()


def remove(caller: Caller, id: str) -> Step:
    """Take a table and its grants out of the registry. Raises NotFound, and BadRequest for a table
    of the console."""

    def step(transaction: Transaction) -> State | None:
        there = REGISTERED.now(transaction, {"id": id})
        if there is not None and there["source_type"] == INTERNAL:
            raise BadRequest(f"{there['name']} is a table of the console: it cannot be removed")
        return objects.unregister(caller, id)(transaction)

    return step


def keep_internal(store: Store) -> None:
    """The registry lists the console's own tables as they are now, and no others. Blocks."""
    wanted = {table.name: _internal(table) for table in agnes_tables().values()}

    def step(transaction: Transaction) -> None:
        rows = transaction.read(rows_of(TABLE_REGISTRY).filter(_.source_type == INTERNAL))
        there = {row["id"]: row for row in rows}
        for id in there.keys() - wanted.keys():
            transaction.delete(TABLE_REGISTRY, {"id": id})
        for id, row in wanted.items():
            old = there.get(id)
            if old is None or any(old[name] != value for name, value in row.items()):
                at = old["created_at"] if old else now()
                transaction.delete(TABLE_REGISTRY, {"id": id})
                made = dict.fromkeys(TABLE_REGISTRY.columns) | row
                stamps = {"created_at": at, "updated_at": now()}
                transaction.insert(Rows(TABLE_REGISTRY, [made | stamps]))

    store.write(step).result()


def _internal(table: AgnesTable) -> dict[str, Any]:
    kinds = table.of.schema
    columns = [
        Column(name, str(kinds[name].copy(nullable=True)), meaning)
        for name, meaning in table.columns.items()
    ]
    return {
        "id": table.name,
        "name": table.name,
        "source_type": INTERNAL,
        "query_mode": INTERNAL,
        "bucket": INTERNAL_BUCKET,
        "description": table.meaning,
        "columns": _kept(columns),
    }


# -- counting

_Counts = LRUCache[Identity, int]
_COUNTS: WeakKeyDictionary[Store, _Counts] = WeakKeyDictionary()
_LOCK = threading.Lock()


def counted(store: Store, found: Opened, column: Column) -> int:
    """How many rows a file has, counted once until it changes."""
    with _LOCK:
        counts = _COUNTS.setdefault(store, LRUCache(1000))
        known: int | None = counts.get(found.identity)
    if known is None:
        known = table_files.count(found, column)
        with _LOCK:
            counts[found.identity] = known
    return known
