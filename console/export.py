"""Rows out of the house: CSV, JSON lines and Parquet, piece by piece, with flat memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from console.spreadsheet import harmless

Row = dict[str, Any]


def as_csv(batches: Iterable[list[Row]], columns: Collection[str]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for rows in batches:
        writer.writerows([cell(row.get(column)) for column in columns] for row in rows)
        yield _drain(text)
    yield _drain(text)


def as_json_lines(batches: Iterable[list[Row]], columns: Collection[str]) -> Iterator[bytes]:
    option = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
    for rows in batches:
        yield b"".join(
            orjson.dumps({column: row.get(column) for column in columns}, option=option)
            for row in rows
        )


def as_parquet(batches: Iterable[list[Row]], columns: Collection[str]) -> Iterator[bytes]:
    """`columns` may be a mapping, of names to the types they have in the file."""
    kinds = columns if isinstance(columns, Mapping) else _PARQUET
    schema = pa.schema([(column, kinds.get(column, pa.string())) for column in columns])
    sink = Sink()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for rows in batches:
            if rows:
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                yield sink.drain()
    yield sink.drain()


_PARQUET = {"timestamp": pa.timestamp("us"), "duration_ms": pa.int64()}

Writer = Callable[[Iterable[list[Row]], Collection[str]], Iterator[bytes]]
FORMATS: dict[str, tuple[Writer, str, str]] = {  # format -> writer, content type, file ending
    "csv": (as_csv, "text/csv; charset=utf-8", "csv"),
    "json": (as_json_lines, "application/x-ndjson", "ndjson"),
    "parquet": (as_parquet, "application/vnd.apache.parquet", "parquet"),
}


def cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds") + "Z"
    return harmless(value) if isinstance(value, str) else value


def _drain(text: io.StringIO) -> bytes:
    piece = text.getvalue().encode("utf-8", "replace")
    text.seek(0)
    text.truncate()
    return piece


class Sink(io.RawIOBase):
    """A file that only grows; what was written so far can be taken away."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._at += len(piece)
        return len(piece)

    def drain(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
