"""How commands are found, and how they end: exit codes, and errors as text."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import typer

from console.cli import COMMANDS
from console.cli.exits import EXIT_CODES, WrongUse, code_of
from console.cli.lazy import Command
from console.cli.text import plain
from schema import errors
from tests.console.cli.stand_in import Run, Server


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 1), (401, 3), (403, 3), (404, 1), (409, 1), (413, 1), (429, 1), (500, 1), (503, 4)],
)
def test_the_servers_answer_decides_the_code(
    run: Run, server: Server, status: int, code: int
) -> None:
    server.says_no("GET", "/api/me", status, "no\x1b[2J", "later\nmaybe")
    done = run("whoami")
    assert done.exit_code == code
    assert done.stderr == "error: no\\x1b[2J\n  later\\nmaybe\n"
    assert done.stdout == ""


def test_a_server_that_is_away_is_code_four(run: Run, server: Server) -> None:
    server.on("GET", "/api/me", httpx.ConnectError("[Errno 111] Connection refused"))
    done = run("whoami")
    assert done.exit_code == 4
    assert done.stderr == (
        "error: cannot reach http://127.0.0.1:8000: [Errno 111] Connection refused\n"
        "  is it running? set AGNES_SERVER or run `agnes login --server URL`\n"
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.BadRequest("the server's"), 1),
        (errors.BadParameter("AGNES_SERVER", "x", "ours"), 2),
        (WrongUse("ours"), 2),
        (KeyboardInterrupt(), 130),
        (typer.Abort(), 130),
        (OSError(28, "No space left on device"), 1),
        (ValueError("?"), 1),
    ],
)
def test_each_kind_of_error_has_its_code(error: BaseException, code: int) -> None:
    assert code_of(error) == code
    assert code in EXIT_CODES


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyboardInterrupt(), "interrupted\n"),
        (
            KeyError("x\x07"),
            "error: unexpected KeyError: 'x\\x07'\n  set AGNES_DEBUG=1 to see where\n",
        ),
        (OSError(28, "No space left on device", "f"), "error: f: No space left on device\n"),
        (
            ModuleNotFoundError("No module named 'duckdb'", name="duckdb"),
            "error: this command needs the package duckdb, which is not installed\n"
            "  install the server's part: pip install 'agnes-console[server]'\n",
        ),
    ],
)
def test_what_nobody_foresaw_is_one_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, text: str
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr("console.client.connect", broken)
    done = run("whoami")
    assert done.stderr == text
    assert done.exit_code == code_of(error)


def test_debug_shows_where(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNES_DEBUG", "1")
    monkeypatch.setenv("AGNES_SERVER", "nonsense")
    done = run("whoami")
    assert done.exit_code == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: AGNES_SERVER=")


def test_the_help_lists_every_command_and_every_code(run: Run) -> None:
    nouns: tuple[list[str], ...] = ([], ["admin"], ["me"])
    text = "".join(run(*words, "--help").stdout for words in nouns)
    for command in COMMANDS:
        assert f"  {command.name.split()[-1]} " in text
        assert command.help in text
    for code, meaning in EXIT_CODES.items():
        assert f"{code:<4} {meaning}" in text


@pytest.mark.parametrize(
    "words", [[], ["admin"], ["admin", "activity"], ["admin", "activity", "list"], ["push"]]
)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_everywhere(run: Run, server: Server, words: list[str], option: str) -> None:
    done = run(*words, option)
    assert done.exit_code == 0
    assert done.stdout.startswith("Usage: agnes")
    assert server.requests == []


@pytest.mark.parametrize(
    ("words", "near"),
    [(["pusch"], "push"), (["admin", "user"], "users"), (["admin", "users", "lst"], "list")],
)
def test_a_mistyped_command_names_the_nearest(run: Run, words: list[str], near: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert f"Did you mean '{near}'" in done.stderr


def test_the_version_is_shown(run: Run) -> None:
    from importlib.metadata import version

    assert run("--version").stdout == f"agnes {version('agnes-console')}\n"


@pytest.mark.parametrize(
    "command",
    [each for each in COMMANDS if each.target and ".server:" not in each.target],
    ids=lambda each: each.name,
)
def test_every_line_of_the_table_leads_somewhere(run: Run, command: Command) -> None:
    done = run(*command.name.split(), "--help")
    assert done.exit_code == 0, done.output


def test_only_the_module_of_the_command_is_imported() -> None:
    script = (
        "import sys; from console.cli import app\n"
        "try: app(['push', '--help'], prog_name='agnes')\n"
        "except SystemExit: pass\n"
        "names = {'console.cli.push', 'console.cli.admin_activity', 'httpx', 'rich'}\n"
        "print(sorted(names & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd="/", capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "['console.cli.push']"


def test_the_installed_command_ends_with_the_code() -> None:
    agnes = Path(sys.executable).with_name("agnes")
    environment = {"AGNES_SERVER": "nonsense", "AGNES_TOKEN": "x", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [agnes, "whoami"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: AGNES_SERVER='nonsense' is not allowed")


def test_a_reader_that_leaves_early_sees_no_traceback() -> None:
    agnes = Path(sys.executable).with_name("agnes")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [agnes, "--version"], stdout=writer, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ä 漢 👩‍💻", "plain ä 漢 👩‍💻"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\x7f\x85\x9b", r"\x7f\x85\x9b"),
        ("\u202e\u2066\ufeff\u200b\u2028", r"\u202e\u2066\ufeff\u200b\u2028"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_text_of_others_becomes_one_harmless_line(text: str, shown: str) -> None:
    assert plain(text) == shown
