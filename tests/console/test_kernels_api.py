"""What kernels fetch and hand back over HTTP, and who may."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console import work
from console.claims import Claims
from console.client import Unreachable
from ingest.pipeline import Finished, Outcome, failed
from ingest.wire import pack
from schema.errors import AgnesError, NotSignedIn
from schema.tables import (
    SESSION_PROCESSOR_STATE,
)
from tests.console.processing_console import (
    ARROW,
    BOTH,
    PRUNE,
    REPROCESS,
    RUN,
    Console,
    drain,
    made,
)
from tests.transcripts import talk

# Who may what


SERVICE: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/jobs/pending", {"json": {"processors": ["usage"], "limit": 0}}),
    ("POST", "/api/jobs/commit", {"content": pack([]), "headers": ARROW}),
    ("POST", "/api/jobs/rollups", {}),
    ("POST", "/api/jobs/prune", {}),
    ("POST", PRUNE, {}),
]


def test_kernels_and_admins_fetch_and_commit_and_nobody_else(console: Console) -> None:
    key = console.upload("mine.jsonl", talk("mine").call())
    file = ("GET", "/api/jobs/files", {"params": {"session_file": key}})
    granted = console.server.person("granted", "sessions", "telemetry")
    for asks, expected in (
        (console.server.client(console.pass_()), 200),
        (console.admin, 200),
        (console.server.client(console.mine), 403),
        (console.server.client(console.server.token(granted)), 403),
        (console.server.client(), 401),
    ):
        for method, path, options in (*SERVICE, file):
            assert asks.request(method, path, **options).status_code == expected, path


def test_a_pass_opens_nothing_else(console: Console) -> None:
    with console.server.client(console.pass_()) as kernel:
        for path in ("/api/admin/users", "/api/admin/activity", "/api/me"):
            assert kernel.get(path).status_code == 403, path
        for path in (f"{RUN}?processor=usage", REPROCESS, "/api/upload/sessions"):
            assert kernel.post(path).status_code == 403, path


def test_a_pass_that_ended_opens_nothing(console: Console) -> None:
    secret = console.pass_("over")
    with console.kernel(secret) as kernel:
        assert kernel.request("POST", *SERVICE[0][1:2], **SERVICE[0][2])["rows"] == []
        console.instance.gate.passes.end("over")
        for method, path, options in SERVICE:
            with pytest.raises(NotSignedIn):
                kernel.request(method, path, **options)
    late = console.instance.gate.passes.issue("late", lifetime=timedelta(seconds=-1))
    with console.kernel(late) as kernel, pytest.raises(NotSignedIn):
        kernel.request("POST", "/api/jobs/rollups")


@pytest.mark.parametrize("error", [Unreachable("it is busy"), NotSignedIn("the pass has ended")])
def test_what_is_not_a_sessions_fault_is_not_counted_against_it(
    console: Console, error: AgnesError
) -> None:
    key = console.upload(f"{type(error).__name__}.jsonl", talk("cut").call())
    with console.kernel(console.pass_("cut off")) as kernel:

        def stream(*_: Any) -> Any:
            raise error

        kernel.stream = stream  # type: ignore[assignment, method-assign]
        with pytest.raises(type(error)):
            work.Worker(kernel, BOTH).run()
    console.instance.claims.end("job cut off")
    assert console.rows(SESSION_PROCESSOR_STATE, session_file=key) == []


# Fetching and handing back


def test_two_kernels_share_what_waits(console: Console) -> None:
    files = {console.upload(f"share{n}.jsonl", talk(f"share{n}").call()) for n in range(6)}

    def claimed(secret: str, limit: int) -> list[str]:
        with console.kernel(secret) as kernel:
            body = {"processors": BOTH, "limit": limit}
            rows = kernel.request("POST", "/api/jobs/pending", json=body)["rows"]
        return [row["session_file"] for row in rows]

    one, two = console.pass_("one"), console.pass_("two")
    first, second = claimed(one, 2), claimed(two, 50)
    assert (len(first), len(second), set(first) | set(second)) == (2, 4, files)
    assert claimed(one, 50) == []
    console.instance.claims.end("job one")
    assert set(claimed(two, 50)) == set(first)
    console.instance.claims.end("job two")


def test_two_kernels_at_once_do_each_session_once(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "BATCH", 2)
    files = [console.upload(f"both{n}.jsonl", talk(f"both{n}").call()) for n in range(10)]

    def run(number: int) -> list[str]:
        with console.kernel(console.pass_(f"both {number}")) as kernel:
            report = work.Worker(kernel, BOTH).run()
        assert (report.processed, report.errors) == (len(report.sessions), 0)
        return [row["session_file"] for row in report.sessions]

    with ThreadPoolExecutor(2) as threads:
        found = [key for keys in threads.map(run, range(2)) for key in keys]
    assert sorted(found) == sorted(files)
    assert len(console.instance.claims) == 0


def test_a_claim_ends_with_time_and_what_was_done_meanwhile_is_not_given_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = [datetime(2026, 6, 1)]
    monkeypatch.setattr("console.claims.now", lambda: at[0])
    claims = Claims()
    assert claims.take("a", "one", found=at[0])
    assert not claims.take("a", "two", found=at[0])
    assert not claims.take("a", "one", found=at[0])
    at[0] += timedelta(minutes=11)  # its kernel is gone
    assert claims.take("a", "two", found=at[0])
    seen = at[0]
    at[0] += timedelta(seconds=1)
    claims.give_back("a")
    assert not claims.take("a", "one", found=seen)
    assert claims.take("a", "one", found=at[0])
    for number in range(3_000):
        claims.give_back(str(number))
        at[0] += timedelta(seconds=1)
    assert len(claims._back) < 1_100


def test_no_session_is_given_to_two_who_ask_at_once(console: Console) -> None:
    for number in range(12):
        console.upload(f"race{number}.jsonl", talk(f"race{number}").call())

    def claimed(number: int) -> list[str]:
        with console.kernel(console.pass_(f"race {number}")) as kernel:
            body = {"processors": ["usage"], "limit": 3}
            rows = kernel.request("POST", "/api/jobs/pending", json=body)["rows"]
        return [row["session_file"] for row in rows]

    with ThreadPoolExecutor(4) as threads:
        found = [key for keys in threads.map(claimed, range(4)) for key in keys]
    assert len(found) == len(set(found))
    for number in range(4):
        console.instance.claims.end(f"job race {number}")


def test_what_waits_comes_with_its_files_and_their_bytes(console: Console) -> None:
    said = talk("whole").call()
    key = console.upload("whole.jsonl", said)
    agent: dict[str, Any] = {
        "file": ("agent-1.jsonl", b'{"type":"x"}\n'),
        "parent": (None, "whole.jsonl"),
    }
    with console.server.client(console.mine) as client:
        assert client.post("/api/upload/sessions", files=agent).status_code == 201
    body = {"processors": ["usage"], "limit": 9}
    (row,) = console.admin.post("/api/jobs/pending", json=body).json()["rows"]
    assert (row["session_file"], row["user_id"]) == (key, console.user)
    assert row["username"] == "worker@example.org"
    assert [file["role"] for file in row["files"]] == ["main", "subagent"]
    assert row["bytes"] == sum(file["bytes"] for file in row["files"])
    got = console.admin.get("/api/jobs/files", params={"session_file": key})
    assert got.content == said.data
    console.instance.claims.end(console.admin_id)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "processors"),
        ({"processors": []}, "name at least one"),
        ({"processors": ["nobody"]}, "one of usage, failure_scan"),
        ({"processors": [None]}, "one of usage"),
        ({"processors": "usage"}, "list"),
        ({"processors": ["usage"], "limit": 201}, "0 to 200"),
        ({"processors": ["usage"], "limit": -1}, "0 to 200"),
        ({"processors": ["usage"], "limit": True}, "int"),
        ({"processors": ["usage"], "more": 1}, "unknown key"),
    ],
)
def test_what_cannot_be_asked_is_named(console: Console, body: Any, said: str) -> None:
    answer = console.admin.post("/api/jobs/pending", json=body)
    assert (answer.status_code, said in answer.json()["error"]) == (400, True), answer.text


@pytest.mark.parametrize("key", ["", "u/none.jsonl", "../agnes.duckdb", "/etc/passwd"])
def test_only_what_was_uploaded_can_be_fetched(console: Console, key: str) -> None:
    answer = console.admin.get("/api/jobs/files", params={"session_file": key})
    assert answer.status_code == 404


def test_a_transcript_that_lost_its_file_is_said_to_be_gone_and_set_aside(console: Console) -> None:
    key = console.upload("lost.jsonl", talk("lost").call())
    path = console.instance.settings.folder / "sessions" / key
    path.rename(path.with_suffix(".away"))
    answer = console.admin.get("/api/jobs/files", params={"session_file": key})
    assert (answer.status_code, "not in its place" in answer.json()["error"]) == (404, True)
    for _ in range(3):
        drain(console)
    state = console.rows(SESSION_PROCESSOR_STATE, session_file=key)[0]
    assert state["attempts"] == 3
    assert "not in its place" in state["error"]
    assert str(console.instance.settings.folder) not in state["error"]
    shutil.move(path.with_suffix(".away"), path)
    assert console.admin.post(REPROCESS, json={"session_file": key}).status_code == 200


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no Arrow stream"),
        (b"PK\x03\x04", "no Arrow stream"),
        (pack([Finished("u/a.jsonl", "f", {"nobody": Outcome(1, error="x")})]), "nobody"),
    ],
)
def test_foreign_bytes_are_no_commit(console: Console, content: bytes, said: str) -> None:
    answer = console.admin.post("/api/jobs/commit", content=content, headers=ARROW)
    assert (answer.status_code, said in answer.json()["error"]) == (400, True), answer.text


def test_a_commit_answers_what_became_of_each_session(console: Console) -> None:
    key = console.upload("each.jsonl", talk("each").call())
    body = {"processors": ["usage"], "limit": 9}
    (row,) = console.admin.post("/api/jobs/pending", json=body).json()["rows"]
    sent = [
        failed(key, "another", ["usage"], "x"),
        failed("u/none.jsonl", "f", ["usage"], "x"),
        failed(key, row["fingerprint"], ["usage"], "it is broken"),
    ]
    answer = console.admin.post("/api/jobs/commit", content=pack(sent), headers=ARROW)
    assert [one["status"] for one in answer.json()["rows"]] == ["stale", "gone", "committed"]


def test_days_are_rolled_up_on_demand(console: Console) -> None:
    answer = console.admin.post("/api/jobs/rollups", json={"days": ["2026-05-20", "2026-05-20"]})
    assert [row["day"] for row in answer.json()["days"]] == ["2026-05-20"]
    bad = console.admin.post("/api/jobs/rollups", json={"days": ["yesterday"]})
    assert (bad.status_code, "yesterday" in bad.json()["error"]) == (400, True)


# Real transcripts


def test_real_transcripts_are_processed_once_and_alike_again(console: Console) -> None:
    folder = os.environ.get("AGNES_TEST_CORPUS")
    there = sorted(Path(folder).rglob("*.jsonl"), key=_size) if folder else []
    skipped = ("labels.jsonl", "bad_inputs.jsonl")
    real = [path for path in there if not ({"subagents", *skipped} & set(path.parts))][:8]
    for number, path in enumerate(real):
        console.upload(f"real{number}.jsonl", path.read_bytes())
    console.upload("like-real.jsonl", talk("like real").call().answer())
    with console.kernel(console.pass_("real")) as kernel:
        report = work.Worker(kernel, BOTH).run()
    assert (report.processed, report.errors) == (len(real) + 1, 0), report.sessions
    found = []
    for _ in range(2):
        console.admin.post(REPROCESS, json={})
        drain(console)
        found.append(made(console))
    assert found[0] == found[1]


_size: Callable[[Path], int] = lambda path: path.stat().st_size  # noqa: E731
