"""What is measured of transcripts: how fast they become rows, how long a large one takes from its
upload until it is processed, a page out of the middle of it, and a tick without work.

Uses the real transcripts of `AGNES_TEST_CORPUS` where there are some, else made-up ones of the same
sizes.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from bench.budgets import Figure, spread
from bench.data import CACHE

if TYPE_CHECKING:
    from bench.stage import Stage

_BIG = 100_000_000  # bytes
_PAGES, _EVENTS = 60, 100
_TICKS = 40
_RECORDS = 4_000
_WORDS = 2_300  # characters of a result: a record has 2.7 kB in real files
_PROCESSORS = ("usage", "failure_scan")


def processed(stage: Stage) -> Iterable[Figure]:
    """Records a second of processor time, usage and findings together, in one thread."""
    from ingest.pipeline import Files, process
    from ingest.usage import Session

    now = datetime.now(UTC).replace(tzinfo=None)
    with TemporaryDirectory() as folder:
        paths = _sample(Path(folder))
        records, began = 0, time.process_time()
        while time.process_time() - began < 1.0:
            for path in paths:
                session = Session(f"u/{path.name}", "u", "u", now)
                done = process(session, Files(path), _PROCESSORS, fingerprint="", now=now)
                records += done.records
        yield Figure("records", records / (time.process_time() - began), None, records)


def page(stage: Stage) -> Iterable[Figure]:
    """100 events from anywhere in a transcript of 100 MB, by its index."""
    from ingest.transcript import build, events

    with TemporaryDirectory(dir=CACHE) as folder:
        path = _large(Path(folder))
        index = build(path)
        chosen, took = random.Random(1), []
        for _ in range(_PAGES):
            first = chosen.randrange(index.total - _EVENTS)
            began = time.perf_counter()
            shown = events(index, path, (), first, _EVENTS)
            took.append((time.perf_counter() - began) * 1000)
            assert len(shown) == _EVENTS
    yield spread("page", took)


def large(stage: Stage) -> Iterable[Figure]:
    """Seconds from the first byte of a 100 MB transcript until both processors are done with it."""
    headers = {"Authorization": f"Bearer {stage.data.token}"}
    with (
        TemporaryDirectory(dir=CACHE) as folder,
        httpx.Client(base_url=stage.live.url, headers=headers, timeout=120) as client,
    ):
        path = _large(Path(folder))
        _process(client)  # what earlier measurements have uploaded
        began = time.perf_counter()
        with path.open("rb") as file:
            _ok(client.post("/api/upload/sessions", files={"file": ("large.jsonl", file)}))
        _process(client)
        yield Figure("large", time.perf_counter() - began, None, 1)


def tick(stage: Stage) -> Iterable[Figure]:
    """Asking whether sessions wait, when none does."""
    from contextlib import closing

    from console import processing
    from schema.store import Store

    with closing(Store(stage.data.database)) as store:
        took = []
        for _ in range(_TICKS + 2):
            began = time.perf_counter()
            assert processing.tally(store, _PROCESSORS)["due"] == 0
            took.append((time.perf_counter() - began) * 1000)
    yield spread("tick", took[2:])


def _process(client: httpx.Client) -> None:
    for name in _PROCESSORS:
        path = "/api/admin/run-session-processor"
        answer = _ok(client.post(path, params={"processor": name}))
        assert not answer["details"]["errors"], answer


def _ok(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    return answer.json()


def _sample(folder: Path) -> list[Path]:
    corpus = os.environ.get("AGNES_TEST_CORPUS")
    if corpus and (found := sorted(Path(corpus).rglob("*__*.jsonl"))):
        return found
    return [_written(folder / "sample.jsonl", _RECORDS * 2_700)]


def _large(folder: Path) -> Path:
    return _written(folder / "large.jsonl", _BIG)


def _written(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        for line in _lines():
            file.write(line)
            if file.tell() >= size:
                return path
    raise AssertionError("the lines never end")


def _lines() -> Iterator[bytes]:
    """A session that never ends: a prompt, ten calls with their results, an answer, and again."""
    draw = random.Random(7)
    words = [f"word{number}" for number in range(500)]
    at = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=2)
    number = 0

    def line(kind: str, content: object, **more: object) -> bytes:
        nonlocal number, at
        number += 1
        at += timedelta(seconds=2)
        message = {"role": kind, "content": content, **more}
        record = {
            "type": kind,
            "uuid": f"{number:032x}",
            "parentUuid": f"{number - 1:032x}" if number > 1 else None,
            "sessionId": "bench",
            "timestamp": f"{at.isoformat()}Z",
            "cwd": "/work",
            "version": "2.1.200",
            "message": message,
        }
        return orjson.dumps(record) + b"\n"

    while True:
        yield line("user", " ".join(draw.choices(words, k=30)))
        for _ in range(10):
            usage = {"input_tokens": 5, "output_tokens": draw.randrange(900)}
            about = {"id": f"m{number}", "model": "claude-sonnet-4-5", "usage": usage}
            tool = draw.choice(("Bash", "Read", "Grep", "Edit"))
            given = {"command": " ".join(draw.choices(words, k=200))}
            call = {"type": "tool_use", "id": f"t{number}", "name": tool, "input": given}
            yield line("assistant", [call], **about)
            text = " ".join(draw.choices(words, k=_WORDS // 8 * 2))
            result = {"type": "tool_result", "tool_use_id": call["id"], "content": text}
            yield line("user", [result])
        said = [{"type": "text", "text": " ".join(draw.choices(words, k=80))}]
        yield line("assistant", said, id=f"m{number}", stop_reason="end_turn")
