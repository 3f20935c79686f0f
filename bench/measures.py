"""Each measurement, by name: what it needs, and how it is done."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import browser, inprocess, questions, text_search, transcripts
from bench.budgets import Figure, spread
from bench.load import COUNTER, Job, drive_apart
from bench.server import HOST, command, environment, running
from bench.stage import Stage
from ingest.seed.words import RARE

_DAY, _MONTH, _YEAR = 1440, 43_200, 525_600  # minutes
_STARTS, _HELPS = 5, 20
_CLIENTS = 8
_UPLOAD = 236_000  # bytes of a transcript
_SESSION = 100_000_000  # bytes of a long one
_LAST_ID = "ffffffff-ffff-7fff-bfff-ffffffffffff"


@dataclass(frozen=True)
class Measure:
    """`name` is what `--only` takes, `gives` the rows of the report. `needs`: server, or file
    (nobody else may hold the database), or nothing.
    """

    name: str
    needs: str
    run: Callable[[Stage], Iterable[Figure]]
    gives: tuple[str, ...]
    counted: bool = True  # whether its processor time can be told from that of others


def _help(stage: Stage) -> Iterable[Figure]:
    took = []
    for _ in range(_HELPS):
        began = time.perf_counter()
        subprocess.run(
            [command(), "--help"],
            env=environment(stage.data.folder),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        took.append(time.perf_counter() - began)
    yield spread("help", took)


def _dry_run(stage: Stage) -> Iterable[Figure]:
    took = []
    with tempfile.TemporaryDirectory() as folder:
        session = Path(folder, "session.jsonl")
        words = "the table /srv/data/orders.parquet was read in 12 s " * 40
        text = json.dumps({"type": "user", "message": {"role": "user", "content": words}})
        session.write_text(f"{text}\n" * (_SESSION // len(text)), encoding="utf-8")
        for _ in range(_HELPS):
            began = time.perf_counter()
            subprocess.run(
                [command(), "report", "--dry-run", "-m", "It hangs", "--session", str(session)],
                env={**environment(stage.data.folder), "AGNES_CONFIG_DIR": folder},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
            )
            took.append(time.perf_counter() - began)
    yield spread("report.dry_run", took)


def _start(stage: Stage) -> Iterable[Figure]:
    took = []
    for _ in range(_STARTS):
        with running(stage.data.folder) as server:
            took.append(server.seconds)
    yield spread("start", took)


def _get(stage: Stage, path: str, **parameters: object) -> str:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return (
        f"GET {path}?{query} HTTP/1.1\r\nHost: {HOST}:{stage.live.port}\r\n"
        f"Authorization: Bearer {stage.data.token}\r\n\r\n"
    )


def _reading(name: str, path: str, count: int, **parameters: object) -> Measure:
    """One read over HTTP, again and again, one after the other."""

    def run(stage: Stage) -> Iterable[Figure]:
        requests = [_get(stage, path, **parameters)]
        yield spread(name, drive_apart(_job(stage, requests, count)).milliseconds)

    return Measure(name, "server", run, (name,))


def _deep(stage: Stage) -> Iterable[Figure]:
    requests = []
    for hours in range(-24, 24):  # around 20 days back, no two pages alike
        at = datetime.now(UTC) - timedelta(days=20, hours=hours)
        moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        cursor = {"cursor_ts": moment, "cursor_id": _LAST_ID}
        requests.append(_get(stage, "/api/admin/activity", since_minutes=_MONTH, **cursor))
    yield spread("deep", drive_apart(_job(stage, requests, 200)).milliseconds)


def _clients(stage: Stage) -> Iterable[Figure]:
    requests = [_get(stage, "/api/admin/activity", since_minutes=_DAY, limit=50)]
    job = Job(HOST, stage.live.port, requests, count=2000, clients=_CLIENTS, warm=100)
    outcome = drive_apart(job)
    yield Figure("clients", outcome.per_second, None, len(outcome.milliseconds))


def _upload(stage: Stage) -> Iterable[Figure]:
    line = '{"type":"user","message":{"role":"user","content":"' + "x" * 900 + '"}}\n'
    text = (line * (_UPLOAD // len(line) + 1))[: _UPLOAD - 1] + "\n"
    boundary = "bench-boundary"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file";'
        f' filename="bench-{COUNTER}.jsonl"\r\nContent-Type: application/x-ndjson\r\n\r\n'
        f"{text}\r\n--{boundary}--\r\n"
    )
    head = (
        f"POST /api/upload/sessions HTTP/1.1\r\nHost: {HOST}:{stage.live.port}\r\n"
        f"Authorization: Bearer {stage.data.token}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    outcome = drive_apart(_job(stage, [head + body], 400))
    yield Figure("upload", outcome.per_second, None, len(outcome.milliseconds))


def _memory(stage: Stage) -> Iterable[Figure]:
    yield Figure("memory", stage.live.megabytes(), None, 1)


def _job(stage: Stage, requests: list[str], count: int) -> Job:
    return Job(HOST, stage.live.port, requests, count=count, warm=20)


_OBSERVE = "/api/admin/observability"
_TELEMETRY = "/api/admin/telemetry"  # its window is 7 days unless asked otherwise
_SESSIONS = "/api/admin/sessions"
# In the order in which they run; memory is weighed when all load is over.
MEASURES = (
    Measure("help", "nothing", _help, ("help",)),
    Measure("report.dry_run", "nothing", _dry_run, ("report.dry_run",)),
    Measure("writes", "nothing", inprocess.writes, inprocess.WRITES),
    Measure("health", "file", inprocess.health, ("health",)),
    Measure("records", "nothing", transcripts.processed, ("records",)),
    Measure("page", "nothing", transcripts.page, ("page",)),
    Measure("search", "nothing", text_search.few, ("search",)),
    Measure("search.many", "nothing", text_search.many, ("search.many",)),
    Measure("tick", "file", transcripts.tick, ("tick",)),
    Measure("start", "file", _start, ("start",)),
    # Chromium's processes end without a word about what they used.
    Measure("browser", "server", browser.opened, browser.GIVES, counted=False),
    _reading("timeline", "/api/admin/activity", 400, since_minutes=_DAY, limit=50),
    Measure("clients", "server", _clients, ("clients",)),
    Measure("deep", "server", _deep, ("deep",)),
    _reading("q", "/api/admin/activity", 60, since_minutes=_MONTH, q=RARE.id),
    _reading("facets", f"{_OBSERVE}/facets", 100, since_minutes=_DAY),
    _reading("kpis", f"{_OBSERVE}/kpis", 200, since_minutes=_DAY),
    _reading("sessions", f"{_SESSIONS}/list", 200, since_minutes=_YEAR),
    _reading("sessions.kpis", f"{_SESSIONS}/kpis", 200, since_minutes=_YEAR),
    _reading("sessions.facets", f"{_SESSIONS}/facets", 100, since_minutes=_YEAR),
    _reading("sessions.heatmap", f"{_SESSIONS}/findings", 100, since_minutes=_YEAR),
    _reading("telemetry.facets", f"{_TELEMETRY}/facets", 100),
    _reading("telemetry.kpis", f"{_TELEMETRY}/kpis", 200),
    _reading("telemetry.query", f"{_TELEMETRY}/query", 100, group_by="tool_name"),
    Measure("query", "server", questions.asked, questions.GIVES),
    Measure("query.arrow", "server", questions.streamed, ("query.arrow",)),
    _reading("catalog", "/api/v2/catalog", 200),
    Measure("upload", "server", _upload, ("upload",)),
    Measure("large", "server", transcripts.large, ("large",)),
    Measure("memory", "server", _memory, ("memory",)),
)
