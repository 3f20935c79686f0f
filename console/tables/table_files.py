"""CSV and Parquet files that can be questioned: opened only inside the folders that the operator
named, described by their columns, read in pieces.

A file is opened folder by folder without following a link, so that nothing that changes meanwhile
leads outside. What it holds is data: no cell is ever more than a value.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import ibis
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from console.identity import typed
from console.settings import Settings
from console.tables import parquet_rows
from console.tables.parquet_rows import Unfit
from schema.errors import BadParameter, shorten

KINDS = (".csv", ".parquet")
_COLUMNS = 1000
_NAME = 250  # characters of a column's name
_BLOCK = 4 << 20  # bytes of a CSV file that are read at once; the first ones decide the types
_SETTLED = 2_000_000_000  # nanoseconds without a change
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_LINK = "symlinks are not followed"
_REASONS = {
    errno.ENOENT: "there is no such file",
    errno.ELOOP: _LINK,
    errno.ENOTDIR: f"a part of it is no folder; {_LINK}",
    errno.EACCES: "the server may not read it",
}

Identity = tuple[int, ...]


@dataclass(frozen=True)
class Column:
    """`type` as Ibis writes it."""

    name: str
    type: str
    meaning: str = ""

    @property
    def arrow(self) -> pa.DataType:
        kind = _plain(ibis.dtype(self.type).to_pyarrow())
        if kind is None:
            raise Unfit(f"the column {shorten(self.name)} has no type that can be read")
        return kind


@dataclass(frozen=True)
class Opened:
    """A file that is open. `identity` differs once it was written anew; a file that was written
    just now has none that lasts, since a clock of files may stand still for milliseconds."""

    file: BinaryIO
    suffix: str
    identity: Identity


def folders(settings: Settings) -> tuple[Path, ...]:
    named = tuple(Path(text).expanduser().absolute() for text in settings.table_folders)
    return named or (settings.folder / "tables",)


def located(allowed: Sequence[Path], location: str) -> str:
    """The absolute path that is meant; a relative one starts in the first folder. It looks at the
    text only. Raises Unfit."""
    folder, parts = _split(allowed, location)
    return str(folder.joinpath(*parts))


@contextmanager
def opened(allowed: Sequence[Path], location: str) -> Iterator[Opened]:
    """Raises Unfit, also for what the body raises because the file is broken."""
    folder, parts = _split(allowed, location)
    try:
        number = descend(folder, parts)
    except OSError as error:
        raise Unfit(reason(error)) from None
    about = os.fstat(number)
    if not stat.S_ISREG(about.st_mode):
        os.close(number)
        raise Unfit("it is no plain file")
    with os.fdopen(number, "rb") as file:
        try:
            yield Opened(file, PurePosixPath(parts[-1]).suffix.lower(), _identity(about))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            said = " ".join(str(error).partition("\n")[0].split())
            raise Unfit(f"it is broken: {shorten(said, 200)}") from None


def _identity(about: os.stat_result) -> Identity:
    found = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)
    is_settled = time.time_ns() - about.st_mtime_ns > _SETTLED
    return found if is_settled else (*found, time.monotonic_ns())


def _split(allowed: Sequence[Path], location: str) -> tuple[Path, tuple[str, ...]]:
    path = PurePosixPath(location)
    if path.suffix.lower() not in KINDS and ".." not in path.parts:
        raise Unfit("a file that ends in " + " or ".join(KINDS))
    return within(allowed, location)


def within(allowed: Sequence[Path], location: str) -> tuple[Path, tuple[str, ...]]:
    """The allowed folder that a path lies in, and its parts below it. It looks at the text only.
    Raises Unfit."""
    path = PurePosixPath(location)
    if "\0" in location or ".." in path.parts:
        raise Unfit("a path without `..`")
    if not path.is_absolute():
        return allowed[0], path.parts
    for folder in allowed:
        if path.is_relative_to(folder):
            return folder, path.relative_to(folder).parts
    raise Unfit("a file inside " + " or ".join(map(str, allowed)))


def reason(error: OSError) -> str:
    """Why a file cannot be opened, as it is told to people."""
    return _REASONS.get(error.errno or 0, f"it cannot be opened: {error.strerror}")


def descend(folder: Path, parts: Sequence[str]) -> int:
    """The descriptor of the file below `folder`, to read; no link is followed. Raises OSError."""
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            below = os.open(part, _READ | os.O_DIRECTORY, dir_fd=at)
            os.close(at)
            at = below
        return os.open(parts[-1], _READ | os.O_NONBLOCK, dir_fd=at)  # a pipe must not be waited for
    finally:
        os.close(at)


# -- what is in it


def columns(found: Opened) -> list[Column]:
    """The columns with their types. Raises Unfit for those that no question could name."""
    if found.suffix == ".csv":
        with _csv(found.file) as reader:
            schema = reader.schema
    else:
        schema = pq.ParquetFile(found.file).schema_arrow
    return described(schema, found.suffix)


def described(schema: pa.Schema, suffix: str = ".parquet") -> list[Column]:
    """The columns of rows of this schema. Raises Unfit for those that no question could name."""
    if not 0 < len(schema) <= _COLUMNS:
        raise Unfit(f"it has {len(schema)} columns; 1 to {_COLUMNS} can be")
    seen: set[str] = set()
    for name in schema.names:
        try:
            clean = typed.label("column", name, _NAME)
        except BadParameter as error:
            raise Unfit(error.message) from None
        if clean != name or name.lower() in seen:
            raise Unfit(f"the column {shorten(name)} stands there twice, or with spaces around it")
        seen.add(name.lower())
    return [Column(field.name, _told(field, suffix)) for field in schema]


def _told(field: pa.Field, suffix: str) -> str:
    kind = _plain(field.type)
    if kind is None or (suffix == ".csv" and kind == pa.binary()):
        what = "bytes that are no UTF-8 text" if kind else f"{field.type}, which has no form here"
        raise Unfit(f"the column {shorten(field.name)} holds {what}")
    try:
        found = ibis.Schema.from_pyarrow(pa.schema([("c", kind)]))["c"]
        same = ibis.dtype(str(found)) == found
    except Exception:  # noqa: BLE001 (a parser of types, which raises what it likes)
        same = False
    if not same:
        raise Unfit(f"the column {shorten(field.name)} holds {field.type}, which has no form here")
    return str(found)


def _plain(kind: pa.DataType) -> pa.DataType | None:
    """The type that a column of `kind` is read as; None where there is none."""
    is_ = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(kind.storage_type)
    if is_.is_dictionary(kind):
        return _plain(kind.value_type)
    if is_.is_list(kind) or is_.is_large_list(kind) or is_.is_fixed_size_list(kind):
        part = _plain(kind.value_type)
        return part and pa.list_(part)
    if is_.is_struct(kind):
        fields = [(field.name, _plain(field.type)) for field in kind]
        return pa.struct(fields) if fields and all(part for _, part in fields) else None
    for test, wanted in _READ_AS:
        if test(kind):
            return wanted(kind) if callable(wanted) else wanted
    return None


def _same(kind: pa.DataType) -> pa.DataType:
    return kind


_READ_AS: tuple[tuple[Any, Any], ...] = (
    (pa.types.is_null, pa.string()),
    (pa.types.is_string, pa.string()),
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_string_view, pa.string()),
    (pa.types.is_binary, pa.binary()),
    (pa.types.is_large_binary, pa.binary()),
    (pa.types.is_binary_view, pa.binary()),
    (pa.types.is_fixed_size_binary, pa.binary()),
    (pa.types.is_boolean, pa.bool_()),
    (pa.types.is_integer, _same),
    (pa.types.is_float16, pa.float32()),
    (pa.types.is_floating, _same),
    (pa.types.is_decimal128, _same),
    (pa.types.is_date, pa.date32()),
    (pa.types.is_time, pa.time64("us")),
    (pa.types.is_timestamp, lambda kind: pa.timestamp("us", kind.tz)),
    (pa.types.is_duration, pa.duration("us")),
)


# -- its rows


def batches(found: Opened, wanted: Sequence[Column]) -> Iterator[pa.RecordBatch]:
    """Only the `wanted` columns, as the types they are to have. Raises Unfit when one is gone."""
    schema = pa.schema([(column.name, column.arrow) for column in wanted])
    names = schema.names
    if found.suffix == ".csv":
        with _csv(found.file, schema) as reader:
            yield from reader
        return
    for batch in parquet_rows.batches(found.file, names):
        read = [_cast(batch.column(field.name), field.type) for field in schema]
        yield pa.RecordBatch.from_arrays(read, schema=schema)


def count(found: Opened, column: Column) -> int:
    """How many rows it has; of a CSV file by reading one column."""
    if found.suffix == ".parquet":
        return int(pq.ParquetFile(found.file).metadata.num_rows)
    text = Column(column.name, "string")
    return sum(batch.num_rows for batch in batches(found, [text]))


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Finer parts of a time than a microsecond are left out; nothing else may be lost."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    return array.cast(kind, safe=not (pa.types.is_temporal(kind)))


def _csv(file: BinaryIO, schema: pa.Schema | None = None) -> pc.CSVStreamingReader:
    options = pc.ConvertOptions(
        null_values=[""],  # `NA` is a country, `null` a name
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        column_types=schema,
        include_columns=schema.names if schema else None,
    )
    file.seek(0)
    return pc.open_csv(
        cast("Any", file),
        read_options=pc.ReadOptions(block_size=_BLOCK, use_threads=False),
        parse_options=pc.ParseOptions(newlines_in_values=True),
        convert_options=options,
    )
