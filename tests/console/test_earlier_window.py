"""What a window is compared with: the one of the same length before, if the log reaches there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from console import activity
from console.activity import Reader
from console.pages.before import Before
from console.queries.audit_filter import AuditFilter, Term
from schema.policy import Principal
from tests.console.access_world import World
from tests.console.audit_log import event, write

START = datetime(2020, 1, 1)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with World(tmp_path_factory.mktemp("earlier")) as world:
        moments = [START, START + HOUR, *(START + 2 * HOUR - HOUR / 2 for _ in range(3))]
        moments += [START + 2 * HOUR, START + 2.5 * HOUR]
        write(world, *(event(at, "sync.table", result="error.x") for at in moments))
        write(world, event(START + 2.5 * HOUR, "user.create", result="success", duration_ms=9))
        admin = Principal("a", is_admin=True)
        yield Reader(world.instance, admin)


def between(first: float, last: float, *terms: Term) -> AuditFilter:
    return AuditFilter(START + first * HOUR, START + last * HOUR, terms)


def test_the_window_before_ends_where_the_window_begins(reader: Reader) -> None:
    before = activity.before(reader, between(2, 3))
    assert before is not None
    assert before["events_total"] == 4  # the row at its end belongs to the window itself
    assert before == activity.kpis(
        reader, between(1, 2).between(START + HOUR, START + 2 * HOUR - timedelta(microseconds=1))
    )
    assert activity.kpis(reader, between(2, 3))["events_total"] == 3


def test_nothing_is_compared_with_what_the_log_does_not_hold(reader: Reader) -> None:
    assert activity.before(reader, between(1, 2.5)) is None  # would begin before the log
    assert activity.before(reader, between(1, 2)) is not None  # begins with its first row
    assert activity.before(reader, between(2, 3, Term("action_in", ("user.create",)))) is None
    assert activity.before(reader, between(2, 3, Term("action_in", ("sync.table",)))) is not None
    assert activity.before(reader, AuditFilter(None, START + HOUR)) is None
    assert activity.before(reader, AuditFilter(datetime(1970, 1, 1), datetime(9998, 1, 1))) is None


def test_a_change_is_said_in_the_unit_of_its_figure() -> None:
    then = {"events_total": 200, "active_users": 3, "error_rate": 0.02, "p95_duration_ms": None}
    now = {"events_total": 209, "active_users": 3, "error_rate": 0.015, "p95_duration_ms": 7}
    before = Before(then)
    assert before.share("events_total", now) == "+4 %"
    assert before.count("active_users", now) == "±0"
    assert before.points("error_rate", now) == "\N{MINUS SIGN}0.5 points"
    assert before.share("p95_duration_ms", now) == ""
    assert Before(now).share("events_total", {**now, "events_total": 2090}) == "+900 %"
    assert Before(now).share("events_total", {**now, "events_total": 209}) == "±0"
