"""What a button of users & access is done with: the form's fields, who presses it, and how a step
is written so that its event in the log is known.

What happens is decided by `console.identity`; a deed only reads fields and asks for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from console.audit import Caller
from console.instance import Instance
from schema.errors import BadParameter
from schema.tables import AUDIT_LOG
from schema.transaction import Rows, Transaction

YES = ("yes", "on", "1")


@dataclass(frozen=True)
class Once:
    """A secret that is shown this one time: of what `kind` (`token`, `link`), whose it is."""

    kind: str
    text: str
    whose: str


@dataclass(frozen=True)
class Done:
    """`event`: of the log, "" where nothing had to be changed. `to`: what of the page's query is
    other afterwards; `path`: another page to go to. `said`: what the event alone does not tell."""

    event: str = ""
    to: Mapping[str, str | None] = field(default_factory=dict)
    path: str = ""
    once: Once | None = None
    said: str = ""


@dataclass(frozen=True)
class Desk:
    """`fields`: each once; `chosen`: those that are ticked; `address`: of this console, as people
    open it; `secret`: of the browser that asks, whose session is kept."""

    instance: Instance
    caller: Caller
    fields: Mapping[str, str]
    chosen: Sequence[str]
    address: str
    secret: str | None = None

    def text(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    def need(self, name: str, wanted: str) -> str:
        """Raises BadParameter."""
        found = self.text(name)
        if not found:
            raise BadParameter(name, "", wanted)
        return found

    def flag(self, name: str) -> bool:
        return self.text(name) in YES

    def edited(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Of what a form holds, what its reader changed: `was_<name>` is what it showed them. So
        what somebody else has changed since stays changed."""
        return {
            name: value
            for name, value in wanted.items()
            if f"was_{name}" not in self.fields or self.text(name) != self.text(f"was_{name}")
        }

    def person(self, name: str) -> str:
        """The id of whoever is meant by a field: an id, an e-mail, or a part of it that only one
        has. Raises BadParameter, which names those who could be meant."""
        text = self.need(name, "an e-mail, or a part of a name")
        people = self.instance.people.all()
        found = [id for id in self.instance.people.named(text) if id in people]
        if len(found) == 1:
            return found[0]
        if not found:
            raise BadParameter(name, text, "the e-mail or the name of somebody with an account")
        several = ", ".join(people[id].email for id in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise BadParameter(name, text, f"one person; it may be {several}{more}")

    async def write(self, *steps: Callable[[Transaction], Any]) -> tuple[Any, str]:
        """Do them in one write. What the last one answers, and its event in the log, "" for
        none."""

        def step(transaction: Transaction) -> tuple[Any, str]:
            heard = _Heard(transaction)
            answer = None
            for one in steps:
                answer = one(cast(Transaction, heard))
            return answer, heard.last

        written: tuple[Any, str] = await self.instance.store.awrite(step)
        return written


class _Heard:
    """A transaction that remembers the last row that went into the log."""

    def __init__(self, of: Transaction) -> None:
        self._of = of
        self.last = ""

    def insert(self, rows: Rows) -> None:
        if rows.table is AUDIT_LOG:
            for row in cast(Sequence[Mapping[str, Any]], rows.rows):
                self.last = row["id"]
        self._of.insert(rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of, name)


@dataclass(frozen=True)
class Deed:
    """One button: what the log calls it, the fields it reads, what kind of object its value names,
    and what is done."""

    action: str
    do: Callable[[Desk, str], Awaitable[Done]]
    fields: Sequence[str] = ()
    noun: str = ""
