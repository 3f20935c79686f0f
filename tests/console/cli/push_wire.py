"""What a push puts on the wire, and the answers it gets."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from email import message_from_bytes
from typing import Any

import httpx

from tests.console.cli.stand_in import Server

UPLOAD = "/api/upload/sessions"


def fields(request: httpx.Request) -> tuple[str, str | None, bytes]:
    """File name, parent and content of one upload, as the server keeps them."""
    head = b"Content-Type: " + request.headers["Content-Type"].encode() + b"\r\n\r\n"
    payload: Any = message_from_bytes(head + request.content).get_payload()
    parts = {part.get_param("name", header="Content-Disposition"): part for part in payload}
    parent = parts["parent"].get_payload() if "parent" in parts else None
    name = parts["file"].get_filename()
    assert name.endswith(".jsonl.gz")
    assert parts["file"].get_content_type() == "application/gzip"
    content = gzip.decompress(parts["file"].get_payload(decode=True))
    return name.removesuffix(".gz"), parent, content


def accept(request: httpx.Request) -> httpx.Response:
    name, parent, content = fields(request)
    folder = "u1" if parent is None else f"{parent.removesuffix('.jsonl')}/subagents"
    answer = {
        "status": "ok",
        "filename": name,
        "size": len(content),
        "session_file": f"{folder}/{name}",
    }
    return httpx.Response(201, json=answer)


def unless(name: str, status: int, error: str) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        if fields(request)[0] != name:
            return accept(request)
        return httpx.Response(status, json={"ok": False, "error": error, "detail": ""})

    return answer


def sent(server: Server) -> list[tuple[str, str | None]]:
    return [fields(request)[:2] for request in server.requests if request.method == "POST"]
