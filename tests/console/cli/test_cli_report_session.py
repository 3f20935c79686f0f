"""Which session a report takes its turns from, and which turns: the last, of this folder, and never
those of a private session."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from console.cli import report_session
from tests.console.cli.report_place import excerpt, posted, session, shown, takes_reports
from tests.console.cli.stand_in import Run, Server
from tests.transcripts import Transcript

SEND = ("report", "-m", "It hangs", "--yes")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Path:
    """The folder of this project's transcripts."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.delenv("CLAUDE_CODE_SESSION_ID", raising=False)
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    folder = tmp_path / "claude" / "projects" / re.sub(r"[^A-Za-z0-9]", "-", str(project))
    folder.mkdir(parents=True)
    takes_reports(server)
    return folder


def sent(run: Run, server: Server, *words: str) -> list[dict[str, Any]]:
    """The records that arrive."""
    done = run(*SEND, *words)
    assert done.exit_code == 0, done.output
    assert posted(server)[-1] == shown(done.stderr).encode()
    return excerpt(posted(server)[-1])


def said(records: list[dict[str, Any]]) -> list[str]:
    """The words of each record, without what stands around them."""
    texts = (record["message"]["content"] for record in records)
    return [text if isinstance(text, str) else text[0]["text"] for text in texts]


def test_the_newest_session_of_this_folder_is_taken(run: Run, server: Server, place: Path) -> None:
    for number, name in enumerate(("old", "new", "agent-1")):
        os.utime(session(place, name, words=name), (1000 + number, 1000 + number))
    os.utime(session(place.with_name("-elsewhere"), "other"), (2000, 2000))
    assert said(sent(run, server))[0] == "new 0"


def test_the_running_session_comes_before_the_newest(
    run: Run, server: Server, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(place.with_name("-elsewhere"), "mine", words="Mine")
    os.utime(session(place, "new"), (2e9, 2e9))
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "mine")
    assert said(sent(run, server))[0] == "Mine 0"


@pytest.mark.parametrize("name", ["unknown", "../../etc/passwd", "*", "..", "a\x1b[2Jb"])
def test_a_running_session_without_a_transcript_is_never_replaced_by_another(
    run: Run, server: Server, place: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    session(place, "new")
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", name)
    done = run(*SEND)
    assert done.exit_code == 0
    assert "Session      none: " in done.stderr
    assert "\x1b" not in done.stderr
    assert "session_excerpt" not in json.loads(posted(server)[-1])


@pytest.mark.parametrize("words", [(), ("--session", "s1.jsonl"), ("--since-turn", "0")])
def test_a_private_session_is_never_taken(
    run: Run, server: Server, place: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(session(place).parent)
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "s1")
    run("mark-private", "s1")
    done = run(*SEND, *words)
    assert done.exit_code == 0
    assert "the session s1 is private" in done.stderr
    assert b"Hello" not in posted(server)[-1]


def test_a_session_that_holds_records_of_a_private_one_is_not_taken(
    run: Run, server: Server, place: Path
) -> None:
    forked = session(place, "s2")
    forked.write_bytes(forked.read_bytes() + session(place.with_name("x"), "s1").read_bytes())
    run("mark-private", "s1")
    done = run(*SEND, "--session", str(forked))
    assert "records of a private session" in done.stderr
    assert b"Hello" not in posted(server)[-1]


def test_the_last_turns_are_taken_and_state_is_not(run: Run, server: Server, place: Path) -> None:
    session(place, prompts=40)
    records = sent(run, server)
    assert len(records) == 50
    assert {record["type"] for record in records} == {"user", "assistant"}
    assert said(sent(run, server, "--turns", "3")) == ["Yes 38", "Hello 39", "Yes 39"]


def test_turns_are_those_of_the_replay(run: Run, server: Server, place: Path) -> None:
    session(place, prompts=40)
    assert said(sent(run, server, "--since-turn", "77")) == ["Yes 38", "Hello 39", "Yes 39"]
    assert said(sent(run, server, "--since-turn", "0", "--turns", "2")) == ["Hello 0", "Yes 0"]
    done = run(*SEND, "--since-turn", "80")
    assert done.exit_code == 2
    assert "its last one is 79" in done.stderr


def test_of_a_long_file_only_the_end_is_read(
    run: Run, server: Server, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = session(place, prompts=40)
    whole = path.read_bytes()
    monkeypatch.setattr(report_session, "_FIRST_READ", 300)
    expected = said(sent(run, server, "--turns", "7"))
    # What stands at the beginning is never met: it could not be read as text.
    path.write_bytes(b"\xff" * 50_000 + b"\n" + whole)
    assert said(sent(run, server, "--turns", "7")) == expected
    assert len(expected) == 7


def test_a_packed_transcript_and_one_that_is_being_written(
    run: Run, server: Server, place: Path
) -> None:
    path = session(place, prompts=40)
    packed = path.with_name("p.jsonl.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    expected = said(sent(run, server, "--session", str(path)))
    assert said(sent(run, server, "--session", str(packed))) == expected
    path.write_bytes(path.read_bytes() + b'{"type":"user","message":{"content":"half')
    assert said(sent(run, server, "--session", str(path))) == expected
    packed.write_bytes(packed.read_bytes()[:-9])
    assert run(*SEND, "--session", str(packed)).exit_code == 1


def test_images_copies_and_long_texts_are_cut_and_said(
    run: Run, server: Server, place: Path
) -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png"}}
    picture["source"]["data"] = "iVBOR" * 1000  # type: ignore[index]
    made = Transcript(session="s1").user([picture, {"type": "text", "text": "see " * 5000}])
    made = made.user("a", toolUseResult={"originalFile": "theWholeFile", "interrupted": True})
    made = made.user("b", toolUseResult={"stdout": "aCopyOfIt"}, slug="not-of-use")
    (place / "s1.jsonl").write_bytes(made.data)
    records = sent(run, server)
    body = posted(server)[-1].decode()
    assert not re.search("iVBOR|theWholeFile|aCopyOfIt|not-of-use", body)
    assert records[0]["message"]["content"][0]["source"]["media_type"] == "image/png"
    assert "characters cut …]" in records[0]["message"]["content"][1]["text"]
    assert records[1]["toolUseResult"] == {"interrupted": True}
    assert "~ image cut, 1 times" in run(*SEND).stderr


def test_a_report_stays_below_its_limit_and_loses_its_oldest_turns(
    run: Run, server: Server, place: Path
) -> None:
    made = Transcript(session="s1")
    for number in range(300):
        made = made.prompt(f"{number} " + "ä\n" * 3_900)
    (place / "s1.jsonl").write_bytes(made.data)
    done = run(*SEND, "--turns", "300")
    (body,) = posted(server)
    assert len(body) <= 1 << 20
    records = excerpt(body)
    assert said(records)[-1].startswith("299 ")
    assert f"{300 - len(records)} earlier turns were cut" in done.stderr


def test_no_name_of_person_or_machine_leaves(
    run: Run, server: Server, place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", "/home/anna.b")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setattr("getpass.getuser", lambda: "anna.b")
    monkeypatch.setattr("socket.gethostname", lambda: "anna-laptop.example.net")
    words = (
        "see /home/anna.b/work, file:///home/anna.b and -home-anna-b-work; /home/anna.bc/x;"
        " anna.b@anna-laptop:~$ ls /data/anna.b/x; /Users/otto/x C:\\Users\\otto\\y; anna.banana"
    )
    made = Transcript(session="s1").user(words, cwd="/home/anna.b/work", gitBranch="main")
    (place / "s1.jsonl").write_bytes(made.data)
    done = run("report", "-m", words, "--yes")
    body = posted(server)[-1].decode()
    cleaned = (
        "see ~/work, file://~ and ~-work; /home/[user]/x;"
        " [user]@[host]:~$ ls /data/[user]/x; /Users/[user]/x C:\\Users\\[user]\\y; anna.banana"
    )
    assert json.loads(body)["message"] == cleaned
    assert excerpt(body)[0]["cwd"] == "~/work"
    assert not re.search(r"anna\.b\b|anna-b|otto|laptop", body)
    assert "home-folder" in done.stderr


def test_no_bytes_make_it_fail(run: Run, server: Server, place: Path) -> None:
    deep = b'{"type":"user","message":{"content":' + b"[" * 900 + b"]" * 900 + b"}}\n"
    odd = b'{"type":"user","message":{"content":"\\ud800 \\u001b[31mred \xff"}}\n3\n[]\n\n'
    rest = b'{"type":[],"message":7}\n{"type":"user","message":"text","version":5}\n'
    (place / "s1.jsonl").write_bytes(deep + odd + rest)
    done = run(*SEND)
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.stderr
    assert "red" in posted(server)[-1].decode()
    assert "\\u001b" not in posted(server)[-1].decode()
