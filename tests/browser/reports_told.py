"""People who report: accounts of a test's own, and what they send."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from tests.browser.conftest import PASSWORD
from tests.server_process import ServerProcess

ENVIRONMENT = {"agnes": "0.3.1", "claude_code": "2.0.11", "os": "Linux 6.1", "python": "3.11.9"}


@dataclass(frozen=True)
class Reporter:
    email: str
    client: httpx.Client

    def send(self, message: str, **more: Any) -> str:
        """The id of the report."""
        body = {
            "message": message,
            "environment": ENVIRONMENT,
            "ack_preview": True,
            "idempotency_key": uuid.uuid4().hex,
            **more,
        }
        answer = self.client.post("/api/feedback", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["report_id"])


@contextmanager
def reporter(console: ServerProcess, api: httpx.Client) -> Iterator[Reporter]:
    """Somebody new, who may sign in and has a token."""
    email = f"{uuid.uuid4().hex[:10]}@example.org"
    person = {"email": email, "name": "Rea Porter", "password": PASSWORD}
    made = api.post("/api/admin/users", json=person)
    assert made.status_code == 201, made.text
    wanted = {"user_id": made.json()["id"], "name": "report", "expires_days": 1}
    token = api.post("/api/admin/tokens", json=wanted).json()["token"]
    with console.client(token) as client:
        yield Reporter(email, client)


def failing(error: str) -> str:
    """Turns of a session in which a call failed, with what a page must not believe."""

    def record(role: str, content: Any, minute: int) -> str:
        return orjson.dumps(
            {
                "type": role,
                "uuid": str(uuid.uuid4()),
                "timestamp": f"2026-05-04T10:{minute:02}:00.000Z",
                "message": {"role": role, "content": content},
            }
        ).decode()

    call = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "sync orders"}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": error, "is_error": True}
    return "\n".join(
        (
            record("user", "please sync <i>orders</i>", 1),
            record("assistant", [{"type": "text", "text": "I will."}, call], 2),
            record("user", [result], 3),
        )
    )
