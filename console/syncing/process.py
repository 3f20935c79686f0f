"""Starts the process of one attempt, waits for it, ends it when it must end, and says what it said.

The order goes to its input, so that no secret stands in an environment or a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import structlog

from console.syncing.failed import LIMIT, STOPPED, Failed

log = structlog.get_logger(__name__)

_GRACE = 5.0  # seconds on top of the limit that the process keeps by itself
_HANDED_ON = ("PATH", "LANG", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
_SAID = 2000  # characters of its last words that are logged


class Attempted:
    """One process; `end` kills it, whatever it does."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._ended = False

    async def run(self, order: dict[str, Any], *, seconds: float) -> dict[str, Any]:
        """What the child answers (see `child.attempt`). Raises Failed."""
        work = Path(order["work"])
        told = orjson.dumps({**order, "server": os.getpid()})
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "console.syncing.child"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(work),
            cwd=work,
            start_new_session=True,
        )
        if self._ended:
            self.end()
        try:
            answer, said = await asyncio.wait_for(process.communicate(told), seconds + _GRACE)
        except TimeoutError:
            raise Failed(LIMIT, f"it took longer than {seconds:g} s") from None
        finally:
            self.end()
        if process.returncode or not answer:
            raise self._died(process.returncode or 0, said)
        found: dict[str, Any] = orjson.loads(answer)
        if "error" in found:
            raise Failed(found["what"], found["error"], drift=found["drift"])
        return found

    def _died(self, code: int, said: bytes) -> Failed:
        text = said.decode(errors="replace")
        if self._ended:
            return Failed(STOPPED, "the server stopped meanwhile")
        if "MemoryError" in text or "bad_alloc" in text or "Cannot allocate memory" in text:
            return Failed(LIMIT, "it needs more memory than it may have")
        log.error("sync process died", code=code, said=text[-_SAID:])
        how = f"was ended by signal {-code}" if code < 0 else f"ended by itself with {code}"
        return Failed(STOPPED, f"its process {how}")

    def stop(self) -> None:
        """The server ends."""
        self._ended = True
        self.end()

    def end(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _environment(work: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    paths = [str(Path(__file__).resolve().parents[2]), kept.get("PYTHONPATH", "")]
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "HOME": str(work),
        "TMPDIR": str(work),
    }
