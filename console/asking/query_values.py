"""Values of an answer in Arrow as JSON has them."""

from __future__ import annotations

from typing import Any

import orjson
import pyarrow as pa

JSON = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def values(column: pa.Array) -> list[Any]:
    try:
        return list(_plain(column).to_pylist())
    except (OverflowError, ValueError):  # times beyond those of Python, infinity among them
        return [_value(value) for value in column]


def _value(scalar: pa.Scalar) -> Any:
    """The same one by one: what Python has no value for becomes text."""
    if not scalar.is_valid:
        return None
    if isinstance(scalar, pa.ListScalar):
        return [_value(one) for one in scalar.values]
    if isinstance(scalar, pa.StructScalar):
        return {name: _value(one) for name, one in scalar.items()}
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        return scalar.cast(pa.string()).as_py()


def _plain(column: pa.Array) -> pa.Array:
    """Without what Python has no value for: parts of a microsecond."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return column.cast(pa.timestamp("us", kind.tz), safe=False)
    if pa.types.is_time64(kind) and kind.unit == "ns":
        return column.cast(pa.time64("us"), safe=False)
    return column


def said(value: Any) -> Any:
    """What JSON has no form for, as text: decimals, bytes (in hexadecimal), intervals (as SQL
    reads and writes them)."""
    if isinstance(value, pa.MonthDayNano):
        return _interval(value)
    return value.hex() if isinstance(value, bytes) else str(value)


def _interval(value: pa.MonthDayNano) -> str:
    sign = -1 if value.months < 0 else 1
    years, months = (sign * part for part in divmod(abs(value.months), 12))
    named = {"year": years, "month": months, "day": value.days}
    parts = [
        f"{count} {unit}{'' if count in (1, -1) else 's'}" for unit, count in named.items() if count
    ]
    if value.nanoseconds or not parts:
        parts.append(_clock(value.nanoseconds // 1000))
    return " ".join(parts)


def _clock(microseconds: int) -> str:
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{'-' if microseconds < 0 else ''}{hours:02}:{minutes:02}:{seconds:02}"
    return f"{text}.{fraction:06}".rstrip("0") if fraction else text
