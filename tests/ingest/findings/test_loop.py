from __future__ import annotations

import pytest

from tests.ingest.findings.talk import SAID, Talk, talk

A, B, C = ({"command": name} for name in "abc")


def _loops(told: Talk, *subagents: Talk) -> list[str]:
    told.answer()
    return [one for one in told.found(*subagents) if one.startswith("loop")]


# -- repetition ------------------------------------------------------------------------------------


def test_the_same_call_three_times_with_the_same_result_is_an_error() -> None:
    told = talk().call(given=A).call(given=A).call(given=A)
    assert _loops(told) == ["loop/repetition error x3"]


def test_with_other_results_it_is_a_warning() -> None:
    told = talk().call(given=A, text="1").call(given=A, text="2").call(given=A, text="3")
    assert _loops(told) == ["loop/repetition warning x3"]


def test_empty_results_are_no_evidence() -> None:
    told = talk().call(given=A, text="").call(given=A, text="").call(given=A, text="")
    assert _loops(told) == ["loop/repetition warning x3"]


def test_all_failed_is_an_error_whatever_they_say() -> None:
    told = talk().fails("first", given=A).fails("second", given=A).fails("third", given=A)
    assert _loops(told) == ["loop/repetition error x3"]


def test_twice_is_none() -> None:
    assert _loops(talk().call(given=A).call(given=A)) == []


def test_the_finding_points_at_the_first_call_and_the_last_line() -> None:
    told = talk().call(given=B)
    for _ in range(4):
        told.call(given=A)
    (one,) = told.answer().findings()
    assert (one.event_uuid, one.line_no, one.line_to, one.count) == ("u3", 4, 10, 4)
    assert one.excerpt == "Bash: the same call 4 times in a row"


def test_what_a_call_says_about_itself_makes_no_difference() -> None:
    told = talk().call(given=A | {"description": "once", "timeout": 1}).call(given=A)
    assert _loops(told.call(given={"timeout": 9} | A)) == ["loop/repetition error x3"]


def test_the_order_of_the_input_makes_no_difference() -> None:
    told = (
        talk()
        .call("Grep", {"pattern": "x", "path": "y"})
        .call("Grep", {"path": "y", "pattern": "x"})
    )
    assert _loops(told.call("Grep", {"pattern": "x", "path": "y"})) == ["loop/repetition error x3"]


def test_another_call_in_between_ends_the_run() -> None:
    told = talk().call(given=A).call(given=A).call(given=B).call(given=A).call(given=A)
    assert _loops(told) == []


@pytest.mark.parametrize("edit", ["Edit", "Write", "MultiEdit", "NotebookEdit"])
def test_running_the_tests_again_after_each_edit_is_healthy(edit: str) -> None:
    told = talk()
    for number in range(8):
        told.call(given=A, text="1 failed").call(edit, {"file_path": "a.py", "new": number}, "ok")
    assert _loops(told) == []


def test_the_same_edit_again_and_again_is_a_loop() -> None:
    told = talk()
    for _ in range(3):
        told.fails("<tool_use_error>String to replace not found</tool_use_error>", "Edit", A)
    assert _loops(told) == ["loop/repetition error x3"]


def test_what_a_person_asks_for_again_is_no_loop() -> None:
    told = talk()
    for _ in range(4):
        told.call(given=A).answer().human("Check again")
    assert _loops(told) == []


def test_parallel_calls_of_one_response_count_once() -> None:
    told = talk()
    for one in told.asks(("Bash", A), ("Bash", A), ("Bash", A)):
        told.result(one)
    assert _loops(told.call(given=A)) == []


def test_the_same_parallel_calls_three_times_are_a_loop() -> None:
    told = talk()
    for _ in range(3):
        for one in told.asks(("Bash", A), ("Read", B)):
            told.result(one)
    assert _loops(told) == ["loop/repetition error x3"]


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("BashOutput", {"bash_id": "1"}),
        ("TaskOutput", {"task_id": "1"}),
        ("TaskUpdate", {"id": "1"}),
        ("TodoWrite", {"todos": []}),
        ("AskUserQuestion", {"questions": []}),
        ("Bash", {"command": "sleep 30 && tail log"}),
    ],
)
def test_who_asks_again_by_design_does_not_loop(tool: str, given: object) -> None:
    told = talk()
    for _ in range(40):
        told.call(tool, given)
    assert _loops(told) == []


def test_a_poller_in_between_does_not_hide_a_loop() -> None:
    told = talk()
    for _ in range(3):
        told.call(given=A).call("TodoWrite", {"todos": []})
    assert _loops(told) == ["loop/repetition error x3"]


def test_one_run_is_one_finding_and_two_runs_are_two() -> None:
    told = talk()
    for given in (A, A, A, A, A, B, C, C, C):
        told.call(given=given)
    assert _loops(told) == ["loop/repetition error x5", "loop/repetition error x3"]


# -- alternation -----------------------------------------------------------------------------------


def test_two_calls_that_only_take_turns_are_a_loop() -> None:
    told = talk()
    for given in (C, A, B, A, B, A, B):
        told.call(given=given, text=given["command"])
    (one,) = told.answer().findings()
    assert (one.subtype, one.severity, one.count, one.line_no) == ("alternation", "error", 6, 4)


def test_an_edit_and_its_check_in_turns_are_none() -> None:
    told = talk()
    for _ in range(5):
        told.call("Edit", {"file_path": "a.py", "old": "x"}, "ok").call(given=A)
    assert _loops(told) == []


def test_five_of_them_are_none() -> None:
    told = talk()
    for given in (A, B, A, B, A):
        told.call(given=given, text=given["command"])
    assert _loops(told) == []


def test_taking_turns_with_new_results_is_a_warning() -> None:
    told = talk()
    for number, given in enumerate((A, B) * 3):
        told.call(given=given, text=str(number))
    assert _loops(told) == ["loop/alternation warning x6"]


# -- stagnation ------------------------------------------------------------------------------------


def _stagnant(count: int, text: object = "The page was not found", tool: str = "Grep") -> Talk:
    told = talk()
    for number in range(count):
        told.call(tool, {"pattern": str(number)}, text)
    return told


def test_six_calls_of_one_tool_with_one_result_are_a_loop() -> None:
    assert _loops(_stagnant(6)) == ["loop/stagnation error x6"]
    assert _loops(_stagnant(5)) == []


@pytest.mark.parametrize("text", ["", []])
def test_nothing_is_not_the_same_result(text: object) -> None:
    assert _loops(_stagnant(12, text)) == []


def test_edits_never_count_for_stagnation() -> None:
    assert _loops(_stagnant(12, "The file has been updated", "Edit")) == []


def test_another_tool_in_between_ends_the_run() -> None:
    told = _stagnant(5)
    told.call("Read", {"file_path": "a"}, "The page was not found")
    assert _loops(told.call("Grep", {"pattern": "z"}, "The page was not found")) == []


def test_parallel_searches_of_one_response_are_one_step() -> None:
    told = talk()
    for one in told.asks(*(("Grep", {"pattern": str(number)}) for number in range(9))):
        told.result(one, "The page was not found")
    assert _loops(told) == []


def test_what_a_person_refuses_again_and_again_is_not_the_same_result() -> None:
    told = talk()
    for number in range(7):
        told.fails(SAID + "no", "Bash", {"command": str(number)})
    assert _loops(told) == []


# -- novelty ---------------------------------------------------------------------------------------


def _stale(told: Talk, rounds: int) -> Talk:
    """Each round makes five calls; the first ten of all calls are new."""
    for number in range(rounds * 5):
        told.call(("Read", "Grep")[number % 2], {"n": number % 5}, f"result {number}")
    return told


def test_thirty_calls_without_a_new_one_are_a_loop() -> None:
    assert _loops(_stale(talk(), 8)) == ["loop/novelty warning x30"]
    assert _loops(_stale(talk(), 7)) == []


def test_an_edit_starts_the_count_anew() -> None:
    told = _stale(talk(), 7).call("Edit", {"file_path": "a.py"}, "ok")
    assert _loops(_stale(told, 7)) == []


# -- whose -----------------------------------------------------------------------------------------


def test_each_agent_has_its_own_sequence() -> None:
    side = Talk(agent="a1").human("Look").call(given=A)
    assert _loops(talk().call(given=A).call(given=A), side) == []


def test_a_subagents_loop_is_one_severity_lower() -> None:
    side = Talk(agent="a1").human("Look").call(given=A).call(given=A).call(given=A)
    assert _loops(talk(), side) == ["loop/repetition warning x3"]
