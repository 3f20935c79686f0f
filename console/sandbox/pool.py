"""The server's side: a child for each question, watched, and ended when it overruns.

All of it blocks; the API calls it in threads.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO

import orjson

from console.sandbox import frames
from schema.errors import AgnesError, BadRequest, Unavailable

_GRACE = 0.5  # seconds after its time until a child that goes on is killed
_MESSAGE = 16 << 20  # bytes of one frame that a child may send
_PIPE = 1 << 20  # bytes
_LESS = "Ask for less: fewer rows or columns."
_AHEAD = 2  # children that wait for questions
_START = 30.0  # seconds for the nursery to be ready


class Stopped(BadRequest):
    """The question took more than it may, or the engine could not answer it. `result`: what the
    audit log says."""

    title = "Query stopped"

    def __init__(self, message: str, *, result: str, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.result = result


@dataclass(frozen=True)
class Limits:
    """`seconds` of work, `memory` in bytes for the engine; `rows` and `bytes` of the answer."""

    seconds: float
    memory: int
    rows: int
    bytes: int


@dataclass(frozen=True)
class Child:
    """A process that waits for its question. `asked` and `answers`: our ends of its pipes;
    `control`: the socket of the nursery that it is from."""

    pid: int
    asked: BinaryIO
    answers: BinaryIO
    control: socket.socket

    @property
    def is_there(self) -> bool:
        ends = select.poll()
        ends.register(self.answers, 0)  # whether the other side has closed it is always told
        ends.register(self.control, 0)
        return not ends.poll(0)

    def end(self) -> None:
        """Kill it, whatever it does; never waits. A nursery that ended took its children along."""
        with contextlib.suppress(OSError):
            self.control.send(b"-%d" % self.pid)

    def close(self) -> None:
        """Close our ends."""
        with contextlib.suppress(BrokenPipeError):
            self.asked.close()
        self.answers.close()


class Nursery:
    """The process that forks children; started at the first question, and again after it died.
    Children are made ahead, off the way of any question."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: list[Child] = []
        self._lent: set[Child] = set()
        self._closed = False

    def child(self) -> Child:
        """One for one question, to be given `back`. Raises Unavailable."""
        found = self._next()
        self._lent.add(found)
        threading.Thread(target=self._ahead, name="agnes-nursery", daemon=True).start()
        return found

    def back(self, child: Child) -> None:
        self._lent.discard(child)
        child.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._stop()
            while self._lent:  # questions that nobody ends any more
                self._lent.pop().close()

    def _next(self) -> Child:
        while self._ready:
            with contextlib.suppress(IndexError):  # another question was quicker
                found = self._ready.pop()
                if found.is_there:
                    return found
                found.end()
                found.close()
        with self._lock:
            return self._made()

    def _ahead(self) -> None:
        with contextlib.suppress(Unavailable, OSError), self._lock:
            while not self._closed and len(self._ready) < _AHEAD:
                self._ready.append(self._made())

    def _made(self) -> Child:
        theirs_asked, asked = _pipe()
        answers, theirs_answers = _pipe()
        ours = os.fdopen(asked, "wb"), os.fdopen(answers, "rb")
        try:
            pid, control = self._born(theirs_asked, theirs_answers)
        except AgnesError:
            for end in ours:
                end.close()
            raise
        finally:
            os.close(theirs_asked)
            os.close(theirs_answers)
        return Child(pid, *ours, control)

    def _born(self, asked: int, answers: int) -> tuple[int, socket.socket]:
        for _ in range(2):
            control = self._control or self._start()
            try:
                socket.send_fds(control, [b"+"], [asked, answers])
                told = control.recv(64)
            except OSError:
                told = b""
            if told:
                return int(told), control
            self._stop()
        raise Unavailable("no process for this question could be started; try again")

    def _start(self) -> socket.socket:
        if self._closed:
            raise Unavailable("the server is stopping; try again")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_START)
        with theirs:
            words = [sys.executable, "-I", "-m", "console.sandbox.nursery", str(theirs.fileno())]
            self._process = subprocess.Popen(
                words,
                env={},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._control = ours
        with contextlib.suppress(OSError):
            if ours.recv(64) == b"ready":
                return ours
        self._stop()
        raise Unavailable("the processes for questions could not be started", detail="See the log.")

    def _stop(self) -> None:
        control, process = self._control, self._process
        self._control = self._process = None
        while self._ready:
            self._ready.pop().close()
        if control is not None:
            control.close()
        if process is not None:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _pipe() -> tuple[int, int]:
    """A pipe that holds much, where the system lets us: each filling costs a change of process."""
    ends = os.pipe()
    with contextlib.suppress(OSError):
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, _PIPE)
    return ends


class Run:
    """One question in a child of its own. `tables`: name -> its rows as an Arrow stream in pieces,
    none of them empty. The answer is an Arrow stream in pieces, too; after the last one `rows` and
    `truncated` are known. Leaving it ends the child."""

    rows = 0
    truncated = False

    def __init__(
        self, nursery: Nursery, sql: str, tables: Mapping[str, Iterable[bytes]], limits: Limits
    ) -> None:
        self._nursery, self._limits = nursery, limits
        self._sql, self._tables = sql, tables
        self._late = threading.Event()
        self._ended = threading.Event()

    def __enter__(self) -> Run:
        self._child = self._nursery.child()
        self._timer = threading.Timer(self._limits.seconds + _GRACE, self._overrun)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cancel()
        self._timer.cancel()
        self._nursery.back(self._child)

    def cancel(self) -> None:
        """End the child now, from whichever thread: who waits for its answer is told."""
        if not self._ended.is_set():  # once: another child may have its number by now
            self._ended.set()
            self._child.end()

    def pieces(self) -> Iterator[bytes]:
        """The answer. Raises Stopped."""
        with contextlib.suppress(BrokenPipeError):  # it says itself why it does not listen
            self._ask()
        while True:
            frame = frames.receive(self._child.answers, most=_MESSAGE)
            if frame is None:
                raise self._died()
            kind, payload = frame
            if kind == frames.ANSWER:
                yield payload
            elif kind == frames.DONE:
                done = orjson.loads(payload)
                self.rows, self.truncated = int(done["rows"]), bool(done["truncated"])
                return
            else:
                raise self._said(orjson.loads(payload))

    def _ask(self) -> None:
        limits, asked = self._limits, self._child.asked
        question = {"sql": self._sql, "tables": list(self._tables), "seconds": limits.seconds}
        caps = {"memory": limits.memory, "rows": limits.rows, "bytes": limits.bytes}
        frames.tell(asked, frames.QUESTION, **question, **caps)
        for pieces in self._tables.values():
            for piece in pieces:
                frames.send(asked, frames.TABLE, piece)
            frames.send(asked, frames.TABLE, b"")
        asked.flush()

    def _overrun(self) -> None:
        self._late.set()
        self.cancel()

    def _died(self) -> Stopped:
        if self._late.is_set():
            return self._too_long()
        if self._ended.is_set():
            return Stopped("nobody waits for the answer any more", result="error.cancelled")
        said = f"its process died; most likely it needed more than {self._memory} of memory"
        return Stopped(said, result="error.memory", detail=_LESS)

    def _said(self, error: Mapping[str, Any]) -> Stopped:
        if error["why"] == "time":
            return self._too_long()
        if error["why"] == "memory":
            return self._too_much()
        if error["why"] == "row":
            said = f"a row of the answer has more than {frames.ROW >> 20} MB"
            return Stopped(said, result="error.size", detail="Cut its texts, or gather less.")
        return Stopped(f"the question failed: {error['said']}", result="error.sql")

    def _too_long(self) -> Stopped:
        said = f"stopped after {self._limits.seconds:g} s"
        detail = "Ask for less: fewer rows, no cross join."
        return Stopped(said, result="error.timeout", detail=detail)

    def _too_much(self) -> Stopped:
        said = f"it needed more than {self._memory} of memory"
        return Stopped(said, result="error.memory", detail=_LESS)

    @property
    def _memory(self) -> str:
        return f"{self._limits.memory >> 20} MB"
