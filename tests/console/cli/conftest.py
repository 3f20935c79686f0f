"""A stand-in server and a terminal for the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import typer.testing
from typer.testing import CliRunner, Result

from console.cli import app
from tests.console.cli.stand_in import Run, Server, Terminal


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the sign-in of the person who runs it."""
    folder = tmp_path / "config"
    monkeypatch.setenv("AGNES_CONFIG_DIR", str(folder))
    monkeypatch.setenv("AGNES_TOKEN", "agnes_test")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    real = httpx.Client

    def client(**options: Any) -> httpx.Client:
        return real(**{**options, "transport": httpx.MockTransport(made)})

    monkeypatch.setattr(httpx, "Client", client)
    return made


@pytest.fixture
def run() -> Run:
    """Run `agnes` with these words."""

    def agnes(*words: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, list(words), input=stdin, prog_name="agnes", color=True)

    return agnes


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make the streams named look like a terminal of that width."""

    def become(*streams: str, columns: int = 120) -> None:
        names = {f"<{stream}>" for stream in streams or ("stdin", "stdout", "stderr")}
        stream_type = typer.testing._NamedTextIOWrapper
        monkeypatch.setattr(stream_type, "isatty", lambda self: self.name in names)
        monkeypatch.setenv("COLUMNS", str(columns))

    return become


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits are counted, not waited."""
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    return waits
