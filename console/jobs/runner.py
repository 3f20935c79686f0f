"""Starts the process of one run, waits for it, stops it when it must end, and says how it went.

It decides nothing and writes no row. The process lives in a group of its own, gets an environment
of its own, and ends with this server.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson

from console.jobs.kept import LOG, Place
from console.jobs.schedule import Job

GRACE = 8.0  # seconds between asking a run to stop and ending it
_KEEPING = 60.0  # seconds to keep what a killed run left
# Of the server's environment only this reaches a notebook: no setting, no secret of a service.
_HANDED_ON = ("PATH", "HOME", "USER", "LOGNAME", "TZ", "LANG", "PYTHONPATH")


@dataclass(frozen=True)
class Order:
    """One run to be done. `secret` is its pass; `url` is where the kernel finds the server."""

    run: str
    job: Job
    parameters: Mapping[str, Any]
    place: Place
    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """`status` is ok, failed or stopped; `cell` the number of the cell that failed."""

    status: str
    error: str | None = None
    cell: int | None = None


class Runner(Protocol):
    async def run(self, order: Order, stop: asyncio.Event) -> Outcome:
        """Do it, or give up once `stop` is set. Never raises what the notebook does wrong."""


class Processes:
    """Each run in a process, with its kernel below it."""

    async def run(self, order: Order, stop: asyncio.Event) -> Outcome:
        work = order.place.work
        await asyncio.to_thread(_prepare, order)
        try:
            process = await _start("run", order)
            ended = asyncio.ensure_future(process.wait())
            stopping = asyncio.ensure_future(stop.wait())
            try:
                await asyncio.wait(
                    {ended, stopping},
                    timeout=order.job.timeout,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                late = not ended.done() and not stopping.done()
                if not ended.done():
                    _signal(process, signal.SIGTERM)
                    await asyncio.wait({ended}, timeout=GRACE)
            finally:
                stopping.cancel()
                _signal(process, signal.SIGKILL)
            code = await ended
            if not order.place.kept.exists():
                await _keep(order)
            if late:
                limit = f"{order.job.timeout} s"
                return Outcome("failed", f"it took longer than {limit} and was stopped")
            result = await asyncio.to_thread(_result, work)
            if result is None and stop.is_set():
                return Outcome("stopped")
            return result or Outcome(
                "failed", f"its process ended by itself with {code}; see the log"
            )
        finally:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)


def environment(order: Order) -> dict[str, str]:
    """All that the notebook's process learns of this machine, and its pass."""
    work = str(order.place.work)
    kept = {
        name: text
        for name, text in os.environ.items()
        if name in _HANDED_ON or name.startswith("LC_")
    }
    paths = [str(Path(__file__).resolve().parents[2]), kept.get("PYTHONPATH", "")]
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "AGNES_URL": order.url,
        "AGNES_SERVER": order.url,  # what console.client reads
        "AGNES_TOKEN": order.secret,
        "AGNES_CORRELATION_ID": order.run,
        "AGNES_RUN_ID": order.run,
        "TMPDIR": work,  # nothing of a killed run stays behind
        # Nobody's own configuration changes what a job does.
        "IPYTHONDIR": work,
        "JUPYTER_CONFIG_DIR": work,
        "JUPYTER_DATA_DIR": work,
        "JUPYTER_RUNTIME_DIR": work,
        "JUPYTER_PATH": f"{work}/jupyter",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else ipykernel warns of its debugger in each log
    }


def _prepare(order: Order) -> None:
    order.place.work.mkdir(parents=True)
    told = {
        "run": order.run,
        "title": order.job.title,
        "notebook": str(order.job.notebook),
        "parameters": dict(order.parameters),
        "memory_mb": order.job.memory_mb,
        "kept": str(order.place.kept),
        "server": os.getpid(),
    }
    (order.place.work / "order.json").write_bytes(orjson.dumps(told))


async def _start(task: str, order: Order) -> asyncio.subprocess.Process:
    work = order.place.work
    with (work / LOG).open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "console.jobs.child", task, str(work)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment(order),
            cwd=work,
            start_new_session=True,
        )


async def _keep(order: Order) -> None:
    """Its process was killed before it could keep anything: another one does."""
    process = await _start("keep", order)
    try:
        await asyncio.wait_for(process.wait(), _KEEPING)
    finally:
        _signal(process, signal.SIGKILL)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """To the run's whole group. The kernel has a group of its own, and ends with the run."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass  # it ended this moment


def _result(work: Path) -> Outcome | None:
    """What the process said of itself, None when it came to say nothing."""
    try:
        return Outcome(**orjson.loads((work / "result.json").read_bytes()))
    except FileNotFoundError:
        return None
