"""The made-up reports are what the console would have kept: their groups, their history, the log's
rows about them, and what people were told."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from console import links
from console.feedback.fingerprint import fingerprint, last_error
from console.feedback.given import STATUSES
from ingest.redact import redact
from schema.errors import BadParameter
from tests.ingest.test_seed import UNTIL, Made, make

AMOUNTS: dict[str, Any] = {"audit_rows": 9000, "sessions": 40, "usage_events": 2000, "users": 30}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("reports"), seed=3, **AMOUNTS)


def heads(made: Made) -> list[dict[str, Any]]:
    return [row for row in made.rows("feedback_reports") if not row["merged_into"]]


def changes(made: Made) -> dict[str, list[dict[str, Any]]]:
    """By report, in order: what was changed, when."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(made.rows("feedback_history"), key=lambda row: (row["at"], row["id"])):
        found[row["report_id"]].append({"at": row["at"], **orjson.loads(row["change"])})
    return found


def test_there_is_some_of_everything(made: Made) -> None:
    reports = made.rows("feedback_reports")
    assert len(reports) == 60
    times = [row["created_at"] for row in reports]
    assert UNTIL - timedelta(days=60) <= min(times) < UNTIL - timedelta(days=30)
    assert max(times) < UNTIL
    assert {row["status"] for row in heads(made)} == set(STATUSES)
    assert sum(row["reopened"] for row in heads(made)) > 0
    for name in ("tags", "assignee", "resolution", "fixed_in", "category"):
        assert any(row[name] for row in heads(made)), name
    assert 5 < sum(bool(row["merged_into"]) for row in reports) < 55
    assert {row["agnes"] for row in map(_environment, reports)} >= {"0.2.3", "0.3.1"}


def test_a_fingerprint_is_that_of_the_console(made: Made) -> None:
    quoted = 0
    for row in made.rows("feedback_reports"):
        error = last_error((row["session_excerpt"] or "").encode())
        assert row["fingerprint"] == fingerprint(row["message"], error.signature if error else "")
        assert row["error"] == (error.text if error else None)
        assert row["anchor_uuid"] == (error.uuid if error else None)
        quoted += error is not None
    assert quoted > 10


def test_what_goes_along_is_of_an_own_session_with_a_finding_there(made: Made) -> None:
    files, findings = made.files(), made.rows("session_findings")
    known = {(row["session_file"], row["event_uuid"]) for row in findings}
    uploaded = {row["session_file"]: row["uploaded_at"] for row in made.rows("session_files")}
    for row in made.rows("feedback_reports"):
        if not (file := row["session_file"]):
            continue
        assert file.partition("/")[0] == row["reporter_user"]
        assert uploaded[file] <= row["created_at"]
        assert (file, row["anchor_uuid"]) in known
        excerpt = row["session_excerpt"]
        assert excerpt.encode() in files[file]
        assert redact(excerpt) == excerpt
        assert row["excerpt_turns"] > 0


def test_groups_are_well_formed_and_changes_make_the_rows(made: Made) -> None:
    reports = {row["id"]: row for row in made.rows("feedback_reports")}
    history = changes(made)
    for id, row in reports.items():
        first, *rest = history[id]
        assert (first["what"], first["at"]) == ("created", row["created_at"])
        assert set(first["answer"]) == {"duplicates", "reopened", "known"}
        assert row["updated_at"] >= row["created_at"]
        if row["merged_into"]:
            assert reports[row["merged_into"]]["merged_into"] is None
        last = {change["what"]: change for change in rest}
        status = [change for change in rest if change["what"] in ("status", "reopened")]
        assert row["status"] == (status[-1]["to"] if status else "open")
        for name in ("assignee", "resolution", "fixed_in"):
            assert row[name] == (last[name]["to"] if name in last else None)
        came_back = [change for change in rest if change["what"] == "reopened"]
        assert row["reopened"] == len(came_back)
        closed = row["status"] in ("resolved", "wontfix")
        assert (row["resolved_at"] is not None) == (row["resolved_by"] is not None) == closed


def test_the_log_tells_what_was_done_with_them_and_names_no_other(made: Made) -> None:
    start = UNTIL - timedelta(days=30)
    reports = {f"report:{row['id']}": row for row in made.rows("feedback_reports")}
    rows = [row for row in made.audit("feedback.") if row["action"] != "feedback.read"]
    assert {row["action"] for row in rows} == {
        "feedback.report",
        "feedback.update",
        "feedback.merge",
    }
    assert {row["resource"] for row in rows} <= reports.keys()
    sent = {row["resource"]: row for row in rows if row["action"] == "feedback.report"}
    assert sent.keys() == {id for id, row in reports.items() if row["created_at"] >= start}
    for id, row in sent.items():
        params = orjson.loads(row["params"])
        assert (row["timestamp"], row["user_id"]) == (
            reports[id]["created_at"],
            reports[id]["reporter_user"],
        )
        assert params["fingerprint"] == reports[id]["fingerprint"]
        assert params["ack_preview"] is True
        assert reports[id]["message"] not in row["params"]
    steps = Counter(
        (id, change["at"])
        for id, some in changes(made).items()
        for change in some
        if change["what"] in ("status", "assignee", "tags", "resolution", "fixed_in")
        and change["at"] >= start
    )
    told = {
        (row["resource"].removeprefix("report:"), row["timestamp"])
        for row in rows
        if row["action"] == "feedback.update"
    }
    assert told == set(steps)


def test_people_were_told_of_what_is_there(made: Made) -> None:
    reports = {f"report:{row['id']}": row for row in made.rows("feedback_reports")}
    admins = {row["id"] for row in made.rows("users") if row["is_admin"] and row["is_active"]}
    notices = made.rows("notifications")
    assert {row["kind"] for row in notices} >= {"report.new", "report.changed"}
    for row in notices:
        report = reports[row["about"]]
        own = row["kind"] == "report.changed"
        assert row["link"] == links.report(report["id"], own=own)
        assert row["user_id"] == report["reporter_user"] if own else row["user_id"] in admins
        assert report["fingerprint"][:12] in row["subject"]
        assert report["message"] not in row["subject"]
        assert row["created_at"] <= (row["read_at"] or row["created_at"]) < UNTIL


@pytest.mark.parametrize(("amounts", "count"), [({"reports": 3}, 3), ({"audit_rows": 500}, 5)])
def test_there_are_as_many_as_are_wanted(
    tmp_path: Path, amounts: dict[str, int], count: int
) -> None:
    assert len(make(tmp_path, users=3, **amounts).rows("feedback_reports")) == count


def test_too_many_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="--reports='5000'"):
        make(tmp_path, users=3, reports=5000)


def _environment(row: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = orjson.loads(row["environment"])
    return found
