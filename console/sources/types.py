"""How each type of PostgreSQL is read: what it is here, how the database is to write it, how that
text becomes Arrow.

Nothing is lost silently: what has no type here comes as text. Only values that no date and no
decimal number can have (`infinity`, `NaN` of a numeric) become null. A numeric without a precision
is a double, since no decimal type holds all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from console.tables.table_files import Column

_STRING = pa.string()
_DIGITS = 38  # of a decimal
_SECOND = 1_000_000  # microseconds
_TEXT = "{}::text"
_OID = "{0}::bigint"
_JSON = "to_json({})::text"
_FINITE = "CASE WHEN isfinite({{0}}) THEN {} END"
_MOMENT = _FINITE.format(f"(extract(epoch from {{0}}) * {_SECOND})::bigint")


@dataclass(frozen=True)
class Kind:
    """`type` as Ibis writes it; `native`: the same in the database, where that differs; `said`:
    how the database writes a value; `sent`: the type that its text is read as."""

    type: str
    said: str = "{0}"
    sent: pa.DataType = _STRING
    native: str = ""


@dataclass(frozen=True)
class Sourced:
    """A column of a source."""

    name: str
    kind: Kind

    @property
    def column(self) -> Column:
        return Column(self.name, self.kind.type)

    def arrived(self, array: pa.Array) -> pa.Array:
        """What was `sent`, as what it is to be."""
        wanted = self.column.arrow
        if wanted == pa.binary():
            return pa.array([one and bytes.fromhex(one) for one in array.to_pylist()], wanted)
        if pa.types.is_temporal(wanted):
            return array.cast(wanted)
        return array


TEXT = Kind("string", _TEXT)
_AS_JSON = Kind("string", _JSON)
_BYTES = Kind("binary", "encode({0}, 'hex')")
_KINDS = {
    16: Kind("boolean", sent=pa.bool_()),
    17: _BYTES,
    20: Kind("int64", sent=pa.int64()),
    21: Kind("int16", sent=pa.int16()),
    23: Kind("int32", sent=pa.int32()),
    26: Kind("int64", _OID, pa.int64()),
    700: Kind("float32", sent=pa.float32()),
    701: Kind("float64", sent=pa.float64()),
    1082: Kind("date", _FINITE.format("{0} - date '1970-01-01'"), pa.int32()),
    1083: Kind("time", f"(extract(epoch from {{0}}) * {_SECOND})::bigint", pa.int64()),
    1114: Kind("timestamp(6)", _MOMENT, pa.int64()),
    1184: Kind("timestamp(6)", _MOMENT, pa.int64(), "timestamp('UTC', 6)"),
}
_NUMERIC = 1700
_BY_CATEGORY = {"A": _AS_JSON, "C": _AS_JSON}  # arrays, rows


def kind_of(oid: int, *, precision: int | None, scale: int | None, category: str) -> Kind:
    """How a column of this type is read; `category` as `pg_type` has it."""
    if oid == _NUMERIC:
        if precision is None or scale is None or not 0 <= scale <= precision <= _DIGITS:
            return Kind("float64", "{0}::double precision", pa.float64())
        said = "NULLIF({0}, 'NaN')"
        return Kind(f"decimal({precision}, {scale})", said, pa.decimal128(precision, scale))
    return _KINDS.get(oid) or _BY_CATEGORY.get(category, TEXT)


def is_ordered(kind: Kind) -> bool:
    """Whether greater means the same there and here: texts have an order of their own, and an oid
    is not compared with every number."""
    return kind.said != _OID and kind.type.startswith(
        ("int", "float", "decimal", "date", "timestamp")
    )
