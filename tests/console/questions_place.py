"""A console with four people, whose rows in every `agnes_*` table carry their name in each text, so
that a foreign row is known wherever it comes out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson

from console.audit import new_id, now
from console.tables.agnes_tables import AgnesTable, agnes_tables
from schema.policy import SURFACES
from schema.tables import USERS
from schema.transaction import Rows
from tests.whole_server import WholeServer

ROWS = 40  # of each person in each table
START = datetime(2026, 3, 2, 9)
HIDDEN = "mark-of-hidden"  # stands only in tables that nobody may question
WHO = ("analyst", "granted", "admin", "other")
_JSON = {"params", "params_before", "tags", "environment"}
_KEYS = {"id", "session_file"}


def mark(name: str) -> str:
    return f"mark-of-{name}"


@dataclass(frozen=True)
class Place:
    """`ids` and `clients` by name; `granted` holds every page there is."""

    server: WholeServer
    ids: dict[str, str]
    clients: dict[str, httpx.Client]

    def answer(self, who: str, sql: str, limit: int = 1000) -> httpx.Response:
        return self.clients[who].post("/api/query", json={"sql": sql, "limit": limit})

    def ask(self, who: str, sql: str, limit: int = 100_000) -> list[list[Any]]:
        answer = self.answer(who, sql, limit)
        assert answer.status_code == 200, answer.text
        found: list[list[Any]] = answer.json()["rows"]
        return found

    def foreign(self, who: str, text: str) -> list[str]:
        """Whose rows, other than their own, stand in `text`."""
        others = [] if who == "admin" else [mark(name) for name in WHO if name != who]
        return [one for one in (*others, HIDDEN) if one in text]


@contextmanager
def place(folder: Path, **settings: str) -> Iterator[Place]:
    with WholeServer(folder, **settings) as server:
        ids = {
            name: server.person(
                name,
                *(SURFACES if name == "granted" else ()),
                is_admin=name == "admin",
            )
            for name in WHO
        }
        hidden = {"id": new_id(), "email": f"{HIDDEN}@example.org", "name": HIDDEN}
        rows = [
            Rows(table.of, [row(table, name, ids[name], number) for number in range(ROWS)])
            for table in agnes_tables().values()
            for name in WHO
        ]
        people = {**hidden, "is_admin": False, "is_active": True, "created_at": now()}
        server.instance.store.write(Rows(USERS, [people]), *rows).result()
        clients = {name: server.client(server.token(ids[name])) for name in WHO}
        yield Place(server, ids, clients)
        for client in clients.values():
            client.close()


def row(table: AgnesTable, name: str, user: str, number: int) -> dict[str, Any]:
    """One row of theirs: texts with their mark, few different values, some nulls."""
    made: dict[str, Any] = {}
    for column in table.columns:
        kind = table.of.schema[column]
        text = f"{mark(name)} {number % 4}"
        if column == table.of.owner:
            made[column] = user
        elif column in _KEYS:
            made[column] = f"{mark(name)}-{table.name}-{number}"
        elif column in _JSON:
            made[column] = orjson.dumps({"note": text}).decode()
        elif kind.nullable and (number + len(column)) % 5 == 0:
            made[column] = None
        elif kind.is_timestamp():
            made[column] = START + timedelta(hours=number % 9)
        elif kind.is_boolean():
            made[column] = number % 3 == 0
        elif kind.is_numeric():
            made[column] = (number * len(column)) % 11
        else:
            made[column] = text
    return made
