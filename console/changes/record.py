"""Audit rows of changes that are to be brought back one day: their texts are kept whole.

The log cuts texts; a prompt that was cut could not be restored. What looks like a secret is left
out instead, and named in `hidden`: it is never kept, so it can never be brought back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from console.audit import Caller, entry, is_secret, printable
from ingest.redact import redact
from schema.transaction import Rows


def recorded(
    caller: Caller,
    action: str,
    *,
    resource: str,
    params: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
) -> Rows:
    """`audit.entry` with the texts of `params` and `before` as long as they are (the caller bounds
    them), and `hidden`: the names of those that were left out."""
    hidden = sorted(secrets_of(params) | secrets_of(before or {}))
    told = _without(params, hidden) | ({"hidden": hidden} if hidden else {})
    kept = _without(before or {}, hidden)
    rows = entry(caller, action, resource=resource, params=told, before=kept)
    (row,) = list(rows.rows)
    whole = {
        "params": _whole(row["params"], told),
        "params_before": _whole(row["params_before"], kept),
    }
    return Rows(rows.table, [{**row, **whole}])


def secrets_of(state: Mapping[str, Any]) -> set[str]:
    """The names of values that no log may keep: of a setting that is named like a secret, and texts
    that hold one."""
    named = is_secret(str(state.get("key", "")))
    return {
        name
        for name, value in state.items()
        if (named and name == "value") or (isinstance(value, str) and holds_secret(value))
    }


def holds_secret(text: str) -> bool:
    if redact(text) != text:
        return True
    if text[:1] not in ("{", "["):
        return False
    try:
        return _secret_key(orjson.loads(text))
    except orjson.JSONDecodeError:
        return False


def _secret_key(value: Any) -> bool:
    if isinstance(value, dict):
        return any(is_secret(name) or _secret_key(part) for name, part in value.items())
    return isinstance(value, list) and any(_secret_key(part) for part in value)


def _without(state: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name not in names}


def _whole(text: str | None, given: Mapping[str, Any]) -> str | None:
    """The JSON `text` with the texts of `given` uncut, where it has them."""
    if text is None:
        return None
    kept = orjson.loads(text)
    kept |= {
        name: printable(value)
        for name, value in given.items()
        if name in kept and isinstance(value, str)
    }
    return orjson.dumps(kept).decode()
