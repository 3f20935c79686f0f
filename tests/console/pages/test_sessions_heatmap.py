"""The heatmap on the Sessions page: its table says what its chart shows, and where each cell leads
holds exactly what the cell counted."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console import sessions
from console.audit import Caller, now
from console.pages.render import render
from console.pages.sessions import cards, heatmap
from console.pages.sessions.reading import Reading
from console.pages.sessions.state import SessionsState
from console.queries.sessions import ANY, FINDING_TYPES
from console.session_filter import filter_of
from schema.policy import Principal
from tests.console.access_world import World
from tests.console.sessions_place import fill

MONTH = "since_minutes=43200"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(Path(tmp_path_factory.mktemp("heatmap"))) as world:
        fill(world)
        yield world


def reading(world: World, query: str = MONTH) -> Reading:
    state, at = SessionsState.of(query), now()
    me = Principal("root", is_admin=True)
    reader = sessions.Reader(world.instance, me)
    filter = filter_of(state.given, now=at)
    return Reading(reader, Caller(me, "web", None), state, at, filter, is_known=True)


def drawn(one: Reading) -> str:
    found = {"heatmap": heatmap.read(one), "cards": cards.read(one)}
    return render("sessions/heatmap.html", reading=one, state=one.state, **found)


class Links(HTMLParser):
    """The links of a page by what they are called."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "a" and (label := known.get("aria-label")):
            self.found[label] = known["href"] or ""


def test_the_table_holds_what_the_chart_is_drawn_from(world: World) -> None:
    one = reading(world)
    found = heatmap.read(one)
    cells = {
        (line.week.isoformat(), cell.kind): (cell.findings, cell.sessions)
        for line in found["lines"]
        for cell in line.cells
        if cell.findings
    }
    told = {
        (cell["week"], cell["finding_type"]): (cell["findings"], cell["sessions"])
        for cell in found["cells"]
    }
    assert cells == told != {}
    assert [line.week.isoformat() for line in found["lines"]] == found["weeks"][::-1]
    assert found["most"] == max(findings for findings, _ in told.values())
    html = drawn(one)
    assert f'data-chart="{found["mark"]}"' in html
    assert f"{found['total_findings']} findings in {found['total_sessions']} of 14 sessions" in html


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(
        [MONTH, "since_minutes=2880", f"{MONTH}&only_errors=true", f"{MONTH}&model=small"]
    ),
    st.data(),
)
def test_a_cell_leads_to_exactly_its_sessions(world: World, query: str, data: Any) -> None:
    one = reading(world, query)
    filled = [cell for line in heatmap.read(one)["lines"] for cell in line.cells if cell.findings]
    if not filled:
        return
    cell = data.draw(st.sampled_from(filled))
    there = reading(world, cell.url.removeprefix("?"))
    kpis = sessions.kpis(there.reader, there.filter)
    assert kpis["sessions_total"] == cell.sessions
    (again,) = [
        other for line in heatmap.read(there)["lines"] for other in line.cells if other.is_chosen
    ]
    assert (again.kind, again.findings, again.sessions) == (cell.kind, cell.findings, cell.sessions)
    assert dict(parse_qsl(again.url.removeprefix("?"))) == dict(parse_qsl(query)), "back to all"


def test_every_link_of_the_table_can_be_followed(world: World) -> None:
    links = Links(drawn(reading(world))).found
    assert any("loop" in label for label in links)
    for label, url in links.items():
        there = reading(world, url.removeprefix("?"))
        assert there.state.given["week"] in label
        assert sessions.kpis(there.reader, there.filter)["sessions_total"] > 0


def test_equal_figures_with_another_choice_are_another_chart(world: World) -> None:
    """A chart that is marked otherwise must be drawn anew."""
    marks = set()
    for more in ("", "&has_finding=loop", f"&has_finding={ANY}"):
        marks.add(heatmap.read(reading(world, MONTH + more))["mark"])
    assert len(marks) == 3
    assert heatmap.read(reading(world, f"{MONTH}&has_finding={ANY}"))["chosen"] == {}
    assert heatmap.read(reading(world))["mark"] == heatmap.read(reading(world))["mark"]


def test_a_window_with_an_end_says_it(world: World) -> None:
    assert heatmap.read(reading(world))["bounds"]["until"] == ""
    shut = heatmap.read(reading(world, "since=2026-01-01T00:00:00Z&until=2026-01-20T12:00:00Z"))
    assert shut["bounds"] == {
        "since": "2026-01-01T00:00:00.000Z",
        "until": "2026-01-20T12:00:00.000Z",
    }


def test_nothing_found_is_said_with_how_much_was_looked_at(world: World) -> None:
    html = drawn(reading(world, f"{MONTH}&model=none"))
    assert "<b>Nothing went wrong</b> in 2 sessions" in html
    assert "2 not yet" in html
    assert "data-chart" not in html
    assert render("sessions/heatmap.html", heatmap=None, cards=None).strip() == ""


def test_the_kinds_are_those_of_the_filter(world: World) -> None:
    kinds = heatmap.read(reading(world))["kinds"]
    assert [kind["name"] for kind in kinds] == [*FINDING_TYPES]
    for kind in kinds:
        assert SessionsState.of(kind["url"].removeprefix("?")).given["has_finding"] == kind["name"]
