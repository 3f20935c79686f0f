"""A visit whose page fails: the reader is answered, and the page lives on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from tornado.websocket import WebSocketHandler

from console.pages import shell
from tests.browser.visitor import visit
from tests.whole_server import WholeServer


def test_a_step_that_fails_unexpectedly_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WholeServer(tmp_path / "data") as server:
        asyncio.run(
            _fail_once(server, server.cookie(server.person("eva", is_admin=True)), monkeypatch)
        )


async def _fail_once(
    server: WholeServer, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> str:
        raise RuntimeError("secret detail")

    client = httpx.AsyncClient(base_url=server.address, cookies=cookies, trust_env=False)
    async with client, visit(client) as page:
        with monkeypatch.context() as patched:
            patched.setattr(shell, "health_dot", broken)
            refused = await page.go("?since_minutes=60")
        assert "something failed here" in refused["notice"]
        assert "secret detail" not in str(refused)
        assert (await page.go("?since_minutes=60"))["notice"] == ""


def test_a_message_does_not_wait_for_the_receipt_of_its_first_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Linux that is 40 ms of waiting, for each message."""
    said: list[bool] = []
    told = WebSocketHandler.set_nodelay

    def set_nodelay(handler: WebSocketHandler, *value: bool) -> None:
        said.extend(value)
        told(handler, *value)

    async def look(server: WholeServer) -> None:
        cookies = server.cookie(server.person("ida", is_admin=True))
        async with (
            httpx.AsyncClient(base_url=server.address, cookies=cookies, trust_env=False) as client,
            visit(client),
        ):
            assert said == [True]

    monkeypatch.setattr(WebSocketHandler, "set_nodelay", set_nodelay)
    with WholeServer(tmp_path / "data") as server:
        asyncio.run(look(server))
