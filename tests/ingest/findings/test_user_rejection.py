from __future__ import annotations

import json

import pytest

from tests.ingest.findings.talk import MARKER, REFUSED, SAID, STOP, Talk, talk

EDIT = ("Edit", {"file_path": "a.py"})


# -- refused calls ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        STOP,
        SAID + "use the other table",
        "The user doesn't want to take this action right now. STOP what you are doing and wait.",
        "The agent proposed a plan that was rejected by the user. Stay in plan mode.",
    ],
)
def test_a_call_that_a_person_refuses_is_a_warning(text: str) -> None:
    told = talk().fails(text).answer().human("Use the other one").answer()
    assert told.found() == ["user_rejection/structural warning"]


@pytest.mark.parametrize("kind", ["user-rejected", "user_rejected", "user"])
def test_newer_versions_say_it_in_a_field(kind: str) -> None:
    told = talk().fails("Not now.", toolDenialKind=kind).answer()
    assert told.found() == ["user_rejection/structural warning"]


def test_older_versions_say_it_beside_the_result() -> None:
    told = talk().fails("", toolUseResult="User rejected tool use").answer()
    assert told.found() == ["user_rejection/structural warning"]


def test_the_excerpt_tells_what_the_person_said() -> None:
    (one,) = talk().fails(SAID + "use the other table").answer().findings()
    assert one.excerpt == "Bash was refused: use the other table"


def test_a_refusal_its_marker_and_the_cancelled_calls_are_one_incident() -> None:
    told = talk()
    one, two, three = told.asks(EDIT, EDIT, ("Read", {}))
    told.result(one, STOP, error=True).result(two, STOP, error=True)
    told.result(three, "<tool_use_error>Sibling tool call errored</tool_use_error>", error=True)
    told.interrupt("[Request interrupted by user for tool use]").human("Use b.py").answer()
    (finding,) = told.findings()
    assert (finding.finding_type, finding.line_no) == ("user_rejection", 5)


def test_refusals_of_two_responses_are_two_decisions() -> None:
    told = talk().fails(STOP, *EDIT).answer().fails(STOP, *EDIT).answer()
    assert told.found() == ["user_rejection/structural warning"] * 2


def test_a_plan_taken_up_with_a_fresh_context_was_accepted() -> None:
    told = (
        talk().fails(STOP, "ExitPlanMode").interrupt("[Request interrupted by user for tool use]")
    )
    assert told.human("Implement the following plan:\n\n# Mend").answer().found() == []


def test_a_plan_refused_with_a_reason_was_not() -> None:
    told = talk().fails(SAID + "no tests in it", "ExitPlanMode").answer()
    assert told.found() == ["user_rejection/structural warning"]


def test_wanting_to_talk_about_the_questions_is_no_rejection() -> None:
    text = SAID + "The user wants to clarify these questions. To clarify these questions, ask."
    assert talk().fails(text, "AskUserQuestion").answer().found() == ["user_rejection/clarify info"]


def test_a_call_cancelled_with_a_question_or_a_plan_is_part_of_that() -> None:
    told = talk()
    one, two = told.asks(EDIT, ("AskUserQuestion", {"questions": []}))
    told.result(one, STOP, error=True)
    told.result(two, SAID + "To clarify these questions, say more.", error=True)
    assert told.answer().found() == ["user_rejection/clarify info"]


def test_a_refusal_whose_call_is_not_in_the_file_is_information() -> None:
    told = talk().result("toolu_gone", STOP, error=True).human("Use b.py").answer()
    assert told.found() == ["user_rejection/structural info"]


def test_an_error_whose_call_is_not_in_the_file_is_nobodys() -> None:
    assert talk().result("toolu_gone", "broken", error=True).human("Go on").answer().found() == []


# -- interrupts ------------------------------------------------------------------------------------


def test_an_interrupt_is_information() -> None:
    assert talk().interrupt().found() == ["user_rejection/interrupt info"]


def test_an_interrupt_with_a_correction_is_a_warning() -> None:
    told = talk().call().interrupt().human("Use the other table").answer()
    assert told.found() == ["user_rejection/interrupt warning"]


@pytest.mark.parametrize("words", ["continue", "Go on, please", "go ahead!"])
def test_to_go_on_is_no_correction(words: str) -> None:
    assert talk().interrupt().human(words).answer().found() == ["user_rejection/interrupt info"]


def test_a_command_after_an_interrupt_is_no_correction() -> None:
    assert talk().interrupt().slash("/clear").found() == ["user_rejection/interrupt info"]


def test_an_interrupted_call_is_told_by_its_marker_alone() -> None:
    marker = "[Request interrupted by user for tool use]"
    told = talk().fails(marker).interrupt(marker).human("Use the other table").answer()
    assert told.found() == ["user_rejection/interrupt warning"]
    told = talk()
    (one,) = told.asks(("Bash", {"command": "make"}))
    told.result(one, "half", error=True, toolUseResult={"interrupted": True})
    assert told.answer().found() == []


def test_two_markers_in_a_row_are_one_incident() -> None:
    assert talk().interrupt().interrupt().found() == ["user_rejection/interrupt info"]


def test_two_interrupts_with_work_in_between_are_two() -> None:
    told = talk().call().interrupt().human("Use b.py").call().interrupt()
    assert told.found() == ["user_rejection/interrupt warning", "user_rejection/interrupt info"]


def test_one_key_press_stops_the_session_and_its_subagents() -> None:
    told = talk()
    told.asks(("Task", {"prompt": "Look"}))
    told.interrupt()
    side = Talk(agent="a1").human("Look").call().interrupt()
    assert told.found(side) == ["user_rejection/interrupt info"]


def test_a_subagents_call_refused_and_the_sessions_marker_are_one_incident() -> None:
    told = talk()
    told.asks(("Task", {"prompt": "Look"}))
    told.interrupt()
    side = Talk(agent="a1").human("Look").fails(STOP)
    assert told.found(side) == ["user_rejection/structural info"]


def test_a_prompt_that_talks_of_interrupts_is_a_prompt() -> None:
    assert talk().answer().human(f"What does {MARKER} mean?").answer().found() == []


# -- no, in words ----------------------------------------------------------------------------------


def prose(prompt: str, answer: str = "I added the column.") -> list[str]:
    return talk().answer(answer).human(prompt).answer().found()


@pytest.mark.parametrize(
    "prompt",
    [
        "no",
        "No, the other table",
        "nope, that is last year",
        "stop",
        "Stop, wait for me",
        "wrong column",
        "Incorrect: it is in euros",
        "not what I asked for",
        "that's not it",
        "That’s wrong",
        "undo that",
        "revert the last change",
    ],
)
def test_a_short_no_straight_after_an_answer_is_one(prompt: str) -> None:
    assert prose(prompt) == ["user_rejection/prose info"]


@pytest.mark.parametrize(
    "prompt",
    [
        "no problem, go on",
        "No worries",
        "no rush",
        "no need for tests",
        "no thanks",
        "no, thanks",
        "stop words should be left out",
        "stopwords should be left out",
        "fix the broken test",
        "what's wrong with row 5?",
        "is there no index?",
        "don't stop",
        "now add a chart",
        "nothing else",
        "no-op commands are fine",
        "undone tasks come first",
        "No, and " + "then the other table as well, " * 3,
    ],
)
def test_what_only_sounds_like_a_no_is_none(prompt: str) -> None:
    assert prose(prompt) == []


@pytest.mark.parametrize(
    "answer",
    [
        "Shall I add a test?",
        "Which of them (a or b)?**",
        'Do you mean "net"?"',
        "Should I go on?\n\n1. Yes\n2. No",
        "Want me to add it? I can do so at once.",
    ],
)
def test_no_to_a_question_is_an_answer(answer: str) -> None:
    assert prose("No, leave it", answer) == []


def test_an_address_with_a_question_mark_is_no_question() -> None:
    link = "See https://host/page?id=5 for it."
    assert prose("no, the other page", link) == ["user_rejection/prose info"]


def test_the_first_prompt_rejects_nothing() -> None:
    assert Talk().human("no more than ten rows, please").answer().found() == []


def test_a_no_to_ones_own_prompt_rejects_nothing() -> None:
    assert talk().human("no, the other report").answer().found() == []


def test_a_no_after_an_interrupt_is_its_correction_not_one_more() -> None:
    told = talk().answer().human("Now the chart").interrupt().human("no, the table").answer()
    assert told.found() == ["user_rejection/interrupt warning"]


def test_an_answer_is_remembered_over_the_remarks_of_the_machine() -> None:
    told = talk().answer("I added the column.")
    told.user("<local-command-stdout>ok</local-command-stdout>").human("no, the row").answer()
    assert told.found() == ["user_rejection/prose info"]


def test_what_a_tool_or_a_hook_writes_is_no_persons_word() -> None:
    told = talk().answer("I added the column.").user("no", isMeta=True).answer()
    told.user("Stop hook feedback:\n- no tests were run").answer()
    told.user("<task-notification>no</task-notification>").answer()
    assert told.found() == []


def test_a_prompt_with_a_picture_is_a_prompt() -> None:
    image = {"type": "image", "source": {"type": "base64", "data": "AA=="}}
    told = talk().answer("I added the column.").user([{"type": "text", "text": "no"}, image])
    assert told.answer().found() == ["user_rejection/prose info"]
    assert json.loads(told.lines[2])["message"]["content"][1] == image


def test_refused_is_the_first_sentence_of_all_refusals() -> None:
    assert STOP.startswith(REFUSED)
    assert SAID.startswith(REFUSED)
