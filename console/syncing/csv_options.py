"""How a CSV file is written, where it is not written as most are: the options of a table.

Values reach the engine only as literals that `readers` writes, and only those that stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schema.errors import BadParameter, shorten

TYPES = (
    *("BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMP", "TIME"),
    *("INTEGER", "DECIMAL(18,2)", "DECIMAL(38,10)"),
)
ENCODINGS = ("utf-8", "utf-16", "latin-1")
# name -> (what it is, what is allowed)
_SIGNS = {
    "delimiter": "one character between values; `\\t` is a tab",
    "quote": "one character around values, or none",
    "escape": "one character before a quote that is meant, or none",
    "comment": "one character that begins a line to leave out",
    "decimal": "`.` or `,`",
}
_TEXTS = {
    "null": "a text of at most 40 characters that means no value",
    "date_format": "as strftime has it, at most 40 characters",
    "timestamp_format": "as strftime has it, at most 40 characters",
}
NAMES = (*_SIGNS, *_TEXTS, "header", "skip", "encoding", "types")


def check(options: Mapping[str, Any]) -> None:
    """Raises BadParameter that names the option, its value and what is allowed."""
    for name, value in options.items():
        if name not in NAMES:
            raise BadParameter.unknown(name, NAMES, what="option")
        allowed = _refusal(name, value)
        if allowed:
            raise BadParameter(f"options.{name}", value, allowed)


def _refusal(name: str, value: Any) -> str | None:
    """What would be allowed, where this value is not."""
    if name in _SIGNS:
        return None if _is_sign(name, value) else _SIGNS[name]
    if name in _TEXTS:
        is_fine = isinstance(value, str) and len(value) <= 40 and value.isprintable()
        return None if is_fine else _TEXTS[name]
    if name == "header":
        return None if isinstance(value, bool) else "true or false"
    if name == "skip":
        is_count = isinstance(value, int) and not isinstance(value, bool)
        return (
            None
            if is_count and 0 <= value <= 10_000
            else "lines to leave out, 0 to 10,000; comments are not counted"
        )
    if name == "encoding":
        return None if value in ENCODINGS else ", ".join(ENCODINGS)
    return _bad_types(value)


def _is_sign(name: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if name == "decimal":
        return value in (".", ",")
    if name in ("quote", "escape") and value == "":
        return True
    return value == "\t" or (len(value) == 1 and value.isascii() and value.isprintable())


def _bad_types(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "an object of column and type"
    for column, kind in value.items():
        if kind not in TYPES:
            return f"for {shorten(column)} one of {', '.join(TYPES)}"
    return None
