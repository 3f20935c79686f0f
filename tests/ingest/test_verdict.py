from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given

from ingest.verdict import open_until
from tests.ingest.findings.talk import LATER, SAID, START, STOP, Talk, talk
from tests.ingest.findings.test_find import talks, told_by


def looped() -> Talk:
    told = talk()
    for _ in range(3):
        told.call(given={"command": "make"})
    return told


def hanging() -> Talk:
    told = talk()
    told.asks(("Bash", {"command": "make"}))
    return told


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (talk().call().answer(), "clean"),
        (Talk(), "clean"),
        (talk().interrupt().human("Use b.py").answer(), "clean"),
        (talk().answer("It is", stop="max_tokens"), "clean"),
        (talk().fails("no such table").call().answer(), "recovered"),
        (talk().fails("broken", "mcp__crm__find").call().answer(), "recovered"),
        (talk().fails("<tool_use_error>not read</tool_use_error>", "Edit").answer(), "recovered"),
        (talk().fails("cat: x: Permission denied").answer(), "recovered"),
        (talk().fails(STOP).answer().human("Use b.py").answer(), "recovered"),
        (talk().fails(SAID + "use b.py").call().fails(SAID + "and c.py").answer(), "recovered"),
        (talk().fails(STOP).answer().human("Use b.py").fails(STOP).answer(), "struggled"),
        (looped().answer(), "struggled"),
        (talk().fails("no such table").answer("I cannot find it."), "failed"),
        (hanging(), "failed"),
        (talk().call(), "failed"),
        (talk(), "failed"),
        (talk().api_error("API Error: 529"), "failed"),
        (looped(), "failed"),
    ],
)
def test_each_session_has_the_word_that_fits(told: Talk, name: str) -> None:
    assert told.verdict().name == name


def test_a_failure_that_a_person_led_away_from_is_not_the_end() -> None:
    told = talk().fails("no such table").answer()
    assert told.verdict().name == "failed"
    assert told.slash("/exit").verdict().name == "failed"
    assert told.human("Never mind, thanks").answer().verdict().name == "recovered"
    assert talk().fails("Prompt was aborted.").interrupt().verdict().name == "recovered"


def test_denied_is_not_failed() -> None:
    told = talk().call().fails("Permission to use Bash has been denied.").answer()
    assert told.verdict().name == "recovered"


def test_wanting_to_talk_about_questions_is_no_struggle() -> None:
    text = SAID + "To clarify these questions, say more."
    told = talk().fails(text, "AskUserQuestion").answer().fails(text, "AskUserQuestion").answer()
    assert told.verdict().name == "clean"


def test_an_unfinished_session_is_open_for_half_an_hour() -> None:
    told = hanging()
    last = START + timedelta(seconds=1)
    until = last + timedelta(minutes=30)
    verdict = told.verdict(now=until - timedelta(seconds=1))
    assert verdict.name == "open"
    assert open_until(told.digest(), now=last, uploaded_at=START) == until
    assert told.verdict(now=until).name == "failed"
    assert open_until(told.digest(), now=until, uploaded_at=START) is None


def test_a_finished_session_is_never_open() -> None:
    told = talk().call().answer()
    assert told.verdict(now=START + timedelta(minutes=1)).name == "clean"
    assert open_until(told.digest(), now=START, uploaded_at=START) is None


def test_each_check_says_what_it_looked_at_and_where() -> None:
    verdict = looped().fails("broken", "Read").answer().verdict()
    checks = {check.name: check for check in verdict.checks}
    assert list(checks) == ["finished", "ending", "last call", "loops", "refusals", "errors"]
    assert [name for name, check in checks.items() if not check.passed] == [
        "last call",
        "loops",
        "errors",
    ]
    assert (
        checks["last call"].says == "The last call, Read, failed, and nothing was tried after it."
    )
    assert checks["last call"].turns == (8,)
    assert checks["loops"].turns == (1,)
    assert all(check.says.endswith(".") for check in verdict.checks)


@given(talks, talks)
def test_the_name_follows_from_the_checks(main: list[str], side: list[str]) -> None:
    verdict = told_by(main).verdict(told_by(side, "a1"), now=LATER)
    broken = {check.name for check in verdict.checks if not check.passed}
    expected = [
        name
        for name, checks in (
            ("open", {"finished"}),
            ("failed", {"ending", "last call"}),
            ("struggled", {"loops", "refusals"}),
            ("recovered", {"errors"}),
        )
        if broken & checks
    ]
    assert verdict.name == (expected or ["clean"])[0]
    assert verdict.name != "open"  # a day later nothing is
