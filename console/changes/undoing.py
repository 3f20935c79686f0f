"""What the log keeps of one change: which object, how it was before and after, and which changes
can be rolled back at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from console.audit import TEXT_LIMIT
from console.changes.kinds import (
    CONFIG,
    GRANT,
    GROUP,
    MEMBER,
    PARTS,
    REGISTERED,
    TEMPLATE,
    Key,
    Kind,
    State,
    in_order,
    text,
)
from console.queries.vocabulary import class_of
from schema.errors import BadRequest, shorten

ROLLBACK = "audit.rollback"
CREATED, CHANGED, DELETED = "created", "changed", "deleted"

# What can be rolled back: the kind of object, and what became of it.
ROLLBACKS: dict[str, tuple[Kind, str]] = {
    "instance_config.update": (CONFIG, CHANGED),
    "instance_templates.set": (TEMPLATE, CHANGED),
    "registry.create": (REGISTERED, CREATED),
    "registry.update": (REGISTERED, CHANGED),
    "registry.delete": (REGISTERED, DELETED),
    "resource_grants.add": (GRANT, CREATED),
    "resource_grants.remove": (GRANT, DELETED),
    "user_groups.create": (GROUP, CREATED),
    "user_groups.update": (GROUP, CHANGED),
    "user_groups.delete": (GROUP, DELETED),
    "user_group_members.add": (MEMBER, CREATED),
    "user_group_members.remove": (MEMBER, DELETED),
}
_BY_HAND = "Change it back by hand."
_OPPOSITE = {CREATED: DELETED, DELETED: CREATED, CHANGED: CHANGED}


def opposite(action: str) -> str:
    """The action that undoes `action`: what a rollback of it comes to."""
    kind, became = ROLLBACKS[action]
    wanted = (kind, _OPPOSITE[became])
    return next(name for name, rule in ROLLBACKS.items() if rule == wanted)


@dataclass(frozen=True)
class Change:
    """One change of one object. `before` and `after` are None where there was no such object, else
    hold `names`, the columns it is about; `kept` is all that the log has of the object before."""

    action: str  # what was done; of a rollback what it came to
    kind: Kind
    key: Key
    before: State | None
    after: State | None
    names: tuple[str, ...]
    kept: State
    hidden: frozenset[str]

    @property
    def wanted(self) -> State | None:
        """What a rollback writes."""
        if self.before is None:
            return None
        return self.before if self.after is not None else {**self.kept, **self.before}

    def moved(self, there: State | None) -> bool:
        """Whether the object, as it is, is not what this change left behind."""
        if there is None or self.after is None:
            return there is not self.after
        return any(there.get(name) != self.after[name] for name in self.names)


def read(row: Mapping[str, Any]) -> Change:
    """The change that this raw row of the log records. Raises BadRequest, which says why it cannot
    be rolled back."""
    params, kept = parsed(row["params"]), parsed(row["params_before"])
    action = row["action"]
    undone = str(params.get("action"))
    if action == ROLLBACK and undone in ROLLBACKS:
        action = opposite(undone)
    if action not in ROLLBACKS:
        raise BadRequest(
            f"{shorten(action)} cannot be rolled back",
            detail=f"These can be: {', '.join(ROLLBACKS)}, and {ROLLBACK} of one of them.",
        )
    if class_of(row["result"]) not in ("success", "none"):
        raise BadRequest(f"it ended with {shorten(row['result'])}: there is nothing to roll back")
    kind, became = ROLLBACKS[action]
    key = {name: params[name] for name in kind.key if params.get(name)}
    if len(key) < len(kind.key) or not all(isinstance(part, str) for part in key.values()):
        raise BadRequest(f"the log does not say which {kind.noun} it was")
    names = _names(kind, became, params, kept)
    before = None if became == CREATED else _state(kind, names, kept)
    after = None if became == DELETED else _state(kind, names, params)
    hidden = frozenset(_texts(params.get("hidden")))
    return Change(action, kind, key, before, after, names, kept, hidden)


def possible(change: Change) -> None:
    """Raises BadRequest when the log does not keep what a rollback would need."""
    if change.before is None:
        return
    if not change.kept:
        raise BadRequest("the log does not keep what was before", detail=_BY_HAND)
    if lost := [name for name in change.names if name in change.hidden]:
        raise BadRequest(
            f"{', '.join(lost)} held a secret, and the log keeps none", detail=_BY_HAND
        )
    for name, value in change.before.items():
        if isinstance(value, str) and len(value) == TEXT_LIMIT and value.endswith("…"):
            raise BadRequest(f"the log keeps only the beginning of {name}", detail=_BY_HAND)
    if change.before == change.after:
        raise BadRequest("it changed nothing that could be brought back")


def parsed(text: str | None) -> State:
    """A column of JSON as an object, empty for anything else."""
    try:
        value = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _names(kind: Kind, became: str, params: State, kept: State) -> tuple[str, ...]:
    """The columns that the change is about. What it hid is compared with nothing."""
    if became != CHANGED:
        hidden = _texts(params.get("hidden")) if became == CREATED else ()
        return tuple(name for name in kind.columns if name not in hidden)
    if len(kind.columns) == 1:
        return kind.columns
    said = params.get("changed", params.get("fields"))
    if isinstance(said, list):
        return tuple(name for name in kind.columns if name in said)
    both = params.keys() & kept.keys()
    return tuple(n for n in kind.columns if n in both and text(params[n]) != text(kept[n]))


def _state(kind: Kind, names: tuple[str, ...], given: State) -> State:
    return {
        name: _parts(name, given.get(name)) if name in PARTS else text(given.get(name))
        for name in names
    }


def _parts(name: str, value: Any) -> list[State]:
    found = value if isinstance(value, list) else []
    return in_order(name, (part for part in found if isinstance(part, dict)))


def _texts(value: Any) -> tuple[str, ...]:
    found = value if isinstance(value, list) else []
    return tuple(name for name in found if isinstance(name, str))
