"""The process that indexes: `python -m ingest.indexer <data folder>`.

It takes orders line by line on its standard input, as JSON, does one after the other, and answers
each with a line. It decides nothing, and ends at once when its input does: when nothing is left to
do, or when the server that started it is gone.

    {"do": "index", "session_file": …, "user_id": …, "uploaded_at": …, "hash": …,
     "files": [{"session_file": …, "sha256": …}, …]}      the session's own file first
    {"do": "remove", "session_files": […]}
    answers: {"ok": true, "total": turns}, {"changed": true}, {"error": text}
"""

from __future__ import annotations

import hashlib
import os
import queue
import sqlite3
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from ingest import index_files
from ingest.folders import entered
from ingest.searchable import searchable
from ingest.session_files import FOLDER
from ingest.text_index import Session, Writer
from ingest.transcript.index import Indexer
from ingest.transcript.pieces import Piece as Found
from ingest.transcript.reading import read
from ingest.transcript.record import Record
from schema.errors import AgnesError

Row = Mapping[str, Any]
_NICE = 10
_NOFOLLOW = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Changed(Exception):
    """The file is not the one that was to be indexed: an upload is just replacing it."""


def main() -> None:
    folder = Path(sys.argv[1])
    os.nice(_NICE)
    os.umask(0o077)
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    writer = Writer(folder)
    while True:
        order = orjson.loads(orders.get())
        sys.stdout.buffer.write(orjson.dumps(_done(folder, writer, order)) + b"\n")
        sys.stdout.buffer.flush()


def _listen(orders: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        orders.put(line)
    os._exit(0)  # nobody is there any more; what was being written is undone by SQLite


def _done(folder: Path, writer: Writer, order: Row) -> dict[str, Any]:
    try:
        if order["do"] == "remove":
            writer.remove(order["session_files"])
            for session_file in order["session_files"]:
                index_files.remove(folder, session_file)
            return {"ok": True}
        return {"ok": True, "total": index(folder, writer, order)}
    except (Changed, FileNotFoundError):
        return {"changed": True}
    except (OSError, AgnesError, sqlite3.OperationalError) as error:
        return {"error": str(error)[:500]}
    except sqlite3.DatabaseError:  # it is damaged: the next process begins anew
        writer.erase()
        raise


def index(folder: Path, writer: Writer, order: Row) -> int:
    """Both indexes of one session, in one pass over its files; how many turns it has. Raises
    Changed."""
    session = Session(order["session_file"], order["user_id"], order["hash"])
    uploaded_at = datetime.fromisoformat(order["uploaded_at"])
    indexer = Indexer()
    with ExitStack() as open_files:
        main, *subagents = [open_files.enter_context(_file(folder, row)) for row in order["files"]]
        with writer.replacing(session, uploaded_at) as add:

            def note(
                file: int, offset: int, line: int, turn: int, record: Record, found: list[Found]
            ) -> None:
                indexer.note(file, offset, line, turn, record, found)
                for piece in searchable(record, found, turn):
                    add(piece)

            turns = indexer.finish(read(main, subagents, note=note))
    index_files.write(folder, session.session_file, session.hash, turns)
    return turns.total


def _file(folder: Path, row: Row) -> BinaryIO:
    """An uploaded file, open at its start and known to hold what its row says."""
    *folders, filename = row["session_file"].split("/")
    with entered(folder / FOLDER, folders) as place:
        file = os.fdopen(os.open(filename, _NOFOLLOW, dir_fd=place), "rb")
    if hashlib.file_digest(file, "sha256").hexdigest() != row["sha256"]:
        file.close()
        raise Changed
    file.seek(0)
    return file


if __name__ == "__main__":
    main()
