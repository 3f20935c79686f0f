"""The digest of a session: responses, calls, agents, copies, and what was said last."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import orjson
import pytest

from ingest.transcript import lines, read, reading, story
from ingest.transcript.model import Call, Digest, Moment, Response, Result
from tests.ingest.transcript.written import (
    AT,
    Json,
    agent,
    call,
    digest,
    file,
    result,
    says,
    user,
)

THINKS = {"type": "thinking", "thinking": "hm"}


def usage(output: Any, given: Any = 3) -> Json:
    tokens = {"input_tokens": given, "output_tokens": output}
    return {"usage": {**tokens, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 5}}


# Responses


def test_records_of_one_response_are_one_with_the_tokens_of_the_fullest() -> None:
    read_once = digest(
        agent(THINKS, uuid="a", message=usage(1)),
        agent(says("so"), uuid="b", message={**usage(250), "stop_reason": "tool_use"}),
        agent(call(), uuid="c", message=usage(2)),
        agent(says("next"), uuid="d", key="m2", message=usage(7)),
    )
    first, second = read_once.responses
    assert (first.input_tokens, first.output_tokens) == (3, 250)
    assert (first.cache_read_tokens, first.cache_creation_tokens) == (10, 5)
    assert (first.line, first.turn, first.uuid) == (3, 2, "c")
    assert (first.stop_reason, first.texts, first.calls) == ("tool_use", True, True)
    assert (second.output_tokens, second.texts, second.calls) == (7, True, False)


def test_a_record_without_time_or_events_takes_nothing_from_its_response() -> None:
    (found,) = digest(agent(says("so"), uuid="a"), agent(uuid="b", timestamp=None)).responses
    assert (found.turn, found.line, found.at) == (0, 2, 1_772_359_200_000_000)


@pytest.mark.parametrize("given", [[], "12", None, {"output_tokens": True}, {"output_tokens": [1]}])
def test_usage_of_a_wrong_shape_counts_nothing(given: Any) -> None:
    (found,) = digest(agent(says("so"), message={"usage": given})).responses
    assert (found.input_tokens, found.output_tokens) == (0, 0)


def test_a_response_is_known_by_message_else_request_else_record() -> None:
    plain: Json = {"id": None}
    read_once = digest(
        agent(says("1"), uuid="a", requestId="r1", message=plain),
        agent(says("2"), uuid="b", requestId="r1", message=plain),
        agent(says("3"), uuid="c", message=plain),
        agent(says("4"), message=plain),
        agent(says("5"), message=plain),
    )
    assert [one.key for one in read_once.responses] == ["r1", "c", ":4", ":5"]


def test_a_response_that_says_nothing_is_still_one() -> None:
    read_once = digest(user("hi"), agent(uuid="a", message={"stop_reason": "max_tokens"}))
    (found,) = read_once.responses
    assert (found.turn, found.texts) == (-1, False)
    assert read_once.last is found


# Calls


def test_parallel_calls_are_several_calls_of_one_response() -> None:
    read_once = digest(
        agent(call("a"), call("b", "Read"), uuid="x"),
        result("fine", "b", uuid="y"),
        result("broken", "a", error=True, uuid="z"),
    )
    assert [(one.id, one.name, one.outcome) for one in read_once.calls] == [
        ("a", "Bash", "error"),
        ("b", "Read", "ok"),
    ]
    assert len({one.response for one in read_once.calls}) == 1
    assert [one.result.turn for one in read_once.calls if one.result] == [3, 2]


def test_a_call_without_a_result_is_unresolved() -> None:
    (found,) = digest(agent(call())).calls
    assert (found.outcome, found.cause, found.result) == ("unresolved", "", None)


def test_a_call_without_an_id_is_joined_through_its_record() -> None:
    nameless = {"type": "tool_use", "name": "Bash", "input": {}}
    bare = {"type": "tool_result", "content": "broken", "is_error": True}
    by_source = user([bare], sourceToolAssistantUUID="a")
    by_parent = user([bare], parentUuid="a")
    for answered in (by_source, by_parent):
        assert [one.outcome for one in digest(agent(nameless, uuid="a"), answered).calls] == [
            "error"
        ]


def test_the_first_result_of_a_call_counts() -> None:
    (found,) = digest(agent(call()), result("fine"), result("no", error=True)).calls
    assert found.outcome == "ok"


def test_a_call_repeated_under_its_id_is_one_call() -> None:
    read_once = digest(agent(call(), uuid="a"), agent(call(), uuid="b"), result("fine"))
    assert [one.uuid for one in read_once.calls] == ["a"]


def test_a_failure_whose_call_is_elsewhere_is_kept_apart() -> None:
    read_once = digest(result("fine", "x"), result("broken", "y", error=True, uuid="u"))
    assert read_once.calls == []
    assert [(one.id, one.name, one.outcome, one.uuid) for one in read_once.orphans] == [
        ("y", "", "error", "u")
    ]


def test_what_a_tool_of_the_api_does_is_no_call() -> None:
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    read_once = digest(agent(search, found))
    assert (read_once.calls, read_once.turns) == ([], 2)


def test_a_call_knows_its_kind_skill_and_subagent() -> None:
    read_once = digest(
        agent(
            call("1", "Skill", skill="flea:tidy"),
            call("2", "Task", subagent_type="Explore"),
            call("3", "Agent", subagent_type="Plan"),
            call("4", "mcp__github__search"),
            call("5", "Edit"),
            call("6", "Bash", command="sleep 5"),
            {"type": "tool_use", "id": "7", "name": ["Bash"], "input": "ls"},
        )
    )
    assert [(one.kind, one.skill, one.subagent) for one in read_once.calls] == [
        ("tool_use", "flea:tidy", None),
        ("subagent", None, "Explore"),
        ("subagent", None, "Plan"),
        ("mcp_call", None, None),
        ("tool_use", None, None),
        ("tool_use", None, None),
        ("tool_use", None, None),
    ]
    assert [one.edits for one in read_once.calls].count(True) == 1
    assert [one.poller for one in read_once.calls].count(True) == 1


def test_calls_are_the_same_if_name_and_input_are_whatever_is_said_about_them() -> None:
    deep: Any = []
    for _ in range(600):
        deep = [deep]
    calls = digest(
        agent(
            call("1", command="ls", timeout=5, description="list"),
            call("2", description="look", command="ls"),
            call("3", command="ls -l"),
            call("4", "Read", command="ls"),
        ),
        b'{"type":"assistant","message":{"content":[{"type":"tool_use","id":"5","input":'
        + b"[" * 600
        + b"]" * 600
        + b"}]}}",
    ).calls
    same = [one.same for one in calls]
    assert same[0] == same[1]
    assert len(set(same)) == 4


def test_results_are_the_same_if_their_content_is_and_nothing_is_no_evidence() -> None:
    contents: list[Any] = [
        "a",
        "a",
        "b",
        [says("a")],
        "",
        "  ",
        [],
        [says("")],
        None,
        "No files found",
    ]
    records = [agent(call(str(n)), uuid=f"a{n}", key=str(n)) for n in range(len(contents))]
    answers = [result(content, str(n), uuid=f"u{n}") for n, content in enumerate(contents)]
    calls = digest(*records, *answers).calls
    same = [one.result.same for one in calls if one.result]
    assert same[0] == same[1]
    assert len({*same[:4]}) == 3
    assert same[4:] == [None] * 6


# Copies


def test_the_first_record_of_a_uuid_counts_and_its_copy_is_still_shown() -> None:
    read_once = digest(user("one", "u"), user("two", "u"), user("three", "v"))
    assert [(one.text, one.turn) for one in read_once.moments] == [("one", 0), ("three", 2)]
    assert read_once.turns == 3


def test_what_an_earlier_file_owns_has_turns_and_nothing_else() -> None:
    records = [
        user("one", "u"),
        agent(call(), uuid="a"),
        result("no", error=True, uuid="r"),
        user("two", "v", timestamp="2026-03-02T10:00:00Z"),
    ]
    read_once = read(file(*records), copied=frozenset({"u", "a", "r"}))
    assert read_once.copied == 3
    assert [(one.text, one.turn) for one in read_once.moments] == [("two", 3)]
    assert (read_once.calls, read_once.orphans, read_once.responses) == ([], [], [])
    assert len(read_once.times) == 1


def test_the_roots_are_the_records_without_a_parent() -> None:
    read_once = digest(
        user("one", "u", parentUuid=None),
        user("two", "v", parentUuid="u"),
        user("aside", "w", isSidechain=True),
    )
    assert read_once.roots == ["u"]


def test_the_session_is_the_one_that_most_records_name() -> None:
    read_once = digest(
        user("old", sessionId="before"),
        user("one", sessionId="now"),
        user("two", sessionId="now"),
        user("odd", sessionId=["x"]),
    )
    assert read_once.session_id == "now"
    assert digest(user("one")).session_id is None
    side = file(*[user("go", f"s{n}", sessionId="side") for n in range(9)])
    assert read(file(user("one", sessionId="now")), [side]).session_id == "now"


def test_every_time_is_kept_and_every_type_counted() -> None:
    read_once = digest(
        {"type": "mode", "timestamp": AT},
        user("hi"),
        {"type": "novel", "timestamp": "2026-02-28T00:00:00Z"},
    )
    assert len(read_once.times) == 3
    assert read_once.times[2] == min(read_once.times)
    assert read_once.records == {"mode": 1, "user": 1, "novel": 1}


# Subagents


def test_an_inline_sidechain_is_told_apart_from_the_session_and_from_others() -> None:
    read_once = digest(
        user("go", "u"),
        agent(call("t1", "Task"), uuid="a", parentUuid="u"),
        user("search", "s0", isSidechain=True, parentUuid=None),
        {"type": "progress", "uuid": "s1", "isSidechain": True, "parentUuid": "s0"},
        user("count", "s2", isSidechain=True, parentUuid=None),
        agent(call("t2"), uuid="s3", key="m2", isSidechain=True, parentUuid="s1"),
        agent(call("t3"), uuid="s4", key="m3", isSidechain=True, parentUuid="s2"),
        agent(call("t4"), uuid="s5", key="m4", isSidechain=True, agentId="named"),
    )
    assert [one.agent for one in read_once.calls] == [None, "s0", "s2", "named"]
    assert [one.text for one in read_once.moments if one.said == "human"] == ["go"]
    assert isinstance(read_once.last, Call)
    assert read_once.last.name == "Task"


def test_subagents_files_follow_in_order_of_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        records = [user(f"do {name}", f"u{name}", isSidechain=True, agentId=name)]
        (tmp_path / f"agent-{name}.jsonl").write_bytes(file(*records).read())
    paths = [tmp_path / "agent-b.jsonl", tmp_path / "agent-a.jsonl"]
    read_once = read(file(user("go", "u")), paths)
    assert [(one.text, one.turn, one.line, one.agent) for one in read_once.moments] == [
        ("go", 0, 1, None),
        ("do a", 1, 1, "a"),
        ("do b", 2, 1, "b"),
    ]
    assert read_once.last is read_once.moments[0]


def test_a_subagents_file_has_its_agent_from_its_name_where_records_say_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "agent-x1.jsonl"
    path.write_bytes(file(user("do it"), "broken").read())
    read_once = read(io.BytesIO(), [str(path)])
    assert [(one.said, one.agent) for one in read_once.moments] == [("machine", "x1")]
    assert [(one.line, one.agent) for one in read_once.problems] == [(2, "x1")]


def test_progress_of_a_subagent_is_no_answer() -> None:
    inner = agent(says("working"), call("t9"))
    record = {"type": "progress", "data": {"type": "agent_progress", "message": inner}}
    read_once = digest(record)
    assert (read_once.responses, read_once.calls, read_once.turns) == ([], [], 0)


# What came last


@pytest.mark.parametrize(
    ("records", "kind"),
    [
        ([user("hi")], "human"),
        ([user("hi"), agent(says("hello"))], "answer"),
        ([user("hi"), agent(THINKS)], "thinking"),
        ([user("hi"), agent(call())], Call),
        ([user("hi"), agent(call()), result("ok")], Result),
        (
            [
                user("hi"),
                agent(says("x"), message={"model": "<synthetic>"}, isApiErrorMessage=True),
            ],
            "api_error",
        ),
        ([user("<command-name>/exit</command-name>")], "slash"),
        ([user("[Request interrupted by user]")], "interrupt"),
        ([user("<task-notification></task-notification>")], "task"),
        ([agent()], Response),
        ([], type(None)),
    ],
)
def test_what_came_last_is_the_last_of_the_conversation(records: list[Json], kind: Any) -> None:
    trailing: list[Json] = [
        {"type": "last-prompt", "lastPrompt": "hi"},
        {"type": "system", "subtype": "turn_duration"},
        {"type": "attachment", "attachment": {"type": "task_reminder"}},
        user("<local-command-stdout>bye</local-command-stdout>"),
        user("be brief", isMeta=True),
        agent(says("found it"), key="side", isSidechain=True, agentId="a"),
    ]
    for tail in ([], trailing):
        last = digest(*records, *tail).last
        if isinstance(kind, str):
            assert isinstance(last, Moment)
            assert last.said == kind
        else:
            assert isinstance(last, kind)


# Bounds


def test_what_finds_no_room_is_counted_in_one_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "ROOM", 20_000)
    records = [agent(call(f"t{n}"), uuid=f"a{n}", key=f"m{n}") for n in range(500)]
    answers = [result("x" * 2_000, f"t{n}", error=True, uuid=f"u{n}") for n in range(500)]
    read_once = digest(*records, *answers)
    assert 3 < len(read_once.calls) < 20
    assert {one.outcome for one in read_once.calls} == {"error"}
    assert read_once.problem_count == 1
    assert "more than can be kept" in read_once.problems[0].what
    assert read_once.turns == 1_000


def test_only_the_first_problems_are_told_and_all_are_counted() -> None:
    read_once = digest(*(["broken"] * 300))
    assert (len(read_once.problems), read_once.problem_count) == (100, 300)


def test_a_problem_of_the_whole_is_told_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "VAIN", 200)
    assert digest(*(["broken"] * 300)).problems[-1].what == lines.NO_TRANSCRIPT


def test_types_times_and_uuids_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_TIMES", 5)
    monkeypatch.setattr(reading, "_UUIDS", 5)
    records = [
        {"type": f"t{n}", "uuid": f"u{n}", "timestamp": 1_700_000_000 + n} for n in range(300)
    ]
    read_once = digest(*records, *records[-1:])
    assert len(read_once.records) == 101
    assert read_once.records["other"] == 201
    assert list(read_once.times)[-1] == (1_700_000_000 + 299) * 1_000_000
    assert [problem.what for problem in read_once.problems] == [
        "296 records were not checked for copies"
    ]


def test_reading_the_same_file_again_says_the_same() -> None:
    stream = file(user("hi", "u"), agent(call(), uuid="a"), result("no", error=True, uuid="r"))
    assert read(stream) == read(stream) != Digest()
    assert orjson.dumps(read(stream).records) == orjson.dumps({"user": 2, "assistant": 1})
