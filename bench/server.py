"""The real server as a process of its own: started, asked, weighed, stopped."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

HOST = "127.0.0.1"
_READY = re.compile(r"ready: http://[\w.\-\[\]]+:(\d+)/")
_START = 120.0  # seconds until it must be ready
_STOP = 30.0


class NotStarted(Exception):
    """`agnes serve` ended, or did not say that it is ready."""


@dataclass
class Server:
    process: subprocess.Popen[str]
    port: int
    seconds: float  # from the start of the process to the first answer

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def megabytes(self) -> float:
        """Resident memory of the server and its children."""
        whole = psutil.Process(self.process.pid)
        family = [whole, *whole.children(recursive=True)]
        return sum(float(one.memory_info().rss) for one in family) / (1 << 20)


def command() -> str:
    """The installed `agnes` of this environment."""
    return str(Path(sys.executable).with_name("agnes"))


def environment(folder: Path) -> dict[str, str]:
    """Ours, without any AGNES_ setting of the person who measures."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AGNES_")}
    kept["AGNES_JOBS"] = "0"  # what is measured is alone
    return {**kept, "AGNES_DATA_DIR": str(folder)}


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """The server on `folder`, on a free port, until the block ends. Raises NotStarted."""
    log = folder / "server.log"
    started = time.perf_counter()
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [command(), "serve", "--port", "0"],
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    watchdog = threading.Timer(_START, process.kill)
    watchdog.start()
    try:
        port = _port(process, log)
        _first_answer(port)
        watchdog.cancel()
        yield Server(process, port, time.perf_counter() - started)
    finally:
        watchdog.cancel()
        process.terminate()
        try:
            process.wait(_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _port(process: subprocess.Popen[str], log: Path) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if found := _READY.search(line):
            # What it says later must not fill the pipe and stop it.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return int(found[1])
    code = process.wait()
    last = log.read_text(encoding="utf-8").strip().splitlines()[-1:] or ["it said nothing"]
    raise NotStarted(f"`agnes serve` ended with {code}: {last[0]}")


def _first_answer(port: int) -> None:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise NotStarted(f"/healthz answered {answer.status}")
