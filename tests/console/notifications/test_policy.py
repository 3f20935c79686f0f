"""When a message goes to Telegram: at once, held, in the digest; whatever comes when."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.notifications.policy import APART, Letter, before, planned

NOON = datetime(2026, 5, 4, 12)
HOUR = 8


def row(number: int, *, state: str = "queued", at: datetime = NOON, **more: Any) -> dict[str, Any]:
    about = {"id": f"n{number}", "user_id": "ana", "created_at": at, "state": state}
    said = {"subject": f"New report {number}", "kind": "report.new", "link": f"/r/{number}"}
    reached = {"attempts": None, "next_at": None, "chat_id": "7", "is_reached": True}
    return {**about, **said, **reached, **more}


def test_the_first_goes_at_once_and_the_rest_is_held() -> None:
    plan = planned([row(1), row(2)], {}, at=NOON, hour=HOUR)
    assert [letter.ids for letter in plan.letters] == [["n1"]]
    after = planned([row(2), row(3)], {"ana": NOON}, at=NOON, hour=HOUR)
    assert (after.letters, after.held) == ([], ["n2", "n3"])


def test_five_minutes_later_the_next_goes_at_once() -> None:
    last = {"ana": NOON}
    assert planned([row(1)], last, at=NOON + APART - timedelta(seconds=1), hour=HOUR).held
    assert planned([row(1)], last, at=NOON + APART, hour=HOUR).letters


def test_what_is_held_goes_as_one_message_at_the_hour() -> None:
    rows = [
        row(1, state="held"),
        row(2, state="held"),
        row(3, state="held", kind="report.reopened"),
    ]
    quiet = planned(rows, {"ana": NOON}, at=NOON + APART, hour=HOUR)
    tomorrow = datetime(2026, 5, 5, HOUR)
    assert (quiet.letters, quiet.due) == ([], tomorrow)
    (letter,) = planned(rows, {"ana": NOON}, at=tomorrow, hour=HOUR).letters
    assert letter.ids == ["n1", "n2", "n3"]
    assert letter.text("https://agnes.example") == (
        "Agnes: 3 reports more: 2 new, 1 back after it was resolved.\n"
        "https://agnes.example/admin/feedback"
    )


def test_what_a_day_s_notebook_says_is_counted_as_no_report() -> None:
    day = row(1, state="held", kind="report.digest", subject="Reports of Monday: 5 new; 3 wait")
    alone = Letter("ana", "7", [day], is_digest=True).text("https://agnes.example")
    assert alone == "Agnes: Reports of Monday: 5 new; 3 wait\nhttps://agnes.example/r/1"
    both = Letter("ana", "7", [day, row(2)], is_digest=True).text("https://agnes.example")
    assert "Reports of Monday: 5 new; 3 wait" in both
    assert "1 report more: 1 new." in both


def test_a_digest_takes_along_what_comes_with_it_and_keeps_its_distance() -> None:
    tomorrow = datetime(2026, 5, 5, HOUR)
    rows = [row(1, state="held"), row(2, at=tomorrow)]
    just_now = tomorrow - timedelta(minutes=2)
    plan = planned(rows, {"ana": just_now}, at=tomorrow, hour=HOUR)
    assert (plan.letters, plan.held, plan.due) == ([], ["n2"], just_now + APART)
    (letter,) = planned(rows, {}, at=tomorrow, hour=HOUR).letters
    assert letter.ids == ["n1", "n2"]


def test_the_digest_of_a_day_is_a_part_of_the_message_at_the_hour() -> None:
    said = {"kind": "report.digest", "subject": "Reports of 2026-05-03: 1 new; 4 wait"}
    made = row(1, state="held", at=NOON.replace(hour=5), link="/admin/jobs?run=r", **said)
    early = planned([made], {}, at=NOON.replace(hour=6), hour=HOUR)
    assert (early.letters, early.due) == ([], NOON.replace(hour=HOUR))
    (letter,) = planned([made, row(2, state="held")], {}, at=NOON, hour=HOUR).letters
    assert letter.text("https://agnes.example") == (
        "Agnes: Reports of 2026-05-03: 1 new; 4 wait\n"
        "https://agnes.example/admin/jobs?run=r\n"
        "1 report more: 1 new.\n"
        "https://agnes.example/admin/feedback"
    )


def test_the_digest_of_a_day_that_comes_after_the_hour_does_not_wait_for_the_next() -> None:
    made = row(1, state="held", at=NOON, kind="report.digest", subject="Reports")
    (letter,) = planned([made], {}, at=NOON, hour=HOUR).letters
    assert letter.text("https://agnes.example") == "Agnes: Reports\nhttps://agnes.example/r/1"
    assert not planned([made], {"ana": NOON}, at=NOON, hour=HOUR).letters
    assert not planned([row(1, state="held")], {}, at=NOON, hour=HOUR).letters


def test_who_is_not_reached_finds_it_in_the_bell() -> None:
    for lost in ({"chat_id": None}, {"is_reached": False}):
        plan = planned([row(1, **lost), row(2, state="held", **lost)], {}, at=NOON, hour=HOUR)
        assert (plan.stranded, plan.letters) == (["n1", "n2"], [])
    assert planned([row(1)], {}, at=NOON, hour=HOUR, bot=False).stranded == ["n1"]


def test_a_failure_holds_up_nobody_else() -> None:
    later = NOON + timedelta(minutes=1)
    rows = [row(1, next_at=later, attempts=1), row(2), row(3, user_id="ben", chat_id="8")]
    plan = planned(rows, {}, at=NOON, hour=HOUR)
    assert [letter.ids for letter in plan.letters] == [["n3"]]
    assert plan.due == later


def test_a_clock_that_was_set_back_silences_nobody() -> None:
    plan = planned([row(1)], {"ana": NOON + timedelta(days=9)}, at=NOON, hour=13)
    assert [letter.ids for letter in plan.letters] == [["n1"]]


def test_a_single_message_says_its_subject_and_its_link() -> None:
    letter = Letter("ana", "7", [row(1)])
    assert letter.text("http://127.0.0.1:8000") == "Agnes: New report 1\nhttp://127.0.0.1:8000/r/1"


@given(gaps=st.lists(st.integers(0, 6 * 3600), min_size=1, max_size=30), hour=st.integers(0, 23))
def test_whenever_reports_come_each_is_told_once_and_never_two_within_five_minutes(
    gaps: list[int], hour: int
) -> None:
    """Plays days of reports against the policy, as the outbox does."""
    at, rows, last, told = NOON, [], {}, []  # type: ignore[var-annotated]
    coming = []
    for number, gap in enumerate(gaps):
        at += timedelta(seconds=gap)
        coming.append((at, number))
    clock = NOON
    end = at + timedelta(days=3)
    while clock < end:
        while coming and coming[0][0] <= clock:
            moment, number = coming.pop(0)
            rows.append(row(number, at=moment))
        plan = planned(rows, last, at=clock, hour=hour)
        for held in plan.held:
            next(one for one in rows if one["id"] == held)["state"] = "held"
        for letter in plan.letters:
            told.append((clock, letter.ids))
            last["ana"] = clock
            rows = [one for one in rows if one["id"] not in letter.ids]
        if plan.held or plan.letters:
            continue
        moments = [moment for moment in (plan.due, coming[0][0] if coming else None) if moment]
        clock = min(moments, default=end)
        assert clock <= end or not rows
    assert sorted(id for _, ids in told for id in ids) == sorted(f"n{n}" for n in range(len(gaps)))
    moments = [moment for moment, _ in told]
    assert all(b - a >= APART for a, b in itertools.pairwise(moments))
    digests = [moment for moment, ids in told if len(ids) > 1]
    assert len({before(moment, hour) for moment in digests}) == len(digests)  # one a day
