"""`agnes push`: everything is tried, everything is told, one bad file stops nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.console.cli.push_wire import UPLOAD, accept, fields, sent, unless
from tests.console.cli.stand_in import Run, Server, Terminal, seen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "projects"
    for name in ("p/a.jsonl", "p/b.jsonl", "p/c.jsonl"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(f'{{"file": "{name}"}}\n' * 100)
    return made


def test_a_folder_is_sent_file_by_file(run: Run, server: Server, folder: Path) -> None:
    server.on("POST", UPLOAD, accept)
    done = run("push", str(folder))
    assert done.exit_code == 0
    assert sent(server) == [("a.jsonl", None), ("b.jsonl", None), ("c.jsonl", None)]
    assert fields(server.requests[0])[2] == (folder / "p/a.jsonl").read_bytes()
    lines = done.stdout.splitlines()
    assert lines[0] == f"sent    {folder}/p/a.jsonl  2.2 kB"
    assert lines[-1] == "3 files, 0.0 MB sent, 0 failed"
    assert done.stderr == ""


def test_subagents_come_after_their_session_and_name_it(
    run: Run, server: Server, folder: Path
) -> None:
    server.on("POST", UPLOAD, accept)
    agent = folder / "p" / "a b" / "subagents" / "agent-1.jsonl"
    agent.parent.mkdir(parents=True)
    agent.write_text("{}\n")
    (folder / "p" / "a b.jsonl").write_text("{}\n")
    assert run("push", str(folder)).exit_code == 0
    session = "a_b-a0b8ff70.jsonl"
    assert (session, None) in sent(server)
    assert sent(server)[-1] == ("agent-1.jsonl", f"u1/{session}")


def test_a_subagent_alone_names_the_session_as_it_was_sent(
    run: Run, server: Server, tmp_path: Path
) -> None:
    server.on("POST", UPLOAD, accept)
    agent = tmp_path / "a b" / "subagents" / "agent-1.jsonl"
    agent.parent.mkdir(parents=True)
    agent.write_text("{}\n")
    assert run("push", str(agent)).exit_code == 0
    assert sent(server) == [("agent-1.jsonl", "a_b-a0b8ff70.jsonl")]


def test_a_changed_name_is_said(run: Run, server: Server, folder: Path) -> None:
    server.on("POST", UPLOAD, accept)
    (folder / "p" / "a b.jsonl").write_text("{}\n")
    assert "a b.jsonl as a_b-a0b8ff70.jsonl" in run("push", str(folder)).stdout


@pytest.mark.parametrize("status", [400, 403, 409, 413, 500, 503])
def test_one_refused_file_stops_nothing_and_is_named(
    run: Run, server: Server, folder: Path, no_waiting: list[float], status: int
) -> None:
    server.on("POST", UPLOAD, unless("b.jsonl", status, "not this one\x1b[2J"))
    done = run("push", str(folder))
    assert done.exit_code == 1
    assert [name for name, _ in sent(server)] == ["a.jsonl", "b.jsonl", "c.jsonl"]
    assert "2 files" in done.stdout.splitlines()[-1]
    assert "1 failed" in done.stdout.splitlines()[-1]
    assert done.stderr == rf"not sent: {folder}/p/b.jsonl: not this one\x1b[2J" + "\n"
    assert no_waiting == []


def test_unreadable_and_missing_files_stop_nothing(
    run: Run, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on("POST", UPLOAD, accept)
    real = Path.open

    def open_file(path: Path, *args: Any, **options: Any) -> Any:
        # Root may read any file, so its mode alone would prove nothing.
        if path.name == "b.jsonl":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **options)

    monkeypatch.setattr(Path, "open", open_file)
    done = run("push", str(folder), str(folder / "none.jsonl"))
    assert done.exit_code == 1
    assert [name for name, _ in sent(server)] == ["a.jsonl", "c.jsonl"]
    assert f"{folder}/p/b.jsonl: Permission denied" in done.stderr
    assert f"{folder}/none.jsonl: no such file" in done.stderr


def test_a_broken_line_is_tried_again(
    run: Run, server: Server, folder: Path, no_waiting: list[float]
) -> None:
    failures = [httpx.ConnectError("refused"), httpx.WriteError("reset"), httpx.ReadTimeout("")]

    def flaky(request: httpx.Request) -> httpx.Response:
        if failures:
            raise failures.pop()
        return accept(request)

    server.on("POST", UPLOAD, flaky)
    done = run("push", str(folder))
    assert done.exit_code == 0
    assert no_waiting == [0.5, 1.0, 2.0]
    assert [name for name, _ in sent(server)] == ["a.jsonl"] * 4 + ["b.jsonl", "c.jsonl"]
    assert "3 files" in done.stdout


def test_a_server_that_stays_away_ends_the_push(
    run: Run, server: Server, folder: Path, no_waiting: list[float]
) -> None:
    server.on("POST", UPLOAD, httpx.ConnectError("refused"))
    done = run("push", str(folder))
    assert done.exit_code == 4
    assert len(server.requests) == 4
    assert len(no_waiting) == 3
    assert "0 files, 0.0 MB sent, 3 failed" in done.stdout
    assert done.stderr.count("not sent: ") == 3
    assert done.stderr.count("not tried: cannot reach") == 2


def test_a_token_that_is_refused_ends_the_push(run: Run, server: Server, folder: Path) -> None:
    server.says_no("POST", UPLOAD, 401, "this token was revoked")
    done = run("push", str(folder))
    assert done.exit_code == 3
    assert len(server.requests) == 1
    assert "not tried: this token was revoked" in done.stderr


def test_json_names_every_file(run: Run, server: Server, folder: Path) -> None:
    server.on("POST", UPLOAD, unless("b.jsonl", 413, "too large"))
    done = run("push", str(folder), "--json")
    answer = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (answer["sent"], answer["failed"]) == (2, 1)
    assert answer["bytes"] == sum(each["bytes"] for each in answer["files"]) == 4400
    assert answer["files"][0] == {
        "path": f"{folder}/p/a.jsonl",
        "filename": "a.jsonl",
        "session_file": "u1/a.jsonl",
        "bytes": 2200,
        "redacted": {},
        "status": "sent",
        "error": None,
    }
    assert answer["files"][1]["status"] == "failed"
    assert answer["files"][1]["error"] == "too large"


@pytest.mark.parametrize("by_setting", [True, False], ids=["setting", "home"])
def test_all_projects_are_sent(
    run: Run,
    server: Server,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    by_setting: bool,  # noqa: FBT001 (a case's value)
) -> None:
    server.on("POST", UPLOAD, accept)
    if by_setting:
        monkeypatch.setenv("AGNES_TRANSCRIPTS", str(folder))
    else:
        monkeypatch.setenv("HOME", str(folder.parent))
        (folder.parent / ".claude").mkdir()
        folder.rename(folder.parent / ".claude" / "projects")
    assert run("push", "--all").stdout.splitlines()[-1].startswith("3 files")


def test_a_workspace_that_is_not_there_says_what_to_do(
    run: Run, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGNES_TRANSCRIPTS", str(tmp_path / "none"))
    done = run("push")
    assert done.exit_code == 1
    assert "agnes push PATH" in done.stderr
    assert server.requests == []


def test_an_empty_folder_is_no_failure(run: Run, server: Server, tmp_path: Path) -> None:
    done = run("push", str(tmp_path))
    assert done.exit_code == 0
    assert f"no *.jsonl below {tmp_path}" in done.stderr
    assert server.requests == []


def test_a_link_that_leads_outside_is_said(run: Run, server: Server, folder: Path) -> None:
    server.on("POST", UPLOAD, accept)
    (folder.parent / "secret.jsonl").write_text("{}\n")
    (folder / "link.jsonl").symlink_to("../secret.jsonl")
    done = run("push", str(folder))
    assert done.exit_code == 0
    assert f"passed over {folder}/link.jsonl" in done.stderr
    assert len(sent(server)) == 3


def test_a_terminal_sees_progress_instead_of_lines(
    run: Run, server: Server, folder: Path, terminal: Terminal
) -> None:
    terminal()
    server.on("POST", UPLOAD, accept)
    (folder / "p" / "[red]a\x1b[2J.jsonl").write_text("{}\n")
    done = run("push", str(folder))
    assert done.exit_code == 0
    lines = seen(done.stdout).splitlines()
    assert len(lines) == 2
    assert " as _red_a" in lines[0]
    assert lines[1].startswith("4 files")
    assert "\x1b[2J" not in done.output
    assert "kB" in seen(done.stderr)
