from __future__ import annotations

import hashlib
import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.attribution import Attribution
from ingest.transcript import read
from ingest.usage import Session, Usage, extract
from schema.tables import USAGE_EVENTS, USAGE_SESSION_SUMMARY
from tests.ingest.findings.talk import SAID, START, Talk, talk
from tests.ingest.findings.test_find import talks, told_by

UPLOADED = datetime(2026, 5, 5)
SESSION = Session("user-1/abc.jsonl", "user-1", "ann@example.org", UPLOADED)
REPORTING = Attribution(
    [{"source": "curated", "plugin": "reporting", "type": "plugin", "name": ""}]
)


def used(told: Talk, *subagents: Talk) -> Usage:
    return extract(told.digest(*subagents), SESSION, REPORTING)


def summary(told: Talk, *subagents: Talk) -> dict[str, Any]:
    return used(told, *subagents).summary


# -- events ----------------------------------------------------------------------------------------


def test_a_call_is_a_row_with_all_that_its_record_says() -> None:
    (event,) = used(talk().fails("no such table")).events
    key = "s|u1|toolu_0|tool_use|Bash|"
    assert event == {
        "id": hashlib.sha256(key.encode()).hexdigest(),
        "session_id": "s",
        "session_file": "user-1/abc.jsonl",
        "user_id": "user-1",
        "username": "ann@example.org",
        "event_uuid": "u1",
        "parent_uuid": None,
        "event_type": "tool_use",
        "tool_name": "Bash",
        "skill_name": None,
        "subagent_type": None,
        "command_name": None,
        "outcome": "error",
        "is_error": True,
        "source": "builtin",
        "ref_id": None,
        "model": "model-a",
        "cwd": "/project",
        "agent_id": None,
        "occurred_at": START + timedelta(seconds=1),
    }


def test_the_rows_fill_their_tables_but_for_what_the_storing_adds() -> None:
    found = used(talk().call().slash("/clear"))
    by_others = {"processor_version", "extracted_at"}
    for event in found.events:
        assert set(event) == set(USAGE_EVENTS.columns) - by_others
    assert set(found.summary) == set(USAGE_SESSION_SUMMARY.columns) - by_others - {
        "findings",
        "verdict",
    }


@pytest.mark.parametrize(
    ("tool", "given", "event_type", "column", "value", "source"),
    [
        ("Skill", {"skill": "reporting:we"}, "tool_use", "skill_name", "reporting:we", "curated"),
        ("Skill", {"skill": "tidy"}, "tool_use", "skill_name", "tidy", "builtin"),
        ("Task", {"subagent_type": "Look"}, "subagent", "subagent_type", "Look", "builtin"),
        ("Agent", {"subagent_type": "x:y"}, "subagent", "subagent_type", "x:y", "builtin"),
        ("mcp__crm__find", {}, "mcp_call", "tool_name", "mcp__crm__find", "builtin"),
        ("Read", {}, "tool_use", "tool_name", "Read", "builtin"),
    ],
)
def test_each_kind_of_call_has_its_type_and_its_owner(
    tool: str, given: object, event_type: str, column: str, value: str, source: str
) -> None:
    (event,) = used(talk().call(tool, given)).events
    assert (event["event_type"], event[column], event["source"]) == (event_type, value, source)
    assert event["ref_id"] == ("reporting" if source == "curated" else None)


def test_a_slash_command_is_an_event_without_a_tool() -> None:
    (event,) = used(Talk().slash("/reporting:weekly")).events
    assert (event["event_type"], event["tool_name"]) == ("slash_command", None)
    assert (event["command_name"], event["source"]) == ("/reporting:weekly", "curated")
    assert (event["outcome"], event["is_error"]) == ("ok", False)


def test_parallel_calls_of_one_tool_are_several_events() -> None:
    told = talk()
    told.asks(("Bash", {"command": "a"}), ("Bash", {"command": "a"}))
    assert len({event["id"] for event in used(told).events}) == 2


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("no such table", "error"),
        ("cat: x: Permission denied", "error"),
        (SAID + "no", "user_rejected"),
        ("Permission to use Bash has been denied.", "policy_denied"),
        ("[Request interrupted by user for tool use]", "interrupted"),
    ],
)
def test_only_an_error_counts_as_one(text: str, outcome: str) -> None:
    found = used(talk().fails(text))
    assert found.events[0]["outcome"] == outcome
    assert found.events[0]["is_error"] == (outcome == "error")
    assert found.summary["tool_errors"] == (outcome == "error")


def test_a_call_without_a_result_is_unresolved_not_an_error() -> None:
    told = talk()
    told.asks(("Bash", {}))
    assert used(told).events[0]["outcome"] == "unresolved"
    assert summary(told)["tool_errors"] == 0


def test_calls_without_any_id_are_one_event_for_each_record_at_most() -> None:
    block = {"type": "tool_use", "name": "Bash", "input": {}}
    told = Talk().record("assistant", uuid=None, message={"id": "m", "content": [block, block]})
    assert len({event["id"] for event in used(told).events}) == len(used(told).events)


def test_a_file_that_names_no_session_is_known_by_its_own_name() -> None:
    (event,) = used(Talk().slash("/x", sessionId=None)).events
    assert event["session_id"] == "abc"


def test_an_event_without_a_time_has_that_of_the_nearest_before_it() -> None:
    told = talk().call().slash("/x", timestamp=None)
    assert used(told).events[-1]["occurred_at"] == START + timedelta(seconds=2)
    (event,) = used(Talk().slash("/x", timestamp=None)).events
    assert event["occurred_at"] == UPLOADED


# -- the summary -----------------------------------------------------------------------------------


def test_figures_of_a_session_counted_by_hand() -> None:
    told = talk().call().call("Skill", {"skill": "reporting:weekly"}).fails("no", "mcp__crm__find")
    told.call("Task", {"subagent_type": "Explore"}).answer().slash("/clear").human("Thanks")
    assert summary(told) == {
        "session_id": "s",
        "session_file": "user-1/abc.jsonl",
        "user_id": "user-1",
        "username": "ann@example.org",
        "started_at": START,
        "ended_at": START + timedelta(seconds=11),
        "uploaded_at": UPLOADED,
        "active_seconds": 11.0,
        "wall_seconds": 11.0,
        "user_messages": 2,
        "assistant_messages": 5,
        "tool_calls": 4,
        "tool_errors": 1,
        "skill_invocations": 1,
        "subagent_dispatches": 1,
        "mcp_calls": 1,
        "slash_commands": 1,
        "distinct_tools": 4,
        "distinct_skills": 1,
        "primary_model": "model-a",
        "input_tokens": 50,
        "output_tokens": 5,
        "cache_read_tokens": 0,
        "cache_creation_tokens": 0,
    }


def test_a_response_of_several_records_has_its_tokens_once() -> None:
    told = talk()
    told.asks(("Read", {}), ("Read", {"file_path": "b"}), ("Read", {"file_path": "c"}))
    found = summary(told)
    assert (found["assistant_messages"], found["input_tokens"], found["output_tokens"]) == (
        1,
        10,
        3,
    )


def test_gaps_over_ten_minutes_are_no_activity() -> None:
    told = Talk()
    for seconds in (0, 600, 1201, 1202.5):
        at = START + timedelta(seconds=seconds)
        told.record("user", timestamp=f"{at.isoformat()}Z", message={"content": "Go on"})
    found = summary(told)
    assert (found["active_seconds"], found["wall_seconds"]) == (601.5, 1202.5)


def test_times_out_of_order_are_sorted() -> None:
    told = Talk()
    for seconds in (60, 0, 30):
        at = START + timedelta(seconds=seconds)
        told.record("user", timestamp=f"{at.isoformat()}Z", message={"content": "Go on"})
    found = summary(told)
    assert (found["started_at"], found["wall_seconds"]) == (START, 60.0)


def test_machines_and_fillers_are_nobodys_messages() -> None:
    told = talk().answer().user("Remember", isMeta=True).interrupt()
    told.api_error("API Error: 529")
    filler = {"id": "x", "model": "<synthetic>", "content": "No response requested."}
    told.record("assistant", message=filler)
    found = summary(told)
    assert (found["user_messages"], found["assistant_messages"]) == (1, 1)
    assert found["primary_model"] == "model-a"


def test_of_equally_frequent_models_the_first_is_primary() -> None:
    told = Talk()
    for number, model in enumerate(("b", "a", "a", "b")):
        told.record("assistant", message={"id": f"m{number}", "model": model, "content": "x"})
    assert summary(told)["primary_model"] == "b"


def test_subagents_add_their_calls_and_tokens_but_no_prompts() -> None:
    side = Talk(agent="a1").human("Look").call().answer()
    found = summary(talk().call("Agent", {"subagent_type": "Explore"}).answer(), side)
    assert (found["tool_calls"], found["user_messages"]) == (2, 1)
    assert (found["assistant_messages"], found["input_tokens"]) == (4, 40)
    events = used(talk().answer(), side).events
    assert [event["agent_id"] for event in events] == ["a1"]


def test_an_empty_file_is_a_session_in_which_nothing_happened() -> None:
    found = used(Talk())
    assert found.events == []
    assert (found.summary["session_id"], found.summary["started_at"]) == ("abc", None)
    assert (found.summary["active_seconds"], found.summary["primary_model"]) == (0.0, None)


def test_records_that_an_earlier_file_owns_are_counted_there() -> None:
    told = talk().call().call().answer()
    digest = read(io.BytesIO(told.data), copied=frozenset({"u0", "u1", "u2"}))
    found = extract(digest, SESSION, REPORTING)
    assert (found.summary["tool_calls"], found.summary["user_messages"]) == (1, 0)


# -- whatever comes --------------------------------------------------------------------------------


@given(talks, talks)
def test_figures_are_never_negative_and_the_rate_of_errors_never_above_one(
    main: list[str], side: list[str]
) -> None:
    found = used(told_by(main), told_by(side, "a1"))
    figures = [value for value in found.summary.values() if isinstance(value, int | float)]
    assert min(figures) >= 0
    assert found.summary["tool_errors"] <= found.summary["tool_calls"]
    assert found.summary["active_seconds"] <= found.summary["wall_seconds"]
    assert len({event["id"] for event in found.events}) == len(found.events)
    assert found.summary["tool_errors"] == sum(event["is_error"] for event in found.events)


@given(talks, talks)
def test_an_event_keeps_its_id_while_the_file_grows(before: list[str], after: list[str]) -> None:
    short, long = used(told_by(before)).events, used(told_by([*before, *after])).events
    assert {event["id"] for event in short} <= {event["id"] for event in long}


keys = ("type", "uuid", "timestamp", "message", "sessionId", "content", "id", "usage", "input")
leaves = (
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["user", "tool_use"])
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(keys), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.sampled_from(keys), values), max_size=3))
def test_no_json_makes_it_fail(records: list[dict[str, Any]]) -> None:
    data = "\n".join(json.dumps(record) for record in records).encode()
    extract(read(io.BytesIO(data)), SESSION, REPORTING)
