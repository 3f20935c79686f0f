"""How a call ended: the table of outcomes, one rule after the other, first match wins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.transcript.written import (
    REJECTED,
    agent,
    answer,
    call,
    digest,
    one_call,
    result,
    says,
    user,
)


@pytest.mark.parametrize("kind", ["user-rejected", "user_rejected", "user"])
@pytest.mark.parametrize("error", [True, False, None])
def test_the_kind_of_denial_says_that_a_person_refused(kind: str, error: Any) -> None:
    found = one_call(result("stopped", error=error, toolDenialKind=kind))
    assert (found.outcome, found.cause) == ("user_rejected", "structural")


@pytest.mark.parametrize(
    "text",
    [
        REJECTED,
        "The user doesn't want to take this action right now. STOP what you are doing",
        "The agent proposed a plan that was rejected by the user.",
        "Error: " + REJECTED,
        "<tool_use_error>" + REJECTED,
        [says(REJECTED)],
    ],
)
def test_the_text_says_that_a_person_refused_only_where_it_is_an_error(text: Any) -> None:
    assert one_call(result(text, error=True)).outcome == "user_rejected"
    assert one_call(result(text)).outcome == "ok"
    assert one_call(result(text, error=False)).outcome == "ok"


def test_what_stands_beside_the_result_says_that_a_person_refused() -> None:
    refused = result("", toolUseResult="User rejected tool use")
    assert one_call(refused).outcome == "user_rejected"


@pytest.mark.parametrize("tool", ["AskUserQuestion", "Bash"])
def test_only_a_question_can_be_left_to_clarify(tool: str) -> None:
    text = REJECTED + " the user said:\nThe user wants to clarify. To clarify these questions, ask."
    read = digest(agent(call("t1", tool)), result(text, error=True))
    assert [one.cause for one in read.calls] == ["clarify" if tool != "Bash" else "structural"]


@pytest.mark.parametrize(
    ("text", "denial"),
    [
        ("no", "permission-rule"),
        ("no", "rule"),
        ("no", "automode-blocked"),
        ("no", "automode-unavailable"),
        ("Permission to use Bash with command rm has been denied.", None),
        ("Permission for this action was denied by the classifier. Reason: …", None),
        ("Claude requested permissions to write to a.py, but you haven't granted it yet.", None),
        ("This Bash command contains multiple operations. These need approval: rm", None),
        ("cd to '/etc' was blocked. For security, …", None),
        ("The model is temporarily unavailable, so auto mode cannot determine the safety", None),
        ("PreToolUse:Bash hook error: [check.sh]: Blocked: no force pushes", None),
    ],
)
def test_a_rule_refused(text: str, denial: str | None) -> None:
    found = one_call(result(text, error=True, **({"toolDenialKind": denial} if denial else {})))
    assert (found.outcome, found.cause) == ("policy_denied", "policy")


def test_an_unknown_kind_of_denial_denies_nothing() -> None:
    assert one_call(result("fine", toolDenialKind="novel")).outcome == "ok"


@pytest.mark.parametrize(
    "record",
    [
        result("partial output", toolUseResult={"interrupted": True, "stdout": ""}),
        result("partial output", error=True, toolUseResult={"interrupted": True}),
        result("[Request interrupted by user for tool use]", error=True),
        result("[Request interrupted by user]"),
    ],
)
def test_a_person_interrupted(record: dict[str, Any]) -> None:
    found = one_call(record)
    assert (found.outcome, found.cause) == ("interrupted", "")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Exit code 1\ncat: /root/x: Permission denied", "os"),
        ("Error: EACCES: permission denied, open 'x'", "os"),
        ("chmod: Operation not permitted", "os"),
        ("x" * 1_500 + "permission denied", "os"),
        ("<tool_use_error>File has not been read yet.</tool_use_error>", "harness"),
        ("<tool_use_error>Sibling tool call errored</tool_use_error>", "harness"),
        ("Exit code 2\nno such file", "exec"),
        ("String to replace not found in file.", "exec"),
        ("x" * 3_000 + "permission denied", "exec"),
        ("", "exec"),
    ],
)
def test_an_error_has_a_cause(text: str, cause: str) -> None:
    found = one_call(result(text, error=True))
    assert (found.outcome, found.cause) == ("error", cause)


@pytest.mark.parametrize("error", [None, False, "true", 1, 0])
def test_no_is_error_means_fine_whatever_the_text_says(error: Any) -> None:
    texts: list[Any] = ["Exit code 1", "Error: permission denied", "[1] 4242", "", [], None, 7]
    for text in texts:
        found = one_call(result(text, error=error))
        assert (found.outcome, found.cause) == ("ok", "")


def test_the_first_rule_that_fits_wins() -> None:
    both = result("Permission to use Bash has been denied", error=True, toolDenialKind="user")
    assert one_call(both).outcome == "user_rejected"
    denied = result("Permission to use rm: permission denied", error=True)
    assert one_call(denied).cause == "policy"
    stopped = result("permission denied", error=True, toolUseResult={"interrupted": True})
    assert one_call(stopped).outcome == "interrupted"


def test_what_is_said_of_a_record_is_not_about_each_of_several_results() -> None:
    read = digest(
        agent(call("a"), call("b")),
        user(
            [answer("fine", "a"), answer("no", "b", error=True)],
            toolUseResult="User rejected tool use",
            toolDenialKind="user-rejected",
        ),
    )
    assert [one.outcome for one in read.calls] == ["ok", "user_rejected"]


def test_a_result_keeps_the_beginning_of_a_failure_and_nothing_of_a_success() -> None:
    failed = one_call(result("x" * 9_000, error=True)).result
    fine = one_call(result("x" * 9_000)).result
    assert failed is not None
    assert fine is not None
    assert (len(failed.text), failed.is_error) == (2_048, True)
    assert (fine.text, fine.is_error) == ("", False)


def test_a_failure_without_text_takes_what_stands_beside_it() -> None:
    found = one_call(result("", error=True, toolUseResult="Error: it broke")).result
    assert found is not None
    assert found.text == "Error: it broke"
