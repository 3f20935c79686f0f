"""A whole console for the tests of users, groups, resource access and tokens, and its buttons."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlsplit

import httpx

from console.audit import new_id, now
from schema.table import Table, rows_of
from schema.tables import AUDIT_LOG, TABLE_REGISTRY, USER_GROUP_MEMBERS, USER_GROUPS
from schema.transaction import Rows
from tests.whole_server import WholeServer

ACT = "/admin/access/act"
LIVE = {"Accept": "text/x-notice"}
Row = dict[str, Any]


class Place:
    """A console with an admin, Ana, Ben, and a registered table."""

    def __init__(self, server: WholeServer) -> None:
        self.server = server
        self.boss = server.person("boss", is_admin=True)
        self.ana, self.ben = server.person("ana", "sessions"), server.person("ben")
        self.client = server.client(server.token(self.boss))
        rows = [
            dict.fromkeys(TABLE_REGISTRY.columns)
            | {"id": id, "name": id, "source_type": kind, "created_at": now()}
            for id, kind in (("orders", "local"), ("agnes_audit", "internal"))
        ]
        server.instance.store.write(Rows(TABLE_REGISTRY, rows)).result()

    def page(self, path: str, *, status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        return html.unescape(answer.text)

    def act(self, stood: str = "", *, live: bool = False, **fields: Any) -> httpx.Response:
        """Press a button that stands on the page `stood`."""
        headers = {"Referer": self.server.address + stood} | (LIVE if live else {})
        return self.client.post(ACT, data=fields, headers=headers)

    def done(self, stood: str, **fields: Any) -> str:
        """The page that follows, with its notice."""
        answer = self.act(stood, **fields)
        assert answer.status_code == 303, answer.text
        to = answer.headers["Location"]
        assert urlsplit(to).path == urlsplit(stood).path
        return self.page(to)

    def rows(self, table: Table, **equal: str) -> list[Row]:
        self.server.instance.store.write(lambda transaction: None).result()
        rows = rows_of(table)
        wanted = rows.filter([rows[name] == value for name, value in equal.items()])
        found: list[Row] = self.server.instance.store.read(wanted).to_pylist()
        return found

    def group(self, name: str, *members: str) -> str:
        id, at = new_id(), now()
        inside = [{"group_id": id, "user_id": user, "added_at": at} for user in members]
        steps = [Rows(USER_GROUPS, [{"id": id, "name": name, "created_at": at}])]
        steps += [Rows(USER_GROUP_MEMBERS, inside)] * bool(inside)
        self.server.instance.store.write(*steps).result()
        return id

    def may(self, user: str, resource: str) -> bool:
        rows = self.client.get(f"/api/admin/users/{user}/access").json()["rows"]
        return bool(next(row["allowed"] for row in rows if row["resource"] == resource))

    def events(self, action: str, resource: str) -> list[Row]:
        return self.rows(AUDIT_LOG, action=action, resource=resource)


def notice(page: str) -> str:
    found = re.search(r'<div class="notice done".*?</div>', page, re.DOTALL)
    assert found, "the page says what was done"
    return found[0]
