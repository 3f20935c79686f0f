"""A visit to a page without a browser: its HTML, then its websocket, as Bokeh's own script speaks
it. Hundreds of visits cost what a handful of real tabs would."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import orjson
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

_TOKEN = re.compile(r'"token":"([^"]+)"')
_PATIENCE = 60.0  # seconds for one answer


class Visit:
    """One open page."""

    def __init__(self, connection: WebSocketClientConnection, html: str) -> None:
        self.html = html
        self._connection = connection
        self._live = ""
        self._steps = 0

    async def open(self) -> None:
        """Pull the document, as a browser does; the component that asks is found in it."""
        await self._until("ACK")
        await self._send("PULL-DOC-REQ", {})
        document = await self._until("PULL-DOC-REPLY")
        roots = document["doc"]["roots"]
        (self._live,) = [
            root["id"] for root in roots if root["attributes"].get("class_name") == "Live"
        ]
        await self._event("document_ready", [])

    async def go(self, query: str = "?", *, beat: bool = False) -> Mapping[str, str]:
        """Ask for this query, or, as a page does by itself, once more for what is shown: the
        regions that come back."""
        self._steps += 1
        told = [["go", query], ["push", not beat], ["beat", beat], ["step", self._steps]]
        values = [["model", {"id": self._live}], ["data", {"type": "map", "entries": told}]]
        await self._event("data_event", values)
        while True:
            patch = await self._until("PATCH-DOC")
            for change in patch["events"]:
                if change.get("attr") == "regions":
                    return dict(change["new"]["entries"])

    async def _event(self, name: str, values: list[Any]) -> None:
        event = {"type": "event", "name": name, "values": {"type": "map", "entries": values}}
        message = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}
        await self._send("PATCH-DOC", {"events": [message]})

    async def _send(self, kind: str, content: Mapping[str, Any]) -> None:
        head = {"msgid": uuid.uuid4().hex, "msgtype": kind}
        for frame in (head, {}, content):
            await self._connection.write_message(orjson.dumps(frame).decode())

    async def _until(self, kind: str) -> Any:
        """The content of the next message of this kind."""
        while True:
            head, _, content = [await self._frame() for _ in range(3)]
            assert head["msgtype"] != "ERROR", content
            if head["msgtype"] == kind:
                return content

    async def _frame(self) -> Any:
        text = await asyncio.wait_for(self._connection.read_message(), _PATIENCE)
        assert text is not None, "the server closed the websocket"
        return orjson.loads(text)


@asynccontextmanager
async def visit(
    client: httpx.AsyncClient, path: str = "/admin/activity", query: str = ""
) -> AsyncIterator[Visit]:
    """Open `path` with the cookies of `client`; the page is closed at the end."""
    answer = await client.get(f"{path}?{query}" if query else path)
    assert answer.status_code == 200, answer.text
    found = _TOKEN.search(answer.text)
    assert found is not None, "no document in this page"
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    address = str(client.base_url).replace("http", "ws", 1).rstrip("/") + path + "/ws"
    request = HTTPRequest(address, headers={"Cookie": cookies}, connect_timeout=_PATIENCE)
    connection = await websocket_connect(request, subprotocols=["bokeh", found[1]])
    page = Visit(connection, answer.text)
    try:
        await page.open()
        yield page
    finally:
        connection.close()
        with suppress(TimeoutError):  # until the other side has closed it, too: no socket is left
            while await asyncio.wait_for(connection.read_message(), 5) is not None:
                pass
