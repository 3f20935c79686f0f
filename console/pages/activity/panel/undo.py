"""What undoing a change would do, or why it cannot be done: the second step before the button."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from console.activity import Reader
from console.audit import Caller
from console.changes.rollback import MovedOn, dry_run
from console.identity.lookup import Outside, Row
from console.pages.activity.panel.changed import Called, changed, item
from schema.errors import AgnesError


def tried(reader: Reader, caller: Caller, id: str, called: Called) -> dict[str, Any]:
    """`changed`, `gains`, `loses`, `deactivated` of the undoing, or `refused`, with the three
    values of each field (`three`) where the object has moved on."""
    try:
        found = dry_run(Outside(reader.instance.store), caller, id)
    except AgnesError as error:
        sides = three(error, called) if isinstance(error, MovedOn) else None
        return {"refused": error, "three": sides}
    return {
        "refused": None,
        "changed": changed(found["fields"], called),
        "gains": by_resource(found["access"]["gains"]),
        "loses": by_resource(found["access"]["loses"]),
        "deactivated": found["deactivated"],
    }


def by_resource(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """Who it is about, for each thing that they may open then, or no more."""
    ordered = sorted(rows, key=_resource)  # stable: people stay in their order
    return [(resource, list(people)) for resource, people in groupby(ordered, key=_resource)]


def three(error: MovedOn, called: Called) -> list[tuple[str, list[str]]]:
    """The fields whose value is another now, each with before, after and now as texts."""
    states = [error.values[name] for name in ("before", "after", "current")]
    names = sorted({name for state in states if state is not None for name in state})
    rows = [(name, [_shown(state, name, called) for state in states]) for name in names]
    return [(name, texts) for name, texts in rows if len(set(texts)) > 1]


def _shown(state: Any, name: str, called: Called) -> str:
    if state is None:
        return "not there"
    value = state.get(name)
    if isinstance(value, list):
        return ", ".join(item(part, called) for part in value) or "none"
    return "nothing" if value is None else str(called(name, value))


def _resource(row: Row) -> str:
    of = row["resource_id"]
    return f"{row['resource_type']}:{of}" if of else f"the {row['resource_type']} page"
