"""Made-up data must be the same every time, complete, and agree with itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import ibis
import orjson
import pytest

from console.audit import clean
from console.queries.vocabulary import RESULT_CLASSES, class_of
from ingest.seed import Seeded, seed
from ingest.seed.words import RARE
from schema.errors import BadParameter, Conflict
from schema.search import search_text
from schema.store import Store
from schema.tables import TABLES, USERS
from schema.transaction import Rows

UNTIL = datetime(2026, 11, 22, 12)
AMOUNTS: dict[str, Any] = {"audit_rows": 6000, "sessions": 25, "usage_events": 700, "users": 40}
ADMIN = "0197a000-0000-7000-8000-000000000001"


@dataclass(frozen=True)
class Made:
    """A seeded folder: what `seed` said, all rows of all tables as they were inserted."""

    folder: Path
    said: Seeded
    tables: dict[str, list[dict[str, Any]]]

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.tables[table]

    def files(self) -> dict[str, bytes]:
        root = self.folder / "sessions"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.glob("*/*")}

    def audit(self, beginning: str = "") -> list[dict[str, Any]]:
        return [row for row in self.rows("audit_log") if row["action"].startswith(beginning)]


def make(folder: Path, **amounts: Any) -> Made:
    store = Store(folder / "agnes.duckdb", memory_limit="200MB")
    try:
        said = seed(store, folder, **{"until": UNTIL, **amounts})
        return Made(folder, said, read(store))
    finally:
        store.close()


def read(store: Store) -> dict[str, list[dict[str, Any]]]:
    return {
        name: store.read(ibis.table(table.schema, name=name)).to_pylist()
        for name, table in TABLES.items()
        if name != "schema_migrations"
    }


# What follows from the events, and what they are attributed by.
MADE = {
    "marketplace_items",
    "usage_marketplace_item_daily",
    "usage_marketplace_item_window",
    "usage_tool_daily",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made"), seed=9, **AMOUNTS)


def test_the_same_seed_and_until_give_the_same_rows_and_files(made: Made, tmp_path: Path) -> None:
    aware = (UNTIL + timedelta(hours=2)).replace(tzinfo=_east(2))
    again = make(tmp_path, seed=9, **AMOUNTS, until=aware)
    assert again.tables == made.tables
    assert again.files() == made.files()


@pytest.mark.parametrize("other", [{"seed": 8}, {"seed": 9, "until": UNTIL - timedelta(minutes=1)}])
def test_another_seed_or_until_gives_other_rows(
    other: dict[str, Any], made: Made, tmp_path: Path
) -> None:
    rest = make(tmp_path, **AMOUNTS, **other)
    for table in ("audit_log", "usage_events", "usage_session_summary"):
        assert not ids(rest.rows(table)) & ids(made.rows(table)), table


@pytest.mark.parametrize(
    ("audit_rows", "sessions", "usage_events", "users"),
    [
        (0, 0, 0, 3),
        (1, 0, 0, 1),
        (13, 300, 0, 1),
        (999, 7, 100, 3),
        (50, 0, 120, 2),
        (3001, 3, 2, 200),
    ],
)
def test_there_are_exactly_as_many_rows_as_were_asked_for(
    audit_rows: int, sessions: int, usage_events: int, users: int, tmp_path: Path
) -> None:
    made = make(
        tmp_path,
        audit_rows=audit_rows,
        sessions=sessions,
        usage_events=usage_events,
        users=users,
    )
    assert len(made.rows("audit_log")) == audit_rows
    assert len(made.rows("usage_session_summary")) == len(made.files()) == sessions
    assert len(made.rows("usage_events")) == usage_events
    assert len(made.rows("users")) == users
    written = {name: len(rows) for name, rows in made.tables.items() if rows}
    assert made.said.counts == {name: count for name, count in written.items() if name not in MADE}


def test_daily_figures_and_windows_are_those_of_the_events(made: Made) -> None:
    calls = [row for row in made.rows("usage_events") if row["tool_name"]]
    assert sum(row["invocations"] for row in made.rows("usage_tool_daily")) == len(calls)
    assert made.rows("usage_marketplace_item_daily")
    assert {row["period_label"] for row in made.rows("usage_marketplace_item_window")} == {
        "last_7d",
        "last_30d",
    }
    names = {row["name"] for row in made.rows("marketplace_items")}
    used = {row["name"] for row in made.rows("usage_marketplace_item_daily")}
    assert used < names, "some of it is never used"


def test_the_scheduler_makes_84_of_100_events(made: Made) -> None:
    kinds = Counter(row["client_kind"] for row in made.rows("audit_log"))
    assert kinds["scheduler"] == round(0.84 * 6000)
    scheduled = {
        row["action"] for row in made.rows("audit_log") if row["client_kind"] == "scheduler"
    }
    assert scheduled >= {"script_runner.tick", "sync.table", "run_session_processor:usage"}
    assert scheduled >= {"run_session_processor:failure_scan", "run_job:sync_tables"}
    assert all(row["user_id"] is None for row in made.audit() if row["client_kind"] == "scheduler")


def test_every_class_of_result_and_every_client_kind_occurs(made: Made) -> None:
    rows = made.rows("audit_log")
    assert {class_of(row["result"]) for row in rows} == set(RESULT_CLASSES)
    kinds = {row["client_kind"] for row in rows}
    assert kinds == {None, "web", "cli", "agent", "external", "scheduler"}


def test_rows_lie_in_the_window_in_the_order_of_time_and_of_ids(made: Made) -> None:
    rows = made.rows("audit_log")
    keys = [(row["timestamp"], row["id"]) for row in rows]
    assert keys == sorted(keys)
    assert [id for _, id in keys] == sorted({id for _, id in keys})
    assert keys[0][0] >= UNTIL - timedelta(days=30)
    assert UNTIL - timedelta(minutes=1) < keys[-1][0] < UNTIL
    assert len({at for at, _ in keys}) < len(keys)  # some share their instant


def test_the_search_text_is_that_of_the_log(made: Made) -> None:
    for row in made.rows("audit_log"):
        assert row["search"] == search_text(row["action"], row["resource"], row["params"])


def test_params_are_what_the_console_would_have_kept(made: Made) -> None:
    texts = [row[name] for row in made.audit() for name in ("params", "params_before") if row[name]]
    for text in texts:
        value = orjson.loads(text)
        assert clean(value) == value
    assert 150 < sum(map(len, texts)) / len(texts) < 250


def test_one_query_in_so_many_events_names_the_rare_table(made: Made) -> None:
    found = [row for row in made.rows("audit_log") if RARE.id in row["search"]]
    assert [row["action"] for row in found] == ["query.local"]


def test_most_durations_are_known(made: Made) -> None:
    known = [row["duration_ms"] for row in made.rows("audit_log") if row["duration_ms"] is not None]
    assert 0.97 < len(known) / 6000 < 0.995
    assert min(known) >= 1


def test_each_sync_has_its_history(made: Made) -> None:
    history = {row["id"]: row for row in made.rows("sync_history")}
    synced = made.audit("sync.table")
    assert len(history) == len(synced) > 100
    for event in synced:
        params = orjson.loads(event["params"])
        (sync,) = (history[id] for id in params["sync_ids"])
        assert sync["table_id"] == params["table"] == event["resource"].removeprefix("table:")
        assert sync["synced_at"] == event["timestamp"]
        assert sync["duration_ms"] == event["duration_ms"]
        assert sync["status"] == ("ok" if event["result"] == "success" else "error")
        assert (sync["rows"], sync["error"]) == (params.get("rows"), params.get("error"))
        assert (sync["error"] is None) == (sync["status"] == "ok")


def test_a_job_and_what_it_caused_share_their_correlation(made: Made) -> None:
    runs = {row["id"]: row for row in made.rows("job_runs")}
    own = {row["correlation_id"]: row for row in made.audit("run_job:")}
    assert runs.keys() == own.keys()
    for id, run in runs.items():
        assert own[id]["action"] == f"run_job:{run['job_name']}"
        assert run["started_at"] <= run["finished_at"] == own[id]["timestamp"]
    caused = [*made.audit("sync.table"), *made.audit("run_session_processor:")]
    for event in caused:
        run = runs[event["correlation_id"]]
        assert run["started_at"] < event["timestamp"] <= run["finished_at"]
    people = Counter(row["correlation_id"] for row in made.audit() if row["client_kind"] == "agent")
    assert max(people.values()) > 1


def test_weekends_and_nights_are_quiet_for_people_only(tmp_path: Path) -> None:
    made = make(tmp_path, audit_rows=12_000, users=60, seed=3)
    days = Counter(
        row["timestamp"].weekday() for row in made.audit() if row["client_kind"] == "web"
    )
    assert days[5] + days[6] < sum(days.values()) / 7
    ticks = Counter(row["timestamp"].weekday() for row in made.audit("script_runner.tick"))
    assert ticks[5] + ticks[6] > sum(ticks.values()) / 5


def test_an_outage_of_the_last_day_shows_as_errors(tmp_path: Path) -> None:
    made = make(tmp_path, audit_rows=40_000, users=20, seed=5)
    day = [row for row in made.audit() if row["timestamp"] > UNTIL - timedelta(days=1)]
    hours: dict[datetime, list[str]] = {}
    for row in day:
        start = row["timestamp"].replace(
            minute=row["timestamp"].minute // 15 * 15, second=0, microsecond=0
        )
        hours.setdefault(start, []).append(class_of(row["result"]))
    shares = sorted(found.count("error") / len(found) for found in hours.values())
    assert shares[-1] > 0.3
    assert shares[len(shares) // 2] < 0.1


def test_transcripts_and_their_rows_agree(made: Made) -> None:
    files, summaries = (
        made.files(),
        {row["session_file"]: row for row in made.rows("usage_session_summary")},
    )
    stored = {row["session_file"]: row for row in made.rows("session_files")}
    assert files.keys() == summaries.keys() == stored.keys()
    events: dict[str, list[dict[str, Any]]] = {}
    for event in made.rows("usage_events"):
        events.setdefault(event["session_file"], []).append(event)
    for name, text in files.items():
        assert (stored[name]["bytes"], stored[name]["sha256"]) == (
            len(text),
            sha256(text).hexdigest(),
        )
        records = [json.loads(line) for line in text.splitlines()]
        assert text.endswith(b"\n")
        check_summary(records, summaries[name])
        check_calls(records, events.get(name, []))


def check_summary(records: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    times = [instant(record["timestamp"]) for record in records if "timestamp" in record]
    assert (min(times), max(times)) == (summary["started_at"], summary["ended_at"])
    gaps = [(b - a).total_seconds() for a, b in zip(sorted(times), sorted(times)[1:], strict=False)]
    assert summary["active_seconds"] == pytest.approx(
        sum(gap for gap in gaps if gap <= 600), abs=0.01
    )
    responses: dict[str, dict[str, int]] = {}
    for record in records:
        if record["type"] == "assistant":
            message = record["message"]
            best = responses.setdefault(message["id"], message["usage"])
            if message["usage"]["output_tokens"] > best["output_tokens"]:
                responses[message["id"]] = message["usage"]
    assert len(responses) == summary["assistant_messages"]
    for ours, theirs in (
        ("input_tokens", "input_tokens"),
        ("output_tokens", "output_tokens"),
        ("cache_read_tokens", "cache_read_input_tokens"),
        ("cache_creation_tokens", "cache_creation_input_tokens"),
    ):
        assert summary[ours] == sum(usage[theirs] for usage in responses.values()), ours
    typed = [record["message"]["content"] for record in records if is_typed(record)]
    commands = [text for text in typed if text.startswith("<command-name>")]
    assert summary["slash_commands"] == len(commands)
    assert summary["user_messages"] == len(typed) - len(commands)


def check_calls(records: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
    by_uuid = {record["uuid"]: record for record in records if "uuid" in record}
    chain = [record["uuid"] for record in records if "uuid" in record]
    assert [record["parentUuid"] for record in records[1:]] == [None, *chain[:-1]]
    calls = [block for record in records for block in blocks(record, "tool_use")]
    results = {b["tool_use_id"]: b for record in records for b in blocks(record, "tool_result")}
    called = [event for event in events if event["event_type"] != "slash_command"]
    assert [event["tool_name"] for event in called] == [block["name"] for block in calls]
    for event, block in zip(called, calls, strict=True):
        record = by_uuid[event["event_uuid"]]
        assert record["message"]["content"] == [block]
        assert record["parentUuid"] == event["parent_uuid"]
        assert instant(record["timestamp"]) == event["occurred_at"]
        assert record["cwd"] == event["cwd"]
        assert event["skill_name"] == block["input"].get("skill")
        assert event["subagent_type"] == block["input"].get("subagent_type")
        result = results.get(block["id"])
        assert (result is None) == (event["outcome"] == "unresolved")
        if result is not None:
            assert result.get("is_error", False) == (event["outcome"] != "ok")
        assert event["is_error"] == (event["outcome"] == "error")


def test_summaries_count_the_events_of_their_session(made: Made) -> None:
    events = made.rows("usage_events")
    findings = Counter(row["session_file"] for row in made.rows("session_findings"))
    for summary in made.rows("usage_session_summary"):
        mine = [event for event in events if event["session_file"] == summary["session_file"]]
        called = [event for event in mine if event["event_type"] != "slash_command"]
        assert summary["tool_calls"] == len(called)
        assert summary["tool_errors"] == sum(event["is_error"] for event in mine)
        assert summary["mcp_calls"] == sum(event["event_type"] == "mcp_call" for event in mine)
        assert summary["subagent_dispatches"] == sum(e["event_type"] == "subagent" for e in mine)
        assert summary["skill_invocations"] == sum(e["skill_name"] is not None for e in mine)
        assert summary["distinct_tools"] == len({event["tool_name"] for event in called})
        assert summary["distinct_skills"] == len({e["skill_name"] for e in mine} - {None})
        assert summary["findings"] == findings[summary["session_file"]]


def test_a_finding_names_the_line_that_shows_it(made: Made) -> None:
    files, findings = made.files(), made.rows("session_findings")
    assert {row["finding_type"] for row in findings} >= {"tool_error", "user_rejection"}
    for finding in findings:
        record = json.loads(files[finding["session_file"]].splitlines()[finding["line_no"] - 1])
        assert record["uuid"] == finding["event_uuid"]
        if finding["finding_type"] == "tool_error":
            (block,) = blocks(record, "tool_result")
            assert block["content"].startswith(finding["excerpt"])


def test_each_session_was_uploaded_and_processed(made: Made) -> None:
    summaries = {row["session_file"]: row for row in made.rows("usage_session_summary")}
    uploads = {
        row["resource"].removeprefix("session:"): row for row in made.audit("session.upload")
    }
    assert uploads.keys() == summaries.keys()
    sizes = {row["session_file"]: row["bytes"] for row in made.rows("session_files")}
    for name, event in uploads.items():
        assert event["timestamp"] == summaries[name]["uploaded_at"] < UNTIL
        assert event["user_id"] == summaries[name]["user_id"] == name.partition("/")[0]
        params = orjson.loads(event["params"])
        assert params == {"filename": name.partition("/")[2], "bytes": sizes[name]}
    states = made.rows("session_processor_state")
    done = Counter(row["session_file"] for row in states)
    assert done == dict.fromkeys(summaries, 2)
    assert max(row["processed_at"] for row in states) > UNTIL - timedelta(hours=1)
    assert all(row["processed_at"] < UNTIL for row in states)


def test_only_the_newest_transcripts_are_written_where_few_are_wanted(tmp_path: Path) -> None:
    made = make(tmp_path, audit_rows=900, sessions=12, usage_events=90, users=4, files=3)
    newest = sorted(made.rows("usage_session_summary"), key=lambda row: row["uploaded_at"])[-3:]
    assert made.files().keys() == {row["session_file"] for row in newest}
    assert ids(made.rows("session_files")) == made.files().keys()
    assert (len(made.audit("session.upload")), made.said.transcripts) == (12, 3)


def test_an_empty_file_gets_an_admin_without_a_password(made: Made) -> None:
    first, *others = made.rows("users")
    assert first["is_admin"]
    assert first["is_active"]
    assert first["email"] in made.said.admins
    assert {row["password_hash"] for row in made.rows("users")} == {None}
    assert 0 < sum(not row["is_active"] for row in others) < 5
    emails = [row["email"] for row in made.rows("users")]
    assert len(set(emails)) == len(emails)


def test_people_who_are_there_stay_and_take_part(tmp_path: Path) -> None:
    admin = {
        "id": ADMIN,
        "email": "root@example.com",
        "name": "Root",
        "is_admin": True,
        "is_active": True,
        "created_at": UNTIL - timedelta(days=90),
    }
    store = Store(tmp_path / "agnes.duckdb")
    try:
        store.write(Rows(USERS, [admin])).result()
        seed(store, tmp_path, audit_rows=3000, users=9, until=UNTIL)
        tables = read(store)
    finally:
        store.close()
    assert tables["users"][0] == {**dict.fromkeys(USERS.columns), **admin}
    assert [row["id"] for row in tables["users"] if row["is_admin"]] == [ADMIN]
    assert ADMIN in {row["user_id"] for row in tables["audit_log"]}


def test_seeding_the_same_rows_twice_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    amounts: dict[str, Any] = {"audit_rows": 50, "sessions": 2, "usage_events": 9, "users": 2}
    store = Store(tmp_path / "agnes.duckdb")
    try:
        seed(store, tmp_path, **amounts, until=UNTIL)
        before = read(store)
        with pytest.raises(Conflict, match="seed 1 up to 2026-11-22"):
            seed(store, tmp_path, **amounts, until=UNTIL)
        assert read(store) == before
        seed(store, tmp_path, **amounts, until=UNTIL + timedelta(minutes=1))
        assert len(read(store)["audit_log"]) == 100
    finally:
        store.close()


@pytest.mark.parametrize(
    ("amounts", "named"),
    [
        ({"audit_rows": -1}, "--audit-rows='-1'"),
        ({"sessions": 10**9}, "--sessions='1000000000'"),
        ({"usage_events": -5}, "--usage-events='-5'"),
        ({"users": 10**7}, "--users='10000000'"),
        ({"seed": -1}, "--seed='-1'"),
        ({"until": datetime(1066, 10, 14)}, "--until='1066"),
        ({"audit_rows": 10}, "--users='0'"),
    ],
)
def test_what_cannot_be_made_is_named(amounts: dict[str, Any], named: str, tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match=named):
        make(tmp_path, **amounts)


def ids(rows: list[dict[str, Any]]) -> set[str]:
    return {row.get("id") or row["session_file"] for row in rows}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def blocks(record: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    content = record.get("message", {}).get("content", ())
    yield from (block for block in content if isinstance(block, dict) and block["type"] == kind)


def is_typed(record: dict[str, Any]) -> bool:
    return record["type"] == "user" and isinstance(record["message"]["content"], str)


def _east(hours: int) -> Any:
    from datetime import timezone

    return timezone(timedelta(hours=hours))
