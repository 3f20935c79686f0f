"""The chart of findings: a cell for each week and kind, whose words a selection can tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from bokeh.models import BoxSelectTool, HoverTool, Rect, TapTool, Text, WheelZoomTool

from console import views
from console.client import Client
from console.pages.charts import figure
from console.queries.sessions import FINDING_TYPES
from console.views import VIEWS, style
from tests.console.access_world import World
from tests.console.sessions_place import fill

MONDAY = date(2026, 11, 2)


def answer(weeks: int, *cells: tuple[int, str, int, int]) -> dict[str, Any]:
    named = [(MONDAY + timedelta(weeks=number)).isoformat() for number in range(weeks)]
    return {
        "weeks": named,
        "finding_types": list(FINDING_TYPES),
        "cells": [
            {"week": named[place], "finding_type": kind, "findings": findings, "sessions": sessions}
            for place, kind, findings, sessions in cells
        ],
        "mark": "m-1",
        "total_findings": sum(findings for *_, findings, _ in cells),
        "total_sessions": sum(sessions for *_, sessions in cells),
    }


def layer(drawn: Any, kind: type) -> Any:
    (one,) = (layer for layer in drawn.renderers if isinstance(layer.glyph, kind))
    return one


def cells_of(drawn: Any) -> dict[tuple[str, str], tuple[int, int, float]]:
    data = {name: list(part) for name, part in layer(drawn, Rect).data_source.data.items()}
    keys = zip(data["monday"], data["finding_type"], strict=True)
    values = zip(data["findings"], data["sessions"], data["depth"], strict=True)
    return dict(zip(keys, values, strict=True))


def test_each_week_and_kind_has_a_cell_with_its_counts() -> None:
    given = answer(3, (0, "loop", 7, 2), (2, "tool_error", 1200, 1001))
    drawn = figure("findings", given)
    cells = cells_of(drawn)
    assert set(cells) == {(week, kind) for week in given["weeks"] for kind in FINDING_TYPES}
    assert cells["2026-11-02", "loop"][:2] == (7, 2)
    assert cells["2026-11-16", "tool_error"][:2] == (1200, 1001)
    empty = [cell for cell in cells.values() if cell[:2] == (0, 0)]
    assert len(empty) == 13
    assert {depth for *_, depth in empty} == {0}
    assert 0 < cells["2026-11-02", "loop"][2] < cells["2026-11-16", "tool_error"][2] < 0.6
    assert sorted(layer(drawn, Text).data_source.data["text"]) == ["1,200 in 1,001", "7 in 2"]
    assert drawn.name == "m-1"


def test_a_cell_stands_at_its_week_and_kind() -> None:
    drawn = figure("findings", answer(4, (1, "loop", 7, 2), (3, "abrupt_end", 1, 1)))
    data = layer(drawn, Rect).data_source.data
    shown = zip(data["week"], data["kind"], data["findings"], strict=True)
    found = {(int(week), kind): findings for week, kind, findings in shown if findings}
    assert found == {(1, "loop"): 7, (3, "abrupt end"): 1}
    assert list(drawn.y_range.factors)[-1] == "tool error"


def test_cells_can_be_tapped_and_dragged_over_and_the_wheel_scrolls() -> None:
    drawn = figure("findings", answer(2, (0, "loop", 7, 2)))
    assert drawn.toolbar_location is None
    assert {type(tool) for tool in drawn.tools} == {HoverTool, TapTool, BoxSelectTool}
    assert not list(drawn.select({"type": WheelZoomTool}))
    cells = layer(drawn, Rect)
    for tool in drawn.select({"type": TapTool}), drawn.select({"type": BoxSelectTool}):
        assert [one.renderers for one in tool] == [[cells]]
    assert type(drawn.toolbar.active_tap) is TapTool
    assert type(drawn.toolbar.active_drag) is BoxSelectTool
    (hover,) = drawn.select({"type": HoverTool})
    assert "@findings" in hover.tooltips
    assert "@sessions" in hover.tooltips


def test_its_colours_are_tokens_that_a_page_can_change() -> None:
    drawn = figure("findings", answer(2, (0, "loop", 7, 2)))
    assert drawn.tags == [{style.TAG: dict(style.tokens())}]
    assert layer(drawn, Rect).glyph.fill_color == style.tokens()["err"]
    assert layer(drawn, Text).glyph.text_color == style.tokens()["ink"]


@pytest.mark.parametrize(("weeks", "texts"), [(0, []), (1, ["7 in 2"]), (20, ["7"]), (53, [])])
def test_a_cell_has_as_much_text_as_room(weeks: int, texts: list[str]) -> None:
    drawn = figure("findings", answer(weeks, *([(0, "loop", 7, 2)] if weeks else [])))
    assert [*layer(drawn, Text).data_source.data["text"]] == texts
    assert len(drawn.xaxis[0].ticker.ticks) <= 12


@pytest.mark.parametrize(
    ("chosen", "marked"),
    [
        ({}, 0),
        ({"week": "2026-11-09", "has_finding": "loop"}, 1),
        ({"week": "2026-11-09"}, len(FINDING_TYPES)),
        ({"has_finding": "loop"}, 3),
        ({"week": "2020-01-06"}, 0),
    ],
)
def test_what_is_chosen_is_marked(chosen: dict[str, str], marked: int) -> None:
    drawn = figure("findings", {**answer(3, (1, "loop", 7, 2)), "chosen": chosen})
    source = layer(drawn, Rect).data_source
    assert len(source.selected.indices) == marked
    words = {"week": "monday", "has_finding": "finding_type"}
    for place in source.selected.indices:
        assert all(source.data[words[name]][place] == text for name, text in chosen.items())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("findings")) as world:
        fill(world)
        yield world


def test_a_client_is_shown_what_the_endpoint_counts(world: World) -> None:
    with Client(world.address, world.token(world.admin_id)) as client:
        model = views.show(client, "findings", since_minutes=20_160, model="small").get_root()
        asked = {"since_minutes": 20_160, "model": "small"}
        found = client.request("GET", VIEWS["findings"].endpoint, params=asked)
    (cells,) = (
        dict(source.data)
        for source in (layer.data_source for layer in model.select({"name": None}) if _cells(layer))
    )
    assert sum(cells["findings"]) == found["total_findings"] > 0
    assert len(cells["monday"]) == len(found["weeks"]) * len(FINDING_TYPES)


def _cells(model: Any) -> bool:
    return isinstance(getattr(model, "glyph", None), Rect)
