"""What a child does: one question, then it ends. It starts without an environment, limits itself
before it reads anything, and knows nothing but what it is sent."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import sys
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import duckdb
import orjson
import pyarrow as pa

from console.sandbox import box, frames

_OPEN_FILES = 64
_PIECE = 4 << 20  # bytes of the answer in one frame
_MOST = 1 << 40  # the server is trusted


def main(asked: BinaryIO, answers: BinaryIO) -> None:
    """Open a box, wait for the one question that `asked` will hold, and answer it."""
    engine = box.shut()
    found = frames.receive(asked, most=_MOST)
    if found is None:
        return
    question = orjson.loads(found[1])
    _limit(question["memory"], question["seconds"])
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more
        _answer(engine, question, asked, answers)
        answers.flush()


def _tables(names: Iterable[str], asked: BinaryIO) -> Iterator[tuple[str, pa.RecordBatchReader]]:
    """Each table as it comes: one must be read to its end before the next."""
    for name in names:
        sent = io.BufferedReader(_Sent(asked), _PIECE)
        yield name, pa.ipc.open_stream(sent)
        sent.read()


class _Sent(io.RawIOBase):
    """The pieces of one table as a file, up to the empty one; a server that left ends the child."""

    def __init__(self, asked: BinaryIO) -> None:
        self._asked = asked
        self._left = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any, /) -> int:
        if not self._left and not self._ended:
            frame = frames.receive(self._asked, most=_MOST)
            if frame is None:
                os._exit(1)
            self._left, self._ended = memoryview(frame[1]), not frame[1]
        count = min(len(target), len(self._left))
        target[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def _limit(memory: int, seconds: float) -> None:
    """No core, no file, few descriptors; memory on top of what is in use, and CPU time."""
    with open("/proc/self/statm", encoding="ascii") as pages:
        used = int(pages.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    most = used + 2 * memory + (512 << 20)
    cpu = int(seconds) + 2
    for what, limit in (
        (resource.RLIMIT_AS, most),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),  # the last: who sees it sees them all
    ):
        resource.setrlimit(what, (limit, limit))


def _answer(
    engine: duckdb.DuckDBPyConnection,
    question: dict[str, Any],
    asked: BinaryIO,
    answers: BinaryIO,
) -> None:
    try:
        box.filled(engine, _tables(question["tables"], asked), memory=question["memory"])
        with box.within(engine, question["seconds"]) as late:
            try:
                _stream(engine, question, answers)
            except duckdb.InterruptException:
                if not late.is_set():
                    raise
                frames.tell(answers, frames.ERROR, why="time", said="")
    except (MemoryError, duckdb.OutOfMemoryException, pa.ArrowMemoryError):
        frames.tell(answers, frames.ERROR, why="memory", said="")
    except (duckdb.Error, pa.ArrowException) as error:
        said = str(error).partition("\n")[0][:300]
        frames.tell(answers, frames.ERROR, why="engine", said=said)


def _stream(engine: duckdb.DuckDBPyConnection, question: dict[str, Any], answers: BinaryIO) -> None:
    most, limit = question["bytes"], question["rows"]
    schema, found = box.batches(engine, question["sql"], rows=limit)
    rows = size = 0
    truncated = False
    sink = _Pieces(answers)
    with pa.ipc.new_stream(sink, schema) as stream:
        for batch in _cut(found):
            if batch.num_rows == 1 and batch.nbytes > frames.ROW:
                frames.tell(answers, frames.ERROR, why="row", said="")
                return
            kept = batch.slice(0, limit - rows)
            fits = size + kept.nbytes <= most
            if fits:
                stream.write_batch(kept)
                rows, size = rows + kept.num_rows, size + kept.nbytes
            truncated = not fits or kept.num_rows < batch.num_rows
            if truncated:
                break
        if truncated:  # who reads the stream alone learns it, too
            stream.write_batch(batch.slice(0, 0), custom_metadata={"truncated": "true"})
    sink.flush()
    frames.tell(answers, frames.DONE, rows=rows, truncated=truncated)


def _cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of few bytes, as far as one row has few, so that the server never
    holds much of an answer."""
    for batch in batches:
        waiting = [batch]
        while waiting:
            one = waiting.pop()
            if one.nbytes <= _PIECE or one.num_rows < 2:
                yield one
            else:
                half = one.num_rows // 2
                waiting += [one.slice(half), one.slice(0, half)]


class _Pieces:
    """A file that Arrow writes into, sent on in frames."""

    closed = False

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._held = bytearray()

    def write(self, data: Any) -> int:
        self._held += data
        if len(self._held) >= _PIECE:
            self.flush()
        return len(data)

    def flush(self) -> None:
        if self._held:
            frames.send(self._answers, frames.ANSWER, self._held)
            self._held.clear()

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        return 0

    def close(self) -> None:
        self.flush()


def warm() -> None:
    """Load now what the first question would load late, beyond the limits."""
    rows = pa.table({"one": [1]}).to_reader()
    engine = box.filled(box.shut(), [("warm", rows)], memory=64 << 20)
    box.batches(engine, 'SELECT * FROM "warm"', rows=1)[1].__next__()
    engine.close()


if __name__ == "__main__":
    sys.exit("the nursery starts children; see console/sandbox/nursery.py")
