"""Rolling one change back: a new change, made only where nobody has changed the object since.

SPEC section 7. Checks and writes are one step of `Store.write`, where nothing can race; a dry run
makes the same checks outside of it and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from console.audit import Caller
from console.changes import effects
from console.changes.edits import Edit
from console.changes.fields import pairs, shown
from console.changes.kinds import State, text
from console.changes.record import recorded
from console.changes.undoing import ROLLBACK, Change, possible, read
from console.identity.lookup import Reads, Row, one
from ingest.redact import redact
from schema.errors import Conflict, shorten
from schema.policy import Principal
from schema.tables import AUDIT_LOG
from schema.transaction import Transaction

_TOLD = 4  # fields that the sentence of a conflict names; `values` has them all


class MovedOn(Conflict):
    """The object is no longer as the change left it. `values` are `before`, `after`, `current`:
    the columns that the change is about, None where there was or is no such object."""

    def __init__(self, message: str, values: dict[str, State | None]) -> None:
        before, after, current = (values[name] or {} for name in ("before", "after", "current"))
        names = [n for n in {**before, **after} if current.get(n) != after.get(n)]
        told = [
            f"{name} was {_brief(before, name)}, became {_brief(after, name)}, "
            f"is now {_brief(current, name)}"
            for name in names[:_TOLD]
        ]
        super().__init__(message, detail="; ".join(["Nothing was changed", *told]) + ".")
        self.values = values


def _brief(state: State, name: str) -> str:
    return "nothing" if state.get(name) is None else shorten(text(state[name]), 60)


@dataclass(frozen=True)
class Plan:
    """What a rollback would do. `there` is the object now, `wanted` what it becomes."""

    row: Row
    change: Change
    there: State | None
    edits: tuple[Edit, ...]

    def told(self, principal: Principal) -> Row:
        """What changes, as the one who does it may see it."""
        row = self.row
        there, wanted = self.there or {}, self.change.before or {}
        names = [name for name in self.change.names if there.get(name) != wanted.get(name)]
        now, then = ({name: side.get(name) for name in names} for side in (there, wanted))
        return {
            "id": row["id"],
            "action": row["action"],
            "resource": row["resource"],
            "fields": pairs(row, now, then, principal),
        }


def plan(reads: Reads, row: Row, caller: Caller) -> Plan:
    """Raises BadRequest for what can never be rolled back, MovedOn when the object has changed
    since, Conflict for what forbids to write the old state."""
    change = read(row)
    possible(change)
    there = change.kind.now(reads, change.key)
    if change.moved(there):
        raise _moved_on(row, change, there, caller.me)
    edits = change.kind.edits(reads, change.key, change.wanted, there, caller.me.user_id)
    return Plan(row, change, there, edits)


def dry_run(reads: Reads, caller: Caller, id: str) -> Row:
    """`{dry_run, id, action, resource, fields, access, deactivated}`: what a rollback would change
    from now to then, who gains and loses access, and who comes back without being able to sign in.
    Raises as `rollback` would."""
    planned = plan(reads, one(reads, AUDIT_LOG, "event", id), caller)
    return {
        "dry_run": True,
        **planned.told(caller.me),
        "access": effects.access(reads, planned.edits),
        "deactivated": effects.deactivated(reads, planned.edits),
    }


def rollback(caller: Caller, id: str, *, reason: str | None = None) -> Callable[[Transaction], Row]:
    """A step for `Store.write`. `{dry_run, id, action, resource, fields, deactivated, audit_id}`;
    raises NotFound, and what `plan` raises."""

    def step(transaction: Transaction) -> Row:
        planned = plan(transaction, one(transaction, AUDIT_LOG, "event", id), caller)
        for edit in planned.edits:
            edit.do(transaction)
        entry = _entry(caller, planned, reason)
        transaction.insert(entry)
        return {
            "dry_run": False,
            **planned.told(caller.me),
            "deactivated": effects.deactivated(transaction, planned.edits),
            "audit_id": next(iter(entry.rows))["id"],
        }

    return step


def _entry(caller: Caller, planned: Plan, reason: str | None) -> Any:
    """The row of a rollback reads like that of the opposite change, so that it can be rolled back
    in its turn."""
    change = planned.change
    params = {
        **(change.wanted or {}),
        **change.key,
        "restored_from": planned.row["id"],
        "action": change.action,
        "reason": reason and redact(reason),
        "fields": list(change.names),
    }
    before = {**(planned.there or {}), **change.key}
    return recorded(
        caller, ROLLBACK, resource=planned.row["resource"], params=params, before=before
    )


def _moved_on(row: Row, change: Change, there: State | None, principal: Principal) -> MovedOn:
    noun = change.kind.noun
    now = None if there is None else {name: there.get(name) for name in change.names}
    as_it_was = now == change.before
    since = "is already as it was before" if as_it_was else "has changed since"
    states = {"before": change.before, "after": change.after, "current": now}
    values = {
        name: None if state is None else shown(row, state, principal)
        for name, state in states.items()
    }
    return MovedOn(f"the {noun} {since}", values)
