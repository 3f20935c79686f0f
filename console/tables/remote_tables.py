"""Tables that are read at their source when somebody asks: nothing of them is kept here.

A question sends for the columns that it uses and, where its text says so plainly, only for the rows
that it can use (`console.sandbox.narrow`); what it does with them it does here, in its sandbox.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import orjson
import pyarrow as pa
import structlog

from console.kept import kept
from console.queries import registered as queries
from console.settings import Settings
from console.sources.bounds import Within
from console.sources.errors import SourceDown, SourceFailed
from console.tables.agnes_rows import Extract
from console.tables.table_files import Column
from schema.errors import AgnesError, BadParameter, Unavailable
from schema.store import Store

log = structlog.get_logger(__name__)

REMOTE, SQL, BUCKET = "remote", "sql", "Remote"
_RULE = "all rows of a registered table: granted to a group, or seen by an admin"
_LOOK = 5.0  # seconds for some rows to look at
_LOOKING = threading.BoundedSemaphore(2)
_PIECE = 4 << 20  # bytes of one piece that is sent to a question


@dataclass(frozen=True)
class About:
    """What the registry says of one."""

    id: str
    name: str
    meaning: str
    bucket: str
    connection: str
    statement: str
    columns: tuple[Column, ...]


class Changed(Unavailable):
    """Its columns at the source are not those that were registered."""

    title = "Table unreadable"


class Busy(Unavailable):
    """Others look at tables of sources already."""

    title = "Source busy"


@dataclass(frozen=True)
class Remote:
    """One of them, for somebody who may read it. `within`: the rows that are enough."""

    settings: Settings
    table: About
    within: Within = field(default_factory=Within)
    kind = REMOTE

    @property
    def id(self) -> str:
        return self.table.id

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def meaning(self) -> str:
        return self.table.meaning

    @property
    def bucket(self) -> str:
        return self.table.bucket

    @cached_property
    def columns(self) -> Mapping[str, str]:
        return {column.name: column.meaning for column in self.table.columns}

    def schema(self) -> pa.Schema:
        return self._schema(list(self.columns))

    def narrowed(self, within: Within | None) -> Remote:
        return self if within is None else replace(self, within=within)

    def pieces(self, extract: Extract, columns: Sequence[str]) -> Iterator[bytes]:
        """Raises SourceDown, SourceFailed, Changed, TooLarge."""
        rows = self._rows(columns, self.within.limit)
        yield from extract.written(self.name, self._schema(columns), rows)

    def first(self, count: int) -> Iterator[pa.RecordBatch]:
        """Raises also Busy: who looks at a table waits in the threads that everybody needs, and a
        source that hangs must not have them all."""
        if not _LOOKING.acquire(blocking=False):
            said = f"the table {self.name} cannot be read: sources are being looked at by others"
            raise Busy(said, detail="Try again in a few seconds.")
        try:
            yield from self._rows(list(self.columns), count, seconds=_LOOK)
        finally:
            _LOOKING.release()

    def standing(self) -> dict[str, Any]:
        """Nobody has counted them: that would read the whole table, wherever it is named."""
        return {"visible": None, "total": None, "rule": _RULE}

    def _schema(self, names: Sequence[str]) -> pa.Schema:
        kinds = {column.name: column.arrow for column in self.table.columns}
        return pa.schema([(name, kinds[name]) for name in names])

    def _rows(
        self, names: Sequence[str], limit: int | None, *, seconds: float | None = None
    ) -> Iterator[pa.RecordBatch]:
        from console.sources import sql  # 0.2 s, for who needs it

        wanted = self._schema(names)
        try:
            for batch in sql.batches(
                self.settings,
                self.table.connection,
                self.table.statement,
                columns=names,
                where=self.within.bounds,
                limit=limit,
                seconds=seconds or self.settings.query_seconds,
            ):
                if batch.schema != wanted:
                    raise self._changed(batch.schema, wanted)
                yield from _cut(batch)
        except BadParameter as error:  # the operator has taken the connection away
            log.warning("remote table without its source", table=self.name, reason=error.message)
            said = f"the table {self.name} cannot be read: its connection is not there any more"
            raise Changed(said) from None
        except (SourceDown, SourceFailed) as error:
            raise _told(self.name, error) from None

    def _changed(self, found: pa.Schema, wanted: pa.Schema) -> Changed:
        differ = [
            f"{field.name} was {field.type}, is {found.field(field.name).type}"
            for field in wanted
            if found.field(field.name).type != field.type
        ]
        return Changed(
            f"the table {self.name} cannot be read: {'; '.join(differ)}",
            detail="An admin can register it anew.",
        )


def _told(name: str, error: AgnesError) -> AgnesError:
    """The same, beginning with the table."""
    error.message = f"the table {name} cannot be read: {error.message}"
    error.args = (error.message,)
    return error


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.nbytes <= _PIECE or batch.num_rows < 2:
        yield batch
        return
    rows = max(1, batch.num_rows * _PIECE // batch.nbytes)
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def remote(store: Store) -> Sequence[About]:
    """Those that were registered, by name. Blocks."""
    version = store.version("table_registry")
    found: list[About] | None = kept(store).get(("remote",), version)
    if found is None:
        rows = store.rows(queries.of_source, SQL)
        found = [_about(row) for row in rows if row["query_mode"] == REMOTE and row["columns"]]
        kept(store).put(("remote",), version, found)
    return found


def _about(row: Mapping[str, Any]) -> About:
    return About(
        row["id"],
        row["name"],
        row["description"] or "",
        row["bucket"] or BUCKET,
        row["connection"] or "",
        row["statement"] or "",
        tuple(Column(**column) for column in orjson.loads(row["columns"])),
    )
