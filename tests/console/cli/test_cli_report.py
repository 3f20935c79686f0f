"""`agnes report`: what is shown is what arrives, and nothing arrives that nobody confirmed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import httpx
import pytest

from console.cli.push_lock import only_one
from console.feedback.fingerprint import fingerprint
from tests.console.cli.report_place import (
    CREATED,
    PATH,
    excerpt,
    posted,
    session,
    shown,
    takes_reports,
)
from tests.console.cli.stand_in import Run, Server, Terminal

SAY = ("report", "-m", "The sync tool hangs")


@pytest.fixture(autouse=True)
def transcripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Path:
    folder = tmp_path / "transcripts"
    folder.mkdir()
    monkeypatch.setenv("AGNES_TRANSCRIPTS", str(folder))
    monkeypatch.delenv("CLAUDE_CODE_SESSION_ID", raising=False)
    monkeypatch.setenv("PAGER", "no-such-pager")
    takes_reports(server)
    return folder


def queue(config: Path) -> list[Path]:
    return sorted((config / "reports").glob("*.report"))


def test_what_is_shown_is_what_arrives(run: Run, server: Server, transcripts: Path) -> None:
    session(transcripts)
    done = run(*SAY, "--yes", "--category", "Tool")
    assert done.exit_code == 0, done.output
    assert posted(server) == [shown(done.stderr).encode()]
    body = json.loads(posted(server)[0])
    assert body["message"] == "The sync tool hangs"
    assert body["category"] == "Tool"
    assert body["ack_preview"] is True
    assert set(body["environment"]) >= {"agnes", "os", "python"}
    assert len(excerpt(posted(server)[0])) == 6
    assert server.last.headers["content-type"].startswith("application/json")
    assert "2 admins and the groups Support" in done.stderr
    assert "for 90 days" in done.stderr
    assert "you are the first" in done.stderr
    assert f"sent as report {CREATED['report_id']}" in done.stdout
    assert f"what becomes of it: http://127.0.0.1:8000{CREATED['status_url']}" in done.stdout


def test_the_typed_word_sends(run: Run, server: Server, terminal: Terminal) -> None:
    terminal()
    done = run(*SAY, stdin="send\n")
    assert done.exit_code == 0, done.output
    assert posted(server) == [shown(done.stderr).encode()]


@pytest.mark.parametrize("typed", ["", "\n", "s\n", "y\n", "yes\n", "Send\n", "send it\n", "1\n"])
def test_all_else_sends_nothing_and_keeps_nothing(
    run: Run, server: Server, terminal: Terminal, config: Path, typed: str
) -> None:
    terminal()
    done = run(*SAY, stdin=typed)
    assert done.exit_code == 1
    assert "nothing was sent" in done.stderr
    assert not posted(server)
    assert not queue(config)


@pytest.mark.parametrize("seen", [(), ("stdin",), ("stdout", "stderr")])
def test_without_a_terminal_nothing_is_sent(
    run: Run, server: Server, terminal: Terminal, config: Path, seen: tuple[str, ...]
) -> None:
    if seen:
        terminal(*seen)
    done = run(*SAY, stdin="send\n")
    assert done.exit_code == 2
    assert "no terminal to confirm on" in done.stderr
    assert not server.requests
    assert not queue(config)


def test_each_part_can_be_left_out_and_is_shown_anew(
    run: Run, server: Server, terminal: Terminal, transcripts: Path
) -> None:
    session(transcripts)
    terminal()
    done = run(*SAY, stdin="no session\nno environment\nshow\nsend\n")
    assert done.exit_code == 0, done.output
    (body,) = posted(server)
    assert json.loads(body).keys() == {"message", "environment", "ack_preview", "idempotency_key"}
    assert json.loads(body)["environment"] == {}
    assert body.decode() == shown(done.stderr)
    assert done.stderr.count("Session      left out") == 3
    done = run(*SAY, "--no-session", "--no-environment", "--yes")
    assert "session_excerpt" not in json.loads(posted(server)[-1])


def test_what_others_reported_is_said_before_sending(run: Run, server: Server) -> None:
    known = {
        "fingerprint": "f" * 64,
        "reports": 14,
        "reporters": 12,
        "status": "resolved",
        "resolution": "Update it\x1b[2J",
        "fixed_in": "0.3",
        "last_at": "2026-05-20T09:00:00",
    }
    server.on("GET", f"{PATH}/known", known)
    done = run(*SAY, "--yes")
    assert "12 people reported the same, resolved, fixed in 0.3" in done.stderr
    assert r"Update it\x1b[2J" in done.stderr
    asked = next(one for one in server.requests if one.url.path.endswith("known"))
    assert asked.url.params["fingerprint"] == fingerprint("The sync tool hangs")


def test_a_dry_run_asks_no_server_and_shows_what_it_said_last(run: Run, server: Server) -> None:
    done = run(*SAY, "--dry-run")
    assert done.exit_code == 0
    assert "not known: this server was not asked yet" in done.stdout
    assert server.requests == []
    run(*SAY, "--yes")
    count = len(server.requests)
    done = run(*SAY, "--dry-run")
    assert "for 90 days  (as it said today, 20" in done.stdout
    assert json.loads(shown(done.stdout))["message"] == "The sync tool hangs"
    told = json.loads(run(*SAY, "--dry-run", "--json").stdout)
    assert told["status"] == "dry_run"
    assert json.loads(told["body"])["message"] == "The sync tool hangs"
    assert len(server.requests) == count


def test_json_is_one_object_and_the_preview_stands_beside_it(run: Run, server: Server) -> None:
    done = run("report", "-m", "password=hunter2hunter", "--yes", "--json")
    told = json.loads(done.stdout)
    assert told["status"] == "sent"
    assert told["report_id"] == CREATED["report_id"]
    assert told["redacted"] == {"password": 1}
    assert shown(done.stderr).encode() == posted(server)[0]
    assert "- message: hunt… (13 characters)\n  + message: [REDACTED:password]" in done.stderr


# Where the server cannot be reached


AWAY = [(httpx.ConnectError("no"), 4), (httpx.ReadTimeout(""), 4), (500, 4), (502, 4), (503, 4)]


@pytest.mark.parametrize(("away", "code"), [*AWAY, (401, 3), (403, 3), (429, 1)])
def test_what_was_confirmed_waits_and_is_filed_once(
    run: Run, server: Server, config: Path, away: object, code: int
) -> None:
    answer = httpx.Response(away, json={"error": "down"}) if isinstance(away, int) else away
    server.on("POST", PATH, answer)
    done = run(*SAY, "--yes")
    assert done.exit_code == code
    assert "agnes report --flush" in done.stderr
    (file,) = queue(config)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    body = shown(done.stderr).encode()
    assert file.read_bytes().partition(b"\n")[2] == body
    assert run("report", "--flush").exit_code != 0
    assert queue(config) == [file]
    takes_reports(server)
    done = run("report", "--flush")
    assert done.exit_code == 0
    assert posted(server)[-1] == body
    assert len({json.loads(each)["idempotency_key"] for each in posted(server)}) == 1
    assert queue(config) == []
    assert "no report waits" in run("report", "--flush").stdout


def test_a_refused_report_is_said_and_not_kept(run: Run, server: Server, config: Path) -> None:
    server.says_no("POST", PATH, 400, "not this one\x1b[2J")
    done = run(*SAY, "--yes")
    assert done.exit_code == 1
    assert r"not this one\x1b[2J" in done.stderr
    assert queue(config) == []


def test_offline_the_kept_terms_are_shown_and_the_word_keeps_it(
    run: Run, server: Server, terminal: Terminal, config: Path
) -> None:
    terminal()
    for path in (f"{PATH}/terms", PATH):
        server.on("GET" if path != PATH else "POST", path, httpx.ConnectError("no"))
    assert run(*SAY, stdin="no\n").exit_code == 1
    assert queue(config) == []
    done = run(*SAY, stdin="send\n")
    assert done.exit_code == 4
    assert "Known?     not asked" in done.stderr
    assert len(queue(config)) == 1


def test_a_full_disk_takes_no_report_away(
    run: Run, server: Server, monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = run(*SAY, "--yes")
    assert done.exit_code == 0, done.output
    assert "it cannot be kept here: No space left on device" in done.stderr
    assert len(posted(server)) == 1
    assert list((config / "reports").glob("*.report")) == []


def test_where_nothing_can_be_written_a_report_goes_without_a_session(
    run: Run,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    transcripts: Path,
    tmp_path: Path,
) -> None:
    session(transcripts)
    (tmp_path / "full").write_text("")
    monkeypatch.setenv("AGNES_CONFIG_DIR", str(tmp_path / "full" / "agnes"))
    monkeypatch.setenv("AGNES_SERVER", "http://127.0.0.1:8000")
    done = run(*SAY, "--yes")
    assert done.exit_code == 0, done.output
    assert "which sessions are private cannot be read" in done.stderr
    assert "it cannot be kept here" in done.stderr
    (body,) = posted(server)
    assert "session_excerpt" not in json.loads(body)


def test_an_interrupted_sending_is_said(run: Run, server: Server, config: Path) -> None:
    def interrupt(_: httpx.Request) -> None:
        assert len(queue(config)) == 1  # a killed process would leave it there
        raise KeyboardInterrupt

    server.on("POST", PATH, interrupt)
    done = run(*SAY, "--yes")
    assert done.exit_code == 130
    assert "interrupted while it was sent" in done.stderr
    assert queue(config) == []


def test_what_waits_for_another_server_stays(
    run: Run, server: Server, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on("POST", PATH, httpx.ConnectError("no"))
    run(*SAY, "--yes")
    monkeypatch.setenv("AGNES_SERVER", "https://other.example")
    takes_reports(server)
    before = len(server.requests)
    done = run("report", "--flush")
    assert "1 waits for http://127.0.0.1:8000" in done.stderr
    assert len(server.requests) == before
    assert len(queue(config)) == 1


def test_one_process_flushes(run: Run, server: Server, config: Path) -> None:
    server.on("POST", PATH, httpx.ConnectError("no"))
    run(*SAY, "--yes")
    takes_reports(server)
    count = len(server.requests)
    with only_one(config / "reports" / "flush.lock"):
        done = run("report", "--flush")
    assert done.exit_code == 1
    assert "`agnes report --flush` is running" in done.stderr
    assert len(server.requests) == count


def test_a_report_that_is_refused_later_is_set_aside(
    run: Run, server: Server, config: Path
) -> None:
    server.on("POST", PATH, httpx.ConnectError("no"))
    run(*SAY, "--yes")
    server.says_no("POST", PATH, 400, "too old")
    done = run("report", "--flush", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["refused"][0]["error"] == "too old"
    assert queue(config) == []
    assert len(list((config / "reports").glob("*.refused"))) == 1


def test_push_says_what_waits(run: Run, server: Server, transcripts: Path) -> None:
    server.on("POST", PATH, httpx.ConnectError("no"))
    run(*SAY, "--yes", "--no-session")
    done = run("push", str(transcripts))
    assert "1 report waits to be sent: agnes report --flush" in done.stderr


def test_a_link_to_a_session_that_is_gone_is_dropped_and_asked_anew(
    run: Run, server: Server, terminal: Terminal, transcripts: Path
) -> None:
    path = session(transcripts)
    upload = {"status": "ok", "filename": path.name, "size": 1, "session_file": f"u1/{path.name}"}
    server.on("POST", "/api/upload/sessions", upload)
    run("push", str(path))

    def answer(request: httpx.Request) -> httpx.Response:
        if b'"session_file"' in request.content:
            return httpx.Response(400, json={"error": "session_file is not allowed", "detail": ""})
        return httpx.Response(201, json=CREATED)

    server.on("POST", PATH, answer)
    terminal()
    done = run(*SAY, stdin="send\nsend\n")
    assert done.exit_code == 0, done.output
    first, second = posted(server)
    assert json.loads(first)["session_file"] == f"u1/{path.name}"
    assert "session_file" not in json.loads(second)
    assert second.decode() == shown(done.stderr)


# What cannot be a report


@pytest.mark.parametrize("text", ["", "  \n ", "\x1b[31m\x1b[0m", "\x00\x07", "\ud800"])
def test_an_empty_message_is_refused(run: Run, server: Server, text: str) -> None:
    done = run("report", "-m", text, "--yes")
    assert done.exit_code == 2
    assert "the message is empty" in done.stderr
    assert server.requests == []


def test_a_message_without_control_characters_arrives(run: Run, server: Server) -> None:
    text = "a\x1b[2Jb\x00c\x9bd\u202ee\r\nf\tg ../../etc/passwd <script>"
    assert run("report", "-m", text, "--yes").exit_code == 0
    body = posted(server)[0]
    assert json.loads(body)["message"] == "abcd\u202ee\nf\tg ../../etc/passwd <script>"
    assert b"\\u202e" in body
    assert all(sign >= 32 or sign == 10 for sign in body)


@pytest.mark.parametrize(
    "words",
    [
        ("-m", "x" * 10_001),
        ("-m", "x", "--category", "c" * 41),
        ("-m", "x", "--no-session", "--since-turn", "3"),
        ("-m", "x", "--session", "nothing.jsonl"),
        ("-m", "x", "--session", "/etc/passwd"),
        ("--flush", "-m", "x"),
        (),
    ],
)
def test_what_cannot_work_sends_nothing(run: Run, server: Server, words: tuple[str, ...]) -> None:
    assert run("report", *words, "--yes").exit_code == 2
    assert server.requests == []


def test_the_message_is_asked_or_read_from_a_pipe(
    run: Run, server: Server, terminal: Terminal
) -> None:
    assert run("report", "-m", "-", "--yes", stdin="piped in\n").exit_code == 0
    assert json.loads(posted(server)[-1])["message"] == "piped in"
    terminal()
    assert run("report", stdin="It hangs\nevery time\n\nsend\n").exit_code == 0
    assert json.loads(posted(server)[-1])["message"] == "It hangs\nevery time"


def hostile() -> list[str]:
    """What people with bad intentions report; the corpus has more."""
    own = ["<script>window.x=1</script>", "'; DROP TABLE feedback_reports; --", "x" * 200_000, "\0"]
    folder = os.environ.get("AGNES_TEST_CORPUS")
    if not folder:
        return own
    lines = Path(folder, "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines()
    given = [entry for entry in map(json.loads, lines) if entry["surface"] == "feedback_text"]
    assert given
    return [*own, *(str(entry["payload"]) for entry in given)]


def test_a_hostile_message_is_refused_or_arrives_as_it_was_shown(run: Run, server: Server) -> None:
    for text in hostile():
        before = len(posted(server))
        done = run("report", f"--message={text}", "--yes", "--no-session")
        arrived = posted(server)[before:]
        if done.exit_code == 2:
            assert arrived == []
        else:
            assert done.exit_code == 0, done.output
            assert arrived == [shown(done.stderr).encode()]
            assert text.strip() == json.loads(arrived[0])["message"]
