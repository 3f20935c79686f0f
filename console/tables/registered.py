"""Registered tables: files with a name, and what is synced or read from elsewhere, which groups can
be granted. Whose they are say grants.

What the columns of a file are says the registry; those of a synced table, its newest version, of
which the registry keeps only what they mean.

`register` and `change` are steps for `Store.write`; what they write is undone like any change.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from cachetools import LRUCache

from console.audit import Caller
from console.changes import objects
from console.changes.kinds import REGISTERED, State
from console.changes.objects import Step
from console.identity import typed
from console.identity.lookup import Row
from console.kept import kept
from console.queries import registered as queries
from console.queries.syncing import newest as newest_version
from console.settings import Settings
from console.syncing import definition
from console.syncing.definition import SOURCES
from console.syncing.published import Published, published
from console.tables import table_files
from console.tables.parquet_rows import Unfit
from console.tables.table_files import Column, Identity, Opened
from schema.errors import BadParameter, BadRequest, NotFound, shorten
from schema.store import Store
from schema.tables import TABLE_REGISTRY, TABLE_VERSIONS
from schema.transaction import Transaction

LOCAL, BUCKET = "local", "Files"
_BUCKETS = {definition.URL: "Web", definition.SQL: "Databases"}
INTERNAL, INTERNAL_BUCKET = "internal", "Agnes Internal"
NAME = "a name as SQL has them: letters, digits and `_`, at most 63, no digit first"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_TAKEN = ("agnes_", "duckdb_", "information_schema", "pg_", "sqlite_")  # of the engine, and ours
_LOOK = 10.0  # seconds for a database to say what columns there are
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


def synced(store: Store) -> Sequence[tuple[Registered, Published]]:
    """The tables that were synced and can be questioned, by name, with what is read. Blocks."""
    version = store.version("table_registry") + store.version("table_versions")
    found = kept(store).get(("synced",), version)
    if found is None:
        newest = published(store)
        rows = store.rows(queries.of_sources, SOURCES)
        found = [
            (_registered(row, newest[row["id"]].columns), newest[row["id"]])
            for row in rows
            if row["id"] in newest and definition.of(row).syncs
        ]
        kept(store).put(("synced",), version, found)
    tables: list[tuple[Registered, Published]] = found
    return tables


def _registered(row: Mapping[str, Any], columns: Sequence[Column] = ()) -> Registered:
    return Registered(
        row["id"],
        row["name"],
        row["location"] or "",
        row["description"] or "",
        row["bucket"] or BUCKET,
        _with_meanings(columns, row) or tuple(Column(**column) for column in columns_of(row)),
    )


def _with_meanings(columns: Sequence[Column], row: Mapping[str, Any]) -> tuple[Column, ...]:
    meanings = {column["name"]: column["meaning"] for column in columns_of(row)}
    return tuple(replace(one, meaning=meanings.get(one.name, "")) for one in columns)


def columns_shown(store: Store, row: Mapping[str, Any]) -> list[dict[str, str]]:
    """The columns that people see of a row of the registry: of a synced table those of its newest
    version, none before there is one. Blocks."""
    if row["source_type"] not in SOURCES or row["query_mode"] == definition.REMOTE:
        return columns_of(row)
    newest = published(store).get(row["id"])
    return [asdict(one) for one in _with_meanings(newest.columns, row)] if newest else []


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
    return {**found, "columns": columns_of(row), "options": definition.options_of(row)}


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


def looked_at(settings: Settings, given: Mapping[str, Any], there: Row | None) -> File | None:
    """What has to be seen of a source before it is registered, or changed where it is `there`: of a
    file in place its columns, of a table that is read at its source those that it has now. None for
    what is read when it is synced. Blocks. Raises BadParameter, and what `sources` raises."""
    source = given.get("source_type") or (there or {}).get("source_type") or LOCAL
    if source == LOCAL:
        if "location" in given:
            return described(settings, given["location"])
        if there is None:
            raise BadParameter("location", "", "give location: the path of a CSV or Parquet file")
        return None
    both = {**(there or {}), **given}
    named = ("connection", "statement", "query_mode")
    if both.get("query_mode") != definition.REMOTE or not any(name in given for name in named):
        return None
    from console.sources import sql  # 0.2 s, for who needs it
    from console.sources.errors import SourceDown, SourceFailed

    _checked(settings, {**both, "source_type": source, "options": None})
    try:
        found = sql.columns(settings, both["connection"], both["statement"], seconds=_LOOK)
        return File("", found)
    except SourceFailed as error:  # who registers may know what the database says
        said = f"{error.message}: {error.reason}" if error.reason else error.message
        raise BadParameter("statement", both["statement"], said) from None
    except SourceDown as error:
        error.detail = error.reason
        raise


def register(
    caller: Caller, given: Mapping[str, Any], file: File | None, settings: Settings | None = None
) -> Step:
    """Add a table. `given`: name, and what else is wanted of id, description, bucket, meanings; for
    a `source_type` other than a file in place those of `definition.FIELDS`, and `settings`. `file`:
    what `looked_at` saw. Raises BadParameter, and Conflict for a name that is taken."""
    name = _named(given["name"])
    source = given.get("source_type") or LOCAL
    if source == LOCAL:
        _refuse_fields(given)
    wanted = {
        **_texts(given),
        "id": typed.label("id", given.get("id") or name.lower(), objects.NAME_LIMIT),
        "name": name,
        "source_type": source,
        "query_mode": LOCAL,
        "bucket": given.get("bucket") or _BUCKETS.get(source, BUCKET),
    }
    if source != LOCAL:
        wanted |= _checked(settings, given)
    elif file is not None:
        wanted["location"] = file.path
    columns = file.columns if file is not None else ()
    meant = _meant(columns, given.get("meanings", {}), known=file is not None)
    wanted["columns"] = kept_columns(meant) if meant else None
    if wanted["id"].casefold().startswith(_TAKEN[0]):
        raise BadParameter("id", wanted["id"], f"{_TAKEN[0]}… names tables of the console")
    made = objects.register(caller, wanted)

    def step(transaction: Transaction) -> State | None:
        row = made(transaction)
        # Only what comes back by an undo has what was synced before.
        transaction.delete(TABLE_VERSIONS, {"table_id": wanted["id"]})
        return row

    return step


def change(
    caller: Caller,
    id: str,
    given: Mapping[str, Any],
    file: File | None,
    settings: Settings | None = None,
) -> Step:
    """Set what is `given` of name, description, bucket, meanings, and, of a table that syncs, of
    `definition.FIELDS`; with a `file` the table is that one from now on, and columns of the same
    name keep their meanings. Raises NotFound, BadParameter, Conflict."""
    wanted = _texts(given)
    if "name" in given:
        wanted["name"] = _named(given["name"])

    def step(transaction: Transaction) -> State | None:
        there = REGISTERED.now(transaction, {"id": id})
        if there is None:
            raise NotFound(f"no table {shorten(id)}", detail="List the tables to see their ids.")
        source = there["source_type"]
        if given.get("source_type", source) != source:
            raise BadParameter(
                "source_type", given["source_type"], f"{source}, as it is; register another table"
            )
        if source != LOCAL and source not in SOURCES:
            raise BadRequest(
                f"{there['name']} cannot be changed here: it is no file, and nothing syncs it"
            )
        new = dict(wanted)
        if source == LOCAL:
            _refuse_fields(given)
        elif any(name in given for name in definition.FIELDS):
            new |= _changed(settings, there, given)
        meanings = given.get("meanings", {})
        if file is not None or "meanings" in given:
            kept = File(there["location"] or "", _columns_now(transaction, there))
            new |= _of_file(kept, file or kept, meanings)
            if source != LOCAL:
                del new["location"]
                new |= _changed(settings, there, given) if file else {}
        return objects.change_table(caller, id, new)(transaction)

    return step


def _changed(settings: Settings | None, there: State, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a table that syncs, as they are to be: what is given, else what is there."""
    before = {name: there[name] for name in definition.FIELDS}
    before["options"] = definition.options_of(there)
    return _checked(settings, {**before, **given, "source_type": there["source_type"]})


def _checked(settings: Settings | None, given: Mapping[str, Any]) -> dict[str, Any]:
    if settings is None:
        raise BadParameter("source_type", given["source_type"], LOCAL)
    return definition.checked(
        given,
        folders=table_files.folders(settings),
        allowed_hosts=settings.sync_allow_private,
        connections=[one.name for one in settings.sources],
    )


def _refuse_fields(given: Mapping[str, Any]) -> None:
    for name in definition.FIELDS:
        if name != "location" and given.get(name) not in (None, "", {}, LOCAL):
            of = "no field of a file that is read in place"
            raise BadParameter(name, given[name], f"{of}; source_type={' or '.join(SOURCES)}")


def _columns_now(transaction: Transaction, there: State) -> list[Column]:
    """With what they mean. Of a synced table those of its newest version."""
    kept = [Column(**one) for one in columns_of(there)]
    if there["source_type"] not in SOURCES or there["query_mode"] == definition.REMOTE:
        return kept
    rows = transaction.ask(newest_version, there["id"])
    columns = [Column(**one) for one in orjson.loads(rows[0]["columns"])] if rows else []
    return list(_with_meanings(columns, there))


def _of_file(before: File, after: File, meanings: Mapping[str, Any]) -> dict[str, Any]:
    old = {column.name: column.meaning for column in before.columns}
    columns = [replace(column, meaning=old.get(column.name, "")) for column in after.columns]
    return {"location": after.path, "columns": kept_columns(_meant(columns, meanings))}


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


def _meant(
    columns: Sequence[Column], meanings: Mapping[str, Any], *, known: bool = True
) -> list[Column]:
    names = {column.name for column in columns}
    for name, meaning in meanings.items():
        if not known or not names:
            raise BadParameter(f"meanings.{name}", meaning, "none before the table was synced once")
        if name not in names:
            raise BadParameter.unknown(name, names, what="column")
        if not isinstance(meaning, str) or len(meaning) > _MEANING:
            raise BadParameter(
                f"meanings.{name}", meaning, f"a text of at most {_MEANING} characters"
            )
    return [
        replace(column, meaning=meanings.get(column.name, column.meaning)) for column in columns
    ]


def kept_columns(columns: Sequence[Column]) -> str:
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
