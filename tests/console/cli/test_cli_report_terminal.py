"""The typed word, in a real terminal and against a real socket: what a person does, and what ends a
process before they have done it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pexpect
import pytest

from tests.console.cli.report_place import CREATED, TERMS, session, shown
from tests.server_process import AGNES, PATIENCE, agnes, clean_environment

ASKED = "Anything else sends nothing: "


class Inbox(ThreadingHTTPServer):
    """Takes reports, and keeps their bytes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.bodies: list[bytes] = []
        self.stalled = threading.Event()  # set: an answer is not given, as if the line hung
        self.arrived = threading.Event()
        self.ended = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Inbox

    def do_GET(self) -> None:
        known = self.path.startswith("/api/feedback/known")
        self._answer(404 if known else 200, {"error": "nothing known"} if known else TERMS)

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.arrived.set()
        if self.server.stalled.is_set():
            self.server.ended.wait(PATIENCE)
            return
        self._answer(201, CREATED)

    def _answer(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test has no log."""


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    server = Inbox()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(inbox: Inbox, tmp_path: Path) -> dict[str, str]:
    session(tmp_path / "transcripts")
    return clean_environment(
        AGNES_SERVER=inbox.address,
        AGNES_TOKEN="agnes_test",
        AGNES_CONFIG_DIR=str(tmp_path / "config"),
        AGNES_TRANSCRIPTS=str(tmp_path / "transcripts"),
        PAGER="cat",
        TERM="xterm",
    )


def spawned(settings: dict[str, str], *words: str) -> pexpect.spawn:
    """`agnes` in a terminal. A run of tests in the background ignores Ctrl-C; a person's terminal
    does not."""

    def heard() -> None:
        for each in (signal.SIGINT, signal.SIGHUP):
            signal.signal(each, signal.SIG_DFL)

    return pexpect.spawn(
        str(AGNES),
        list(words),
        env=settings,
        encoding="utf-8",
        timeout=PATIENCE,
        dimensions=(24, 100),
        preexec_fn=heard,
    )


def begun(settings: dict[str, str]) -> pexpect.spawn:
    shell = spawned(settings, "report", "-m", "It hangs \x1b[2J")
    shell.expect_exact(ASKED)
    return shell


def ended(shell: pexpect.spawn) -> tuple[int | None, str]:
    """The exit code, and all that came after the question."""
    shell.expect(pexpect.EOF)
    shell.close()
    return shell.exitstatus, shell.before or ""


def waiting(settings: dict[str, str]) -> list[Path]:
    return list(Path(settings["AGNES_CONFIG_DIR"]).rglob("*.report"))


def test_what_the_pager_showed_arrives_once_the_word_is_typed(
    inbox: Inbox, settings: dict[str, str]
) -> None:
    shell = begun(settings)
    screen = (shell.before or "").replace("\r\n", "\n")
    # The pager has shown all of it; beside the question stands what it was in short.
    preview = screen.partition("(shown in full")[0].rpartition("To         ")[0]
    assert inbox.bodies == []
    shell.sendline("send")
    code, rest = ended(shell)
    assert code == 0, rest
    assert inbox.bodies == [shown(preview).encode()]
    assert "\x1b[2J" not in screen
    assert "2 admins" in screen
    assert str(CREATED["report_id"]) in rest
    assert waiting(settings) == []


@pytest.mark.parametrize("typed", ["y", "\x04", "\x03"])
def test_anything_else_sends_nothing(inbox: Inbox, settings: dict[str, str], typed: str) -> None:
    shell = begun(settings)
    if typed in ["\x03", "\x04"]:
        shell.send(typed)  # Ctrl-C, Ctrl-D
    else:
        shell.sendline(typed)
    code, rest = ended(shell)
    assert code == (130 if typed == "\x03" else 1), rest
    assert not inbox.bodies
    assert not waiting(settings)


def test_what_was_typed_before_the_question_is_no_answer(
    inbox: Inbox, settings: dict[str, str]
) -> None:
    shell = spawned(settings, "report")
    shell.expect_exact("End with an empty line.")
    shell.send("It hangs\n\nsend\nsend\n")  # pasted
    shell.expect_exact(ASKED)
    shell.send("\x04")
    code, rest = ended(shell)
    assert code == 1, rest
    assert not inbox.bodies
    assert not waiting(settings)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGHUP])
def test_a_process_that_ends_before_the_word_sends_nothing(
    inbox: Inbox, settings: dict[str, str], how: signal.Signals
) -> None:
    shell = begun(settings)
    shell.kill(how)
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.signalstatus == how
    assert not inbox.bodies
    assert not waiting(settings)


def test_a_process_that_is_killed_while_it_sends_has_kept_the_report(
    inbox: Inbox, settings: dict[str, str]
) -> None:
    inbox.stalled.set()
    shell = begun(settings)
    shell.sendline("send")
    assert inbox.arrived.wait(PATIENCE)
    shell.kill(signal.SIGKILL)
    shell.expect(pexpect.EOF)
    shell.close()
    assert len(waiting(settings)) == 1
    inbox.stalled.clear()
    done = agnes("report", "--flush", settings=settings)
    assert done.returncode == 0, done.stderr
    assert waiting(settings) == []
    # The same bytes with the same key: the server files them once.
    first, second = inbox.bodies
    assert first == second
    assert len(json.loads(first)["idempotency_key"]) >= 8


@pytest.mark.parametrize("given", [None, "send\n"])
def test_without_a_terminal_it_ends_with_2(
    inbox: Inbox, settings: dict[str, str], given: str | None
) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'"{AGNES}" report -m x' + (" <&-" if given is None else "")],
        env=settings,
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert re.search(r"no terminal to confirm on", done.stderr), done.stderr
    assert not inbox.bodies
    assert not waiting(settings)
