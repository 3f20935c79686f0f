"""Changes of the settings, the prompts and the registered tables, each with its row in the log.

The functions are steps for `Store.write`: they check inside the write, where nothing can race.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from console.audit import Caller, new_id, printable
from console.changes.kinds import CONFIG, REGISTERED, TEMPLATE, Key, Kind, State, text
from console.changes.record import recorded
from console.identity import typed
from console.identity.grants import OWN_ROWS
from console.identity.lookup import changes
from schema.errors import BadParameter, Conflict, NotFound, TooLarge, shorten
from schema.transaction import Transaction

Step = Callable[[Transaction], State | None]
NAME_LIMIT = 250
TEXT_LIMIT = 64 * 1024  # bytes of a setting, a prompt, or the SQL of a table


def set_config(caller: Caller, key: str, value: str | None) -> Step:
    """Set a setting, or with None take it away. The answer is its row, None for no row."""
    return _set(caller, "instance_config.update", "config", CONFIG, key, value)


def set_template(caller: Caller, name: str, body: str | None) -> Step:
    """Set a prompt, or with None take it away. The answer is its row, None for no row."""
    return _set(caller, "instance_templates.set", "template", TEMPLATE, name, body)


def register(caller: Caller, wanted: Mapping[str, Any]) -> Step:
    """Add a table; `wanted` are columns of the registry, `name` at least, `id` if it is to have a
    certain one. Raises BadParameter, TooLarge, Conflict for a name or an id that is taken. The
    answer is the row."""
    id = typed.label("id", wanted.get("id") or new_id(), NAME_LIMIT)
    state = dict.fromkeys(REGISTERED.columns) | _columns(wanted)
    if state["name"] is None:
        raise BadParameter("name", "", "give name")

    def step(transaction: Transaction) -> State | None:
        key = {"id": id}
        if REGISTERED.now(transaction, key) is not None:
            raise Conflict(
                f"a table with the id {id} is registered already",
                detail="Use another id, or change that table.",
            )
        write = Written(caller, "registry.create", f"table:{id}", REGISTERED, key)
        return write(transaction, state, None)

    return step


def change_table(caller: Caller, id: str, wanted: Mapping[str, Any]) -> Step:
    """Set what is `wanted` of a registered table. Raises as `register`, and NotFound. The answer is
    the row."""
    columns = _columns(wanted)

    def step(transaction: Transaction) -> State | None:
        key = {"id": id}
        there = _there(transaction, id)
        new = changes(there, columns)
        if not new:
            return there
        write = Written(caller, "registry.update", f"table:{id}", REGISTERED, key)
        return write(transaction, new, there, name=there["name"], changed=sorted(new))

    return step


def unregister(caller: Caller, id: str) -> Step:
    """Take a table out of the registry. Raises NotFound."""

    def step(transaction: Transaction) -> State | None:
        there = _there(transaction, id)
        write = Written(caller, "registry.delete", f"table:{id}", REGISTERED, {"id": id})
        return write(transaction, None, there, name=there["name"])

    return step


def _set(caller: Caller, action: str, noun: str, kind: Kind, name: str, value: str | None) -> Step:
    (column,), (named,) = kind.columns, kind.key
    name, value = typed.label(named, name, NAME_LIMIT), _bounded(column, value)
    key = {named: name}

    def step(transaction: Transaction) -> State | None:
        there = kind.now(transaction, key) or {}
        if there[column] == value:
            return there if value is not None else None
        write = Written(caller, action, f"{noun}:{name}", kind, key)
        row = write(transaction, {column: value}, there, changed=[column])
        return None if value is None else row

    return step


@dataclass(frozen=True)
class Written:
    """One change of one object, with its row in the log."""

    caller: Caller
    action: str
    resource: str
    kind: Kind
    key: Key

    def __call__(
        self, transaction: Transaction, wanted: State | None, there: State | None, **told: Any
    ) -> State | None:
        """Make the object that is `there` what is `wanted`; `told` stands in the log beside it. The
        answer is the object then."""
        by = self.caller.principal.user_id if self.caller.principal else None
        for edit in self.kind.edits(transaction, self.key, wanted, there, by):
            edit.do(transaction)
        params = {**told, **(wanted or {}), **self.key}
        transaction.insert(
            recorded(self.caller, self.action, resource=self.resource, params=params, before=there)
        )
        return None if wanted is None else self.kind.now(transaction, self.key)


def _there(transaction: Transaction, id: str) -> State:
    found = REGISTERED.now(transaction, {"id": id})
    if found is None:
        raise NotFound(f"no table {shorten(id)}", detail="List the tables to see their ids.")
    return found


def _columns(wanted: Mapping[str, Any]) -> State:
    columns: State = {}
    for name, value in wanted.items():
        if name == "id":
            continue
        if name not in REGISTERED.columns:
            raise BadParameter.unknown(name, REGISTERED.columns, what="column")
        columns[name] = _bounded(name, text(value))
    if "name" in columns:
        columns["name"] = typed.label("name", columns["name"] or "", NAME_LIMIT)
        if columns["name"].casefold().startswith(OWN_ROWS):
            raise BadParameter("name", columns["name"], f"{OWN_ROWS}… names tables of the console")
    return columns


def _bounded(name: str, value: str | None) -> str | None:
    if value is None:
        return None
    value = printable(value)
    if len(value.encode()) > TEXT_LIMIT:
        raise TooLarge(f"{name} is longer than {TEXT_LIMIT // 1024} KiB")
    return value
