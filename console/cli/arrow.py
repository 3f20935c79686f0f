"""Answers in Arrow, for machines that have pyarrow: counted, and written piece by piece.

It is imported by name inside functions: the terminal starts without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from schema.errors import AgnesError

if TYPE_CHECKING:
    import pyarrow as pa


class Arrived:
    """An answer that arrives. `rows` so far; `truncated` is known after the last."""

    rows = 0
    truncated = False

    def __init__(self, chunks: Iterable[bytes]) -> None:
        import pyarrow as pa

        from console.query_client import as_file

        self._broken = (pa.ArrowInvalid, OSError)  # what Arrow says of a stream that is none
        try:
            self._reader = pa.ipc.open_stream(as_file(chunks))
        except self._broken as error:
            raise _no_arrow() from error

    @property
    def columns(self) -> list[dict[str, str]]:
        """`{name, type}` of each, the type as Arrow says it."""
        return [{"name": one.name, "type": str(one.type)} for one in self._reader.schema]

    def as_parquet(self) -> Iterator[bytes]:
        """Raises AgnesError for a column that Parquet has no form for."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        from console.export import Sink

        sink = Sink()
        schema = self._reader.schema
        try:
            writer = pq.ParquetWriter(sink, schema, compression="zstd")
        except pa.ArrowNotImplementedError as error:
            raise AgnesError(
                f"a column cannot stand in Parquet: {error}",
                detail="ask for it as text, such as CAST(x AS VARCHAR), or use --format arrow",
            ) from error
        with writer:
            for batch in self._batches():
                writer.write_batch(batch)
                yield sink.drain()
        yield sink.drain()

    def as_arrow(self, *, file: bool) -> Iterator[bytes]:
        """Arrow's file format, or its stream."""
        import pyarrow as pa

        from console.export import Sink

        sink = Sink()
        begin = pa.ipc.new_file if file else pa.ipc.new_stream
        with begin(sink, self._reader.schema) as writer:
            for batch in self._batches():
                writer.write_batch(batch)
                yield sink.drain()
        yield sink.drain()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        from console.query_client import TRUNCATED

        while True:
            try:
                batch, about = self._reader.read_next_batch_with_custom_metadata()
            except StopIteration:
                return
            except self._broken as error:
                raise _no_arrow() from error
            self.truncated |= TRUNCATED in (about or {})
            self.rows += batch.num_rows
            if batch.num_rows:
                yield batch


def _no_arrow() -> AgnesError:
    return AgnesError(
        "what arrived is not a whole Arrow stream",
        detail="that is not the answer of an Agnes Console; check AGNES_SERVER",
    )
