"""Inputs of tools, as people read them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.pages.replay.calls import Asked, Block, asked
from console.pages.replay.words import cleaned

TOOLS = (
    *("Bash", "Edit", "MultiEdit", "Write", "NotebookEdit", "Read", "Grep", "Glob", "Task"),
    *("TodoWrite", "WebFetch", "WebSearch", "Skill", "ExitPlanMode", "AskUserQuestion"),
    *("mcp__db__query", "mcp__", "Unheard", "", None),
)
FIELDS = (
    *("command", "description", "file_path", "old_string", "new_string", "replace_all", "edits"),
    *("content", "notebook_path", "new_source", "cell_id", "offset", "limit", "pattern", "path"),
    *("prompt", "subagent_type", "todos", "url", "query", "skill", "args", "plan", "questions"),
    *("status", "question", "options", "label", "more"),
)


def block(shown: Asked, kind: str) -> Block:
    (found,) = (one for one in shown.blocks if one.kind == kind)
    return found


def words(shown: Asked) -> str:
    """All that stands on the page."""
    found = [shown.name, shown.server, shown.summary]
    for one in shown.blocks:
        found += [one.text.first, one.text.rest, one.label]
        found += [line.text for line in (*one.lines, *one.rest)]
        found += [part for row in one.rows for part in row]
    return "\n".join(found)


def test_a_command_stands_below_what_it_is_for() -> None:
    shown = asked("Bash", {"command": "ls\npwd", "description": "look", "timeout": 5})
    assert (shown.name, shown.summary) == ("Bash", "look · timeout 5")
    assert block(shown, "code").text.first == "ls\npwd"
    assert len(shown.blocks) == 1


def test_an_edit_is_a_diff() -> None:
    given = {"file_path": "/a.py", "old_string": "a\nb\nc", "new_string": "a\nB\nc"}
    shown = asked("Edit", {**given, "replace_all": False})
    assert shown.summary == "/a.py"
    lines = block(shown, "diff").lines
    assert [(line.sign, line.text) for line in lines] == [
        *((" ", "a"), ("-", "b"), ("+", "B"), (" ", "c")),
    ]
    assert asked("Edit", {**given, "replace_all": True}).summary == "/a.py · replace_all true"


def test_each_of_several_edits_is_one() -> None:
    edits = [{"old_string": "a", "new_string": "b"}, {"old_string": "c", "new_string": ""}]
    shown = asked("MultiEdit", {"file_path": "/a.py", "edits": edits})
    assert [one.label for one in shown.blocks] == ["change 1 of 2", "change 2 of 2"]
    assert [[line.sign for line in one.lines] for one in shown.blocks] == [["-", "+"], ["-"]]


def test_what_is_written_is_all_new_and_folded_where_it_is_long() -> None:
    content = "\n".join(map(str, range(1000)))
    (diff,) = asked("Write", {"file_path": "/a", "content": content}).blocks
    assert {line.sign for line in (*diff.lines, *diff.rest)} == {"+"}
    assert len(diff.lines) + len(diff.rest) + diff.beyond == 1000
    assert diff.beyond == 700


@pytest.mark.parametrize(
    ("tool", "given", "summary"),
    [
        ("Read", {"file_path": "/a"}, "/a"),
        ("Read", {"file_path": "/a", "offset": 10, "limit": 5}, "/a · lines 10 to 14"),
        ("Read", {"file_path": "/a", "limit": 5}, "/a · the first 5 lines"),
        ("Grep", {"pattern": "x+", "path": "src", "-n": True}, "x+ in src · -n true"),
        ("Glob", {"pattern": "**/*.py"}, "**/*.py"),
        ("Skill", {"skill": "sales:forecast", "args": "May"}, "sales:forecast May"),
        ("WebFetch", {"url": "https://x.example", "prompt": "why"}, "https://x.example"),
        ("Task", {"subagent_type": "Explore", "description": "d", "prompt": "p"}, "Explore · d"),
        ("mcp__agnes__query", {"sql": "SELECT 1"}, "sql SELECT 1"),
    ],
)
def test_the_head_of_a_card_says_it_in_a_line(
    tool: str, given: dict[str, Any], summary: str
) -> None:
    assert asked(tool, given).summary == summary


def test_a_server_stands_beside_its_tool() -> None:
    shown = asked("mcp__agnes__run_query", {"sql": "x", "deep": {"a": [1]}})
    assert (shown.server, shown.name) == ("agnes", "run_query")
    assert '"a": [' in block(shown, "json").text.first


def test_things_to_do_are_a_list_and_questions_have_their_answers() -> None:
    todos = [{"content": "a", "status": "completed"}, {"content": "b", "status": "pending"}]
    shown = asked("TodoWrite", {"todos": todos})
    assert shown.summary == "1 of 2 done"
    assert block(shown, "todo").rows == (("completed", "a"), ("pending", "b"))
    questions = [{"question": "which?", "options": [{"label": "x"}, {"label": "y"}]}]
    assert block(asked("AskUserQuestion", {"questions": questions}), "choices").rows == (
        ("which?", "x · y"),
    )


leaves = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab<\n\"'", max_size=8)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=8,
)


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in texts(part)]


@given(st.sampled_from(TOOLS), values)
def test_whatever_a_call_asks_for_is_shown_and_nothing_is_left_out(
    tool: str | None, given_: Any
) -> None:
    shown = words(asked(tool, given_))
    for text in texts(given_):
        for line in cleaned(text).split("\n"):
            escaped = line.replace('"', '\\"')
            assert line.strip() in shown or escaped.strip() in shown
