"""Synced tables as people read them: which files somebody may take along, and what is known of one
table's attempts and versions. The one place for page, API and terminal. It blocks: call it through
`store.offload`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from console import beats
from console.queries import registered as queries
from console.queries import synced as queries_now
from console.queries import syncing
from console.syncing import definition
from console.syncing.definition import REMOTE, SOURCES
from console.syncing.published import Published, published
from console.tables.registered import INTERNAL, LOCAL
from schema.errors import BadParameter, BadRequest, NotFound, shorten
from schema.policy import Principal
from schema.store import Store

Row = dict[str, Any]
NOT_SYNCED = "it was not synced yet"


def files(store: Store, me: Principal) -> list[Published]:
    """The newest version of every registered table that they may read, by id. Tables of the console
    are never among them: whose rows somebody sees cannot be said with a file."""
    known = {
        row["id"]
        for row in store.rows(queries.listing)
        if row["source_type"] != INTERNAL and row["query_mode"] != REMOTE
    }
    found = published(store)
    return [found[id] for id in sorted(found) if id in known and me.may_read(id)]


def file(store: Store, me: Principal, name: str) -> Published:
    """The newest version of the table with this id or name. Raises NotFound, for what they may not
    read as for what there is not, and BadRequest for a table that is no file."""
    rows = store.rows(queries.listing)
    by_name = (row for row in rows if row["name"] == name)
    row = next((row for row in rows if row["id"] == name), next(by_name, None))
    if row is not None and row["source_type"] == INTERNAL:
        raise BadRequest(
            f"{row['name']} is a table of the console, and no file: everybody sees their own rows",
            detail="Question it: `agnes query`, or POST /api/query.",
        )
    if row is None or not me.may_read(row["id"]):
        raise NotFound(
            f"no table {shorten(name)} here",
            detail="GET /api/sync/manifest lists those that can be downloaded.",
        )
    is_remote = row["query_mode"] == REMOTE  # what was synced before it was, nobody reads any more
    found = published(store).get(row["id"])
    if found is not None and not is_remote:
        return found
    if row["source_type"] == LOCAL or is_remote:
        raise BadRequest(
            f"{row['name']} is read where it lies, and never synced: there is no file of it",
            detail="Question it: `agnes query`, or POST /api/query.",
        )
    raise NotFound(f"{row['name']} has no file: {NOT_SYNCED}")


# -- how tables stand


def facts(store: Store, at: datetime) -> dict[str, Row]:
    """Of every table that syncs, by id: `{synced, last_attempt, next_due}`. `synced` is what can be
    questioned, `{synced_at, rows, bytes, sha256}`, None before the first one; `last_attempt` a row
    of `attempts`; `next_due` None without a schedule, `at` where it is due now."""
    newest = published(store)
    tried = {row["table_id"]: _attempt(row) for row in store.rows(queries_now.newest_attempts)}
    began = {row["id"]: row["last"] for row in store.rows(syncing.scheduled, SOURCES)}
    found = {}
    for row in store.rows(queries.listing):
        id = row["id"]
        if definition.of(row).syncs:
            found[id] = {
                "synced": _version(newest.get(id)),
                "last_attempt": tried.get(id),
                "next_due": _next(row["schedule"], began.get(id), at),
            }
    return found


def _next(schedule: str | None, last: datetime | None, at: datetime) -> datetime | None:
    if not schedule:
        return None
    try:
        beat = beats.parse(schedule)
    except BadParameter:
        return None
    found = at if last is None else beat.after(last)
    return found if found is None else max(found, at)


def _version(one: Published | None) -> Row | None:
    names = ("synced_at", "rows", "bytes", "sha256")
    return None if one is None else {name: getattr(one, name) for name in names}


def _attempt(row: Mapping[str, Any]) -> Row:
    return {**row, "drift": _json(row["drift"])}


# -- of one table


def attempts(store: Store, id: str, limit: int, offset: int = 0) -> tuple[int, list[Row]]:
    """How many there are, and some of them, newest first: rows of `sync_history` with `drift` as an
    object, None where nothing differed."""
    rows = syncing.attempts_of(id)
    total = _count(store, rows)
    found = store.read(rows.limit(limit, offset=offset)).to_pylist()
    return total, [_attempt(row) for row in found]


def versions(store: Store, id: str) -> list[Row]:
    """What is kept of it, newest first: `{id, synced_at, rows, bytes, sha256, columns}`."""
    names = ("id", "synced_at", "rows", "bytes", "sha256")
    found = store.read(syncing.versions_of(id)).to_pylist()
    return [
        {**{name: row[name] for name in names}, "columns": orjson.loads(row["columns"])}
        for row in found
    ]


def profile(store: Store, id: str) -> Row | None:
    """`{table_id, version, synced_at, rows, bytes, columns}` of the newest version; `columns` as
    `console.syncing.profile` makes them. None without a version."""
    found: Sequence[Row] = store.read(syncing.versions_of(id).limit(1)).to_pylist()
    if not found:
        return None
    row = found[0]
    return {
        "table_id": id,
        "version": row["id"],
        **{name: row[name] for name in ("synced_at", "rows", "bytes")},
        "columns": _json(row["profile"]) or [],
    }


def _count(store: Store, rows: Any) -> int:
    (counted,) = store.read(rows.aggregate(total=rows.count())).to_pylist()
    return int(counted["total"])


def _json(text: str | None) -> Any:
    return orjson.loads(text) if text else None
