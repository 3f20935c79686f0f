"""From a push to rows: real kernels, a real server. What the jobs write can be read, and no secret
of a transcript is anywhere in it."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import pytest

from schema.store import Store
from schema.tables import TABLES
from tests import books
from tests.server_process import ServerProcess, agnes
from tests.terminal import Terminal
from tests.transcripts import talk

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
# Made up, of the shapes that real ones have.
SECRETS = (
    "sk-ant-api03-" + "Zk3" * 16,
    "ghp_" + "a1B2" * 9,
    "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "s5jk" * 10,
    "AKIA" + "QWERTYUIOPASDFGH",
    "password=" + "hunter2-but-longer",
    "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQ" * 20 + "\n-----END PRIVATE KEY-----",
)
_LISTED = ("usage_events", "usage_session_summary", "session_findings", "session_verdicts")


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    folder = tmp_path_factory.mktemp("jobs") / "data"
    words = ("init", "--email", "a@example.org", "--password-stdin", "--json", "--data-dir", folder)
    made = agnes(*words, given="correct horse battery\n")
    assert made.returncode == 0, made.stderr
    with ServerProcess(folder) as server:
        settings = {
            "AGNES_SERVER": server.address,
            "AGNES_TOKEN": json.loads(made.stdout)["token"],
            "AGNES_CONFIG_DIR": str(tmp_path_factory.mktemp("config")),
        }
        yield Terminal(server, settings)


@pytest.fixture(scope="module")
def run(terminal: Terminal, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Transcripts are uploaded, one of them past the terminal that would have cut its secrets out;
    then the notebook runs: the run's row."""
    folder = tmp_path_factory.mktemp("projects")
    good = talk("good").prompt().call("Bash", error="Exit code 1\nno such file").call("Bash")
    folder.joinpath("good.jsonl").write_bytes(good.answer().data)
    folder.joinpath("packed.jsonl.gz").write_bytes(gzip.compress(talk("packed").prompt().data))
    corpus = os.environ.get("AGNES_TEST_CORPUS")
    terminal("push", folder, *([Path(corpus) / "transcripts"] if corpus else []))
    leaky = talk("leaky")
    for secret in SECRETS:
        leaky = leaky.prompt(f"use {secret}").call("Bash", error=f"Exit code 2\nbad: {secret}")
        leaky = leaky.prompt(f"no, {secret}")
    with terminal.server.client(terminal.settings["AGNES_TOKEN"]) as client:
        file = ("leaky.jsonl", leaky.data)
        client.post("/api/upload/sessions", files={"file": file}).raise_for_status()
    terminal("jobs", "run", "process_sessions", "--wait")
    page = terminal.json("jobs", "runs", "--job", "process_sessions")
    row: dict[str, Any] = page["rows"][0]
    return row


def get(terminal: Terminal, path: str, **params: str) -> Any:
    with terminal.server.client(terminal.settings["AGNES_TOKEN"]) as client:
        answer = client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


def test_a_run_fills_the_tables_and_can_be_read(terminal: Terminal, run: dict[str, Any]) -> None:
    assert run["status"] == "ok", run
    listed = get(terminal, "/api/admin/sessions/list", since_minutes="525600", limit="200")
    assert listed["total"] == len(listed["rows"]) >= 3
    assert all(row["processed"] for row in listed["rows"])
    assert all(row["verdict"] for row in listed["rows"])
    named = {row["session_file"].rpartition("/")[2]: row for row in listed["rows"]}
    good = named["good.jsonl"]
    assert (good["tool_calls"], good["tool_errors"], good["verdict"]) == (2, 1, "recovered")
    found = get(terminal, "/api/admin/sessions/findings", session_file=good["session_file"])
    assert [row["finding_type"] for row in found["rows"]] == ["tool_error"]
    details = get(terminal, "/api/admin/activity", action_prefix="run_job:process_sessions")
    assert details["rows"]


def test_the_executed_notebook_says_what_it_did(terminal: Terminal, run: dict[str, Any]) -> None:
    path = f"/api/admin/jobs/runs/{run['id']}"
    with terminal.server.client(terminal.settings["AGNES_TOKEN"]) as client:
        book = client.get(f"{path}/notebook").json()
        shown = client.get(f"{path}/html")
    text = json.dumps(book)
    assert " sessions, " in text
    assert "image/svg+xml" in text
    assert shown.headers["Content-Security-Policy"].startswith("sandbox")
    assert "New transcripts" in shown.text


def test_a_second_tick_finds_nothing_to_do(terminal: Terminal, run: dict[str, Any]) -> None:
    with terminal.server.client(terminal.settings["AGNES_TOKEN"]) as client:
        body = {"processors": ["usage", "failure_scan"]}
        assert client.post("/api/jobs/pending", json=body).json()["waiting"] == 0


@pytest.mark.parametrize("job", ["weekly_report", "failure_review"])
def test_a_report_of_the_week_is_kept_as_a_page_to_be_read(
    terminal: Terminal, run: dict[str, Any], job: str
) -> None:
    listed = get(terminal, "/api/admin/sessions/list", since_minutes="525600", limit="200")["rows"]
    leaky = next(row for row in listed if row["session_file"].endswith("/leaky.jsonl"))
    came = datetime.fromisoformat(leaky["uploaded_at"].removesuffix("Z")).date()
    week = came - timedelta(days=came.weekday())
    terminal("jobs", "run", job, "--wait", "-p", f"week={week}")
    made = terminal.json("jobs", "runs", "--job", job)["rows"][0]
    with terminal.server.client(terminal.settings["AGNES_TOKEN"]) as client:
        page = client.get(f"/api/admin/jobs/runs/{made['id']}/html").raise_for_status().text
    assert f"Week of {week:%d %B %Y}" in page
    assert "data:image/svg+xml" in page
    assert "told.show" not in page  # what a report says, not how
    assert 'src="http' not in page
    if job == "failure_review":
        assert f'href="/admin/sessions/{leaky["session_file"]}#t' in page
        assert "[REDACTED:" in page


def test_the_digest_of_a_day_is_kept_as_a_page(terminal: Terminal) -> None:
    with terminal.server.client(terminal.settings["AGNES_TOKEN"]) as client:
        body = {"message": "<b>it hangs</b>", "environment": {}, "ack_preview": True}
        sent = client.post("/api/feedback", json={**body, "idempotency_key": "of-today"}).json()
        (day,) = {row["created_at"][:10] for row in client.get("/api/feedback").json()["rows"]}
        terminal("jobs", "run", "feedback_digest", "--wait", "-p", f"day={day}")
        made = terminal.json("jobs", "runs", "--job", "feedback_digest")["rows"][0]
        page = client.get(f"/api/admin/jobs/runs/{made['id']}/html").raise_for_status().text
    assert "1 report of 1 person came, about 1 problem: 1 of them new" in page
    assert f'href="/admin/feedback/{sent["report_id"]}"' in page
    assert "&lt;b&gt;it hangs&lt;/b&gt;" in page
    assert "data:image/svg+xml" in page


def test_every_notebook_runs_against_the_server(
    terminal: Terminal, run: dict[str, Any], tmp_path: Path
) -> None:
    """As a person would in JupyterLab, signed in as an admin. Those for analysts have tests of
    their own."""
    found = [path for part in ("jobs", "reports") for path in (NOTEBOOKS / part).glob("*.ipynb")]
    books.run(sorted(found), tmp_path, terminal.settings)


def test_no_secret_of_a_transcript_is_in_anything_that_was_made_of_it(
    terminal: Terminal, run: dict[str, Any]
) -> None:
    server = terminal.server
    assert server.stop() == 0
    try:
        kept = [path for path in (server.folder / "jobs").rglob("*") if path.is_file()]
        texts = {str(path): path.read_text(errors="replace") for path in kept}
        assert any(name.endswith(".ipynb") for name in texts)
        texts["the server's log"] = server.log()
        store = Store(server.folder / "agnes.duckdb")
        try:
            for name in (*_LISTED, "session_processor_state", "job_runs", "audit_log"):
                rows = store.read(ibis.table(TABLES[name].schema, name=name)).to_pylist()
                texts[name] = json.dumps(rows, default=str)
        finally:
            store.close()
        assert '"finding_type"' in texts["session_findings"]
        assert "[REDACTED:" in texts["session_findings"]
        pieces = [line for secret in SECRETS for line in secret.splitlines() if "---" not in line]
        for name, text in texts.items():
            for piece in pieces:
                assert piece not in text, f"{piece[:12]}… is in {name}"
                assert json.dumps(piece)[1:-1] not in text, f"{piece[:12]}… is in {name}"
    finally:
        server.start()
