"""What the tests of `agnes report` share: a session of this machine, a server that takes them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx

from console.cli.report_preview import BEGIN, END
from tests.console.cli.stand_in import Server
from tests.transcripts import Transcript

PATH = "/api/feedback"
TERMS = {
    "destination": "https://agnes.example",
    "readers": {"admins": 2, "groups": ["Support"]},
    "retention_days": 90,
    "max_bytes": 1 << 20,
    "per_hour": 20,
}
CREATED = {
    "report_id": "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000",
    "fingerprint": "f" * 64,
    "duplicates": 0,
    "status_url": "/me/reports/0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000",
    "reopened": False,
    "known": None,
}


def takes_reports(server: Server) -> None:
    server.on("GET", f"{PATH}/terms", TERMS)
    server.on("POST", PATH, lambda _: httpx.Response(201, json=CREATED))


def posted(server: Server) -> list[bytes]:
    """The bodies of the reports that arrived."""
    return [
        request.content
        for request in server.requests
        if request.method == "POST" and request.url.path == PATH
    ]


def shown(text: str) -> str:
    """The request as the last preview in `text` showed it."""
    found = re.findall(rf"^{re.escape(BEGIN)}\n(.*?)\n{re.escape(END)}$", text, re.M | re.S)
    assert found, text
    last: str = found[-1]
    return last


def excerpt(body: bytes | str) -> list[dict[str, Any]]:
    """The records of the session in a request."""
    return [json.loads(line) for line in json.loads(body)["session_excerpt"].split("\n")]


def session(folder: Path, name: str = "s1", prompts: int = 3, *, words: str = "Hello") -> Path:
    """A transcript of twice as many turns, and some state between them."""
    made = Transcript(session=name)
    for number in range(prompts):
        made = made.record("mode", mode="plan").prompt(f"{words} {number}").answer(f"Yes {number}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    path.write_bytes(made.data)
    return path
