"""An outbox with a clock of its own, a store, and a Telegram that is a stand-in."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from console.audit import new_id, now
from console.notifications.bot import Bot
from console.notifications.outbox import Outbox
from schema.store import Store
from schema.table import Table, rows_of
from schema.tables import NOTIFICATIONS, TELEGRAM_LINKS, USERS
from schema.transaction import Rows
from tests.console.stand_in_telegram import TOKEN, Telegram

NOON = datetime(2026, 5, 4, 12)
PUBLIC = "https://agnes.example"
HOUR = 8


class Clock:
    """Goes on only when a test says so."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at

    def later(self, **span: float) -> None:
        self.at += timedelta(**span)


class Place:
    def __init__(self, folder: Path, telegram: Telegram, api: str) -> None:
        self.store = Store(folder / "agnes.duckdb", threads=1)
        self.telegram = telegram
        self.api = api
        self.clock = Clock()
        self.outbox = self.begin()

    def begin(self, *, token: str = TOKEN, seconds: float = 20) -> Outbox:
        """The outbox of a server that has just started."""
        bot = Bot(token, self.api, seconds) if token else None
        self.outbox = Outbox(self.store, bot, hour=HOUR, public=PUBLIC, clock=self.clock)
        return self.outbox

    def turn(self) -> datetime | None:
        return asyncio.run(self.outbox.turn())

    def admin(self, chat: int | None = None, **more: Any) -> str:
        id = new_id()
        user = {"id": id, "email": f"{id}@example.org", "is_admin": True, "is_active": True}
        self.write(USERS, {**user, "created_at": now(), **more})
        if chat is not None:
            self.write(TELEGRAM_LINKS, {"user_id": id, "chat_id": str(chat), "linked_at": now()})
        return id

    def queue(self, user: str, mark: str, kind: str = "report.new") -> str:
        id = new_id()
        row = {"id": id, "user_id": user, "created_at": self.clock(), "kind": kind}
        said = {"subject": f"New report {mark}", "about": f"report:{mark}", "link": f"/r/{mark}"}
        self.write(NOTIFICATIONS, {**row, **said, "channel": "telegram", "state": "queued"})
        return id

    def write(self, table: Table, row: dict[str, Any]) -> None:
        self.store.write(Rows(table, [row])).result()

    def row(self, id: str) -> dict[str, Any]:
        (found,) = [one for one in self.rows() if one["id"] == id]
        return found

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.store.read(rows_of(NOTIFICATIONS)).to_pylist()
        return found
