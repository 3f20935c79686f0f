"""The main job, from outside: first admin, server, transcripts, and every action in the audit log
at once."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from prometheus_client.parser import text_string_to_metric_families

from console.doctor import CHECKS
from tests.server_process import ServerProcess, agnes
from tests.terminal import Terminal

EMAIL, PASSWORD = "first@example.org", "correct horse battery"
SESSION = "7c1d5f0e-2f7a-4a59-9a3e-0d7f3c1b2a44"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A data folder with its first admin: `{user_id, token}`."""
    folder = tmp_path_factory.mktemp("end") / "data"
    words = ("init", "--email", EMAIL, "--password-stdin", "--json", "--data-dir", folder)
    done = agnes(*words, given=PASSWORD + "\n")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@pytest.fixture(scope="module")
def terminal(
    made: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terminal]:
    folder, admin = made
    with ServerProcess(folder) as server:
        assert server.link == "", "a link is for an instance that nobody can sign in to"
        settings = {
            "AGNES_SERVER": server.address,
            "AGNES_TOKEN": admin["token"],
            "AGNES_CONFIG_DIR": str(tmp_path_factory.mktemp("config")),
        }
        yield Terminal(server, settings)


def record(number: int, **more: Any) -> str:
    line = {
        "type": "user" if number % 2 else "assistant",
        "uuid": f"00000000-0000-4000-8000-{number:012d}",
        "sessionId": SESSION,
        "timestamp": f"2026-01-05T10:{number:02d}:00.000Z",
        "message": {"role": "user" if number % 2 else "assistant", "content": f"line {number}"},
    }
    return json.dumps({**line, **more})


@pytest.fixture(scope="module")
def transcripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session, its subagent's transcript and a packed session, as they lie on a person's
    machine."""
    folder = tmp_path_factory.mktemp("projects") / "shop"
    subagents = folder / SESSION / "subagents"
    subagents.mkdir(parents=True)
    text = "\n".join(record(number) for number in range(6)) + "\n"
    folder.joinpath(f"{SESSION}.jsonl").write_text(text)
    subagents.joinpath("agent-a1.jsonl").write_text(record(7, isSidechain=True) + "\n")
    folder.joinpath("packed.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return folder


def test_whoami_is_the_first_admin(terminal: Terminal, made: tuple[Path, dict[str, str]]) -> None:
    me = terminal.json("whoami")
    assert (me["id"], me["email"], me["is_admin"]) == (made[1]["user_id"], EMAIL, True)


def test_every_pushed_transcript_is_in_the_log_at_once(
    terminal: Terminal, transcripts: Path
) -> None:
    folders = [transcripts]
    if corpus := os.environ.get("AGNES_TEST_CORPUS"):
        folders.append(Path(corpus) / "transcripts")
    pushed = terminal.json("push", *folders)
    assert pushed["failed"] == 0
    assert pushed["sent"] == len(pushed["files"]) >= 3
    wanted = {each["session_file"] for each in pushed["files"]}
    log = terminal.json("admin", "activity", "--action", "session.upload", "--limit", "200")
    uploads = [json.loads(row["params"]) for row in log["rows"]]
    assert {upload["session_file"] for upload in uploads} == wanted
    assert {row["result"] for row in log["rows"]} == {"success"}
    assert {row["user_email"] for row in log["rows"]} == {EMAIL}
    assert {row["source"] for row in log["rows"]} == {"cli"}
    user = log["rows"][0]["user_id"]
    assert f"{user}/packed.jsonl" in wanted
    (child,) = (each for each in uploads if each.get("parent") == f"{user}/{SESSION}.jsonl")
    assert child["filename"] == "agent-a1.jsonl"
    kept = terminal.server.folder / "sessions" / user
    assert (kept / "packed.jsonl").read_bytes() == (transcripts / f"{SESSION}.jsonl").read_bytes()


def test_one_row_is_shown_in_full(terminal: Terminal, transcripts: Path) -> None:
    terminal("push", "--force", transcripts / "packed.jsonl.gz")
    (row,) = terminal.json("admin", "activity", "--action", "session.upload", "--limit", "1")[
        "rows"
    ]
    shown = terminal.json("admin", "activity", "show", row["id"])
    assert {name: shown[name] for name in row} == row
    assert "linked" in shown
    text = terminal("admin", "activity", "show", row["id"]).stdout
    assert row["id"] in text
    assert "packed.jsonl" in text
    terminal("admin", "activity", "show", "no-such-id", code=1)


def test_each_format_of_the_export_holds_every_row(terminal: Terminal, tmp_path: Path) -> None:
    window = ("--action", "session.upload")
    counts = {}
    for format in ("csv", "json", "parquet"):
        file = tmp_path / f"rows.{format}"
        terminal("admin", "activity", "export", *window, "--format", format, "-o", file)
        data = file.read_bytes()
        counts[format] = (
            pq.read_table(io.BytesIO(data)).num_rows if format == "parquet" else data.count(b"\n")
        )
    counts["csv"] -= 1  # the names of the columns
    rows = terminal.json("admin", "activity", *window, "--limit", "200")["rows"]
    assert set(counts.values()) == {len(rows)}


def test_health_and_syncs_of_a_new_instance(terminal: Terminal) -> None:
    pulse = terminal.json("admin", "activity", "health")
    assert {field["key"] for field in pulse["fields"]} >= {"scheduler", "storage", "audit_writes"}
    assert pulse["status"] in ("green", "yellow", "red")
    assert terminal.json("admin", "activity", "sync") == {"rows": []}


def listed(terminal: Terminal, noun: str) -> set[str]:
    return {row["id"] for row in terminal.json("admin", noun, "list")["rows"]}


def test_people_groups_grants_and_tokens_come_and_go(terminal: Terminal) -> None:
    user = terminal.json("admin", "users", "create", "ana@example.org")["id"]
    group = terminal.json("admin", "groups", "create", "readers")["id"]
    terminal("admin", "groups", "add-member", "readers", "ana@example.org")
    grant = terminal.json("admin", "grants", "create", "readers", "activity")["id"]
    token = terminal.json("admin", "tokens", "create", "ana@example.org", "for a test")
    for noun, id in (
        ("users", user),
        ("groups", group),
        ("grants", grant),
        ("tokens", token["id"]),
    ):
        assert id in listed(terminal, noun)

    ana = terminal.as_(AGNES_SERVER=terminal.server.address, AGNES_TOKEN=token["token"])
    assert ana.json("whoami")["grants"] == [{"resource_type": "activity", "resource_id": None}]
    assert ana.json("admin", "activity", "--limit", "1")["rows"]
    ana("admin", "users", code=3)

    terminal("admin", "grants", "delete", grant)
    ana("admin", "activity", code=3)
    terminal("admin", "tokens", "revoke", token["id"])
    ana("whoami", code=3)
    terminal("admin", "groups", "delete", "readers")
    terminal("admin", "users", "deactivate", "ana@example.org")
    assert grant not in listed(terminal, "grants")
    assert group not in listed(terminal, "groups")
    log = terminal.json("admin", "activity", "--limit", "200")["rows"]
    assert {
        *("user.create", "user.deactivate", "token.create", "token.revoke"),
        *("user_groups.create", "user_groups.delete", "user_group_members.add"),
        *("resource_grants.add", "resource_grants.remove"),
    } <= {row["action"] for row in log}


def test_login_is_remembered_until_logout(terminal: Terminal, tmp_path: Path) -> None:
    mine = terminal.as_(AGNES_CONFIG_DIR=str(tmp_path))
    words = ("login", "--server", terminal.server.address, "--email", EMAIL, "--password-stdin")
    mine(*words, given="wrong password\n", code=3)
    mine(*words, given=PASSWORD + "\n")
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert mine.json("whoami")["email"] == EMAIL
    token = json.loads(file.read_text())["servers"][terminal.server.address]["token"]
    mine("logout")
    with terminal.server.client(token) as client:
        assert client.get("/api/me").status_code == 401
    mine("logout", code=2)


def test_exit_codes_say_what_went_wrong(terminal: Terminal) -> None:
    terminal("admin", "activity", "--no-such-option", code=2)
    terminal("admin", "activity", "--query", "acton:x", code=1)
    nobody = terminal.as_(AGNES_SERVER="http://127.0.0.1:9", AGNES_TOKEN="x")
    assert "127.0.0.1:9" in nobody("whoami", code=4).stderr
    stranger = terminal.as_(AGNES_SERVER=terminal.server.address, AGNES_TOKEN="agnes_wrong")
    assert "agnes login" in stranger("whoami", code=3).stderr


def test_a_second_server_says_who_holds_the_folder(terminal: Terminal) -> None:
    folder = terminal.server.folder
    for words in (("serve", "--port", "0"), ("seed", "--audit-rows", "1")):
        done = terminal(*words, "--data-dir", folder, code=1)
        assert str(terminal.server.pid) in done.stderr, done.stderr
        assert str(folder) in done.stderr
    assert terminal.json("whoami")["email"] == EMAIL


def test_doctor_examines_beside_a_running_server(terminal: Terminal) -> None:
    found = terminal.json("doctor", "--data-dir", terminal.server.folder)
    assert {each["check"] for each in found} == {one.__name__ for one in CHECKS}
    assert {each["level"] for each in found} == {"ok"}


def test_machines_can_watch_the_server(terminal: Terminal) -> None:
    with terminal.server.client() as machine:
        assert machine.get("/healthz").json() == {"status": "ok"}
        assert machine.get("/readyz").json() == {"status": "ok"}
        answer = machine.get("/metrics")
        assert answer.headers["Content-Type"].startswith("text/plain")
        families = {each.name: each for each in text_string_to_metric_families(answer.text)}
    assert families
    assert all(name.startswith(("agnes_", "python_", "process_")) for name in families)
    assert any(sample.value > 0 for each in families.values() for sample in each.samples)


def test_the_demo_prints_its_link_first_and_the_link_shows_rows(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "demo", command="demo") as demo:
        first = next(word for word in demo.said().split() if word.startswith("http"))
        assert first == f"{demo.address}/login?link={demo.link}"
        with demo.client() as browser:
            browser.follow_redirects = True
            page = browser.get(first)
            assert page.url.path == "/admin/activity"
            assert page.text.count("data-audit-row=") == 50
            assert 'class="pulse' in page.text
