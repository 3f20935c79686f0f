"""What somebody may question: the console's own tables, and the files and remote tables that were
registered and granted to a group of theirs. The one place that knows; whatever is not here does
not exist for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from console.settings import Settings
from console.syncing.published import Published, folder
from console.tables import agnes_rows, agnes_tables, registered, table_files
from console.tables.agnes_rows import Extract
from console.tables.agnes_tables import AgnesTable
from console.tables.parquet_rows import Unfit
from console.tables.registered import INTERNAL_BUCKET, LOCAL, Registered
from console.tables.remote_tables import Remote, remote
from schema.errors import NotFound, Unavailable, shorten
from schema.policy import Principal
from schema.store import Store

INTERNAL = registered.INTERNAL
_RULE = "all rows of a registered table: granted to a group, or seen by an admin"


class Holds(Protocol):
    @property
    def store(self) -> Store: ...
    @property
    def settings(self) -> Settings: ...


class Unreadable(Unavailable):
    """A registered table whose file is gone, broken, or no longer what it was."""

    title = "Table unreadable"


class Offer(Protocol):
    """One table that somebody may question. `kind`: internal, local or remote; `columns`: name ->
    what it means, in their order."""

    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def bucket(self) -> str: ...
    @property
    def columns(self) -> Mapping[str, str]: ...

    def schema(self) -> pa.Schema: ...

    def pieces(self, extract: Extract, columns: Sequence[str]) -> Iterator[bytes]:
        """The rows as an Arrow stream, read while they are taken. Raises TooLarge, Unreadable,
        SourceDown, SourceFailed."""
        ...

    def first(self, count: int) -> Iterator[pa.RecordBatch]:
        """At most so many rows to look at. Raises Unreadable, SourceDown, SourceFailed."""
        ...

    def standing(self) -> dict[str, Any]:
        """How many rows they see, and, for admins, of how many; `rule` where it is not that of the
        `agnes_*` tables. Raises Unreadable."""
        ...


@dataclass(frozen=True)
class Internal:
    """A table of the console, with the rows that are theirs."""

    store: Store
    principal: Principal
    table: AgnesTable
    kind = INTERNAL
    bucket = INTERNAL_BUCKET

    @property
    def id(self) -> str:
        return self.table.name

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def meaning(self) -> str:
        return self.table.meaning

    @property
    def columns(self) -> Mapping[str, str]:
        return self.table.columns

    def schema(self) -> pa.Schema:
        return self.table.schema()

    def pieces(self, extract: Extract, columns: Sequence[str]) -> Iterator[bytes]:
        return extract.pieces(self.table, columns)

    def first(self, count: int) -> Iterator[pa.RecordBatch]:
        """The newest ones, masked as everywhere."""
        me, columns = self.principal, tuple(self.columns)
        seen = agnes_tables.seen(self.table, me)
        rows = self.store.ask(agnes_tables.newest, seen, columns, count)
        found: Iterator[pa.RecordBatch] = iter(rows.to_batches())
        if agnes_tables.needs_mask(self.table, me, columns):
            return agnes_tables.masked(found, me, columns)
        return found

    def standing(self) -> dict[str, Any]:
        return agnes_rows.standing(self.store, self.table, self.principal)


@dataclass(frozen=True)
class Local:
    """A registered file: all of its rows, or none."""

    store: Store
    principal: Principal
    table: Registered
    folders: tuple[Path, ...]
    kind = LOCAL

    @property
    def id(self) -> str:
        return self.table.id

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def meaning(self) -> str:
        return self.table.description

    @property
    def bucket(self) -> str:
        return self.table.bucket

    @cached_property
    def columns(self) -> Mapping[str, str]:
        return {column.name: column.meaning for column in self.table.columns}

    def schema(self) -> pa.Schema:
        return pa.schema([(column.name, column.arrow) for column in self.table.columns])

    def pieces(self, extract: Extract, columns: Sequence[str]) -> Iterator[bytes]:
        wanted = self._wanted(columns)
        with self._opened() as found:
            key = (found.identity, *((column.name, column.type) for column in wanted))
            yield from extract.kept(
                key, self.name, columns, lambda: self._read(extract, found, wanted)
            )

    def _read(
        self, extract: Extract, found: table_files.Opened, wanted: Sequence[table_files.Column]
    ) -> Iterator[bytes]:
        schema = pa.schema([(column.name, column.arrow) for column in wanted])
        return extract.written(self.name, schema, table_files.batches(found, wanted))

    def first(self, count: int) -> Iterator[pa.RecordBatch]:
        with self._opened() as found:
            for batch in table_files.batches(found, self.table.columns):
                yield batch.slice(0, count)
                count -= batch.num_rows
                if count <= 0:
                    return

    def standing(self) -> dict[str, Any]:
        with self._opened() as found:
            rows = registered.counted(self.store, found, self.table.columns[0])
        total = rows if self.principal.is_admin else None
        return {"visible": rows, "total": total, "rule": _RULE}

    def _wanted(self, names: Sequence[str]) -> list[table_files.Column]:
        return [column for column in self.table.columns if column.name in names]

    @contextmanager
    def _opened(self) -> Iterator[table_files.Opened]:
        try:
            with table_files.opened(self.folders, self.table.location) as found:
                yield found
        except Unfit as error:
            raise Unreadable(
                f"the table {self.name} cannot be read: {error}",
                detail="An admin can register its file anew.",
            ) from None


@dataclass(frozen=True)
class Synced(Local):
    """A table that is read anew from elsewhere: what was published of it last."""

    version: Published

    def standing(self) -> dict[str, Any]:
        total = self.version.rows if self.principal.is_admin else None
        return {"visible": self.version.rows, "total": total, "rule": _RULE}

    @contextmanager
    def _opened(self) -> Iterator[table_files.Opened]:
        try:
            with table_files.opened(self.folders, str(self.version.path)) as found:
                yield found
        except Unfit as error:
            raise Unreadable(
                f"the table {self.name} cannot be read: {error}",
                detail="An admin can sync it anew.",
            ) from None


def offered(instance: Holds, principal: Principal) -> Mapping[str, Offer]:
    """By name: the tables of the console, then the registered ones that they may read. Blocks."""
    store = instance.store
    found: dict[str, Offer] = {
        name: Internal(store, principal, table)
        for name, table in agnes_tables.agnes_tables().items()
    }
    folders = table_files.folders(instance.settings)
    for table in registered.local(store):
        if principal.may_read(table.id):
            found[table.name] = Local(store, principal, table, folders)
    for table, version in registered.synced(store):
        if principal.may_read(table.id):
            found[table.name] = Synced(store, principal, table, (folder(store),), version)
    for about in remote(store):
        if principal.may_read(about.id):
            found[about.name] = Remote(instance.settings, about)
    return found


def one_of(offers: Mapping[str, Offer], name: str) -> Offer:
    """The one of this name or id. Raises NotFound, for what was not granted as for what does not
    exist."""
    table = offers.get(name) or next((one for one in offers.values() if one.id == name), None)
    if table is None:
        raise NotFound(f"no table {shorten(name)} here", detail=f"There are: {', '.join(offers)}.")
    return table
