"""Rows of a Parquet file in pieces of bounded size, whatever the file says.

A few kilobytes of Parquet can mean gigabytes: one value that stands in every row, a value that
compresses well, a list without end. What its footer says is checked before a piece is read, and a
value that is repeated is written out only as often as fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schema.errors import shorten

_ROWS = 2048  # read at once, at most
_PIECE = 64 << 20  # bytes of the rows that are read at once
_CHUNK = 512 << 20  # bytes of a column in one group of rows, before a value is repeated


class Unfit(ValueError):
    """Why a file cannot be a table, or be read as the one it was."""


@dataclass(frozen=True)
class _Leaf:
    """A column of values in the file, in one group of rows. `is_inside`: a list or a struct holds
    it."""

    column: str
    path: str
    is_inside: bool
    is_bytes: bool
    is_shared: bool  # values are written as what differs from the one before
    size: int
    values: int


def batches(file: BinaryIO, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """These columns, row by row in the file's order. Raises Unfit where one is gone, and where a
    row, or a column in a group of rows, is too large to be read."""
    whole = pq.ParquetFile(file)
    if gone := [name for name in columns if name not in whole.schema_arrow.names]:
        raise Unfit(f"it has no column {shorten(gone[0])} any more")
    texts = _texts(whole, columns)
    sparing = pq.ParquetFile(file, read_dictionary=texts)
    wanted = list(columns)
    for group in range(whole.num_row_groups):
        leaves = list(_leaves(whole, group, columns))
        for leaf in leaves:
            _measure(leaf)
        shared = sum(leaf.size for leaf in leaves if leaf.is_shared)
        rows = max(1, min(_ROWS, _PIECE // max(1, shared)))
        ready = sparing if _may_grow(sparing, group, leaves) else whole
        for batch in ready.iter_batches(rows, row_groups=[group], columns=wanted):
            yield from _cut(batch)


def _leaves(file: pq.ParquetFile, group: int, columns: Sequence[str]) -> Iterator[_Leaf]:
    about = file.metadata.row_group(group)
    for number in range(about.num_columns):
        one = about.column(number)
        path = one.path_in_schema
        for column in columns:
            if path == column or path.startswith(column + "."):
                yield _Leaf(
                    column=column,
                    path=path,
                    is_inside=path != column,
                    is_bytes=one.physical_type == "BYTE_ARRAY",
                    is_shared="DELTA_BYTE_ARRAY" in one.encodings,
                    size=one.total_uncompressed_size,
                    values=one.num_values,
                )


def _texts(file: pq.ParquetFile, columns: Sequence[str]) -> list[str]:
    groups = range(min(1, file.num_row_groups))
    return [
        leaf.path for group in groups for leaf in _leaves(file, group, columns) if leaf.is_bytes
    ]


def _measure(leaf: _Leaf) -> None:
    written = leaf.values * 8 if leaf.is_inside else 0
    if max(leaf.size, written) > _CHUNK:
        size = f"{_CHUNK >> 20} MB"
        raise Unfit(f"the column {shorten(leaf.column)} has more than {size} in one group of rows")


def _may_grow(sparing: pq.ParquetFile, group: int, leaves: Sequence[_Leaf]) -> bool:
    """Whether values that are written once could fill more than a piece when they are repeated. The
    first row brings all of them."""
    texts = [leaf for leaf in leaves if leaf.is_bytes]
    if not texts:
        return False
    columns = list(dict.fromkeys(leaf.column for leaf in texts))
    for batch in sparing.iter_batches(1, row_groups=[group], columns=columns):
        longest = sum(_longest(column) for column in batch.columns)
        most = max(leaf.values if leaf.is_inside else _ROWS for leaf in texts)
        return longest * most > _PIECE
    return False


def _longest(array: pa.Array) -> int:
    """Bytes of the longest value that any row of `array` could have."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _longest(array.dictionary)
    if pa.types.is_struct(kind):
        return sum(_longest(part) for part in array.flatten())
    if _is_list(kind):
        return _longest(array.values)
    if _is_bytes(kind):
        return int(pc.max(pc.binary_length(array)).as_py() or 0)
    return 0


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The same rows in batches that have less than a piece when they are written out."""
    waiting = [batch]
    while waiting:
        one = waiting.pop()
        if sum(_written(column) for column in one.columns) <= _PIECE:
            # A part of a list still holds the values of the whole.
            yield one if one is batch else one.take(pa.array(range(one.num_rows)))
        elif one.num_rows < 2:
            raise Unfit(f"a row has more than {_PIECE >> 20} MB")
        else:
            half = one.num_rows // 2
            waiting += [one.slice(half), one.slice(0, half)]


def _written(array: pa.Array) -> int:
    """Bytes of an array, each value as often as it stands there."""
    kind = array.type
    if pa.types.is_dictionary(kind) and _is_bytes(kind.value_type):
        lengths = pc.binary_length(array.dictionary)
        return int(pc.sum(pc.take(lengths, array.indices)).as_py() or 0) + 4 * len(array)
    if pa.types.is_struct(kind):
        return sum(_written(part) for part in array.flatten())
    if _is_list(kind):
        return _written(cast("Any", array).flatten()) + 4 * len(array)
    return int(array.nbytes)


def _is_list(kind: pa.DataType) -> bool:
    is_ = pa.types
    return bool(is_.is_list(kind) or is_.is_large_list(kind) or is_.is_fixed_size_list(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    is_ = pa.types
    texts = is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind)
    return bool(texts or is_.is_binary(kind) or is_.is_large_binary(kind))
