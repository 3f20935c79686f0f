"""Everything that is told of the server, in one answer. Blocks for some milliseconds; the sizes of
folders come from a thread of their own, and stand there when it has counted them."""

from __future__ import annotations

import platform
import shutil
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from console import doctor, links
from console.audit import now
from console.backups import shelf
from console.doctor.here import patient
from console.health import machine
from console.health.samples import Sample
from console.instance import Instance
from console.processing import waiting
from console.queries import health as questions
from console.syncing import published
from ingest.pipeline import PROCESSORS
from schema.bind import At

Row = dict[str, Any]
_LIBRARIES = ("duckdb", "ibis-framework", "panel", "tornado", "pyarrow")
DAY = timedelta(hours=24)


def facts(instance: Instance, at: datetime | None = None) -> Row:
    """`{at, started_at, uptime_seconds, versions, memory, engine, storage, disk, queues, children,
    open, slow, checks}`; sizes in bytes, times naive UTC."""
    at = at or now()
    newest = instance.health.samples.current(instance)
    return {
        "at": at,
        "started_at": instance.started_at,
        "uptime_seconds": round((at - instance.started_at).total_seconds()),
        "versions": _versions(instance),
        "memory": _memory(instance, newest),
        "engine": _engine(instance, newest),
        "storage": _storage(instance),
        "disk": _disk(instance.settings.folder),
        "queues": _queues(instance),
        "children": machine.children(),
        "open": _open(instance, at),
        "slow": _slow(instance, at),
        "checks": [one.as_dict() for one in doctor.examine(patient(instance))],
    }


@cache
def _installed() -> Row:
    return {
        "agnes": version("agnes-console"),
        "python": platform.python_version(),
        **{name.partition("-")[0]: version(name) for name in _LIBRARIES},
        "system": f"{platform.system()} {platform.release()}",
    }


def _versions(instance: Instance) -> Row:
    newest = instance.store.rows(questions.newest_migration)
    return {**_installed(), "schema": newest[0]["version"] if newest else None}


def _memory(instance: Instance, newest: Sample) -> Row:
    samples = [*instance.health.samples.all, newest]
    sizes = [one.memory for one in samples]
    return {
        "now": sizes[-1],
        "lowest": min(sizes),
        "highest": max(sizes),
        "since": samples[0].at,
        "samples": [{"at": one.at, "bytes": one.memory} for one in samples],
    }


def _engine(instance: Instance, newest: Sample) -> Row:
    store, settings = instance.store, instance.settings
    held, spilled = store.memory()
    rate = instance.health.samples.rate(newest)
    return {
        "memory": held,
        "memory_limit": settings.memory_limit,
        "spilled": spilled,
        "readers": settings.readers,
        "readers_busy": store.watch.busy,
        "writes_waiting": store.waiting,
        "commits": store.version(),
        "commits_per_second": None if rate is None else round(rate, 2),
        "database_bytes": _size(store.path),
        "log_bytes": _size(Path(f"{store.path}.wal")),
    }


def _storage(instance: Instance) -> list[Row]:
    """`{name, what, bytes, files, path}`; `bytes` is None until the folder was counted."""
    data, store = instance.settings.folder, instance.store
    folders = {
        "transcripts": (data / "sessions", "uploaded transcripts, as they were sent"),
        "indexes": (data / "index", "where the turns of each transcript begin; made anew if lost"),
        "tables": (published.folder(store), "what syncs published, newest versions"),
        "notebooks": (data / "jobs", "what runs of jobs left"),
        "backups": (shelf.folder(instance.settings), "backups, as far as they are here"),
    }
    sizes = instance.health.sizes.of({name: one[0] for name, one in folders.items()})
    text = data / "search.sqlite"
    whole = sum(map(_size, (text, Path(f"{text}-wal"))))
    return [
        _file("database", "all tables", store.path, _size(store.path)),
        _file("log", "changes not yet folded into it", Path(f"{store.path}.wal")),
        _file("text index", "words of all transcripts; made anew if lost", text, whole),
        *(
            {
                "name": name,
                "what": what,
                "bytes": None if (found := sizes[name]) is None else found[0],
                "files": None if found is None else found[1],
                "path": str(folder),
            }
            for name, (folder, what) in folders.items()
        ),
    ]


def _file(name: str, what: str, path: Path, size: int | None = None) -> Row:
    size = _size(path) if size is None else size
    return {"name": name, "what": what, "bytes": size, "files": None, "path": str(path)}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _disk(folder: Path) -> Row:
    usage = shutil.disk_usage(folder)
    share = round(usage.free / usage.total, 4)
    return {"total": usage.total, "free": usage.free, "share_free": share, "path": str(folder)}


def _queues(instance: Instance) -> list[Row]:
    """`{name, what, waiting, link}`; all are 0 where there is nothing to do."""
    store = instance.store
    (runs,) = store.rows(questions.runs_active)
    (indexing,) = store.rows(questions.not_indexed)
    (outbox,) = store.rows(questions.outbox_waiting)
    lost = instance.lost_writes.since(now() - DAY)
    jobs = "/admin/jobs"
    return [
        {
            "name": "processing",
            "what": "sessions that a processor has not read as they are now",
            "waiting": waiting(instance, tuple(PROCESSORS)),
            "link": links.href("job", "process_sessions"),
        },
        {
            "name": "indexing",
            "what": "sessions that do not stand in the indexes yet",
            "waiting": indexing["waiting"],
            "link": "/admin/sessions",
        },
        {
            "name": "runs",
            "what": f"runs of jobs that wait; {runs['running']} going on",
            "waiting": runs["queued"],
            "link": jobs,
        },
        {
            "name": "questions",
            "what": "questions in SQL that wait for their turn",
            "waiting": instance.questions.waiting,
            "link": None,
        },
        {
            "name": "messages",
            "what": "messages to Telegram that wait",
            "waiting": outbox["waiting"],
            "link": None,
        },
        {
            "name": "writes",
            "what": f"changes and audit rows that wait; {lost} rows of reads lost in 24 h",
            "waiting": store.waiting,
            "link": None,
        },
    ]


def _open(instance: Instance, at: datetime) -> Row:
    (found,) = instance.store.rows(questions.signed_in, At(at))
    pages, connected = instance.health.open_pages()
    return {"pages": pages, "websockets": connected, **found}


def _slow(instance: Instance, at: datetime) -> Row:
    """`actions` of the last 24 hours by the audit log; `questions` to the database that took a
    tenth of a second or longer since the start, each once with its worst."""
    people = instance.people.all()
    actions = []
    for row in instance.store.rows(questions.slowest, At(at - DAY)):
        person = people.get(row["user_id"])
        actions.append({**row, "user_email": person.email if person else None})
    worst: dict[str, Row] = {}
    for slow in list(instance.store.watch.slow):
        if slow.at < at - DAY:
            continue
        one = worst.setdefault(
            slow.question, {"question": slow.question, "times": 0, "duration_ms": 0, "at": slow.at}
        )
        one["times"] += 1
        if slow.duration_ms >= one["duration_ms"]:
            one |= {"duration_ms": slow.duration_ms, "at": slow.at}
    questions_ = sorted(worst.values(), key=lambda one: -one["duration_ms"])
    return {"actions": actions, "questions": questions_[: questions.SLOWEST]}
