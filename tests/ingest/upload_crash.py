"""A process that dies in the middle of an upload, at each step in turn. Started by test_uploads.py.

    python upload_crash.py <base> <work> <user id> <file name> <parent or "">

For k = 1, 2, … it copies the data folder `base` to `work/<k>` and lets a child upload there, which
dies right after its k-th step that changes a disk. The last copy is that of the child that lived.
"""

from __future__ import annotations

import os
import shutil
import sys
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import ibis

from ingest import folders, uploads
from ingest.session_files import target
from schema.store import Store
from schema.tables import AUDIT_LOG
from schema.transaction import Row, Rows

NEW = b'{"type":"user","text":"new"}\n' * 3


class Fuse:
    """Ends the process when it has burnt k times."""

    def __init__(self, k: int) -> None:
        self._left = k

    def burn(self) -> None:
        self._left -= 1
        if self._left == 0:
            os._exit(9)


class Disk:
    """The module `os`, in which each call that changes a disk burns the fuse when it is done."""

    def __init__(self, fuse: Fuse) -> None:
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        work = getattr(os, name)
        if name not in ("open", "write", "fsync", "mkdir", "rename"):
            return work

        def burning(*args: Any, **options: Any) -> Any:
            answer = work(*args, **options)
            if name != "open" or args[1] & os.O_CREAT:
                self._fuse.burn()
            return answer

        return burning


def note(stored: uploads.Stored, before: Row | None) -> Rows:
    """An audit row that tells which bytes were stored."""
    row = {"id": stored.sha256, "timestamp": stored.uploaded_at, "action": "session.upload"}
    return Rows(AUDIT_LOG, [{**row, "params": stored.sha256}])


def upload(folder: Path, user_id: str, filename: str, parent: str | None, data: bytes) -> None:
    store = Store(folder / "agnes.duckdb", threads=1)
    receiver = uploads.Receiver(folder, user_id, filename, limit=uploads.MB)
    receiver.write(data)
    receiver.commit(store, target(user_id, filename, parent), note)
    store.close()


def upload_and_die(folder: Path, k: int, user_id: str, filename: str, parent: str | None) -> None:
    fuse = Fuse(k)
    attempt = Store._attempt

    def attempted(store: Store, writes: Any) -> Any:
        fuse.burn()  # before the commit
        answers = attempt(store, writes)
        fuse.burn()  # after it
        return answers

    with (
        patch.object(uploads, "os", Disk(fuse)),
        patch.object(folders, "os", Disk(fuse)),
        patch.object(Store, "_attempt", attempted),
    ):
        upload(folder, user_id, filename, parent, NEW)
    os._exit(0)


def main() -> None:
    base, work, user_id, filename, parent = sys.argv[1:]
    # Loaded once, so that not each child has to; it starts no thread that a fork would lose.
    ibis.to_sql(ibis.table(AUDIT_LOG.schema, name=AUDIT_LOG.name), dialect="duckdb")
    for k in count(1):
        folder = Path(work) / str(k)
        shutil.copytree(base, folder)
        child = os.fork()
        if child == 0:
            upload_and_die(folder, k, user_id, filename, parent or None)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 9:
            return


if __name__ == "__main__":
    main()
