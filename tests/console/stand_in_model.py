"""A server that speaks as much of Anthropic's Messages API as the console does, in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

KEY = "sk-test-7f3a9c"


class Model:
    """`reply`: what it answers next, as (status, body, headers), after `waits` seconds. `asked`:
    what it was asked, `headers`: how."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[HTTPHeaders] = []
        self.proposes("SELECT 1 AS one")

    def proposes(self, sql: str, rationale: str = "It counts.", **more: Any) -> None:
        given = {"sql": sql, "rationale": rationale, **more}
        self.says(blocks({"type": "tool_use", "id": "t", "name": "propose", "input": given}))

    def says(
        self, body: object, *, status: int = 200, waits: float = 0, headers: Any = None
    ) -> None:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        self.reply = (status, content, headers or {})
        self.waits = waits


def blocks(*content: dict[str, Any], stop_reason: str = "end_turn") -> dict[str, Any]:
    about = {"id": "m", "type": "message", "role": "assistant", "model": "stand-in"}
    return {**about, "content": list(content), "stop_reason": stop_reason}


def text(*said: str) -> dict[str, Any]:
    return blocks(*({"type": "text", "text": one} for one in said))


class _Messages(RequestHandler):
    model: Model

    def initialize(self, model: Model) -> None:
        self.model = model

    async def post(self) -> None:
        self.model.asked.append(orjson.loads(self.request.body))
        self.model.headers.append(self.request.headers)
        status, content, headers = self.model.reply
        await asyncio.sleep(self.model.waits)
        self.set_status(status)
        for name, value in headers.items():
            self.set_header(name, value)
        self.finish(content)


@contextmanager
def serving() -> Iterator[tuple[Model, str]]:
    """A model, and the address to reach it at."""
    model, ready, end = Model(), threading.Event(), asyncio.Event()
    found: dict[str, Any] = {}

    async def forever() -> None:
        (socket,) = bind_sockets(0, "127.0.0.1")
        server = HTTPServer(Application([("/v1/messages", _Messages, {"model": model})]))
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
        yield model, f"http://127.0.0.1:{found['port']}"
    finally:
        found["loop"].call_soon_threadsafe(end.set)
        thread.join(30)
