"""The real application, pages and all, in a thread: its routes can be listed, its people made by
rows."""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from console import app
from console.audit import new_id, now
from console.identity.gate import COOKIE, digest
from console.settings import Settings
from schema.tables import (
    PERSONAL_ACCESS_TOKENS,
    RESOURCE_GRANTS,
    USER_GROUP_MEMBERS,
    USER_GROUPS,
    USERS,
    WEB_SESSIONS,
)
from schema.transaction import Rows
from tests.server_process import NO_TLS


class WholeServer:
    """`console.app.make_server` on a folder of its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        mask = os.umask(0o077)
        os.umask(mask)
        self.instance = app.open_instance(Settings({}, AGNES_DATA_DIR=str(folder), **settings))
        os.umask(mask)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._forever()), daemon=True)

    def __enter__(self) -> WholeServer:
        self._thread.start()
        assert self._ready.wait(120), "the server did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        self.instance.questions.close()
        self.instance.store.close()

    async def _forever(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = app.make_server(self.instance, host="127.0.0.1", port=0)
        server.start()
        self.address = f"http://127.0.0.1:{server.port}"
        self.routes = sorted(
            {pattern for router in _routers(server) for pattern in _patterns(router)}
        )
        self._ready.set()
        await self._stop.wait()
        server._http.stop()
        await server._http.close_all_connections()
        server.stop(wait=False)

    # People

    def person(self, name: str, *surfaces: str, is_admin: bool = False) -> str:
        """The id of a new user, in a group that is granted these surfaces."""
        user, group, at = new_id(), new_id(), now()
        about = {"id": user, "email": f"{name}@example.org", "is_admin": is_admin}
        rows = [
            Rows(USERS, [{**about, "name": name, "is_active": True, "created_at": at}]),
            Rows(USER_GROUPS, [{"id": group, "name": f"group of {name}", "created_at": at}]),
            Rows(USER_GROUP_MEMBERS, [{"group_id": group, "user_id": user, "added_at": at}]),
        ]
        grants = [
            {"id": new_id(), "group_id": group, "resource_type": surface, "created_at": at}
            for surface in surfaces
        ]
        self.instance.store.write(*rows, *[Rows(RESOURCE_GRANTS, grants)] * bool(grants)).result()
        return user

    def token(self, user: str) -> str:
        """The text of a new token of theirs."""
        secret = f"agnes_{new_id()}"
        row = {"id": new_id(), "user_id": user, "name": "for a test", "kind": "cli"}
        made = {"token_hash": digest(secret), "created_at": now()}
        self.instance.store.write(Rows(PERSONAL_ACCESS_TOKENS, [{**row, **made}])).result()
        return secret

    def cookie(self, user: str) -> dict[str, str]:
        """The cookie of a browser in which they have signed in."""
        secret = f"web-{new_id()}"
        row = {"id": new_id(), "user_id": user, "secret_hash": digest(secret)}
        times = {"created_at": now(), "expires_at": now() + timedelta(hours=1)}
        self.instance.store.write(Rows(WEB_SESSIONS, [{**row, **times}])).result()
        return {COOKIE: self.instance.gate.signed(secret)}

    def client(
        self, token: str | None = None, *, cookies: dict[str, str] | None = None
    ) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(
            base_url=self.address,
            headers=headers,
            cookies=cookies,
            trust_env=False,
            verify=NO_TLS,
            timeout=120,
            # Each request comes alone: a refused upload ends its connection, whatever was to follow
            # on it.
            limits=httpx.Limits(max_keepalive_connections=0),
        )


def _routers(server: Any) -> list[Any]:
    return [server._tornado.default_router, server._tornado.wildcard_router]


def _patterns(router: Any) -> list[str]:
    """The paths of a router and of those inside it, as regular expressions."""
    found: list[str] = []
    for rule in router.rules:
        if hasattr(rule.target, "rules"):
            found += _patterns(rule.target)
        else:
            found.append(rule.matcher.regex.pattern)
    return found
