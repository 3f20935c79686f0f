"""What runs by itself: the scheduler's ticks, processors, jobs and syncs, and the instance's own
upkeep.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest.seed.recipe import Ends, Fill, Recipe, Row, Said, Scene, failed
from ingest.seed.words import DATA, JOBS, PROCESSORS, REASONS

_TICKED: Ends = (("success", 0.994), ("skipped", 0.004), (None, 0.002))
_RAN: Ends = (("success", 0.992), ("error.job_failed", 0.008))
_PROCESSED: Ends = (("success", 0.993), ("error.unreadable_transcript", 0.007))
_SYNCED: Ends = (
    ("success", 0.994),
    ("error.source_unavailable", 0.004),
    ("error.schema_changed", 0.002),
)


def _tick(scene: Scene) -> Iterator[Said]:
    jobs, waits = scene.pick(JOBS), scene.rng.integers(5, 60, scene.n).tolist()
    for job, wait, result in zip(jobs, waits, scene.results, strict=True):
        ran = [] if result == "skipped" else [job]
        params = {
            "endpoint": "/api/scripts/run-due",
            "due": len(ran),
            "ran": ran,
            "skipped": [name for name in JOBS[:3] if name != job],
            "failed": [],
            "worker": "scheduler-1",
            "queue": {"waiting": wait % 3, "running": len(ran)},
            "next_due_seconds": wait,
        }
        yield None, params, None


def _processor(name: str) -> Recipe:
    def fill(scene: Scene) -> Iterator[Said]:
        found = scene.rng.poisson(2.2, scene.n).tolist()
        items = scene.amounts(70, 0.9)
        for at, result in enumerate(scene.results):
            bad = int(failed(result))
            params = {
                "processor": name,
                "scanned": found[at] + 3,
                "processed": found[at],
                "skipped": 3 - bad,
                "capped": 0,
                "errors": bad,
                "items_extracted": items[at] if found[at] else 0,
                "errors_detail": ["a line of 4 MB is no JSON"] if bad else [],
                "cadence_minutes": 10,
                "notebook": "jobs/process_sessions.ipynb",
                "attempt": 1,
            }
            yield f"processor:{name}", params, None

    return Recipe(
        f"run_session_processor:{name}", fill, (700, 0.9), _PROCESSED, "error.unavailable"
    )


def _job(name: str) -> Recipe:
    def fill(scene: Scene) -> Iterator[Said]:
        for at, result in enumerate(scene.results):
            run = scene.correlations[at]
            params = {"job": name, "run_id": run, "trigger": "schedule", "attempt": 1}
            params["notebook"] = f"jobs/{name}.ipynb"
            if result == "skipped":
                params["reason"] = "nothing pending"
            elif failed(result):
                params |= {
                    "error": "cell 4 failed: the server did not answer within 30 s",
                    "cell": 4,
                }
            else:
                params["output"] = f"runs/{run}/{name}.ipynb"
            yield f"job:{name}", params, None

    return Recipe(f"run_job:{name}", fill, (9000, 0.7), _RAN, "error.job_failed")


def _sync(scene: Scene) -> Iterator[Said]:
    changed = scene.rng.random(scene.n).tolist()
    for at, (data, result) in enumerate(zip(scene.pick(DATA), scene.results, strict=True)):
        params: Row = {"table": data.id, "source": data.source, "sync_ids": [scene.fresh[at]]}
        params |= {"mode": "full" if data.rows < 20_000 else "incremental"}
        if failed(result):
            reason = REASONS[result or ""]
            params["error"] = reason.format(s=data.source, t=data.id)
        else:
            rows = int(data.rows * (1.0 if data.rows < 20_000 else changed[at] ** 3 * 0.02))
            params |= {"rows": rows, "bytes": rows * 41, "took_ms": scene.took[at]}
        yield f"table:{data.id}", params, None


def _trigger(scene: Scene) -> Iterator[Said]:
    for count in scene.rng.integers(2, 10, scene.n).tolist():
        tables = [data.id for data in DATA[:count]]
        yield None, {"tables": tables, "force": False, "endpoint": "/api/sync/trigger"}, None


def _pruned(what: str) -> Fill:
    def fill(scene: Scene) -> Iterator[Said]:
        for count in scene.amounts(900):
            yield None, {"table": what, "rows": count, "retention_days": 365}, None

    return fill


def _backup(scene: Scene) -> Iterator[Said]:
    for id, size in zip(scene.fresh, scene.amounts(6e8, 0.2), strict=True):
        yield f"backup:{id}", {"id": id, "bytes": size, "tables": 31, "verified": True}, None


TICK = Recipe("script_runner.tick", _tick, (110, 0.6), _TICKED, "error.unavailable")
RUN_PROCESSOR = tuple(_processor(name) for name in PROCESSORS)
RUN_JOB = {name: _job(name) for name in JOBS}
SYNC_TABLE = Recipe("sync.table", _sync, (1500, 1.0), _SYNCED, "error.source_unavailable")
SYNC_TRIGGER = Recipe(
    "sync.trigger", _trigger, (20, 0.4), (("success", 0.9), ("error.in_progress", 0.1))
)
# Nobody's, and no scheduler's either: the server looks after itself.
UPKEEP = (
    Recipe("audit.prune", _pruned("audit_log"), (400, 0.5)),
    Recipe("usage.prune", _pruned("usage_events"), (300, 0.5)),
    Recipe("backup.create", _backup, (9000, 0.3)),
)

RECIPES = (TICK, *RUN_PROCESSOR, *RUN_JOB.values(), SYNC_TABLE, SYNC_TRIGGER, *UPKEEP)
