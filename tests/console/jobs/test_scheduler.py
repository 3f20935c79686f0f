"""The clock: which beats it plans, and what it catches up after a server was away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from console import configured
from console.audit import Caller, now
from console.instance import Instance
from console.jobs.runner import Outcome
from console.jobs.scheduler import SOON, Scheduler
from schema.policy import Principal
from tests.console.jobs.jobs_place import (
    SCHEDULE,
    notebooks,
    opened,
    put,
    runs,
    started,
    until,
)
from tests.test_habit_imports import USER_INTERFACE, loaded_by

NOW = datetime(2100, 3, 1, 12, 3, 30)  # so that what is planned for soon does not begin
CLOSE = timedelta(minutes=3)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with opened(tmp_path) as instance:
        yield instance


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.jobs.scheduler.now", lambda: NOW)


def planned(instance: Instance) -> list[tuple[str, str, bool]]:
    """(job, why, whether it is planned once) of every beat that the clock knows, after a start."""

    async def scene() -> list[tuple[str, str, bool]]:
        await started(instance)
        clock = Scheduler(instance)
        await clock.start()
        try:
            known: list[Any] = clock._clock.get_jobs()
            return sorted(
                (*(one.args if len(one.args) == 2 else (*one.args, "")), "date" in str(one.trigger))
                for one in known
                if one.id != "scripts"  # they have a beat of their own
            )
        finally:
            clock.stop()

    return asyncio.run(scene())


ALWAYS = [("nightly", "", False), ("sweep", "", False), ("tidy", "", False)]


def test_a_new_instance_asks_only_those_that_can_tell(instance: Instance) -> None:
    assert planned(instance) == sorted([*ALWAYS, ("sweep", "schedule", True)])


def test_a_restart_within_the_beat_catches_nothing_up(instance: Instance) -> None:
    for name in ("tidy", "sweep", "nightly"):
        put(instance, name, "ok" if name == "tidy" else "skipped", NOW - CLOSE)
    assert planned(instance) == ALWAYS


@pytest.mark.parametrize("away", [timedelta(hours=1), timedelta(days=30)])
def test_what_was_missed_is_caught_up_once(instance: Instance, away: timedelta) -> None:
    put(instance, "tidy", "ok", NOW - away - timedelta(days=1))
    put(instance, "tidy", "failed", NOW - away)
    put(instance, "sweep", "skipped", NOW - away)
    put(instance, "nightly", "ok", NOW - timedelta(hours=8))
    late = [("tidy", "catch_up", True), ("sweep", "catch_up", True)]
    assert planned(instance) == sorted([*ALWAYS, *late])


def test_a_job_that_never_runs_has_no_beat(tmp_path: Path) -> None:
    schedule = '[only]\ntitle = "O"\nnotebook = "o.ipynb"\nevery_seconds = 0\ntimeout_seconds = 9\n'
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "schedule.toml").write_text(schedule)
    with opened(tmp_path, AGNES_NOTEBOOKS=str(folder)) as instance:
        assert planned(instance) == []


def test_the_clock_really_ticks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = (
        '[often]\ntitle = "O"\nnotebook = "o.ipynb"\nevery_seconds = 1\ntimeout_seconds = 9\n'
    )
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "schedule.toml").write_text(schedule)

    async def scene(instance: Instance) -> None:
        _, puppet = await started(instance, Outcome("ok"), Outcome("ok"))
        put(instance, "often", "ok", now() - timedelta(days=1))
        clock = Scheduler(instance)
        await clock.start()
        await until(lambda: len([row for row in runs(instance) if row["status"] == "ok"]) >= 3)
        clock.stop()
        triggers = {row["trigger"] for row in runs(instance)}
        assert triggers == {"schedule", "catch_up"}
        assert len(puppet.orders) >= 2
        await instance.jobs.close()

    monkeypatch.setattr("console.jobs.scheduler.now", now)
    monkeypatch.setattr("console.jobs.scheduler.SOON", timedelta(0))
    with opened(tmp_path, AGNES_NOTEBOOKS=str(folder)) as instance:
        asyncio.run(scene(instance))


def test_the_first_pages_come_before_the_first_beat() -> None:
    assert timedelta(seconds=5) <= SOON


def test_a_beat_without_work_reads_no_file(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> float:
        jobs, _ = await started(instance)
        await jobs.tick("sweep")  # compiles the question

        def opened_file(*args: Any, **options: Any) -> None:
            raise AssertionError(f"a file is opened: {args}")

        monkeypatch.setattr("builtins.open", opened_file)
        monkeypatch.setattr("io.open", opened_file)
        start = time.perf_counter()
        await jobs.tick("sweep")
        return time.perf_counter() - start

    took = asyncio.run(scene())
    (row,) = runs(instance)
    assert row["status"] == "skipped"
    assert took < 5  # the figure itself belongs to the benchmarks


def test_the_server_loads_nothing_of_notebooks_for_its_jobs() -> None:
    loaded = loaded_by(["console.api.jobs", "console.jobs.scheduler", "console.jobs.runner"])
    heavy = {"IPython", "jupyter_client", "matplotlib", "nbconvert", "nbformat", "papermill"}
    assert loaded & (heavy | USER_INTERFACE) == {"tornado"}


def test_an_interval_that_is_changed_while_it_runs_moves_the_beat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.jobs.scheduler._LOOK", 0.01)
    caller = Caller(Principal("boss", is_admin=True), "cli")

    def every(clock: Scheduler) -> str:
        job: Any = clock._clock.get_job("prune")
        return "none" if job is None else str(job.trigger)

    def said(clock: Scheduler, shown: str) -> bool:
        return shown in every(clock)

    async def scene(instance: Instance) -> None:
        await started(instance)
        clock = Scheduler(instance)
        await clock.start()
        try:
            for text, shown in (("77", "0:01:17"), ("0", "none")):
                change = configured.change(
                    instance.settings, caller, {"SCHEDULER_PRUNE_INTERVAL": text}
                )
                await instance.store.awrite(change)
                await until(partial(said, clock, shown))
        finally:
            clock.stop()

    folder = notebooks(tmp_path / "own", SCHEDULE.replace("tidy", "prune"))
    with opened(tmp_path, AGNES_NOTEBOOKS=folder) as instance:
        asyncio.run(scene(instance))
