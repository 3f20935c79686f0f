"""Tables of other databases, and SELECTs over them: their columns, and their rows as Arrow in
pieces.

What is asked is an expression of Ibis over the table, so that names and values are written by a
compiler and never by hand; around it stands how each column is to be sent (`types`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from operator import eq, ge, gt, le, lt
from typing import Any

import ibis
import ibis.expr.types as ir
import psycopg
import pyarrow as pa
import pyarrow.csv as pc
from psycopg import sql

from console.identity import typed
from console.settings import Settings
from console.sources.bounds import Bound
from console.sources.errors import SourceFailed
from console.sources.postgres import Reading, reading
from console.sources.types import Sourced, is_ordered, kind_of
from console.tables.connections import Connection
from console.tables.table_files import Column
from schema.errors import BadParameter, shorten

SECONDS = 600  # of a reading, where nobody says how long
STATEMENT = 20_000  # characters
_COLUMNS = 1000
_NAME = 250  # characters of a column's name
_BLOCK = 16 << 20  # bytes of CSV that are read at once; no row may have more
_PART = r'(?:[A-Za-z_][A-Za-z0-9_$]*|"(?:[^"\0]|"")+")'
_TABLE = re.compile(rf"\s*({_PART})(?:\s*\.\s*({_PART}))?\s*")
_GIVEN = "agnes_given"
_COMPARED = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}
_MEANINGS = (
    "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute"
    " WHERE attrelid = to_regclass(%s) AND attnum > 0"
)
_CATEGORIES = "SELECT oid::bigint, typcategory::text FROM pg_type WHERE oid = ANY(%s)"


def connections(settings: Settings) -> dict[str, Connection]:
    """By name."""
    return {one.name: one for one in settings.sources}


def connection_of(settings: Settings, name: str) -> Connection:
    """Raises BadParameter for one that the operator has not named."""
    known = connections(settings)
    if name not in known:
        if not known:
            raise BadParameter("connection", name, "AGNES_SOURCES names none")
        raise BadParameter.unknown(name, known, what="connection")
    return known[name]


def columns(
    settings: Settings, connection: str, relation: str, *, seconds: float = SECONDS
) -> list[Column]:
    """The columns of a table (`orders`, `sales.orders`) or of one SELECT, with what the database
    says they mean. Blocks. Raises BadParameter, SourceDown, SourceFailed."""
    source = connection_of(settings, connection)
    table, given = _relation(relation)
    with reading(source, seconds=seconds) as asked:
        found = _described(source, asked, given)
        meanings = dict(asked.rows(_MEANINGS, table)) if table else {}
    return [
        replace(one.column, meaning=(meanings.get(one.name) or "")[: _NAME * 2]) for one in found
    ]


def batches(
    settings: Settings,
    connection: str,
    relation: str,
    *,
    columns: Sequence[str] | None = None,
    where: Sequence[Bound] = (),
    limit: int | None = None,
    after: tuple[str, Any] | None = None,
    seconds: float = SECONDS,
) -> Iterator[pa.RecordBatch]:
    """The rows, at least one batch. `columns`: only these, in this order; `where`: leave out what
    is outside, where the database has the same order as we; `after`: a column that grows, and the
    value that rows must exceed (None: all rows; a text is read as the column's type). Blocks while
    it is read. Raises BadParameter, SourceDown, SourceFailed."""
    source = connection_of(settings, connection)
    _, given = _relation(relation)
    with reading(source, seconds=seconds) as asked:
        there = _described(source, asked, given)
        wanted = _wanted(source, there, columns)
        rows = _expression(there, where, limit, after).select([one.name for one in wanted])
        with asked.copied(_query(given, rows, wanted)) as sent:
            yield from _arrived(source, sent, wanted)


def _relation(text: str) -> tuple[str | None, sql.Composed]:
    """The table's name, or None of a SELECT; and the whole query. Raises BadParameter."""
    if "\0" in text or not text.strip() or len(text) > STATEMENT:
        raise BadParameter("statement", text, f"a SELECT of at most {STATEMENT:,} characters")
    found = _TABLE.fullmatch(text)
    if found is None:
        query = text.strip().rstrip(";")
        return None, sql.Composed([sql.SQL(query + "\n")])
    names = [_plain(part) for part in found.groups() if part]
    table = sql.Identifier(*names)
    return table.as_string(None), sql.SQL("SELECT * FROM {}").format(table)


def _plain(part: str) -> str:
    """A name as the database keeps it."""
    return part[1:-1].replace('""', '"') if part.startswith('"') else part.lower()


def _described(source: Connection, asked: Reading, given: sql.Composed) -> list[Sourced]:
    about = asked.described(given)
    oids = [one.type_code for one in about]
    categories = dict(asked.rows(_CATEGORIES, oids))
    found = [
        Sourced(
            one.name,
            kind_of(
                one.type_code,
                precision=one.precision,
                scale=one.scale,
                category=categories.get(one.type_code, ""),
            ),
        )
        for one in about
    ]
    _checked(source, found)
    return found


def _checked(source: Connection, found: Sequence[Sourced]) -> None:
    """Raises SourceFailed for columns that no question could name."""
    if not 0 < len(found) <= _COLUMNS:
        raise SourceFailed(source, what=f"gives {len(found)} columns; 1 to {_COLUMNS} can be")
    seen: set[str] = set()
    for one in found:
        try:
            clean = typed.label("column", one.name, _NAME)
        except BadParameter as error:
            raise SourceFailed(source, what=f"gives a column that has no name: {error}") from None
        if clean != one.name or one.name.lower() in seen:
            name = shorten(one.name)
            raise SourceFailed(source, what=f"gives the column {name} twice, or with spaces")
        seen.add(one.name.lower())


def _wanted(
    source: Connection, there: Sequence[Sourced], names: Sequence[str] | None
) -> Sequence[Sourced]:
    if names is None:
        return there
    known = {one.name: one for one in there}
    for name in names:
        if name not in known:
            raise SourceFailed(source, what=f"has no column {shorten(name)} any more")
    return [known[name] for name in names]


# -- what is asked


def _expression(
    there: Sequence[Sourced],
    where: Sequence[Bound],
    limit: int | None,
    after: tuple[str, Any] | None,
) -> ir.Table:
    kinds = {one.name: one.kind for one in there}
    rows = ibis.table({name: kind.native or kind.type for name, kind in kinds.items()}, name=_GIVEN)
    for bound in where:
        kind = kinds.get(bound.column)
        if kind is None or not is_ordered(kind) or kind.type.startswith("float"):
            continue
        try:
            value = _value(kind.native or kind.type, bound.value)
        except ValueError:
            continue  # whatever it means, the question itself finds out
        rows = rows.filter(_COMPARED[bound.operator](rows[bound.column], value))
    if after is not None:
        rows = _after(rows, kinds, *after)
    return rows if limit is None else rows.limit(limit)


def _after(rows: ir.Table, kinds: dict[str, Any], name: str, value: Any) -> ir.Table:
    kind = kinds.get(name)
    if kind is None:
        raise BadParameter.unknown(name, kinds, what="column")
    if not is_ordered(kind):
        raise BadParameter(
            "cursor_column", name, "a column of numbers, dates or times, which grows"
        )
    if value is None:
        return rows
    try:
        least = _value(kind.native or kind.type, value)
    except ValueError:
        raise BadParameter("cursor", value, f"a value of {name}, which is {kind.type}") from None
    return rows.filter(rows[name] > least)


def _value(kind: str, value: Any) -> Any:
    """What a column of `kind` is compared with. Raises ValueError."""
    if isinstance(value, bool):
        raise ValueError(value)
    if kind.startswith("int"):
        number = int(value)
        if not -(2**63) <= number < 2**63:
            raise ValueError(value)
        return number
    if kind.startswith("float"):
        return float(value)
    if kind.startswith("decimal"):
        try:
            return Decimal(value)
        except InvalidOperation:
            raise ValueError(value) from None
    if isinstance(value, int | float | Decimal):
        raise ValueError(value)
    return _moment(kind, value)


def _moment(kind: str, value: str | date | datetime) -> date | datetime:
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    if kind == "date":
        if isinstance(found, datetime):
            if found.time() != datetime.min.time() or found.tzinfo:
                raise ValueError(value)
            return found.date()
        return found
    if not isinstance(found, datetime):
        found = datetime.combine(found, datetime.min.time())
    at = found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)
    return at.replace(tzinfo=UTC) if "UTC" in kind else at


def _query(given: sql.Composed, rows: ir.Table, wanted: Sequence[Sourced]) -> sql.Composed:
    """`rows`, each column written as it is to be sent."""
    said = sql.SQL(", ").join(
        sql.SQL(one.kind.said).format(sql.Identifier(one.name)) for one in wanted
    )
    inner = sql.SQL(str(ibis.to_sql(rows, dialect="postgres")))
    return sql.SQL("WITH {} AS (\n{}\n) SELECT {} FROM (\n{}\n) AS agnes_rows").format(
        sql.Identifier(_GIVEN), given, said, inner
    )


# -- what comes


def _arrived(source: Connection, sent: Any, wanted: Sequence[Sourced]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([(one.name, one.column.arrow) for one in wanted])
    names = [f"c{number}" for number in range(len(wanted))]
    try:
        with pc.open_csv(
            sent,
            read_options=pc.ReadOptions(block_size=_BLOCK, use_threads=False, column_names=names),
            parse_options=pc.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pc.ConvertOptions(
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
                column_types={name: one.kind.sent for name, one in zip(names, wanted, strict=True)},
            ),
        ) as reader:
            for batch in reader:
                arrays = [
                    one.arrived(array) for one, array in zip(wanted, batch.columns, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            yield pa.RecordBatch.from_pylist([], schema=schema)
            return
        if isinstance(error.__context__, psycopg.Error):
            raise error.__context__ from None
        what = f"sent what cannot be read; a row may have {_BLOCK >> 20} MB"
        raise SourceFailed(source, str(error), what=what) from None
