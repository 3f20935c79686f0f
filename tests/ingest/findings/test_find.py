"""What holds for findings of all kinds."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.findings import FINDINGS, MOST, Finding, find
from ingest.findings.finding import EXCERPT, SEVERITIES
from ingest.transcript import read
from schema.tables import SESSION_FINDINGS
from tests.ingest.findings.talk import LATER, SAID, START, STOP, Talk, talk

# What may happen in a conversation, by name.
STEPS: dict[str, Callable[[Talk], object]] = {
    "prompt": lambda told: told.human("Now the chart"),
    "no": lambda told: told.human("no, the other one"),
    "answer": lambda told: told.answer(),
    "question": lambda told: told.answer("Which one?"),
    "thinking": lambda told: told.response({"type": "thinking", "thinking": "hm"}),
    "ok": lambda told: told.call(),
    "same": lambda told: told.call(given={"command": "make"}),
    "edit": lambda told: told.call("Edit", {"file_path": "a.py"}),
    "error": lambda told: told.fails("Exit code 1\nno such table"),
    "other error": lambda told: told.fails("Exit code 2\nsyntax error"),
    "harness": lambda told: told.fails("<tool_use_error>File not read</tool_use_error>", "Edit"),
    "denied": lambda told: told.fails("Permission to use Bash has been denied."),
    "os": lambda told: told.fails("cat: x: Permission denied"),
    "refused": lambda told: told.fails(STOP),
    "guided": lambda told: told.fails(SAID + "use b.py"),
    "interrupt": lambda told: told.interrupt(),
    "hanging": lambda told: told.asks(("Bash", {"command": "x"}), ("Task", {"prompt": "y"})),
    "mcp": lambda told: told.call("mcp__crm__find", {"id": 1}),
    "skill": lambda told: told.call("Skill", {"skill": "reporting:weekly"}),
    "api": lambda told: told.api_error("API Error: 529"),
    "exit": lambda told: told.slash("/exit"),
    "state": lambda told: told.record("last-prompt", lastPrompt="x"),
    "dirt": lambda told: told.lines.append(b'{"type": "user", "message": [3, {\n'),
}
talks = st.lists(st.sampled_from(sorted(STEPS)), max_size=40)


def told_by(steps: list[str], agent: str | None = None) -> Talk:
    told = Talk(agent=agent)
    for step in steps:
        STEPS[step](told)
    return told


@given(talks, talks)
def test_findings_are_in_order_and_within_bounds(main: list[str], side: list[str]) -> None:
    digest = told_by(main).digest(told_by(side, "a1"))
    found = find(digest, now=LATER, uploaded_at=START)
    turns = [one.turn_index for one in found]
    assert turns == sorted(turns, key=lambda turn: turn or 0)
    assert {one.finding_type for one in found} <= set(FINDINGS)
    for one in found:
        assert one.turn_index is None or 0 <= one.turn_index < digest.turns
        lines = main if one.agent_id is None else side
        assert 1 <= one.line_no <= 3 * len(lines)
        assert one.line_to is None or one.line_to >= one.line_no
        assert one.count >= 1
        assert one.severity in SEVERITIES
        assert len(one.excerpt) <= EXCERPT
    assert len({one.id("u/s.jsonl") for one in found}) == len(found)


@given(talks, st.data())
def test_what_went_well_in_between_makes_no_error(steps: list[str], data: st.DataObject) -> None:
    def errors(told: Talk) -> int:
        return sum(one.count for one in told.findings() if one.finding_type == "tool_error")

    place = data.draw(st.integers(0, len(steps)))
    assert errors(told_by([*steps[:place], "mcp", *steps[place:]])) == errors(told_by(steps))


@given(talks)
def test_reading_twice_finds_the_same(steps: list[str]) -> None:
    told = told_by(steps)
    assert told.findings() == told.findings()


@given(talks, talks)
def test_what_was_found_keeps_its_id_while_the_file_grows(
    before: list[str], after: list[str]
) -> None:
    def ids(told: Talk) -> set[str]:
        kinds = ("tool_error", "permission_denied")
        return {one.id("u/s.jsonl") for one in told.findings() if one.finding_type in kinds}

    assert ids(told_by(before)) <= ids(told_by([*before, *after]))


@given(talks, st.data())
def test_a_file_that_grew_ends_as_one_that_came_at_once(
    steps: list[str], data: st.DataObject
) -> None:
    """Nothing is remembered from an earlier reading, wherever that one stopped."""
    whole = told_by(steps).data
    cut = data.draw(st.integers(0, len(whole)))
    find(read(io.BytesIO(whole[:cut])), now=LATER, uploaded_at=START)
    grown = find(read(io.BytesIO(whole[:cut] + whole[cut:])), now=LATER, uploaded_at=START)
    assert grown == told_by(steps).findings()


@given(st.lists(st.binary(max_size=60), max_size=30))
def test_no_bytes_make_it_fail(lines: list[bytes]) -> None:
    find(read(io.BytesIO(b"\n".join(lines))), now=LATER, uploaded_at=START)


# -- one row for each incident, and no secret in it ------------------------------------------------


def test_a_session_full_of_errors_has_two_hundred_rows_and_one_that_counts_the_rest() -> None:
    told = talk()
    for number in range(MOST + 40):
        told.fails("a" * (number % 7 + 1) + " is broken")
    found = told.findings()
    assert len(found) == MOST + 1
    (overflow,) = (one for one in found if one.subtype == "overflow")
    assert (overflow.count, overflow.severity) == (41, "warning")
    assert overflow.excerpt == "41 more findings in this session are not listed"


def test_the_rest_are_the_least_severe() -> None:
    told = talk()
    for number in range(MOST):
        told.fails(f"<tool_use_error>{'a' * (number % 7 + 1)}</tool_use_error>", "Edit")
    told.fails("broken", "mcp__crm__find")
    told.asks(("Bash", {"command": "x"}))
    found = told.findings()
    assert {one.finding_type for one in found} == {"tool_error", "abrupt_end"}
    assert [one.severity for one in found].count("error") == 1
    assert [one.severity for one in found if one.subtype == "overflow"] == ["info"]


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ant-api03-" + "aB3dE5gH7jK9mN1pQ3sT5vW7" * 4,
        "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7xY9zA1bC3dE5",
        "AKIA" + "Q3EGRJ7KMN2PLX5T",
        "password=correct-horse-battery-9",
    ],
)
@pytest.mark.parametrize("before", ["", "x " * 90])
def test_a_secret_never_reaches_an_excerpt_not_even_half_of_it(secret: str, before: str) -> None:
    told = talk().fails(f"{before}{secret} was refused").call()
    told.interrupt().human(secret).fails(SAID + secret)
    half = secret.removeprefix("password=")[:12]
    for one in told.findings():
        assert half not in one.excerpt


def test_an_excerpt_is_one_line_without_the_colours_of_a_terminal() -> None:
    (one,) = talk().fails("Exit code 1\n\x1b[31mno such\x1b[0m\n\ttable").call().answer().findings()
    assert one.excerpt == "Exit code 1 no such table"


def test_records_without_ids_are_told_apart_by_their_lines() -> None:
    told = talk()
    told.answer().user("no, the other one", uuid=None).answer()
    told.user("no, the third one", uuid=None).answer()
    found = told.findings()
    assert len({one.id("u/s.jsonl") for one in found}) == len(found) == 2


def test_two_results_in_one_record_are_two_findings() -> None:
    told = talk()
    calls = told.asks(("Bash", {"command": "a"}), ("Read", {"file_path": "b"}))
    block = {"type": "tool_result", "is_error": True, "content": "broken"}
    told.user([block | {"tool_use_id": call} for call in calls]).answer()
    found = told.findings()
    assert len({one.event_uuid for one in found}) == 1
    assert len({one.id("u/s.jsonl") for one in found}) == len(found) == 2


def test_a_finding_has_an_answer_for_each_column() -> None:
    given_by_others = {"session_file", "user_id", "username", "detected_at", "processor_version"}
    assert {*Finding.__slots__, *given_by_others} >= set(SESSION_FINDINGS.columns) - {"id"}


def shuffled(values: list[Any], seed: int) -> list[Any]:
    random.Random(seed).shuffle(values)
    return values


def test_the_order_of_kinds_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    told = told_by([*STEPS, *STEPS])
    expected = told.findings()
    for seed in range(5):
        mixed = dict(shuffled(list(FINDINGS.items()), seed))
        monkeypatch.setattr("ingest.findings.FINDINGS", mixed)
        assert told.findings() == expected
