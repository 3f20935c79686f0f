"""An answer on its way: an Arrow stream, read batch by batch, never held whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType

import ibis.expr.datatypes as dt
import ibis.expr.schema as sch
import pyarrow as pa
from ibis.common.exceptions import UnsupportedOperationError
from ibis.formats.pyarrow import PyArrowData, PyArrowSchema, PyArrowType

from console import query_client
from console.client import Client
from schema.errors import TooLarge

_DAY = 86_400_000_000_000  # nanoseconds


class Cut(TooLarge):
    """The server sent as much as one answer may have, and there is more."""

    title = "Answer cut"


class Answer:
    """One question's answer. Iterating gives its batches as the server sends them; leaving it, or
    forgetting it, ends the question there. Raises Cut after the last batch of one that was cut."""

    def __init__(self, client: Client, sql: str) -> None:
        self._open = ExitStack()
        try:
            pieces = self._open.enter_context(query_client.stream(client, sql))
            self._source = query_client.as_file(pieces)
            self._stream = pa.ipc.open_stream(self._source)
        except BaseException:
            self._open.close()
            raise
        self.schema: pa.Schema = self._stream.schema

    def __enter__(self) -> Answer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        with self._open:
            while True:
                try:
                    found = self._stream.read_next_batch_with_custom_metadata()
                except StopIteration:
                    self._source.read()  # the line's own end, without which it broke off
                    return
                if found.custom_metadata and query_client.TRUNCATED in found.custom_metadata:
                    raise Cut(
                        "this is not all: the answer has more rows, or bytes, than one may have "
                        f"({query_client.MOST_ROWS_ARROW:,} rows). Ask for less: filter, "
                        "aggregate, or .limit(n)"
                    )
                yield found.batch


def kinds(schema: pa.Schema) -> sch.Schema:
    """The types of Ibis for those of an answer."""
    return sch.Schema(
        {
            field.name: dt.Interval("us")
            if pa.types.is_interval(field.type)
            else PyArrowType.to_ibis(field.type)
            for field in schema
        }
    )


def reader(answer: Answer, schema: sch.Schema, most: int) -> pa.RecordBatchReader:
    """The answer in the types of Ibis, in batches of at most `most` rows."""
    wanted = PyArrowSchema.from_ibis(schema)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in answer:
            columns = [
                _typed(column, kind)
                for column, kind in zip(batch.columns, schema.types, strict=True)
            ]
            typed = pa.RecordBatch.from_arrays(columns, schema=wanted)
            for start in range(0, typed.num_rows, most):
                yield typed.slice(start, most)

    return pa.RecordBatchReader.from_batches(wanted, batches())


def _typed(column: pa.Array, kind: dt.DataType) -> pa.Array:
    if kind.is_null():
        return pa.nulls(len(column))
    if kind.is_interval() and pa.types.is_interval(column.type):
        spans = [_nanoseconds(span) for span in column.to_pylist()]
        return pa.array(spans, pa.duration("ns")).cast(PyArrowType.from_ibis(kind), safe=False)
    return PyArrowData.convert_column(column, kind)


def _nanoseconds(span: pa.MonthDayNano | None) -> int | None:
    if span is None:
        return None
    if span.months:
        raise UnsupportedOperationError(
            "a span of months has no fixed length: ask for days, or for text by .cast('string')"
        )
    days: int = span.days * _DAY + span.nanoseconds
    return days
