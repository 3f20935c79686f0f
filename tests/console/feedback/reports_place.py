"""Reports over HTTP: what the tests of the inbox send and look at."""

from __future__ import annotations

import json
from typing import Any

import httpx

from console.audit import new_id
from tests.console.access_world import World

FEEDBACK, INBOX = "/api/feedback", "/api/admin/feedback"


def word() -> str:
    """A word that no other report has: digits would be no difference between two."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in new_id().replace("-", ""))


def body(message: str = "the sync tool hangs", **more: Any) -> dict[str, Any]:
    key = {"idempotency_key": new_id(), "ack_preview": True, "environment": {"agnes": "0.1.0"}}
    return {"message": message, **key, **more}


def send(client: httpx.Client, message: str = "the sync tool hangs", **more: Any) -> httpx.Response:
    return client.post(FEEDBACK, json=body(message, **more))


def sent(client: httpx.Client, message: str = "the sync tool hangs", **more: Any) -> str:
    """The id of a new report."""
    answer = send(client, message, **more)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["report_id"])


def new_reporter(world: World) -> httpx.Client:
    """Somebody who has sent nothing yet."""
    return world.client(world.token(world.user()))


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def failed(tool: str, said: str, uuid: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A call and its failed result, as records of a transcript."""
    call = {"type": "tool_use", "id": f"toolu_{uuid}", "name": tool, "input": {"command": "x"}}
    result = {"type": "tool_result", "tool_use_id": f"toolu_{uuid}", "is_error": True}
    return (
        {"type": "assistant", "uuid": f"call-{uuid}", "message": {"content": [call]}},
        {"type": "user", "uuid": uuid, "message": {"content": [{**result, "content": said}]}},
    )
