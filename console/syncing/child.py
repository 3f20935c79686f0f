"""The process of one attempt: it reads the source, writes a Parquet file, and says what it found.

`python -m console.syncing.child`: the order comes as JSON on its input, what became of it goes as
JSON to its output. It limits itself before it opens anything, ends with the server, and knows of
the server's settings only what stands in the order. It publishes nothing.
"""

from __future__ import annotations

import os
import re
import resource
import sys
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from console.syncing import writing
from console.syncing.failed import LIMIT, SOURCE, Deadline, Failed
from console.syncing.sources import Order, gathered
from console.tied import tie

_NICE = 5
_OWN = 512 << 20  # bytes of address space beside the engine's
_FILES = 65_536  # open at the same time: all that a glob may find, and what the engine opens


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    told = orjson.loads(sys.stdin.buffer.read())
    tie(told.pop("server"))
    os.umask(0o077)
    os.nice(_NICE)
    order = Order.of(told)
    _limit(order)
    deadline = Deadline(order.seconds)
    try:
        answer = attempt(order, deadline)
    except Failed as error:
        deadline.off()
        answer = {"error": error.message, "what": error.what, "drift": error.drift}
    deadline.off()
    answers.write(orjson.dumps(answer))
    answers.flush()
    os._exit(0)  # what is left of the engine needs no goodbye


def attempt(order: Order, deadline: Deadline) -> dict[str, Any]:
    """`{unchanged: true}`, or what was written: `rows` in all, `brought`, `bytes, sha256, columns,
    profile, state, drift`. Raises Failed."""
    fresh = None
    try:
        fresh = gathered(order, deadline)
        return {"unchanged": True} if fresh is None else writing.written(order, fresh)
    except Failed:
        raise
    except (MemoryError, duckdb.OutOfMemoryException, pa.ArrowMemoryError):
        raise Failed(LIMIT, f"it needs more than {order.memory >> 20} MB of memory") from None
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise _explained(error, order, fresh.names if fresh else {}) from None


def _explained(error: Exception, order: Order, names: dict[str, str]) -> Failed:
    """The library's words as a sentence, with the names that people know."""
    text = str(error)
    if any(word in text for word in ("File too large", "max_temp_directory_size")):
        return Failed(LIMIT, f"it has more than {order.most >> 20} MB")
    if isinstance(error, duckdb.InterruptException):
        return Failed(LIMIT, f"it took longer than {order.seconds:g} s")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = lines[0] if lines else type(error).__name__
    for kind in ("Invalid Input Error: ", "IO Error: ", "Conversion Error: "):
        said = said.removeprefix(kind)
    if said.startswith("CSV Error on Line") and len(lines) > 2:
        said = f"{said}: {lines[2]}"
    for place in sorted(names, key=len, reverse=True):
        said = said.replace(place, names[place])
    meant = [name for place, name in names.items() if _stands(place, text)] or list(names.values())
    if len(meant) == 1 and meant[0] not in said:
        said = f"{meant[0]}: {said}"
    return Failed(SOURCE, said)


def _stands(place: str, text: str) -> bool:
    return re.search(re.escape(place) + r"(?![0-9])", text) is not None


def _limit(order: Order) -> None:
    """No core, no larger file than is allowed; memory on top of what is in use."""
    with open("/proc/self/statm", encoding="ascii") as pages:
        used = int(pages.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    for what, limit in (
        (resource.RLIMIT_AS, used + 2 * order.memory + _OWN),
        (resource.RLIMIT_FSIZE, order.most + (1 << 20)),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _FILES if files < 0 else min(files, _FILES)),
    ):
        resource.setrlimit(what, (limit, limit))


if __name__ == "__main__":
    sys.path[:] = [path for path in sys.path if path != str(Path.cwd())]
    main()
