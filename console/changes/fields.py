"""What differs between before and after, field by field, as a reader may see it.

Secrets never leave: they are not in the log, and what is named like one is shown as `(hidden)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from console.audit import HIDDEN, is_secret
from console.changes.kinds import State
from console.changes.record import secrets_of
from console.changes.undoing import parsed, read
from console.masking import mask
from schema.errors import BadRequest
from schema.policy import Principal

_REMOVALS = (".delete", ".remove", ".revoke")
Field = dict[str, Any]  # name, before, after
Pair = tuple[State, State]


def fields(row: Mapping[str, Any], principal: Principal) -> list[Field]:
    """The changed fields of a raw row of the log, masked as the row itself would be."""
    before, after = _differing(row)
    return pairs(row, before, after, principal)


def pairs(row: Mapping[str, Any], before: State, after: State, principal: Principal) -> list[Field]:
    """`before` and `after` of an object that `row` is about, as fields in the order of their names;
    masked as `row` would be."""
    before, after = shown(row, before, principal), shown(row, after, principal)
    names = sorted(before.keys() | after.keys())
    return [{"name": name, "before": before.get(name), "after": after.get(name)} for name in names]


def shown(row: Mapping[str, Any], state: State, principal: Principal) -> State:
    """A state of the object that `row` is about, without secrets and masked."""
    secret = secrets_of({**parsed(row["params"]), **state})
    clean = {name: HIDDEN if name in secret else _clean(name, part) for name, part in state.items()}
    text = orjson.dumps(clean).decode()
    masked: State = orjson.loads(
        mask({"user_id": row["user_id"], "params": text}, principal)["params"]
    )
    return masked


def _differing(row: Mapping[str, Any]) -> Pair:
    params = parsed(row["params"])
    try:
        change = read(row)
    except BadRequest:
        return _of_any(row["action"], params, parsed(row["params_before"]))
    before, after = change.before or {}, change.after or {}
    names = [name for name in change.names if before.get(name) != after.get(name)]
    if change.before is None or change.after is None:  # made or removed: an empty part says nothing
        names = [name for name in names if before.get(name) or after.get(name)]
    pair = _side(names, before), _side(names, after)
    for name in change.hidden:
        if name in change.names or change.before is None:
            for side, state in zip(pair, (change.before, change.after), strict=True):
                side[name] = None if state is None else HIDDEN
    return pair


def _of_any(action: str, params: State, kept: State) -> Pair:
    """Of a change that has no rule of its own: what it says has changed, else what both sides
    hold; of a removal what is no more."""
    if action.endswith(_REMOVALS):
        gone = [name for name, part in kept.items() if part is not None]
        return _side(gone, kept), {}
    said = params.get("changed")
    if not isinstance(said, list):
        said = [name for name in kept if name in params and params[name] != kept[name]]
    names = [name for name in said if isinstance(name, str)]
    return _side(names, kept), _side(names, params)


def _side(names: list[str], given: State) -> State:
    return {name: HIDDEN if is_secret(name) else given.get(name) for name in names}


def _clean(name: str, value: Any) -> Any:
    if is_secret(name) and value is not None:
        return HIDDEN
    if isinstance(value, dict):
        return {str(key): _clean(str(key), part) for key, part in value.items()}
    return [_clean("", part) for part in value] if isinstance(value, list) else value
