"""Who reads sessions: rights and names, for all that is asked about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from console.instance import Instance
from console.queries.sessions import SessionsSeen
from schema.policy import Principal, Seen
from schema.tables import SESSION_FINDINGS

Row = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """Who reads the sessions of which instance."""

    instance: Instance
    principal: Principal

    @property
    def seen(self) -> SessionsSeen:
        return SessionsSeen.by(self.principal)

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
