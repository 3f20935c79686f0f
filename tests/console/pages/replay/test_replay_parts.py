"""What stands beside the conversation of a replay: its state, its verdict, its facts, its looks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from console.pages.replay.alike import others
from console.pages.replay.facts import named
from console.pages.replay.head import short
from console.pages.replay.looks import together
from console.pages.replay.state import ReplayState
from console.pages.replay.verdict import check_of
from schema.errors import BadParameter

AT = datetime(2026, 3, 1, 10)


def test_a_replay_knows_the_list_its_reader_came_from() -> None:
    query = "verdict=failed&sort=findings%3Adesc&offset=50&kinds=tools&find=table&since_minutes=60"
    state = ReplayState.of(query)
    assert state.of_list == {"verdict": "failed", "since_minutes": "60", "sort": "findings:desc"}
    assert parse_qs(state.back.removeprefix("?")) == {
        "verdict": ["failed"],
        "sort": ["findings:desc"],
        "since_minutes": ["60"],
        "offset": ["50"],
    }
    assert ReplayState.of(state.url().removeprefix("?")).asks == state.asks
    assert "find=" not in state.other()
    assert "kinds=tools" in state.other()
    assert ReplayState.of("").back == "?"


def test_kinds_are_chosen_one_by_one() -> None:
    state = ReplayState.of("")
    assert state.kinds is None
    assert state.with_kind("tools") == "?kinds=tools"
    both = ReplayState.of("kinds=tools&from=200")
    assert (both.kinds, both.first) == (frozenset({"tools"}), 200)
    assert both.with_kind("prompts") == "?kinds=prompts%2Ctools"  # from the top again
    assert both.with_kind("tools") == "?"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("kinds=words", "kinds"),
        ("from=-1", "from"),
        ("from=one", "from"),
        (f"find={'x' * 201}", "find"),
        ("turn=5", "turn"),
        ("kinds=tools&kinds=meta", "kinds"),
        ("tab=x", "tab"),
    ],
)
def test_what_cannot_be_asked_is_named(query: str, names: str) -> None:
    with pytest.raises(BadParameter, match=names):
        ReplayState.of(query)


def test_a_check_shows_its_first_evidence() -> None:
    row: dict[str, Any] = {"name": "loops", "passed": False, "says": "Round in circles: 5 times."}
    check = check_of({**row, "turns": [3, 5, 8, 13, 21]})
    assert (check.sign, check.says, check.turns, check.more) == ("bad", row["says"], [3, 5, 8], 2)
    assert check_of({**row, "name": "errors", "turns": []}).sign == "mild"
    passed = check_of({**row, "passed": True, "says": "The agent did not go round in circles."})
    assert (passed.sign, passed.says) == ("ok", "no going in circles")
    assert passed.full == "The agent did not go round in circles."
    new = check_of({"name": "other", "passed": True, "says": "All is well."})
    assert new.says == "All is well."


def test_what_was_used_is_named_with_how_often() -> None:
    def row(what: str, name: str, uses: int) -> dict[str, Any]:
        return {"what": what, "name": name, "uses": uses}

    rows = [
        row("tool", "Bash", 9),
        row("tool", "mcp__agnes__query", 4),
        row("tool", "mcp__agnes__sync", 3),
        row("model", "l" * 500, 20),
        *(row("skill", f"s{number}", 9 - number) for number in range(8)),
    ]
    found = {one.says: (list(one.names), one.more) for one in named(rows)}
    assert found["Tools"] == ([("Bash", 9)], 0)
    assert found["MCP servers"] == ([("agnes", 7)], 0)
    ((model, _),) = found["Models"][0]
    assert len(model) < 100
    assert (found["Skills"][0][0], found["Skills"][1]) == (("s0", 9), 2)
    assert "Subagents" not in found


def test_looks_of_one_person_for_one_reason_are_one_line() -> None:
    def look(person: str, minutes: int, reason: str | None, did: str = "transcript_view") -> Any:
        return {
            "at": AT - timedelta(minutes=minutes),
            "user_id": person,
            "user_name": person.title(),
            "action": f"session.{did}" if did == "transcript_view" else did,
            "reason": reason,
        }

    rows = [
        look("ana", 0, None),
        look("bo", 1, "help"),
        look("ana", 2, None),
        look("ana", 3, None, "session_download"),
        look("bo", 4, "audit"),
    ]
    lines = [(one.name, one.reason, one.did, one.times) for one in together(rows)]
    assert lines == [
        ("Ana", None, "", 2),
        ("Bo", "help", "", 1),
        ("Ana", None, "took it", 1),
        ("Bo", "audit", "", 1),
    ]
    assert together(rows)[0].at == AT


def test_a_session_is_not_among_the_others() -> None:
    counted = [{"value": "loop", "count": 1}, {"value": "tool_error", "count": 4}]
    kinds = {"loop", "tool_error", "abrupt_end"}
    (here,) = others(counted, kinds, total=9, here=True)
    assert (here.kind, here.others, here.sessions) == ("tool_error", 3, 8)
    assert here.at == "/admin/sessions?has_finding=tool_error"
    older = others(counted, kinds, total=9, here=False)
    assert [(one.kind, one.others, one.sessions) for one in older] == [
        ("tool_error", 4, 9),
        ("loop", 1, 9),
    ]


def test_a_long_name_is_cut() -> None:
    assert short("7d0a1c52-0000-4000-8000-000000000000.jsonl") == "7d0a1c52-000….jsonl"
    assert short("talk.jsonl") == "talk.jsonl"
