"""A person's terminal, set to one server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.server_process import ServerProcess, agnes


@dataclass
class Terminal:
    """Runs `agnes` as somebody would who is signed in to `server`."""

    server: ServerProcess
    settings: dict[str, str]

    def __call__(self, *words: str | Path, given: str = "", code: int = 0) -> CompletedProcess[str]:
        done = agnes(*words, given=given, settings=self.settings)
        assert done.returncode == code, f"{words}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def json(self, *words: str | Path, **options: Any) -> Any:
        return json.loads(self(*words, "--json", **options).stdout)

    def as_(self, **settings: str) -> Terminal:
        return Terminal(self.server, settings)
