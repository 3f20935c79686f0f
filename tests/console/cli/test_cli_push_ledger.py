"""What a push leaves out, in which order it sends, and what it remembers."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.cli.ledger import data_folder
from console.cli.push_lock import only_one
from tests.console.cli.push_wire import UPLOAD, accept, fields, sent, unless
from tests.console.cli.stand_in import Run, Server

LINE = '{"type":"user","sessionId":"s"}\n'
TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7aB3dE6gH9"


@pytest.fixture(autouse=True)
def accepting(server: Server) -> None:
    server.on("POST", UPLOAD, accept)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "projects"
    for age, name in enumerate(("c", "b", "a")):
        write(made / f"{name}.jsonl", LINE, age=100 - age)
    return made


def write(file: Path, text: str, *, age: int = 10) -> None:
    """A file that was last changed `age` seconds before a moment long ago."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    os.utime(file, (1_700_000_000 - age, 1_700_000_000 - age))


def names(server: Server) -> list[str]:
    return [name for name, _ in sent(server)]


def report(run: Run, *words: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run("push", "--json", *words).stdout)
    return answer


def test_the_oldest_goes_first_and_subagents_last(run: Run, server: Server, folder: Path) -> None:
    write(folder / "a" / "subagents" / "agent-1.jsonl", LINE, age=1000)
    run("push", str(folder))
    assert names(server) == ["c.jsonl", "b.jsonl", "a.jsonl", "agent-1.jsonl"]


def test_what_is_unchanged_costs_no_request(run: Run, server: Server, folder: Path) -> None:
    run("push", str(folder))
    server.requests.clear()
    done = run("push", str(folder))
    assert server.requests == []
    assert done.exit_code == 0
    assert done.stdout == "0 files, 0.0 MB sent, 0 failed, 3 unchanged\n"


def test_a_grown_file_is_sent_again(run: Run, server: Server, folder: Path) -> None:
    run("push", str(folder))
    write(folder / "b.jsonl", LINE * 2)
    server.requests.clear()
    run("push", str(folder))
    assert [fields(request)[2].decode() for request in server.requests] == [LINE * 2]


def test_a_file_that_was_only_touched_is_not(run: Run, server: Server, folder: Path) -> None:
    run("push", str(folder))
    os.utime(folder / "b.jsonl")
    assert report(run, str(folder))["unchanged"] == 3
    write(folder / "b.jsonl", LINE.replace("s", "t"))
    assert report(run, str(folder))["sent"] == 1


def test_force_sends_unchanged_files(run: Run, server: Server, folder: Path) -> None:
    run("push", str(folder))
    assert report(run, str(folder), "--force")["sent"] == 3


def test_another_server_gets_everything(
    run: Run, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("push", str(folder))
    monkeypatch.setenv("AGNES_SERVER", "http://localhost:9999")
    assert report(run, str(folder))["sent"] == 3


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
def test_a_lasting_refusal_is_said_and_not_tried_again(
    run: Run, server: Server, folder: Path, status: int
) -> None:
    server.on("POST", UPLOAD, unless("b.jsonl", status, "never this one"))
    assert run("push", str(folder)).exit_code == 1
    server.requests.clear()
    done = run("push", str(folder))
    assert server.requests == []
    assert done.exit_code == 0
    assert "never this one; --force tries it again" in done.stderr
    assert "2 unchanged, 1 refused" in done.stdout
    write(folder / "b.jsonl", LINE * 2)
    assert report(run, str(folder))["failed"] == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_passing_failure_is_tried_again(
    run: Run, server: Server, folder: Path, status: int
) -> None:
    server.on("POST", UPLOAD, unless("b.jsonl", status, "not now"))
    run("push", str(folder))
    server.on("POST", UPLOAD, accept)
    again = report(run, str(folder))
    assert [each["filename"] for each in again["files"]] == ["b.jsonl"]


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(404, text="<h1>no</h1>"), httpx.Response(302, headers={"Location": "/in"})],
)
def test_a_stranger_in_the_servers_place_decides_nothing(
    run: Run, server: Server, folder: Path, answer: httpx.Response
) -> None:
    server.on("POST", UPLOAD, lambda _: answer)
    assert report(run, str(folder))["failed"] == 3
    server.on("POST", UPLOAD, accept)
    assert report(run, str(folder))["sent"] == 3


def test_a_subagent_waits_for_its_session(run: Run, server: Server, tmp_path: Path) -> None:
    agent = tmp_path / "s1" / "subagents" / "agent-1.jsonl"
    write(agent, LINE)
    server.says_no("POST", UPLOAD, 404, "no such session")
    run("push", str(agent))
    server.on("POST", UPLOAD, accept)
    write(tmp_path / "s1.jsonl", LINE)
    assert report(run, str(tmp_path))["sent"] == 2


def test_a_grown_subagent_names_the_session_that_was_sent_before(
    run: Run, server: Server, tmp_path: Path
) -> None:
    write(tmp_path / "a b.jsonl", LINE)
    agent = tmp_path / "a b" / "subagents" / "agent-1.jsonl"
    write(agent, LINE)
    run("push", str(tmp_path))
    write(agent, LINE * 2)
    run("push", str(agent))
    assert fields(server.last)[1] == "u1/a_b-a0b8ff70.jsonl"


def test_what_was_sent_before_the_line_broke_stays_sent(
    run: Run, server: Server, folder: Path, no_waiting: list[float]
) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        if len(server.requests) > 1:
            raise httpx.ConnectError("gone")
        return accept(request)

    server.on("POST", UPLOAD, broken)
    assert run("push", str(folder)).exit_code == 4
    server.on("POST", UPLOAD, accept)
    assert (again := report(run, str(folder)))["sent"] == 2
    assert again["unchanged"] == 1


def test_a_dry_run_sends_nothing_and_says_everything(
    run: Run, server: Server, folder: Path
) -> None:
    run("push", str(folder / "a.jsonl"))
    write(folder / "b.jsonl", f"{TOKEN}\n", age=99)
    run("mark-private", "c")
    server.requests.clear()
    done = run("push", "--dry-run", str(folder))
    assert server.requests == []
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"private {folder}/c.jsonl: ")
    assert lines[1] == (f"to send {folder}/b.jsonl  0.0 kB  redacted: 1 github")
    assert lines[2].startswith(f"unchanged {folder}/a.jsonl: ")
    assert lines[3:] == [
        "1 file, 0.0 MB to send, 0 failed, 1 unchanged, 1 private",
        "redacted: 1 github",
    ]
    assert report(run, str(folder))["sent"] == 1


def test_quiet_says_only_what_went_wrong(run: Run, server: Server, folder: Path) -> None:
    assert run("push", "--quiet", str(folder)).output == ""
    server.on("POST", UPLOAD, unless("b.jsonl", 500, "not now"))
    done = run("push", "--quiet", "--force", str(folder))
    assert done.exit_code == 1
    assert done.output == f"not sent: {folder}/b.jsonl: not now\n"


def test_json_has_one_shape(run: Run, server: Server, folder: Path) -> None:
    (folder / "empty").mkdir()
    shapes = [
        report(run, *words).keys()
        for words in ([str(folder)], [str(folder)], ["--dry-run", str(folder / "empty")])
    ]
    with only_one(data_folder() / "push.lock"):
        busy = report(run, str(folder))
    assert "another push is running" in busy["error"]
    assert [busy.keys(), *shapes] == [shapes[0]] * 4


def test_a_second_push_names_the_first_and_ends(run: Run, server: Server, folder: Path) -> None:
    with only_one(data_folder() / "push.lock"):
        done = run("push", str(folder))
        quiet = run("push", "--quiet", str(folder))
        assert run("push", "--dry-run", str(folder)).exit_code == 0
    assert (done.exit_code, quiet.exit_code, quiet.output) == (1, 0, "")
    assert f"another push is running (pid {os.getpid()}, since 20" in done.stderr
    assert server.requests == []
    assert run("push", str(folder)).exit_code == 0


def test_the_lock_dies_with_its_process(
    run: Run, server: Server, folder: Path, config: Path
) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from console.cli.push_lock import only_one\n"
        "with only_one(Path(sys.argv[1])): os._exit(9)\n"
    )
    command = [sys.executable, "-c", code, str(data_folder() / "push.lock")]
    assert subprocess.run(command, check=False).returncode == 9
    assert run("push", str(folder)).exit_code == 0


def test_secrets_stay_and_the_file_is_untouched(run: Run, server: Server, tmp_path: Path) -> None:
    text = json.dumps({"text": f"export password=hunter2\n{TOKEN}"}) + "\n" + TOKEN
    write(tmp_path / "s.jsonl", text)
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    answer = report(run, str(tmp_path))
    for request in server.requests:
        content = fields(request)[2].decode()
        assert "hunter2" not in content
        assert TOKEN not in content
        assert json.loads(content.splitlines()[0])
    assert answer["redacted"] == {"github": 4, "password": 2}
    assert (tmp_path / "s.jsonl").read_text() == text
    assert report(run, str(tmp_path))["unchanged"] == 2


def test_redactions_are_said(run: Run, server: Server, tmp_path: Path) -> None:
    write(tmp_path / "s.jsonl", TOKEN)
    assert run("push", str(tmp_path)).stdout.splitlines()[-1] == "redacted: 1 github"


def test_a_broken_gzip_is_a_failure_of_that_file(run: Run, server: Server, folder: Path) -> None:
    whole = gzip.compress(LINE.encode() * 1000)
    for name, content in (("cut", whole[:-9]), ("no", b"plain"), ("bad", whole[:20] + b"\0" * 40)):
        (folder / f"{name}.jsonl.gz").write_bytes(content)
    done = run("push", str(folder))
    assert done.exit_code == 1
    assert done.stderr.count("not a whole gzip file") == 3
    assert len(server.requests) == 3


def test_a_file_that_grows_while_it_is_read_is_sent_again(
    run: Run, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "s.jsonl"
    write(file, LINE * 1000)
    real = os.fstat

    def fstat(handle: int) -> os.stat_result:
        state = real(handle)
        if state.st_ino == file.stat().st_ino:
            with file.open("a") as end:
                end.write(LINE)
        return state

    with monkeypatch.context() as patched:
        patched.setattr("console.cli.push_ready.os.fstat", fstat)
        run("push", str(file))
    assert fields(server.last)[2].decode() == LINE * 1000
    assert report(run, str(file))["sent"] == 1
    assert fields(server.last)[2].decode() == file.read_text()


def test_a_broken_ledger_says_what_to_do(run: Run, server: Server, folder: Path) -> None:
    (data_folder() / "pushed.sqlite3").write_bytes(b"no database at all, just text" * 100)
    done = run("push", str(folder))
    assert done.exit_code == 1
    assert "pushed.sqlite3" in done.stderr
    assert "remove it" in done.stderr
    assert server.requests == []


def test_without_a_path_only_the_folder_you_are_in(
    run: Run, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "my project_1"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("AGNES_TRANSCRIPTS", raising=False)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    projects = tmp_path / "claude" / "projects"
    own = "".join(each if each.isalnum() else "-" for each in str(here))
    missing = run("push")
    write(projects / own / "mine.jsonl", LINE)
    write(projects / "other" / "other.jsonl", LINE)
    run("push")
    assert names(server) == ["mine.jsonl"]
    run("push", "--all")
    assert names(server) == ["mine.jsonl", "other.jsonl"]
    assert missing.exit_code == 1
    assert "--all" in missing.stderr


def test_a_path_and_all_exclude_each_other(run: Run, folder: Path) -> None:
    assert run("push", "--all", str(folder)).exit_code == 2
