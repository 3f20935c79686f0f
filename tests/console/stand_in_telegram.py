"""A server that speaks as much of Telegram's Bot API as the console does, in a thread: sendMessage,
getUpdates, getMe; slow, busy, broken or deaf where a test says so."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

TOKEN = "7700000001:" + "stand-in-of-a-token_0123456789abcdef"
NAME = "agnes_test_bot"


@dataclass
class Telegram:
    """`sent`: what was taken, as (chat id, text); `asked`: the names of all calls, refused ones
    too. `replies`: what the next calls of sendMessage get instead, as (status, body). While
    `held` is clear, nothing is answered, though all is taken."""

    sent: list[tuple[int, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    replies: deque[tuple[int, Any]] = field(default_factory=deque)
    offsets: list[int | None] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    answers: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __post_init__(self) -> None:
        self.answers.set()

    def refuses(self, status: int, words: str = "no", **parameters: int) -> None:
        """The next message is not taken."""
        body = {"ok": False, "error_code": status, "description": words}
        self.replies.append((status, {**body, "parameters": parameters} if parameters else body))

    def hears(self, chat: int, text: str, *, kind: str = "private") -> None:
        """Somebody says something to the bot."""
        about = {"message_id": 1, "date": 0, "chat": {"id": chat, "type": kind}, "text": text}
        self.updates.append({"update_id": 100 + len(self.updates), "message": about})

    def forget(self) -> None:
        self.sent.clear()
        self.asked.clear()
        self.replies.clear()


class _Method(RequestHandler):
    telegram: Telegram

    def initialize(self, telegram: Telegram) -> None:
        self.telegram = telegram

    async def post(self, token: str, method: str) -> None:
        self.telegram.asked.append(method)
        given = orjson.loads(self.request.body or b"{}")
        if token != TOKEN:
            return self._refuse(401, "Unauthorized")
        if method == "getMe":
            return self._answer({"id": 1, "is_bot": True, "username": NAME})
        if method == "getUpdates":
            offset = given.get("offset")
            self.telegram.offsets.append(offset)
            found = [one for one in self.telegram.updates if one["update_id"] >= (offset or 0)]
            return self._answer(found)
        if method != "sendMessage":
            return self._refuse(404, "Not Found")
        if self.telegram.replies:
            status, body = self.telegram.replies.popleft()
            self.set_status(status)
            self.finish(body if isinstance(body, bytes) else orjson.dumps(body))
            return None
        self.telegram.sent.append((given["chat_id"], given["text"]))
        self.telegram.arrived.release()
        await asyncio.to_thread(self.telegram.answers.wait)
        return self._answer({"message_id": len(self.telegram.sent)})

    def _answer(self, result: Any) -> None:
        self.finish(orjson.dumps({"ok": True, "result": result}))

    def _refuse(self, status: int, words: str) -> None:
        self.set_status(status)
        self.finish(orjson.dumps({"ok": False, "error_code": status, "description": words}))


@contextmanager
def serving() -> Iterator[tuple[Telegram, str]]:
    """Telegram, and the address to reach it at."""
    telegram, ready, end = Telegram(), threading.Event(), asyncio.Event()
    found: dict[str, Any] = {}

    async def forever() -> None:
        (socket,) = bind_sockets(0, "127.0.0.1")
        routes = [(r"/bot([^/]+)/([A-Za-z]+)", _Method, {"telegram": telegram})]
        server = HTTPServer(Application(routes, log_function=lambda handler: None))
        server.add_sockets([socket])
        found.update(port=socket.getsockname()[1], loop=asyncio.get_running_loop())
        ready.set()
        await end.wait()
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=lambda: asyncio.run(forever()), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield telegram, f"http://127.0.0.1:{found['port']}"
    finally:
        telegram.answers.set()
        found["loop"].call_soon_threadsafe(end.set)
        thread.join(30)
