from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ingest.findings import find, quiet_at
from tests.ingest.findings.talk import LATER, SAID, START, STOP, Talk, talk


def _hanging() -> Talk:
    told = talk()
    told.asks(("Bash", {"command": "make"}))
    return told


# -- how a session breaks off ----------------------------------------------------------------------


def test_a_call_without_a_result() -> None:
    (one,) = _hanging().findings()
    assert (one.finding_type, one.subtype, one.severity) == (
        "abrupt_end",
        "tool_unresolved",
        "warning",
    )
    assert (one.line_no, one.event_uuid) == (2, "u1")
    assert one.excerpt == "Bash was called, no result followed"


def test_a_call_without_a_result_beside_one_that_has_it() -> None:
    told = talk()
    one, _ = told.asks(("Read", {}), ("Bash", {"command": "make"}))
    assert told.result(one).found() == ["abrupt_end/tool_unresolved warning"]


def test_a_call_without_a_result_before_the_last_words_of_its_response() -> None:
    call = {"type": "tool_use", "id": "t", "name": "Bash", "input": {}}
    words = {"type": "text", "text": "I run the tests."}
    told = talk().response(call, words, stop="tool_use")
    assert told.found() == ["abrupt_end/tool_unresolved warning"]
    told = talk().response(call, {"type": "text", "text": " "}, stop="tool_use")
    assert told.found() == ["abrupt_end/tool_unresolved warning"]


def test_a_result_after_which_the_agent_did_not_go_on() -> None:
    assert talk().call().found() == ["abrupt_end/after_tool warning"]


def test_a_prompt_without_an_answer() -> None:
    (one,) = talk().answer().human("And the chart?").findings()
    assert (one.subtype, one.severity, one.line_no) == ("unanswered", "warning", 3)


def test_a_command_of_a_plugin_without_an_answer() -> None:
    told = talk().answer().slash("/reports:weekly").user("Write the report", isMeta=True)
    assert told.found() == ["abrupt_end/unanswered warning"]


def test_an_error_of_the_api() -> None:
    told = talk().api_error("API Error: 529 overloaded_error", error="server_error")
    assert told.found() == ["abrupt_end/api_error error"]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("You've hit your session limit · resets 7:20pm", {}),
        ("API Error: 429", {"apiErrorStatus": 429}),
        ("Too many", {"error": "rate_limit"}),
    ],
)
def test_a_limit_of_the_api_is_a_warning(text: str, fields: dict[str, object]) -> None:
    assert talk().api_error(text, **fields).found() == ["abrupt_end/api_error warning"]


def test_an_answer_cut_at_the_limit_of_tokens() -> None:
    assert talk().answer("It is", stop="max_tokens").found() == ["abrupt_end/truncated info"]


def test_an_answer_of_nothing_but_thinking() -> None:
    told = talk().response({"type": "thinking", "thinking": "Let me see"})
    assert told.found() == ["abrupt_end/truncated info"]


# -- and how it does not ---------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["/exit", "/quit", "/clear", "/compact", "/model"])
def test_leaving_by_a_command_is_an_end(command: str) -> None:
    assert talk().answer().slash(command).found() == []
    assert _hanging().slash(command).found() == []


def test_a_command_that_claude_code_itself_answered_waits_for_nobody() -> None:
    told = talk().answer().slash("/reports:reload")
    assert told.user("<local-command-stdout>Reloaded</local-command-stdout>").found() == []


def test_a_finished_turn_is_an_end() -> None:
    assert talk().call().answer().found() == []
    assert talk().call().answer(stop=None).found() == []  # older versions do not say why


def test_thinking_before_the_words_of_an_answer_is_a_finished_turn() -> None:
    thought = {"type": "thinking", "thinking": "Let me see"}
    assert talk().response(thought, {"type": "text", "text": "Done."}).found() == []


def test_an_interrupt_is_the_end_that_somebody_wanted() -> None:
    assert [one.finding_type for one in _hanging().interrupt().findings()] == ["user_rejection"]


@pytest.mark.parametrize("text", [STOP, SAID + "I will do it myself"])
def test_so_is_a_refused_call(text: str) -> None:
    assert talk().fails(text).found() == ["user_rejection/structural warning"]
    told = talk().answer().result("toolu_gone", text, error=True)
    assert told.found() == ["user_rejection/structural info"]


def test_so_is_an_interrupted_one() -> None:
    told = talk()
    (one,) = told.asks(("Bash", {"command": "make"}))
    assert told.result(one, "half", toolUseResult={"interrupted": True}).found() == []


def test_an_error_whose_call_is_not_in_the_file_is_an_abrupt_end_like_any_result() -> None:
    told = talk().answer().result("toolu_gone", "broken", error=True)
    assert told.found() == ["abrupt_end/after_tool warning"]


def test_a_task_notification_waits_for_nobody() -> None:
    told = talk().answer()
    told.user("<task-notification><status>completed</status></task-notification>")
    assert told.found() == []


def test_an_error_of_the_api_that_was_got_over_is_none() -> None:
    told = talk().api_error("API Error: 529 overloaded_error").answer()
    told.record("system", subtype="api_error", retryAttempt=1)
    assert told.found() == []


def test_what_the_program_writes_after_the_end_does_not_hide_it() -> None:
    told = (
        _hanging().record("last-prompt", lastPrompt="x").record("system", subtype="turn_duration")
    )
    assert told.found() == ["abrupt_end/tool_unresolved warning"]


def test_an_empty_transcript_does_not_end() -> None:
    assert Talk().found() == []
    assert Talk().record("summary", summary="x").found() == []


def test_how_a_subagent_ends_is_its_callers_business() -> None:
    side = Talk(agent="a1").human("Look")
    side.asks(("Bash", {"command": "make"}))
    assert talk().call("Agent", {"prompt": "Look"}).answer().found(side) == []


# -- the clock -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "expected"), [(29, 0), (30, 1)])
def test_only_after_half_an_hour_of_quiet(minutes: int, expected: int) -> None:
    last = START + timedelta(seconds=1)  # the second and last record
    assert len(_hanging().findings(now=last + timedelta(minutes=minutes))) == expected


def test_the_last_timestamp_counts_whatever_its_record() -> None:
    told = _hanging()
    late = START + timedelta(minutes=20)
    told.record("system", subtype="turn_duration", timestamp=f"{late.isoformat()}Z")
    assert quiet_at(told.digest(), now=LATER, uploaded_at=START) == late + timedelta(minutes=30)


@pytest.mark.parametrize("stamp", [None, "not a time", "2099-01-01T00:00:00Z"])
def test_without_a_timestamp_that_can_be_true_the_upload_counts(stamp: str | None) -> None:
    told = Talk().record("user", message={"content": "Please mend the report"}, timestamp=stamp)
    digest = told.digest()
    uploaded = datetime(2026, 6, 1)
    after = uploaded + timedelta(minutes=30)
    assert quiet_at(digest, now=uploaded, uploaded_at=uploaded) == after
    assert find(digest, now=uploaded, uploaded_at=uploaded) == []
    assert len(find(digest, now=after, uploaded_at=uploaded)) == 1
