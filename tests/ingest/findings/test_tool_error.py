from __future__ import annotations

import pytest

from tests.ingest.findings.talk import Talk, talk

SIBLING = "<tool_use_error>Sibling tool call errored</tool_use_error>"


def test_a_command_that_failed_and_then_went_well_is_a_warning() -> None:
    assert talk().fails("Exit code 1\nno such table").call().answer().found() == [
        "tool_error/exec warning"
    ]


def test_a_tool_that_never_went_well_again_is_an_error() -> None:
    told = talk().fails("Connection closed", "mcp__crm__find").call().answer()
    assert told.found() == ["tool_error/exec error"]


def test_of_several_failures_only_the_last_one_is_the_one_never_got_over() -> None:
    told = talk().fails("first reason").fails("second reason").answer()
    assert told.found() == ["tool_error/exec warning", "tool_error/exec error"]


def test_a_later_call_that_never_ran_does_not_get_over_the_failure() -> None:
    told = talk().fails("not found", "Task")
    told.asks(("Task", {"prompt": "again"}))
    assert told.human("Stop here").answer().found() == ["tool_error/exec error"]


@pytest.mark.parametrize(
    "text",
    [
        "<tool_use_error>File has not been read yet. Read it first.</tool_use_error>",
        "<tool_use_error>String to replace not found in file.</tool_use_error>",
        "<tool_use_error>InputValidationError: prompt is missing</tool_use_error>",
    ],
)
def test_what_the_harness_will_not_run_is_only_information(text: str) -> None:
    assert talk().fails(text, "Edit").answer().found() == ["tool_error/harness info"]


@pytest.mark.parametrize(
    "text",
    [
        "Error: result (170,041 characters) exceeds maximum allowed tokens",
        "3 passed. The log says: Exit code 1, permission denied, is_error: true",
        "<tool_use_error> is what the page explains",
    ],
)
@pytest.mark.parametrize("error", [None, False])
def test_a_result_that_only_talks_of_errors_is_none(text: str, error: bool | None) -> None:  # noqa: FBT001 (parametrized)
    told = talk()
    (one,) = told.asks(("Bash", {"command": "cat log"}))
    assert told.result(one, text, error=error).answer().found() == []


def test_the_same_error_in_a_row_is_one_finding_with_a_count() -> None:
    told = talk()
    told.fails("Exit code 1\n/a/b.py:12:3: undefined name at 10:15:01, id 0xfa12")
    told.fails("Exit code 2\n/c.py:7:1: undefined name at 10:15:09, id 0xbe")
    told.call().answer()
    (one,) = told.findings()
    assert (one.count, one.line_no, one.line_to, one.event_uuid) == (2, 3, 5, "u2")


def test_a_success_in_between_makes_two_of_them() -> None:
    told = talk().fails("no such table").call().fails("no such table").call().answer()
    assert told.found() == ["tool_error/exec warning"] * 2


def test_an_exit_code_alone_says_nothing_so_the_next_line_decides() -> None:
    told = talk().fails("Exit code 1\nno such table").fails("Exit code 1\nno such column").call()
    assert told.answer().found() == ["tool_error/exec warning"] * 2


def test_the_same_words_of_two_tools_are_two_incidents() -> None:
    told = (
        talk().fails("File does not exist.", "Read").fails("File does not exist.", "NotebookRead")
    )
    assert told.answer().found() == ["tool_error/exec error"] * 2


def test_siblings_given_up_for_an_error_belong_to_it() -> None:
    told = talk()
    one, two, three = told.asks(
        ("Bash", {"command": "a"}), ("Bash", {"command": "b"}), ("Read", {})
    )
    told.result(one, SIBLING, error=True).result(two, "no such table", error=True)
    told.result(three, SIBLING, error=True)
    assert told.call().call("Read").answer().found() == ["tool_error/exec warning"]


def test_a_sibling_whose_other_is_not_in_the_file_stands_for_itself() -> None:
    assert talk().fails(SIBLING, "Read").answer().found() == ["tool_error/harness info"]
    told = talk()
    one, two = told.asks(("Bash", {"command": "a"}), ("Read", {}))
    told.result(one).result(two, SIBLING, error=True)
    assert told.answer().found() == ["tool_error/harness info"]


def test_the_failure_of_a_subagent_is_one_severity_lower_and_names_it() -> None:
    side = Talk(agent="a1").human("Look").fails("no such table").answer()
    (one,) = talk().answer().findings(side)
    assert (one.severity, one.agent_id) == ("warning", "a1")
    side = Talk(agent="a1").human("Look").fails("no such table").call().answer()
    assert talk().answer().found(side) == ["tool_error/exec info"]


def test_agents_that_work_side_by_side_do_not_get_over_each_others_failures() -> None:
    told = talk().call().call()
    side = Talk(agent="a1").human("Look").fails("no such table")
    assert told.answer().found(side) == ["tool_error/exec warning"]  # an error, one lower


def test_where_two_records_have_one_uuid_the_first_is_believed() -> None:
    told = talk()
    (one,) = told.asks(("Bash", {"command": "a"}))
    told.result(one, "fine").result(one, "broken", error=True, uuid="u2")
    assert told.answer().found() == []
