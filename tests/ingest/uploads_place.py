"""A data folder with its store, for the tests of uploads."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path
from typing import Any

import ibis

from ingest.session_files import target
from ingest.uploads import MB, Receiver, Stored
from schema.store import Store
from schema.table import Table
from schema.tables import AUDIT_LOG, SESSION_FILES
from schema.transaction import Row, Rows

ME = str(uuid.UUID(int=7))
LINE = b'{"type":"user"}\n'


class Uploads:
    """A data folder with its store, and uploads into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "agnes.duckdb", threads=1)
        self.mine = folder / "sessions" / ME

    def receiver(self, name: str = "s.jsonl", *, limit: int = MB) -> Receiver:
        return Receiver(self.folder, ME, name, limit=limit)

    def put(self, data: bytes, name: str = "s.jsonl", parent: str | None = None) -> Stored:
        receiver = self.receiver(name)
        receiver.write(data)
        return receiver.commit(self.store, target(ME, name, parent), self.note)

    def note(self, stored: Stored, before: Row | None) -> Rows:
        old = before["sha256"] if before else None
        row = {"id": str(uuid.uuid4()), "timestamp": stored.uploaded_at, "action": "session.upload"}
        return Rows(AUDIT_LOG, [{**row, "params": stored.sha256, "params_before": old}])

    def rows(self, table: Table) -> list[dict[str, Any]]:
        found = self.store.read(ibis.table(table.schema, name=table.name))
        return found.to_pylist()  # type: ignore[no-any-return]

    def files(self) -> dict[str, bytes]:
        """Every file below `sessions`: path -> content."""
        root = self.folder / "sessions"
        found = [path for path in root.rglob("*") if path.is_file()]
        return {str(path.relative_to(root)): path.read_bytes() for path in found}

    def check(self) -> None:
        """Each row has its bytes in their place, each file has its row, nothing else is there, and
        the log has seen each file that stands."""
        rows = {row["session_file"]: row["sha256"] for row in self.rows(SESSION_FILES)}
        files = {name: hashlib.sha256(data).hexdigest() for name, data in self.files().items()}
        assert files == rows
        assert set(rows.values()) <= {row["params"] for row in self.rows(AUDIT_LOG)}
