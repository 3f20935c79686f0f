"""A stand-in for the server, and what the tests of the commands share."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from typer.testing import Result

Answer = Any  # a JSON value, an httpx.Response, an exception, or a function of the request


@dataclass
class Server:
    """Answers by (method, path) and keeps what it was asked. An unknown path is a 404."""

    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def on(self, method: str, path: str, answer: Answer) -> None:
        self.answers[method, path] = answer

    def says_no(self, method: str, path: str, status: int, error: str, detail: str = "") -> None:
        body = {"ok": False, "title": "No", "error": error, "detail": detail}
        self.on(method, path, lambda _: httpx.Response(status, json=body))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        nothing = {"ok": False, "title": "Not found", "error": "no such path", "detail": ""}
        missing = httpx.Response(404, json=nothing)
        answer = self.answers.get((request.method, request.url.path), missing)
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    @property
    def last(self) -> httpx.Request:
        return self.requests[-1]

    @property
    def params(self) -> dict[str, str]:
        """The query of the last request; no name may come twice."""
        items = self.last.url.params.multi_items()
        assert len(dict(items)) == len(items)
        return dict(items)

    @property
    def body(self) -> Any:
        return json.loads(self.last.content)


def list_of(rows: Sequence[Any]) -> Callable[[httpx.Request], dict[str, Any]]:
    """The answer of a list that pages as the real one does, and narrows by `q`."""

    def answer(request: httpx.Request) -> dict[str, Any]:
        params = request.url.params
        limit, offset = int(params.get("limit", "100")), int(params.get("offset", "0"))
        assert 1 <= limit <= 1000
        found = [row for row in rows if params.get("q", "").lower() in json.dumps(row).lower()]
        page = found[offset : offset + limit]
        end = offset + len(page)
        return {
            "rows": page,
            "total": len(found),
            "limit": limit,
            "offset": offset,
            "next_offset": end if end < len(found) else None,
        }

    return answer


Run = Callable[..., Result]
Terminal = Callable[..., None]


def seen(text: str) -> str:
    """Text as a terminal shows it: without the colours that we put there ourselves."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
