"""Somebody's transcripts on the tests' server, processed and indexed: what a replay is tested
with."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from tests.browser.conftest import PASSWORD
from tests.server_process import ServerProcess
from tests.transcripts import Transcript, talk

_PATIENCE = 120  # seconds until an index stands


@dataclass(frozen=True)
class Talks:
    """`files`: session_file of each, in the order in which they were uploaded."""

    user_id: str
    email: str
    files: Sequence[str]
    token: str

    def at(self, number: int, query: str = "", place: str = "") -> str:
        """The address of one of them, in the list of all of this person's, the oldest first."""
        mine = f"user_id={self.user_id}&sort=uploaded_at%3Aasc"
        asked = f"{mine}&{query}" if query else mine
        return f"/admin/sessions/{self.files[number]}?{asked}{place}"

    def own(self, number: int) -> str:
        return "/me/sessions/" + self.files[number].partition("/")[2]


def pushed(
    console: ServerProcess, api: httpx.Client, name: str, talks: Sequence[Transcript]
) -> Talks:
    """As a new person of this name pushes them; the first talks of others stay out of their
    list."""
    email = f"{name}@example.org"
    person = {"email": email, "name": name.title(), "password": PASSWORD}
    made = api.post("/api/admin/users", json=person)
    assert made.status_code == 201, made.text
    login = {"email": email, "password": PASSWORD, "name": "terminal"}
    with console.client() as terminal:
        token = terminal.post("/api/login", json=login).json()["token"]
    return Talks(made.json()["id"], email, sent(console, api, token, talks), token)


def sent(
    console: ServerProcess, api: httpx.Client, token: str, talks: Sequence[Transcript]
) -> list[str]:
    """As the holder of this token sends them; processed and indexed."""
    files = []
    with console.client(token) as client:
        for one in talks:
            given = {"file": (f"{one.session}.jsonl", one.data)}
            answer = client.post("/api/upload/sessions", files=given)
            assert answer.status_code == 201, answer.text
            files.append(answer.json()["session_file"])
        for processor in ("usage", "failure_scan"):
            ran = api.post("/api/admin/run-session-processor", params={"processor": processor})
            ran.raise_for_status()
        for file in files:
            _indexed(client, file.partition("/")[2])
    return files


def _indexed(mine: httpx.Client, file: str) -> None:
    """Asked by the person themselves, who needs no reason."""
    until = time.monotonic() + _PATIENCE
    while not mine.get(f"/api/me/sessions/{file}/outline").json()["indexed"]:
        assert time.monotonic() < until, f"{file} is not indexed"
        time.sleep(0.1)


def failing(session: str, *, calls: int = 40) -> Transcript:
    """Two prompts, a call that is never got over after each, and calls between that go well."""
    found = talk(session).answer("I look for the **table** of October.")
    found = found.call(given={"command": "show tables"}, error="Exit code 1\nno such table: orders")
    for number in range(calls):
        found = found.call("Read", {"file_path": f"/project/{number}.sql"})
    found = found.prompt("Then use the monthly table")
    found = found.call(given={"command": "load monthly"}, error="Exit code 2\nno memory left")
    return found.answer("That table cannot be read either.")


def clean(session: str) -> Transcript:
    return talk(session).call().answer("All is well.")
