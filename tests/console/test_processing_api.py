"""Processing on demand: what run, reprocess and prune answer, change and log."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from console.api import processing as processing_api
from console.audit import now
from schema.tables import (
    AUDIT_LOG,
    SESSION_PROCESSOR_STATE,
    SESSION_VERDICTS,
    USAGE_EVENTS,
    USAGE_SESSION_SUMMARY,
    USAGE_TOOL_DAILY,
)
from schema.transaction import Rows
from tests.console.processing_console import (
    DETAILS,
    PRUNE,
    REPROCESS,
    Console,
    drain,
    made,
)
from tests.transcripts import talk

# Running a processor


def test_a_run_answers_with_what_it_did_and_stands_in_the_log(console: Console) -> None:
    key = console.upload("run.jsonl", talk("run").call().call())
    answer = console.run()
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["ok"] is True
    details = body["details"]
    assert set(details) == DETAILS
    assert (details["processor"], details["processed"], details["capped"]) == ("usage", 1, 0)
    assert (details["errors"], details["errors_detail"], details["items_extracted"]) == (0, [], 2)
    assert details["scanned"] == details["processed"] + details["skipped"]
    assert len(console.rows(USAGE_EVENTS, session_file=key)) == 2
    assert len(console.rows(SESSION_VERDICTS, session_file=key)) == 0
    day = console.rows(USAGE_EVENTS, session_file=key)[0]["occurred_at"].date()
    assert console.rows(USAGE_TOOL_DAILY, day=day, tool_name="Bash") != []
    row = console.log("run_session_processor:usage")[-1]
    assert (row["user_id"], row["resource"], row["result"]) == (
        console.admin_id,
        "usage",
        "success",
    )
    assert row["params"] == details


def test_with_nothing_due_no_process_is_started(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr("asyncio.create_subprocess_exec", never)
    details = console.run("failure_scan").json()["details"]
    assert (details["processed"], details["skipped"]) == (0, details["scanned"])


@pytest.mark.parametrize(
    ("name", "said"), [("nobody", "nobody"), ("", "processor="), ("x" * 5000, "xxx")]
)
def test_an_unknown_processor_is_named_with_those_there_are(
    console: Console, name: str, said: str
) -> None:
    answer = console.run(name)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert "usage" in answer.json()["error"]
    row = console.rows(AUDIT_LOG, result="error.400")[-1]
    assert row["action"].startswith("run_session_processor:")
    assert len(row["action"]) < 300


def test_the_same_processor_runs_once_at_a_time(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.upload("overlap.jsonl", talk("overlap").call())
    going, go = threading.Event(), threading.Event()

    async def slow(handler: Any, name: str) -> Any:
        going.set()
        await handler.instance.store.offload(go.wait, 30)
        return processing_api._NOTHING

    monkeypatch.setattr(processing_api.RunProcessor, "_work", slow)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(console.run)
        assert going.wait(120)
        second = console.run()
        assert (second.status_code, "usage" in second.json()["error"]) == (409, True)
        go.set()
        assert first.result().status_code == 200
    assert [row["result"] for row in console.log("run_session_processor:usage")][-2:] == [
        "error.409",
        "success",
    ]
    assert console.run().status_code == 200


def test_a_crash_is_logged_and_does_not_lock_the_processor(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.upload("crash.jsonl", talk("crash").call())

    async def broken(handler: Any, name: str) -> Any:
        raise RuntimeError("out of the blue")

    monkeypatch.setattr(processing_api.RunProcessor, "_work", broken)
    assert console.run().status_code == 500
    assert console.log("run_session_processor:usage")[-1]["result"] == "error.crashed"
    monkeypatch.undo()
    assert console.run().json()["details"]["processed"] == 1


def test_callers_repeat_while_a_run_was_capped(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        console.upload(f"cap{number}.jsonl", talk(f"cap{number}").call())
    monkeypatch.setattr(processing_api, "CAP", 2)
    runs = [console.run().json()["details"] for _ in range(3)]
    assert [run["processed"] for run in runs] == [2, 1, 0]
    assert [run["capped"] for run in runs] == [1, 0, 0]


def test_two_runs_with_one_correlation_id_do_not_end_each_others_pass(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.upload("two.jsonl", talk("two").call())
    monkeypatch.setitem(console.admin.headers, "X-Correlation-ID", "the-same")
    held = console.pass_("the-same")
    assert console.run().status_code == 200
    assert console.instance.gate.passes.find(held) is not None


def test_a_broken_session_is_told_and_delays_nobody(console: Console) -> None:
    usage = {"input_tokens": 1 << 53, "output_tokens": 1}
    record = {"type": "assistant", "timestamp": "2026-05-20T09:00:00Z"}
    broken = b"".join(
        orjson.dumps({**record, "uuid": f"x{n}", "message": {"id": f"m{n}", "usage": usage}})
        + b"\n"
        for n in range(1100)
    )  # together more tokens than a column holds
    bad, good = console.upload("1-bad.jsonl", broken), console.upload("2-good.jsonl", talk().call())
    answer = console.run()
    details = answer.json()["details"]
    states = {row["session_file"]: row for row in console.rows(SESSION_PROCESSOR_STATE)}
    assert states[good]["error"] is None
    if details["errors"]:
        assert {one["session_file"] for one in details["errors_detail"]} == {bad}
        assert console.log("run_session_processor:usage")[-1]["result"] == "error.partial"
    assert console.run().json()["details"]["processed"] == 0


# Reprocessing


def test_reprocessing_forgets_and_makes_the_same_again(console: Console) -> None:
    key = console.upload("again.jsonl", talk("again").call(error="Exit code 1\nno").answer())
    drain(console)
    before = made(console)
    answer = console.admin.post(REPROCESS, json={}).json()
    assert answer["status"] == "ok"
    assert set(answer["deleted"]) == {"state_rows", "events", "summaries", "findings", "verdicts"}
    assert answer["deleted"]["state_rows"] >= 2
    assert console.rows(USAGE_EVENTS, session_file=key) == []
    drain(console)
    assert made(console) == before
    row = console.log("usage.reprocess")[-1]
    assert (row["user_id"], row["params"]) == (console.admin_id, answer["deleted"])


def test_one_session_is_reprocessed_alone(console: Console) -> None:
    key = console.upload("one.jsonl", talk("one").call())
    other = console.upload("other.jsonl", talk("other").call())
    drain(console)
    answer = console.admin.post(REPROCESS, json={"session_file": key}).json()
    assert answer["deleted"] == {
        "state_rows": 2,
        "events": 1,
        "summaries": 1,
        "findings": 1,
        "verdicts": 1,
    }
    assert console.rows(USAGE_SESSION_SUMMARY, session_file=other) != []
    missing = console.admin.post(REPROCESS, json={"session_file": "u/none.jsonl"})
    assert (missing.status_code, "u/none.jsonl" in missing.json()["error"]) == (404, True)
    assert console.log("usage.reprocess")[-1]["result"] == "error.not_found"


def test_rows_whose_transcript_is_not_here_stay(console: Console) -> None:
    row = {"id": "kept", "session_file": "elsewhere/a.jsonl", "user_id": "u"}
    console.instance.store.write(Rows(USAGE_EVENTS, [{**row, "occurred_at": now()}])).result()
    console.admin.post(REPROCESS, json={})
    assert len(console.rows(USAGE_EVENTS, id="kept")) == 1
    drain(console)


# Pruning


def test_nothing_is_pruned_unless_a_setting_says_so(console: Console) -> None:
    console.upload("kept.jsonl", talk("kept", datetime(2001, 5, 5)).call())
    drain(console)
    before, logged = len(console.rows(USAGE_EVENTS)), len(console.log("usage.prune"))
    answer = console.admin.post(PRUNE)
    assert answer.json()["status"] == "skipped"
    assert "USAGE_EVENTS_RETENTION_DAYS" in answer.json()["reason"]
    everything = console.admin.post("/api/jobs/prune").json()
    assert {part["status"] for part in everything.values()} == {"skipped"}
    assert set(everything) == {"usage", "audit", "feedback"}
    assert (len(console.rows(USAGE_EVENTS)), len(console.log("usage.prune"))) == (before, logged)


def test_what_is_pruned_is_counted_logged_and_stays_away(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = now() - timedelta(days=30)
    key = console.upload("old.jsonl", talk("old", long_ago).call().later(days=25).call())
    drain(console)
    set_days(console, monkeypatch, usage=10)
    answer = console.admin.post(PRUNE).json()
    assert (answer["status"], answer["retention_days"]) == ("ok", 10)
    assert answer["deleted"] >= 1
    assert answer["remaining"] == len(console.rows(USAGE_EVENTS))
    row = console.log("usage.prune")[-1]
    assert (row["user_id"], row["params"]["retention_days"]) == (console.admin_id, 10)
    told = row["params"]["usage_events"]
    assert told["deleted"] == answer["deleted"]
    assert told["first"] <= told["last"] < (now() - timedelta(days=9)).isoformat()
    console.admin.post(REPROCESS, json={"session_file": key})
    drain(console)
    assert len(console.rows(USAGE_EVENTS, session_file=key)) == 1
    logged = len(console.log("usage.prune"))
    assert console.admin.post(PRUNE).json()["deleted"] == 0
    assert len(console.log("usage.prune")) == logged


def test_the_audit_log_is_pruned_with_a_row_that_says_so(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {"id": "old", "timestamp": now() - timedelta(days=60), "action": "user.create"}
    console.instance.store.write(Rows(AUDIT_LOG, [old])).result()
    set_days(console, monkeypatch, audit=50)
    with console.kernel(console.pass_()) as kernel:
        answer = kernel.request("POST", "/api/jobs/prune")
    assert (answer["audit"]["deleted"], answer["usage"]["status"]) == (1, "skipped")
    assert console.rows(AUDIT_LOG, id="old") == []
    row = console.log("audit.prune")[-1]
    assert (row["resource"], row["user_id"]) == ("retention:audit_log", None)
    assert row["params"]["audit_log"]["deleted"] == 1
    assert row["params"]["audit_log"]["first"] == row["params"]["audit_log"]["last"]


def set_days(console: Console, patch: pytest.MonkeyPatch, **days: int) -> None:
    names = {"usage": "usage_events_retention_days", "audit": "audit_retention_days"}
    for name, count in days.items():
        patch.setitem(vars(console.instance.settings), names[name], count)
