"""What the registry says of a table that syncs: where its rows come from, and how they are read.

`checked` is what may be registered, with a message for each field; nothing here opens anything.
SPEC section 18.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from console import beats
from console.identity import typed
from console.syncing import addresses, csv_options
from console.tables import table_files
from console.tables.parquet_rows import Unfit
from schema.errors import BadParameter

FILES, URL, SQL = "files", "url", "sql"
SOURCES = (FILES, URL, SQL)
FULL, APPEND = "full", "append"
MODES = (FULL, APPEND)
LOCAL, REMOTE = "local", "remote"
FORMATS = ("csv", "json", "ndjson", "parquet")
# Of which sources a field is.
_OF = {
    "location": (FILES, URL),
    "format": (FILES, URL),
    "options": (FILES, URL),
    "connection": (SQL,),
    "statement": (SQL,),
    "cursor_column": (SQL,),
}
FIELDS = (*_OF, "sync_mode", "schedule", "query_mode")
_LONG = 2000  # characters of a path or an address
_STATEMENT = 20_000


@dataclass(frozen=True)
class Definition:
    """A table that syncs. `location`: path, glob or folder, else an address; `statement`: the name
    of a table, or a SELECT; `options`: how CSV is written."""

    id: str
    name: str
    source_type: str
    sync_mode: str = FULL
    query_mode: str = LOCAL
    location: str | None = None
    format: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    connection: str | None = None
    statement: str | None = None
    cursor_column: str | None = None
    schedule: str | None = None

    @property
    def syncs(self) -> bool:
        return self.source_type in SOURCES and self.query_mode == LOCAL

    @property
    def source(self) -> str:
        """The same for the same rows read in the same way: what a version was made from."""
        told = asdict(self)
        for name in ("id", "name", "sync_mode", "schedule", "cursor_column"):
            del told[name]
        text = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()


def of(row: Mapping[str, Any]) -> Definition:
    """Of a row of the registry, or its state in the log."""
    texts = {name: row.get(name) for name in (*_OF, "schedule") if name != "options"}
    return Definition(
        row["id"],
        row["name"],
        row["source_type"] or "",
        row.get("sync_mode") or FULL,
        row.get("query_mode") or LOCAL,
        options=options_of(row),
        **texts,
    )


def options_of(row: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found = orjson.loads(row.get("options") or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def checked(
    given: Mapping[str, Any],
    *,
    folders: Sequence[Path],
    allowed_hosts: Sequence[str],
    connections: Sequence[str],
) -> dict[str, str | None]:
    """The columns of the registry for what is `given` of FIELDS, with its `source_type`. Raises
    BadParameter that names the field, its value and what is allowed."""
    source = given["source_type"]
    if source not in SOURCES:
        raise BadParameter("source_type", source, ", ".join(("local", *SOURCES)))
    for name, sources in _OF.items():
        if given.get(name) not in (None, "", {}) and source not in sources:
            raise BadParameter(name, given[name], f"only for source_type={' or '.join(sources)}")
    texts: dict[str, Any] = {
        name: _text(name, given) for name in FIELDS if name not in ("options", "sync_mode")
    }
    found = Definition("", "", source, options=given.get("options") or {})
    found = replace(
        found,
        **texts,
        sync_mode=_one_of("sync_mode", given.get("sync_mode") or FULL, MODES),
    )
    found = replace(found, query_mode=found.query_mode or LOCAL)
    _query_mode(found)
    if found.source_type == SQL:
        _sql(found, connections)
    else:
        found = _read(found, folders, allowed_hosts)
    if found.schedule is not None:
        if found.query_mode == REMOTE:
            raise BadParameter("schedule", found.schedule, "none for query_mode=remote")
        beats.parse(found.schedule)
    told = {name: getattr(found, name) for name in FIELDS}
    told["options"] = orjson.dumps(dict(found.options)).decode() if found.options else None
    return {**told, "source_type": source}


def _read(found: Definition, folders: Sequence[Path], hosts: Sequence[str]) -> Definition:
    """Files and addresses. The path, absolute; the address as it is asked."""
    if found.location is None:
        raise BadParameter("location", "", "give location: where the rows come from")
    if found.format is not None:
        _one_of("format", found.format, FORMATS)
    csv_options.check(found.options)
    if found.options and found.format not in (None, "csv"):
        raise BadParameter("options", dict(found.options), "only for format=csv")
    if found.source_type == URL:
        return replace(found, location=addresses.checked(found.location, allowed=hosts))
    try:
        folder, parts = table_files.within(folders, found.location)
    except Unfit as error:
        raise BadParameter("location", found.location, str(error)) from None
    return replace(found, location=str(folder.joinpath(*parts)))


def _sql(found: Definition, connections: Sequence[str]) -> None:
    for name in ("connection", "statement"):
        if getattr(found, name) is None:
            raise BadParameter(name, "", f"give {name}: source_type=sql needs it")
    if found.connection not in connections:
        if not connections:
            raise BadParameter("connection", found.connection, "AGNES_SOURCES names none")
        raise BadParameter.unknown(str(found.connection), connections, what="connection")
    if len(found.statement or "") > _STATEMENT:
        raise BadParameter("statement", found.statement, f"at most {_STATEMENT:,} characters")
    if found.sync_mode == APPEND and found.cursor_column is None:
        raise BadParameter(
            "cursor_column",
            "",
            "give cursor_column: append takes the rows whose value there is above the highest seen",
        )
    if found.sync_mode == FULL and found.cursor_column is not None:
        raise BadParameter("cursor_column", found.cursor_column, "only for sync_mode=append")


def _query_mode(found: Definition) -> None:
    allowed = (LOCAL, REMOTE) if found.source_type == SQL else (LOCAL,)
    _one_of("query_mode", found.query_mode, allowed)
    if found.query_mode == REMOTE and found.sync_mode == APPEND:
        raise BadParameter("sync_mode", APPEND, "full: query_mode=remote syncs nothing")


def _one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise BadParameter(name, value, " or ".join(allowed))
    return value


def _text(name: str, given: Mapping[str, Any]) -> str | None:
    value = given.get(name)
    if value is None or not value.strip():
        return None
    if name == "statement":
        return str(value).strip()
    return typed.label(name, value.strip(), _LONG)
