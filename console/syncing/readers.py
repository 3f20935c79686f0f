"""Open files as one relation of an engine that can read nothing else.

How a CSV file is written is decided here and not left to the engine's guess: its guess leaves out
lines that do not fit it. Only the types are found by looking, at all rows.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from console.syncing.failed import SOURCE, Failed
from console.syncing.files import Found
from console.tables import table_files
from console.tables.parquet_rows import Unfit
from console.tables.table_files import Column
from schema.errors import shorten

_SHUT = (
    "SET python_enable_replacements = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET allow_persistent_secrets = false",
    "SET enable_progress_bar = false",
    "SET threads = 1",
    "SET TimeZone = 'UTC'",
)
_SIGNS = ",;\t|"  # between the values of a CSV file that does not say
_HEAD = 1 << 20  # bytes that the first line of a CSV file may have
_OBJECT = 16 << 20  # bytes of one object of JSON
# Types that have no form as a column of a question -> what they are read as.
_AS_TEXT = re.compile(r"JSON|UUID|INTERVAL|BIT|ENUM|TIME WITH TIME ZONE|BIGNUM|VARIANT")
_AS_JSON = re.compile(r"MAP\(|UNION\(|JSON|UUID|INTERVAL|BIT|HUGEINT|ENUM|TIME WITH|TIMESTAMP_")


def literal(value: Any) -> str:
    """A value as SQL writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    return "'" + str(value).replace("'", "''") + "'"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def engine(
    places: Sequence[str], work: Path, *, memory: int, disk: int
) -> duckdb.DuckDBPyConnection:
    """An engine that reads and writes only `places`, and spills into `work`; in bytes."""
    con = duckdb.connect(":memory:", config={"threads": "1", "python_enable_replacements": "false"})
    for statement in _SHUT:
        con.execute(statement)
    con.execute(f"SET memory_limit = '{memory}B'")
    con.execute(f"SET temp_directory = {literal(str(work / 'spill'))}")
    con.execute(f"SET max_temp_directory_size = '{disk}B'")
    con.execute(f"SET allowed_paths = {literal(list(places))}")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


@dataclass(frozen=True)
class Reading:
    """How files are read. `texts`: columns of CSV that are texts, whatever stands there; the types
    of others are found by looking."""

    format: str
    options: Mapping[str, Any] = field(default_factory=dict)
    texts: Sequence[str] = ()


def relation(files: Sequence[Found], reading: Reading) -> str:
    """The FROM clause that reads these files. Raises Failed."""
    places = literal([file.place for file in files])
    if reading.format == "parquet":
        return f"read_parquet({places}, union_by_name = true)"
    if reading.format in ("json", "ndjson"):
        form = "newline_delimited" if reading.format == "ndjson" else "auto"
        return (
            f"read_json({places}, format = '{form}', union_by_name = true, sample_size = -1, "
            f"maximum_object_size = {_OBJECT}, compression = 'uncompressed')"
        )
    return _csv(files, places, reading)


def _csv(files: Sequence[Found], places: str, reading: Reading) -> str:
    options = reading.options
    sign = options.get("delimiter")
    names: dict[str, None] = {}
    for file in files:
        sign, header = _header(file, options, sign)
        names |= dict.fromkeys(header)
    types = {name: "VARCHAR" for name in reading.texts if name in names}
    types |= options.get("types") or {}
    if strange := [name for name in types if name not in names]:
        raise Failed(SOURCE, f"options.types names {shorten(strange[0])}, which is no column")
    return _call(places, {**_dialect(options, sign), "types": types or None})


def _dialect(options: Mapping[str, Any], sign: str | None) -> dict[str, Any]:
    """All that decides what a value is, so that nothing of it is guessed."""
    quote = options.get("quote", '"')
    return {
        "delim": sign or ",",
        "quote": quote,
        "escape": options.get("escape", quote if quote == '"' else ""),
        "header": options.get("header", True),
        "skip": options.get("skip", 0),
        "nullstr": options.get("null", ""),
        "encoding": options.get("encoding", "utf-8"),
        "comment": options.get("comment", ""),
        "decimal_separator": options.get("decimal", "."),
        "dateformat": options.get("date_format"),
        "timestampformat": options.get("timestamp_format"),
        "allow_quoted_nulls": False,
        "strict_mode": True,
        "null_padding": False,
        "compression": "none",
        "max_line_size": _OBJECT,
        "buffer_size": 2 * _OBJECT,
        "union_by_name": True,
        "sample_size": -1,
        "auto_detect": True,
    }


def _call(places: str, told: Mapping[str, Any]) -> str:
    said = [f"{key} = {literal(value)}" for key, value in told.items() if value is not None]
    return f"read_csv({places}, {', '.join(said)})"


def _header(file: Found, options: Mapping[str, Any], sign: str | None) -> tuple[str, list[str]]:
    """What stands between values, and the names of a CSV file's columns. Raises Failed for names
    that stand there twice, or not at all."""
    line = _first_line(file, options)
    quote = options.get("quote", '"')
    sign = sign or max(_SIGNS, key=lambda one: _outside(line, quote).count(one))
    rules: dict[str, Any] = {"delimiter": sign, "strict": True}
    rules |= {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    try:
        names = next(csv.reader(io.StringIO(line, newline=""), **rules), [])
    except csv.Error as error:
        raise Failed(SOURCE, f"{file.path}: its first line cannot be read: {error}") from None
    if not names:
        what = "its first line" if line else "it"
        raise Failed(SOURCE, f"{file.path}: {what} is empty")
    if not options.get("header", True):
        return sign, [f"column{number}" for number in range(len(names))]
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise Failed(SOURCE, f"{file.path}: its column {number} has no name")
        if name.strip().lower() in seen:
            raise Failed(SOURCE, f"{file.path}: two columns are named {shorten(name.strip())}")
        seen.add(name.strip().lower())
    return sign, names


def _first_line(file: Found, options: Mapping[str, Any]) -> str:
    """The first record, as far as its quotes say."""
    encoding = options.get("encoding", "utf-8")
    head = os.pread(file.number, _HEAD, 0)
    whole = len(head) < _HEAD
    try:
        text = head.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        if whole or error.start < len(head) - 4:
            raise Failed(SOURCE, f"{file.path}: it is no {encoding} text") from None
        text = head[: error.start].decode("utf-8-sig" if encoding == "utf-8" else encoding)
    lines = list(io.StringIO(text, newline=""))
    if comment := options.get("comment"):
        lines = [line for line in lines if not line.startswith(comment)]
    lines = lines[options.get("skip", 0) :]  # the engine does not count comments either
    quote, found = options.get("quote", '"'), ""
    for line in lines:
        found += line
        if not quote or found.count(quote) % 2 == 0:
            return found
    if found and not whole:
        raise Failed(SOURCE, f"{file.path}: its first line has more than {_HEAD >> 20} MB")
    return found


def _outside(line: str, quote: str) -> str:
    return "".join(line.split(quote)[::2]) if quote else line


def selected(con: duckdb.DuckDBPyConnection, relation: str) -> str:
    """A SELECT of all of its columns, each as a type that a question can have."""
    columns = con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return (
        "SELECT " + ", ".join(_as(name, kind) for name, kind, *_ in columns) + f" FROM {relation}"
    )


def _as(name: str, kind: str) -> str:
    column = quoted(name)
    is_nested = "(" in kind and not kind.startswith(("DECIMAL(", "ENUM("))
    if is_nested or kind.endswith("]"):
        is_plain = not _AS_JSON.search(kind)
        return column if is_plain else f"CAST(to_json({column}) AS VARCHAR) AS {column}"
    if kind in ("HUGEINT", "UHUGEINT"):
        return f"CAST({column} AS DECIMAL(38, 0)) AS {column}"
    if _AS_TEXT.match(kind):
        return f"CAST({column} AS VARCHAR) AS {column}"
    if kind.startswith("TIMESTAMP_"):
        return f"CAST({column} AS TIMESTAMP) AS {column}"
    return column


def columns(con: duckdb.DuckDBPyConnection, select: str) -> list[Column]:
    """The columns of a SELECT. Raises Failed for those that no question could name."""
    schema: pa.Schema = con.execute(f"SELECT * FROM ({select}) LIMIT 0").to_arrow_reader().schema
    try:
        return table_files.described(schema)
    except Unfit as error:
        raise Failed(SOURCE, str(error)) from None


def kinds(con: duckdb.DuckDBPyConnection, select: str) -> dict[str, str]:
    """Column -> its type, as the engine names it."""
    return {name: kind for name, kind, *_ in con.execute(f"DESCRIBE {select}").fetchall()}


def refuse_ragged(con: duckdb.DuckDBPyConnection, files: Sequence[Found], reading: Reading) -> None:
    """Raises what the engine says of the first line that does not fit: where it looks for types it
    says only that it found none."""
    sign = reading.options.get("delimiter")
    for file in files:
        sign, names = _header(file, reading.options, sign)
        texts = dict.fromkeys(names, "VARCHAR")
        told = {**_dialect(reading.options, sign), "auto_detect": False, "columns": texts}
        for name in ("sample_size", "union_by_name"):  # with these it looks all the same
            del told[name]
        con.execute(f"SELECT count(*) FROM {_call(literal([file.place]), told)}").fetchall()
