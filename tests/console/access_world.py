"""A real server with users & access, in a thread: what the tests of sign-in and rights talk to."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import orjson
from argon2 import PasswordHasher
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from console import api
from console.audit import new_id, now
from console.identity.gate import Gate, digest
from console.identity.passwords import Passwords
from console.identity.people import People
from console.identity.rate_limit import RateLimit
from console.identity.sign_in import SignIn
from console.instance import Instance
from console.metrics import Metrics
from console.pages import oidc as oidc_page
from console.pages import sign_in as sign_in_page
from console.settings import Settings
from schema.store import Store
from schema.table import Table, rows_of
from schema.tables import AUDIT_LOG, PERSONAL_ACCESS_TOKENS, TABLE_REGISTRY, USERS
from schema.transaction import Rows
from tests.server_process import NO_TLS

ROUTES: list[tuple[str, Any]] = [*api.ROUTES, *sign_in_page.ROUTES, *oidc_page.ROUTES]
PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


class World:
    """An instance, its server, and shortcuts for making people and asking as them."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.settings = Settings({}, AGNES_DATA_DIR=str(folder), **settings)
        self.store = Store(self.settings.database, threads=1)
        self.clock = Clock()
        self.gate = Gate(self.store, b"key", trusted_proxies=("127.0.0.1",))
        self.instance = Instance(
            self.settings, self.store, self.gate, People(self.store), Metrics(self.store)
        )
        self.instance.sign_in = SignIn(
            passwords=Passwords(CHEAP), limit=RateLimit(clock=self.clock)
        )
        self._numbers = itertools.count(1)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> World:
        self._thread.start()
        assert self._ready.wait(10)
        self.admin_id = self.user("root@example.org", is_admin=True)
        self.admin = self.client(self.token(self.admin_id))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.admin.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self.instance.questions.close()
        self.store.close()

    def _serve(self) -> None:
        asyncio.run(self._forever())

    async def _forever(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        application = Application(
            [(pattern, handler, {"instance": self.instance}) for pattern, handler in ROUTES],
            log_function=lambda handler: None,
        )
        server = HTTPServer(application)
        listening, port = bind_unused_port()
        server.add_sockets([listening])
        self.address = self.instance.address = f"http://127.0.0.1:{port}"
        self._ready.set()
        await self._stop.wait()
        server.stop()
        await server.close_all_connections()

    # People

    def user(
        self,
        email: str | None = None,
        *,
        password: str | None = None,
        is_admin: bool = False,
        is_active: bool = True,
    ) -> str:
        """A user by a row of our own: no endpoint is needed to test the others."""
        id = new_id()
        row = {
            "id": id,
            "email": email or f"user{next(self._numbers)}@example.org",
            "name": None,
            "is_admin": is_admin,
            "password_hash": CHEAP.hash(password) if password else None,
            "is_active": is_active,
            "created_at": now(),
        }
        self.store.write(Rows(USERS, [row])).result()
        return id

    def token(self, user_id: str, *, kind: str = "cli") -> str:
        """The text of a new token of theirs."""
        secret = f"agnes_{new_id()}"
        row = {
            "id": new_id(),
            "user_id": user_id,
            "name": "for a test",
            "kind": kind,
            "token_hash": digest(secret),
            "created_at": now(),
        }
        self.store.write(Rows(PERSONAL_ACCESS_TOKENS, [row])).result()
        return secret

    def client(self, token: str | None = None, *, address: str | None = None) -> httpx.Client:
        """Somebody who asks; `address` is where they seem to come from."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if address:
            headers["X-Forwarded-For"] = address
        return httpx.Client(base_url=self.address, headers=headers, trust_env=False, verify=NO_TLS)

    @contextmanager
    def browser(self, *, address: str | None = None, tls: bool = False) -> Iterator[httpx.Client]:
        """A browser that has opened the sign-in form."""
        with self.client(address=address) as browser:
            if tls:
                browser.headers["X-Forwarded-Proto"] = "https"
            browser.get("/login")
            yield browser

    def table(self, id: str) -> None:
        """A registered table, by a row of our own: grants name one."""
        row = dict.fromkeys(TABLE_REGISTRY.columns) | {"id": id, "name": id, "created_at": now()}
        self.store.write(Rows(TABLE_REGISTRY, [row])).result()

    # What is kept

    def rows(self, table: Table, **equal: Any) -> list[dict[str, Any]]:
        """Rows of a table whose columns have these values."""
        # The row of a failure may still be queued when the answer is out: wait behind it.
        self.store.write(lambda transaction: None).result()
        found: list[dict[str, Any]] = self.store.read(rows_of(table)).to_pylist()
        return [row for row in found if all(row[name] == part for name, part in equal.items())]

    def log(self, action: str, **equal: Any) -> list[dict[str, Any]]:
        """Rows of the audit log, oldest first, with params and params_before as objects."""
        found = self.rows(AUDIT_LOG, action=action, **equal)
        for row in found:
            for column in ("params", "params_before"):
                row[column] = orjson.loads(row[column]) if row[column] else {}
        return sorted(found, key=lambda row: str(row["id"]))

    def last(self, action: str, **equal: Any) -> dict[str, Any]:
        """The newest row of an action."""
        found = self.log(action, **equal)
        assert found, f"no row {action} {equal}"
        return found[-1]


def submit(browser: httpx.Client, path: str = "/login", **fields: str) -> httpx.Response:
    """Send the form of a page, with the XSRF token that its cookie holds."""
    return browser.post(path, data={"_xsrf": browser.cookies.get("_xsrf", ""), **fields})


def cookies_set(answer: httpx.Response) -> dict[str, str]:
    """Name -> the whole Set-Cookie line."""
    lines: Sequence[str] = answer.headers.get_list("set-cookie")
    return {line.partition("=")[0]: line for line in lines}
