"""Sends requests as cheaply as Python can, from a process of its own: it shares the cores with the
server.

`python -m bench.load` reads a job (JSON) from stdin and answers with the milliseconds of each
request. One thread, raw sockets, kept open; a response is read, not parsed: its status and its
length.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

COUNTER = "@@@@@@@@"  # in a request: replaced by the number of the request, of the same width
_CHUNK = 1 << 18
_LAST = b"\r\n0\r\n\r\n"  # of an answer in chunks
_PATIENCE = 60.0


class Refused(Exception):
    """The server answered with something else than success."""


@dataclass(frozen=True)
class Job:
    """What to send: each client takes the next of `requests` (whole HTTP requests, Latin-1) in
    turn, `count` in all after `warm` that are not measured.
    """

    host: str
    port: int
    requests: list[str]
    count: int
    clients: int = 1
    warm: int = 10


@dataclass(frozen=True)
class Outcome:
    milliseconds: list[float]
    seconds: float  # from the first measured request to the last answer

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds


class Connection:
    """One client: one request at a time on one socket."""

    def __init__(self, job: Job) -> None:
        self.socket = socket.create_connection((job.host, job.port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.started = 0.0
        self.measured = False
        self._answer = bytearray()
        self._needed = -1
        self._chunked = False

    def send(self, request: bytes, *, measured: bool) -> None:
        self.measured = measured
        self._answer.clear()
        self._needed = -1
        self.started = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Read what is there; True when the answer is whole."""
        piece = self.socket.recv(_CHUNK)
        if not piece:
            raise Refused("the server closed the connection")
        self._answer += piece
        if self._needed < 0:
            end = self._answer.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = bytes(self._answer[: end + 2]).lower()
            self._chunked = b"\r\ntransfer-encoding: chunked\r\n" in head
            self._needed = end + 4 + (len(_LAST) if self._chunked else _length(head))
        if len(self._answer) < self._needed:
            return False
        if self._chunked and not self._answer.endswith(_LAST):
            return False
        if not self._answer.startswith(b"HTTP/1.1 2"):
            status, body = self._answer.splitlines()[0], self._answer.partition(b"\r\n\r\n")[2]
            raise Refused(f"{status.decode()}: {body[:200]!r}")
        return True


def drive(job: Job) -> Outcome:
    """Send everything, with `job.clients` requests in flight. Raises Refused."""
    requests = [request.encode("latin-1") for request in job.requests]
    total, sent = job.warm + job.count, 0
    took: list[float] = []
    began = time.perf_counter()

    def following() -> bytes:
        return requests[sent % len(requests)].replace(COUNTER.encode(), b"%08d" % sent)

    with ExitStack() as open_ones:
        ready = open_ones.enter_context(selectors.DefaultSelector())
        for _ in range(min(job.clients, total)):
            connection = Connection(job)
            open_ones.enter_context(connection.socket)
            ready.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(following(), measured=sent >= job.warm)
            sent += 1
        while len(took) < job.count:
            answers = ready.select(_PATIENCE)
            if not answers:
                raise Refused(f"no answer within {_PATIENCE:.0f} s")
            for key, _ in answers:
                connection = key.data
                if not connection.receive():
                    continue
                if connection.measured:
                    took.append((time.perf_counter() - connection.started) * 1000)
                if sent < total:
                    if sent == job.warm:
                        began = time.perf_counter()
                    connection.send(following(), measured=sent >= job.warm)
                    sent += 1
    return Outcome(took, time.perf_counter() - began)


def drive_apart(job: Job) -> Outcome:
    """`drive` in a process of its own. Raises Refused."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(asdict(job)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Refused(done.stderr.strip().splitlines()[-1] if done.stderr else "no answer")
    found: dict[str, Any] = json.loads(done.stdout)
    return Outcome(found["milliseconds"], found["seconds"])


def _length(head: bytes) -> int:
    """What the head of an answer, in lower case, says of the length of its body."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    raise Refused("an answer without a length")


if __name__ == "__main__":
    print(json.dumps(asdict(drive(Job(**json.load(sys.stdin))))))
