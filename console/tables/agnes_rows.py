"""Rows of the `agnes_*` tables for one person, as Arrow streams in pieces, for a question to work
on.

Only the columns that are used are read. Small ones are kept, by whose they are and by the version
of their table, so that the next question of the same person does not read them again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa
from cachetools import LRUCache

from console.tables import agnes_tables
from console.tables.agnes_tables import AgnesTable
from schema.errors import TooLarge
from schema.policy import Principal
from schema.store import Store

_KEPT = 64 << 20  # bytes in all
_SMALL = 8 << 20  # bytes of what is kept
_END = b"\xff\xff\xff\xff\0\0\0\0"  # of an Arrow stream

Key = tuple[object, ...]


class Extract:
    """What one question may read. `size`: bytes so far, of `most`."""

    def __init__(self, store: Store, principal: Principal, *, most: int) -> None:
        self._store, self._principal, self._most = store, principal, most
        self.size = 0

    def pieces(self, table: AgnesTable, columns: Sequence[str]) -> Iterator[bytes]:
        """The rows of `table`, read while they are taken. Raises TooLarge."""
        key = self._key(table, columns)
        yield from self.kept(key, table.name, columns, lambda: self._read(table, columns))

    def kept(
        self, key: Key, name: str, columns: Sequence[str], read: Callable[[], Iterator[bytes]]
    ) -> Iterator[bytes]:
        """What `read` gives, or gave when it was last asked under this key. Raises TooLarge."""
        kept = _kept(self._store)
        if (known := kept.get(key)) is not None:
            self.add(len(known), name, columns)
            yield known
            return
        made: list[bytes] | None = []
        for piece in read():
            yield piece
            if made is not None:
                made.append(piece)
                if sum(map(len, made)) > _SMALL:
                    made = None
        if made is not None:
            kept.put(key, b"".join(made))

    def _key(self, table: AgnesTable, columns: Sequence[str]) -> Key:
        seen = agnes_tables.seen(table, self._principal)
        masked = agnes_tables.needs_mask(table, self._principal, columns)
        me = self._principal
        whose = (me.user_id, me.reader) if seen.values() or masked else ()
        version = self._store.version(table.of.name)
        return (table.name, seen.shape(), whose, tuple(columns), version)

    def _read(self, table: AgnesTable, columns: Sequence[str]) -> Iterator[bytes]:
        seen = agnes_tables.seen(table, self._principal)
        masked = agnes_tables.needs_mask(table, self._principal, columns)
        wanted = (*columns, "user_id") if masked and "user_id" not in columns else tuple(columns)
        with self._store.batches(agnes_tables.selected, seen, wanted) as reader:
            schema = pa.schema([reader.schema.field(name) for name in columns])
            found: Iterator[pa.RecordBatch] = iter(reader)
            if masked:
                found = agnes_tables.masked(found, self._principal, columns)
            yield from self.written(table.name, schema, found)

    def written(
        self, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
    ) -> Iterator[bytes]:
        """The Arrow stream of these rows of a table. Raises TooLarge."""
        yield schema.serialize().to_pybytes()
        for batch in batches:
            self.add(batch.nbytes, name, schema.names)
            yield batch.serialize().to_pybytes()
        yield _END

    def add(self, size: int, name: str, columns: Sequence[str]) -> None:
        """That much more was read of a table. Raises TooLarge."""
        self.size += size
        if self.size > self._most:
            names = ", ".join(columns)
            raise TooLarge(
                f"the question reads more than {self._most >> 20} MB: {names} of {name}",
                detail="Use fewer columns; `*` reads all of them.",
            )


class _Kept:
    """Streams by key, the least used given up first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: LRUCache[Key, bytes] = LRUCache(_KEPT, getsizeof=len)

    def get(self, key: Key) -> bytes | None:
        with self._lock:
            found: bytes | None = self._held.get(key)
            return found

    def put(self, key: Key, stream: bytes) -> None:
        with self._lock:
            self._held[key] = stream


_STORES: WeakKeyDictionary[Store, _Kept] = WeakKeyDictionary()


def _kept(store: Store) -> _Kept:
    return _STORES.setdefault(store, _Kept())


def standing(store: Store, table: AgnesTable, principal: Principal) -> dict[str, Any]:
    """How many rows of `table` somebody sees, and, for admins, of how many."""
    (row,) = store.rows(agnes_tables.counted, agnes_tables.seen(table, principal))
    count = int(row["rows"])
    return {"visible": count, "total": count if principal.is_admin else None}
