"""Who reads sessions: rights and names, for all that is asked about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from console.instance import Instance
from console.kept import kept
from console.queries.sessions import SessionFilter, SessionsSeen, unread
from schema.policy import Principal, Seen
from schema.tables import SESSION_FILES, SESSION_FINDINGS, USAGE_SESSION_SUMMARY

Row = dict[str, Any]
_MOST = 500  # sessions that wait, of which a list is faster than looking for them


@dataclass(frozen=True)
class Reader:
    """Who reads the sessions of which instance."""

    instance: Instance
    principal: Principal

    @property
    def seen(self) -> SessionsSeen:
        return SessionsSeen.by(self.principal)

    def seen_for(self, filter: SessionFilter) -> SessionsSeen:
        """`seen`, made cheaper by what this filter can match. It blocks."""
        waiting = _unread(self.instance) if filter.meets_waiting else ()
        return SessionsSeen.by(self.principal, unread=waiting)

    @property
    def found(self) -> Seen:
        return Seen(SESSION_FINDINGS, self.principal)

    def ask(self, question: Any, *args: Any) -> list[Row]:
        return self.instance.store.rows(question, *args)

    def named(self, rows: Iterable[Row]) -> list[Row]:
        """Rows with the name and e-mail that their people have today."""
        people, nobody = self.instance.people.all(), {"user_name": None, "user_email": None}
        return [
            {**row, "user_name": person.name, "user_email": person.email}
            if (person := people.get(row["user_id"]))
            else {**row, **nobody}
            for row in rows
        ]


def _unread(instance: Instance) -> tuple[str, ...] | None:
    """The sessions that no processor has read yet, looked for once a change; None where they are
    many."""
    store = instance.store
    known, version = kept(store), store.version(SESSION_FILES.name, USAGE_SESSION_SUMMARY.name)
    found: tuple[tuple[str, ...] | None] | None = known.get(("unread",), version)
    if found is None:
        rows = store.rows(unread, _MOST + 1)
        keys = tuple(sorted(row["session_file"] for row in rows))
        found = (keys if len(keys) <= _MOST else None,)
        known.put(("unread",), version, found)
    return found[0]
