"""`/api/admin/run-session-processor` and `/api/admin/telemetry/reprocess`: processing on demand."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

import orjson

from console import processing
from console.audit import cut, entry, new_id
from console.handler import Handler
from console.identity.rights import ADMIN, Right
from console.work import CAP, SECONDS
from schema.errors import AgnesError, BadParameter, Conflict, Unavailable

_GRACE = 60.0  # seconds beyond its budget after which a worker is ended
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT")


class RunProcessor(Handler):
    """Runs one processor over what waits for it; answers when done, or at the cap."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": ADMIN}

    async def post(self) -> None:
        name = self.query(("processor",)).get("processor", "")
        action = f"run_session_processor:{cut(name, 64) or '(none)'}"
        details: dict[str, Any] = {"processor": name}
        result = "error.crashed"
        try:
            details = await self._run(name)
            result = "error.partial" if details["errors"] else "success"
        except AgnesError as error:
            details["error"] = error.message
            result = f"error.{error.status}"
            raise
        finally:
            row = entry(self.caller, action, resource=name or None, params=details, result=result)
            await self.instance.record(row)
        self.send({"ok": True, "details": details})

    async def _run(self, name: str) -> dict[str, Any]:
        if not name:
            raise BadParameter("processor", "", "name one, as ?processor=usage")
        processing.known([name])
        running = self.instance.processing
        if name in running:
            raise Conflict(
                f"the processor {name} is running already", detail="Ask again when it is done."
            )
        running.add(name)
        try:
            store = self.instance.store
            before = await store.offload(processing.tally, store, [name])
            report = await self._work(name) if before["due"] else _NOTHING
            await processing.roll_up(self.instance)
        finally:
            running.discard(name)
        return {
            "processor": name,
            "scanned": before["scanned"],
            "processed": report["processed"],
            "skipped": before["scanned"] - before["due"],
            "capped": report["capped"],
            "errors": report["errors"],
            "items_extracted": report["items_extracted"],
            "errors_detail": report["errors_detail"],
        }

    async def _work(self, name: str) -> dict[str, Any]:
        """A kernel's work in a process of its own, without a notebook around it."""
        run = new_id()  # the caller's correlation id may be that of other runs too
        passes = self.instance.gate.passes
        secret = passes.issue(run, lifetime=timedelta(seconds=SECONDS + 2 * _GRACE))
        host, port = self.request.connection.stream.socket.getsockname()[:2]  # type: ignore[union-attr]
        shown = f"[{host}]" if ":" in host else host
        environ = {key: os.environ[key] for key in _KEPT if key in os.environ}
        environ |= {"AGNES_SERVER": f"http://{shown}:{port}", "AGNES_TOKEN": secret}
        limits = ("--cap", str(CAP), "--seconds", str(SECONDS))
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "console.work", "--processor", name, *limits),
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(child.communicate(), SECONDS + _GRACE)
        except TimeoutError:
            raise Unavailable(
                f"the processor {name} did not end in {SECONDS + _GRACE:g} s",
                detail="What it finished is kept; ask again for the rest.",
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            passes.end(run)
            self.instance.claims.end(f"job {run}")
        if child.returncode:
            raise AgnesError(f"the processor {name} ended with {child.returncode}: {_last(err)}")
        report: dict[str, Any] = orjson.loads(out)
        return report


_NOTHING: Mapping[str, Any] = {
    "processed": 0,
    "capped": 0,
    "errors": 0,
    "items_extracted": 0,
    "errors_detail": [],
}


class Reprocess(Handler):
    """Forgets what was made of the transcripts, so that all of it is made anew."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": ADMIN}
    actions: ClassVar[Mapping[str, str]] = {"POST": "usage.reprocess"}

    async def post(self) -> None:
        self.query(())
        given = self.body({"session_file": str})
        deleted = await processing.forget(
            self.instance, self.caller, session_file=given.get("session_file")
        )
        self.send({"status": "ok", "deleted": deleted})


def _last(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no word on why"


ROUTES = [
    (r"/api/admin/run-session-processor", RunProcessor),
    (r"/api/admin/telemetry/reprocess", Reprocess),
]
