"""Private sessions stay on this machine, with everything that belongs to them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.console.cli.push_wire import UPLOAD, accept, sent
from tests.console.cli.stand_in import Run, Server


@pytest.fixture
def folder(tmp_path: Path, server: Server) -> Path:
    server.on("POST", UPLOAD, accept)
    made = tmp_path / "project"
    (made / "s1" / "subagents").mkdir(parents=True)
    for name in ("s1.jsonl", "s1/subagents/agent-1.jsonl", "agent-2.jsonl"):
        (made / name).write_text('{"sessionId":"s1"}\n')
    quoted = {"sessionId": "s2", "text": '{"sessionId":"s1"}'}
    (made / "s2.jsonl").write_text(json.dumps(quoted, separators=(",", ":")) + "\n")
    return made


def test_a_private_session_stays_with_all_its_subagents(
    run: Run, server: Server, folder: Path
) -> None:
    marked = run("mark-private", "s1")
    assert marked.exit_code == 0
    assert "session s1 is private" in marked.stdout
    done = run("push", str(folder))
    assert sent(server) == [("s2.jsonl", None)]
    assert done.exit_code == 0
    assert "1 file, 0.0 MB sent, 0 failed, 3 private" in done.stdout
    assert done.stderr.count("left out: ") == 3
    # Asking for it by name changes nothing.
    run("push", "--force", str(folder / "s1.jsonl"))
    assert len(server.requests) == 1


def test_undo_lets_it_be_sent(run: Run, server: Server, folder: Path) -> None:
    run("mark-private", "s1")
    assert "no longer private" in run("mark-private", "s1", "--undo").stdout
    assert "was not private" in run("mark-private", "s1", "--undo").stdout
    run("push", str(folder))
    assert len(server.requests) == 4


def test_the_current_session_is_the_one_meant(
    run: Run, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "s1")
    assert "session s1 is private" in run("mark-private").stdout
    run("push", str(folder))
    assert sent(server) == [("s2.jsonl", None)]


@pytest.mark.parametrize("name", ["s1.jsonl", "s1.jsonl.gz", "s1/subagents/agent-1.jsonl"])
def test_a_transcript_names_its_session(run: Run, folder: Path, name: str) -> None:
    assert "session s1 is private" in run("mark-private", str(folder / name)).stdout


def test_outside_a_session_it_says_how_to_name_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLAUDE_CODE_SESSION_ID", raising=False)
    done = run("mark-private")
    assert done.exit_code == 2
    assert "agnes mark-private SESSION" in done.stderr


@pytest.mark.parametrize("name", ["..", "a/b", "a\\b", "a\0b", "."])
def test_what_names_no_session_is_refused(run: Run, config: Path, name: str) -> None:
    assert run("mark-private", name).exit_code == 2
    assert [path for path in config.rglob("*") if path.is_file()] == []


def test_marking_what_was_sent_says_that_the_copy_stays(
    run: Run, server: Server, folder: Path
) -> None:
    run("push", str(folder))
    done = run("mark-private", "s1")
    assert "has u1/s1.jsonl since 20" in done.stderr
    assert "has u1/s1/subagents/agent-1.jsonl since" in done.stderr
    assert "ask an admin" in done.stderr
    assert "s2" not in done.output


def test_a_refused_new_version_leaves_the_old_copy_there(
    run: Run, server: Server, folder: Path
) -> None:
    run("push", str(folder / "s1.jsonl"))
    (folder / "s1.jsonl").write_text('{"sessionId":"s1"}\n{}\n')
    server.says_no("POST", UPLOAD, 413, "too large")
    run("push", str(folder / "s1.jsonl"))
    assert "has u1/s1.jsonl since" in run("mark-private", "s1").stderr
