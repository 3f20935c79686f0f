"""Runs and their rows: who may begin, who waits, how each ends, and what the log says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.audit import now
from console.instance import Instance
from console.jobs import asks
from console.jobs.dispatcher import QUIET
from console.jobs.kept import Place
from console.jobs.runner import Outcome
from schema.errors import BadParameter, Conflict, NotFound, Unavailable
from schema.tables import TABLE_REGISTRY
from schema.transaction import Rows
from tests.console.jobs.jobs_place import log, notices, opened, person, put, runs, started, until

FAILED = Outcome("failed", "cell 3 failed: ValueError: no", 3)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with opened(tmp_path) as instance:
        yield instance


def ended(instance: Instance) -> Callable[[], bool]:
    return lambda: not any(instance.jobs.active(name) for name in instance.jobs.jobs)


def work(instance: Instance) -> None:
    """`sweep` has something to do from now on."""
    row = {"id": "orders", "name": "orders", "schedule": "every 1d", "created_at": now()}
    row |= {"source_type": "files", "query_mode": "local"}
    instance.store.write(Rows(TABLE_REGISTRY, [row])).result()


def test_a_person_asks_for_a_run_and_the_log_has_both_ends_of_it(instance: Instance) -> None:
    async def scene() -> None:
        jobs, puppet = await started(instance)
        who = person(instance)
        run = await jobs.ask(who, "tidy", {"days": 3})
        (asked,) = log(instance, "run_job:tidy")
        assert asked["user_id"] == who.me.user_id
        assert (asked["client_kind"], asked["result"]) == ("cli", "success")
        assert asked["correlation_id"] == who.correlation_id
        assert asked["params"]["parameters"] == {
            "days": 3,
            "deep": False,
            "names": [],
            "share": 0.5,
        }
        await until(lambda: puppet.orders)
        (row,) = runs(instance)
        assert (row["status"], row["started_at"] is None) == ("running", False)
        puppet.end()
        await until(ended(instance))

        (row,) = runs(instance)
        assert (row["id"], row["status"], row["error"]) == (run.id, "ok", None)
        assert (row["trigger"], row["requested_by"]) == ("asked", who.me.user_id)
        assert row["queued_at"] <= row["started_at"] <= row["finished_at"]
        (_, end) = log(instance, "run_job:tidy")
        assert (end["client_kind"], end["result"]) == ("scheduler", "success")
        assert (end["user_id"], end["correlation_id"]) == (who.me.user_id, run.id)
        assert (end["resource"], end["params"]["run_id"]) == ("job:tidy", run.id)
        assert end["duration_ms"] is not None

    asyncio.run(scene())


def test_a_beat_with_work_is_a_run_of_nobody(instance: Instance) -> None:
    async def scene() -> None:
        jobs, _ = await started(instance, Outcome("ok"))
        await jobs.tick("tidy")
        await until(ended(instance))
        (row,) = runs(instance)
        assert (row["status"], row["trigger"], row["requested_by"]) == ("ok", "schedule", None)
        (said,) = log(instance, "run_job:tidy")
        assert (said["user_id"], said["client_kind"]) == (None, "scheduler")
        assert said["correlation_id"] == row["id"] == row["correlation_id"]

    asyncio.run(scene())


def test_a_pass_holds_as_long_as_its_run_and_nobody_else_sees_it(instance: Instance) -> None:
    async def scene() -> None:
        jobs, puppet = await started(instance, Outcome("ok"))
        await jobs.tick("tidy")
        await until(ended(instance))
        (order,) = puppet.orders
        assert puppet.found == [True]
        assert instance.gate.passes.find(order.secret) is None
        assert order.secret not in repr(order)
        assert order.secret not in repr([runs(instance), log(instance, "run_job:tidy")])

    asyncio.run(scene())


def test_no_job_runs_twice_at_once(instance: Instance) -> None:
    async def scene() -> None:
        jobs, puppet = await started(instance)
        run = await jobs.ask(person(instance), "tidy", {})
        with pytest.raises(Conflict, match=run.id):
            await jobs.ask(person(instance), "tidy", {})
        await jobs.tick("tidy")
        assert len(runs(instance, status="skipped")) == 1
        (said,) = log(instance, "run_job:tidy", result="skipped")
        assert run.id in said["params"]["reason"]
        puppet.end()
        await until(ended(instance))
        await jobs.ask(person(instance), "tidy", {})
        await until(lambda: len(puppet.orders) == 2)
        await jobs.close()

    asyncio.run(scene())


def test_as_many_run_as_the_setting_says_and_the_rest_waits_its_turn(tmp_path: Path) -> None:
    async def scene(instance: Instance) -> None:
        jobs, puppet = await started(instance)
        who = person(instance)
        for name in ("tidy", "sweep", "nightly"):
            await jobs.ask(who, name, {})
        await until(lambda: len(puppet.orders) == 2)
        assert [row["status"] for row in runs(instance)] == ["running", "running", "queued"]
        puppet.end()
        await until(lambda: puppet.names == ["tidy", "sweep", "nightly"])
        await jobs.close()

    with opened(tmp_path, AGNES_JOB_CONCURRENCY="2") as instance:
        asyncio.run(scene(instance))


def test_a_beat_without_work_starts_nothing_and_leaves_one_row(instance: Instance) -> None:
    async def scene() -> None:
        jobs, puppet = await started(instance)
        for _ in range(5):
            last = await jobs.tick("sweep")
        (row,) = runs(instance)
        assert (row["id"], row["status"]) == (last.id, "skipped")
        (said,) = log(instance, "run_job:sweep")  # not one for each beat
        assert (said["result"], said["params"]["reason"]) == ("skipped", "nothing pending")
        assert (said["client_kind"], said["user_id"]) == ("scheduler", None)
        assert puppet.orders == []
        assert timedelta(seconds=1800) > QUIET  # the pulse turns yellow then

        work(instance)
        await jobs.tick("sweep")
        await until(lambda: puppet.names == ["sweep"])
        await jobs.close()

    asyncio.run(scene())


def test_an_ask_that_fails_is_a_failed_run(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(instance: Instance) -> int:
        raise Unavailable("the disk is away")

    async def scene() -> None:
        jobs, puppet = await started(instance)
        person(instance)
        await jobs.tick("sweep")
        (row,) = runs(instance)
        assert row["status"] == "failed"
        assert "the disk is away" in row["error"]
        assert len(notices(instance)) == 1
        assert puppet.orders == []

    monkeypatch.setitem(asks.ASKS, "sync_tables", broken)
    asyncio.run(scene())


def test_a_failure_is_told_to_every_admin_once(instance: Instance) -> None:
    async def scene() -> None:
        other = Outcome("failed", "cell 4 failed: KeyError: x", 4)
        ends = (FAILED, FAILED, other, Outcome("ok"), other)
        jobs, _ = await started(instance, *ends)
        admins = {person(instance).me.user_id, person(instance).me.user_id}
        person(instance, is_admin=False)
        person(instance, is_active=False)
        for count in (2, 2, 4, 4, 6):  # the same failure again is no news
            await jobs.tick("tidy")
            await until(ended(instance))
            assert len(notices(instance)) == count
        assert {notice["user_id"] for notice in notices(instance)} == admins
        first = notices(instance)[0]
        assert (first["channel"], first["state"], first["sent_at"]) == ("console", "new", None)
        assert first["link"].startswith("/admin/jobs?run=")
        assert first["link"].removeprefix("/admin/jobs?run=") in {
            one["id"] for one in runs(instance)
        }
        assert first["subject"] == "job tidy failed: cell 3 failed: ValueError: no"
        row, said = runs(instance)[0], log(instance, "run_job:tidy")[0]
        assert (row["status"], row["error"]) == ("failed", FAILED.error)
        assert (said["result"], said["params"]["cell"]) == ("error.job_failed", 3)

    asyncio.run(scene())


def test_a_run_that_cannot_even_begin_has_failed(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        jobs, puppet = await started(instance)
        monkeypatch.setattr(puppet, "run", None)
        await jobs.tick("tidy")
        await until(ended(instance))
        (row,) = runs(instance)
        assert row["status"] == "failed"
        assert "TypeError" in row["error"]

    asyncio.run(scene())


def test_what_waits_can_be_cancelled_and_never_begins(instance: Instance) -> None:
    async def scene() -> None:
        jobs, puppet = await started(instance)
        who = person(instance)
        await jobs.ask(who, "tidy", {})
        waiting = await jobs.ask(who, "sweep", {})
        row = await jobs.cancel(who, waiting.id)
        assert (row["status"], row["started_at"]) == ("cancelled", None)
        puppet.end()
        await until(ended(instance))
        assert puppet.names == ["tidy"]
        (said,) = log(instance, "job.cancel")
        assert (said["user_id"], said["resource"]) == (who.me.user_id, "job:sweep")
        assert said["params"] == {"run_id": waiting.id, "status": "queued"}

    asyncio.run(scene())


def test_two_may_cancel_what_waits_at_the_same_time(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        jobs, puppet = await started(instance)
        who = person(instance)
        await jobs.ask(who, "tidy", {})
        waiting = await jobs.ask(who, "sweep", {})
        both, write = asyncio.Barrier(2), instance.store.awrite

        async def together(*steps: Any) -> Any:
            answer = await write(*steps)
            await both.wait()
            monkeypatch.setattr(instance.store, "awrite", write)
            return answer

        monkeypatch.setattr(instance.store, "awrite", together)
        ended_as = await asyncio.gather(*(jobs.cancel(who, waiting.id) for _ in range(2)))
        assert {row["status"] for row in ended_as} <= {"queued", "cancelled"}
        puppet.end()
        await until(ended(instance))
        (row,) = [row for row in runs(instance) if row["id"] == waiting.id]
        assert row["status"] == "cancelled"
        ends = [said for said in log(instance, "run_job:sweep") if "status" in said["params"]]
        assert len(ends) == 1

    asyncio.run(scene())


def test_what_runs_can_be_cancelled_and_says_so_once_it_has_ended(instance: Instance) -> None:
    async def scene() -> None:
        jobs, puppet = await started(instance)
        who = person(instance)
        run = await jobs.ask(who, "tidy", {})
        await until(lambda: puppet.orders)
        await jobs.cancel(who, run.id)
        await until(ended(instance))
        (row,) = runs(instance)
        assert (row["status"], row["error"]) == ("cancelled", None)
        assert log(instance, "run_job:tidy")[-1]["result"] is None
        assert notices(instance) == []
        with pytest.raises(Conflict, match="over: cancelled"):
            await jobs.cancel(who, run.id)
        with pytest.raises(NotFound):
            await jobs.cancel(who, "no-such-run")

    asyncio.run(scene())


def test_a_retry_is_a_new_run_with_the_old_parameters(instance: Instance) -> None:
    async def scene() -> None:
        jobs, puppet = await started(instance, FAILED, Outcome("ok"))
        who = person(instance)
        first = await jobs.ask(who, "tidy", {"days": 2})
        await until(ended(instance))
        second = await jobs.retry(who, first.id)
        await until(ended(instance))
        row = runs(instance)[1]
        assert (row["id"], row["attempt"], row["trigger"]) == (second.id, 2, "retry")
        assert puppet.orders[1].parameters == puppet.orders[0].parameters
        assert log(instance, "run_job:tidy")[2]["params"]["retry_of"] == first.id

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("name", "parameters", "error"),
    [("tidies", {}, NotFound), ("tidy", {"weeks": 1}, BadParameter)],
)
def test_what_cannot_be_asked_leaves_nothing_behind(
    instance: Instance, name: str, parameters: dict[str, Any], error: type[Exception]
) -> None:
    async def scene() -> None:
        jobs, _ = await started(instance)
        with pytest.raises(error):
            await jobs.ask(person(instance), name, parameters)
        assert runs(instance) == []
        assert jobs.active("tidy") is None

    asyncio.run(scene())


def test_nothing_runs_before_the_socket_is_open(instance: Instance) -> None:
    with pytest.raises(Unavailable):
        asyncio.run(instance.jobs.ask(person(instance), "tidy", {}))


def test_a_new_server_ends_what_the_old_one_left_and_goes_on_with_what_waited(
    instance: Instance,
) -> None:
    at = now() - timedelta(hours=1)
    left = put(instance, "tidy", "running", at)
    waiting = put(instance, "sweep", "queued", at, parameters='{"a":1}')
    twice = put(instance, "sweep", "queued", at + timedelta(seconds=1))
    gone = put(instance, "no_more", "queued", at)
    debris = Place(instance.settings.folder, "tidy", left).work
    debris.mkdir(parents=True)

    async def scene() -> None:
        _, puppet = await started(instance, Outcome("ok"))
        await until(ended(instance))
        found = {row["id"]: row for row in runs(instance)}
        for id in (left, twice, gone):
            assert (found[id]["status"], found[id]["error"]) == ("failed", "the server stopped")
        assert found[waiting]["status"] == "ok"
        assert [order.run for order in puppet.orders] == [waiting]
        assert puppet.orders[0].parameters == {"a": 1}
        assert not debris.exists()
        (said,) = log(instance, "run_job:tidy")
        assert (said["result"], said["correlation_id"]) == ("error.job_failed", left)

    asyncio.run(scene())


def test_a_server_that_stops_ends_its_runs_and_leaves_the_queue(instance: Instance) -> None:
    async def scene() -> None:
        jobs, puppet = await started(instance)
        await jobs.ask(person(instance), "tidy", {})
        await jobs.ask(person(instance), "sweep", {})
        await until(lambda: puppet.orders)
        await jobs.close()
        ran, waiting = runs(instance)
        assert (ran["status"], ran["error"]) == ("failed", "the server stopped")
        assert waiting["status"] == "queued"
        with pytest.raises(Unavailable):
            await jobs.ask(person(instance), "nightly", {})

    asyncio.run(scene())


def test_old_runs_go_with_their_files(tmp_path: Path) -> None:
    async def scene(instance: Instance) -> None:
        at = now() - timedelta(hours=1)
        old = [put(instance, "tidy", "ok", at + timedelta(minutes=n)) for n in range(4)]
        other = put(instance, "sweep", "ok", at)
        for id in old:
            Place(instance.settings.folder, "tidy", id).kept.mkdir(parents=True)
        jobs, _ = await started(instance, Outcome("ok"))
        run = await jobs.tick("tidy")
        await until(lambda: len(runs(instance)) == 4)
        assert {row["id"] for row in runs(instance)} == {other, *old[2:], run.id}
        kept = {path.name for path in (instance.settings.folder / "jobs" / "tidy").iterdir()}
        assert kept == set(old[2:])

    with opened(tmp_path, AGNES_JOB_RUNS_KEPT="3") as instance:
        asyncio.run(scene(instance))
