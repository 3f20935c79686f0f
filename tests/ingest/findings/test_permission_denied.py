from __future__ import annotations

import pytest

from tests.ingest.findings.talk import Talk, talk


@pytest.mark.parametrize(
    "text",
    [
        "Exit code 1\ncat: /etc/shadow: Permission denied",
        "EACCES: permission denied, open '/var/lib/x'",
        "chown: changing ownership of 'x': Operation not permitted",
    ],
)
def test_what_the_operating_system_refuses_is_no_tool_error_as_well(text: str) -> None:
    assert talk().fails(text).call().answer().found() == ["permission_denied/os warning"]


def test_far_behind_in_a_long_output_it_says_nothing_about_the_call() -> None:
    told = talk().fails("no such table\n" + "row\n" * 1_000 + "permission denied").call().answer()
    assert told.found() == ["tool_error/exec warning"]


@pytest.mark.parametrize(
    "text",
    [
        "Permission to use Bash with command rm has been denied.",
        "Permission for this action was denied by the auto mode classifier.",
        "Claude requested permissions to use WebFetch, but you haven't granted it yet.",
        "This Bash command contains multiple operations. The following parts require approval: rm",
        "cd to '/etc' was blocked. For security, only folders below are allowed",
        "model-a is temporarily unavailable, so auto mode cannot determine the safety of Bash",
        "PreToolUse:Bash hook error: [check]: Blocked: not on Fridays",
    ],
)
def test_a_rule_that_forbids_is_policy(text: str) -> None:
    assert talk().fails(text).call().answer().found() == ["permission_denied/policy warning"]


@pytest.mark.parametrize("kind", ["permission-rule", "rule", "automode-blocked"])
def test_newer_versions_say_it_in_a_field(kind: str) -> None:
    told = talk().fails("No.", toolDenialKind=kind).call().answer()
    assert told.found() == ["permission_denied/policy warning"]


def test_denials_of_the_same_kind_in_a_row_are_one_with_a_count() -> None:
    told = talk()
    told.fails("cd to '/etc' was blocked. Stay here").fails(
        "cd to '/usr/lib' was blocked. Stay here"
    )
    assert told.call().answer().found() == ["permission_denied/policy warning x2"]


def test_a_denial_is_never_an_error_however_it_ends() -> None:
    told = talk().fails("bash: /root: Permission denied").answer("I cannot read it.")
    assert told.found() == ["permission_denied/os warning"]


def test_what_a_subagent_was_denied_is_information() -> None:
    side = Talk(agent="a1").human("Look").fails("Permission to use Bash has been denied.")
    assert talk().answer().found(side) == ["permission_denied/policy info"]
