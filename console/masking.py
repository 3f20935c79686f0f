"""What others see of a row: literals in SQL become `?`, other long texts are cut. One's own rows
are raw.

Pages, API, CLI, export and the `agnes_audit` table all show rows through `mask`. SPEC section 8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from schema.policy import Principal

SHOWN = 128  # characters of a text of somebody else's
SQL_KEYS = frozenset({"sql", "sql_preview"})

# Previews are cut at 200 characters, so a literal may lack its end: then all to the end is the
# literal.
_LITERAL = re.compile(
    r"""
      --[^\n]*                                   # comments may hold anything
    | /\*.*?(?:\*/|\Z)
    | (?P<name>"(?:[^"]|"")*(?:"|\Z))        # "it's": a name; its quote opens nothing
    | (?<![\w$])[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)          # E'it\'s'
    | (?:\b[bBxXnN])?'(?:[^']|'')*(?:'|\Z)       # 'it''s'
    | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)     # $tag$ … $tag$
    | (?<![\w"])\d[\w.]*(?:[eE][+-]?\d+)?        # 42, 1.5e-3, 0xFF; not the 1 of t1
    """,
    re.VERBOSE | re.DOTALL,
)


def mask_sql(text: str) -> str:
    return _LITERAL.sub(lambda found: found["name"] or "?", text)


def shown_sql(text: str) -> str:
    """A query's text as others see it."""
    return _cut(mask_sql(text))


def mask(row: Mapping[str, Any], principal: Principal) -> dict[str, Any]:
    """`row` of the audit log as `principal` may see it: `params` and `params_before` parsed back to
    JSON text."""
    shown = dict(row)
    if shown.get("user_id") == principal.reader:
        return shown
    for column in ("params", "params_before"):
        if shown.get(column):
            shown[column] = _mask_json(shown[column])
    if shown.get("resource"):
        shown["resource"] = _cut(shown["resource"])
    return shown


def _mask_json(text: str) -> str:
    if len(text) <= SHOWN and "'" not in text and "$" not in text and '"sql' not in text:
        return text  # nothing in it can be long, and nothing is SQL
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _cut(text)
    return orjson.dumps(_mask_value(value, "")).decode()


def _mask_value(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _mask_value(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_mask_value(part, key) for part in value]
    if isinstance(value, str):
        return _cut(mask_sql(value) if key in SQL_KEYS else value)
    return value


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
