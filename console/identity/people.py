"""Names for ids: what pages, lists and facets print instead of a UUID, and who is meant by a typed
name."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from schema.store import Store
from schema.table import rows_of
from schema.tables import USERS


@dataclass(frozen=True)
class Person:
    id: str
    email: str
    name: str | None
    is_active: bool

    @property
    def label(self) -> str:
        return self.name or self.email


class People:
    """Everybody with an account, read anew when the table of users has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._version = -1
        self._people: dict[str, Person] = {}

    def all(self) -> dict[str, Person]:
        version = self._store.version(USERS.name)
        if version != self._version:
            with self._lock:
                users = rows_of(USERS)
                rows = self._store.read(
                    users.select("id", "email", "name", "is_active")
                ).to_pylist()
                self._people = {row["id"]: Person(**row) for row in rows}
                self._version = version
        return self._people

    def get(self, user_id: str | None) -> Person | None:
        return self.all().get(user_id) if user_id else None

    def active(self) -> int:
        return sum(person.is_active for person in self.all().values())

    def named(self, text: str) -> tuple[str, ...]:
        """Ids of the people meant by `text`: an id, an e-mail, else any part of a name or e-mail.
        Nobody: the text itself, which matches no row."""
        people, wanted = self.all(), text.casefold()
        if text in people:
            return (text,)
        exact = [one.id for one in people.values() if one.email.casefold() == wanted]
        near = [
            one.id
            for one in people.values()
            if wanted in one.email.casefold() or wanted in (one.name or "").casefold()
        ]
        return tuple(exact or sorted(near)[:500]) or (text,)
