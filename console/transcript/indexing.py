"""Indexes of transcripts as the server reads them. They are made by a process of their own, see
`console.transcript.index_worker`; nothing here parses a transcript."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from console.instance import Instance
from console.queries import indexing
from ingest import index_files
from ingest.pending import fingerprint
from ingest.transcript.index import Index
from schema.bind import Text
from schema.store import Store

Row = dict[str, Any]
_ROOM = 16 << 20  # bytes of indexes that are held: that of a file of 100 MB has some hundred KB


def index_of(instance: Instance, session_file: str) -> Index | None:
    """The index of a session as it is stored now; None when there is no such session, or it is not
    indexed yet. Whether somebody may see it is not asked here. Blocks."""
    store = instance.store
    held = _HELD.setdefault(store, _Held())
    version = store.version("session_files")
    if (found := held.get(session_file, version)) is not None:
        return found
    file_hash = hash_of(store.rows(indexing.files_of, Text(session_file)))
    if file_hash is None:
        return None
    if (known := held.same(session_file, file_hash, version)) is not None:
        return known
    read = index_files.read(instance.settings.folder, session_file, file_hash)
    if read is None:
        return None
    held.put(session_file, version, file_hash, *read)
    return read[0]


def hash_of(rows: Sequence[Row]) -> str | None:
    """What says of which bytes the index of a session is: rows of `queries.indexing.files_of`.
    None without the session's own file."""
    if not rows or rows[0]["parent"] is not None:
        return None
    return fingerprint(rows[0]["sha256"], rows[1:], ())


class _Held:
    """The indexes read last, within `_ROOM`. An entry is good for one version of the table of
    files; after that its hash is compared."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[int, str, Index, int]] = OrderedDict()
        self._size = 0

    def get(self, key: str, version: int) -> Index | None:
        with self._lock:
            found = self._held.get(key)
            if found is None or found[0] != version:
                return None
            self._held.move_to_end(key)
            return found[2]

    def same(self, key: str, file_hash: str, version: int) -> Index | None:
        with self._lock:
            found = self._held.get(key)
            if found is None or found[1] != file_hash:
                return None
            self._held[key] = (version, *found[1:])
            self._held.move_to_end(key)
            return found[2]

    def put(self, key: str, version: int, file_hash: str, index: Index, size: int) -> None:
        with self._lock:
            old = self._held.pop(key, None)
            self._size += size - (old[3] if old else 0)
            self._held[key] = (version, file_hash, index, size)
            while self._size > _ROOM and len(self._held) > 1:
                _, (*_, gone) = self._held.popitem(last=False)
                self._size -= gone


_HELD: WeakKeyDictionary[Store, _Held] = WeakKeyDictionary()
