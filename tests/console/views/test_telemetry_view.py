"""The chart of calls over time shows the figures of its answer, whatever the groups are called."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from bokeh.models import HoverTool
from bokeh.models.renderers import GlyphRenderer

from console.pages.charts import figure
from console.views import telemetry

START = datetime(2026, 5, 20)
HOSTILE = "<img src=x onerror=1>@{say_0} $index"
NAMES = ("Bash", HOSTILE, "none", "other", "mcp__a__b.c", "1", "Read")


def answer(group_by: str | None, *counts: dict[str, int], errors: int = 1) -> dict[str, Any]:
    """A bucket an hour long for each of `counts`."""
    buckets = [
        {
            "ts": START + timedelta(hours=number),
            "total": sum(groups.values()),
            "errors": min(errors, sum(groups.values())),
            "groups": groups if group_by else {},
        }
        for number, groups in enumerate(counts)
    ]
    return {"bucket_seconds": 3600, "group_by": group_by, "buckets": buckets, "mark": None}


def bars(made: Any) -> list[tuple[float, float]]:
    """Lower and upper end of every bar that is seen."""
    found = []
    for renderer in made.select(GlyphRenderer):
        if renderer.glyph.fill_alpha:
            data = renderer.data_source.data
            found += list(zip(data["bottom"], data["top"], strict=True))
    return [(float(low), float(high)) for low, high in found]


@pytest.mark.parametrize("group_by", [None, "tool"])
def test_the_bars_hold_every_call_once(group_by: str | None) -> None:
    counts = [dict(zip(NAMES, range(1, 8), strict=True)), {}, {"Bash": 3, "other": 2}]
    made = figure("telemetry", answer(group_by, *counts))
    shown = bars(made)
    assert sum(high - low for low, high in shown) == 28 + 5
    assert max(high for _, high in shown) == 28
    wanted = 2 if group_by is None else len(NAMES)
    assert len(shown) == 3 * wanted


def test_names_are_texts_of_the_hover_and_no_part_of_it() -> None:
    made = figure("telemetry", answer("tool", {HOSTILE: 4, "Bash": 9, "other": 50}))
    (hover,) = made.select(HoverTool)
    assert "img" not in hover.tooltips
    assert "$index" not in hover.tooltips
    (texts,) = (
        column
        for renderer in hover.renderers
        for name, column in renderer.data_source.data.items()
        if name.startswith("say_") and HOSTILE in str(column[0])
    )
    assert list(texts) == [f"other 50, Bash 9, {HOSTILE} 4"]
    # The legend is drawn, not parsed; what sums the rest comes last however much it is.
    assert [item.label.value for item in made.legend[0].items] == ["Bash", HOSTILE, "other"]


def test_a_window_without_calls_can_be_drawn() -> None:
    for group_by in (None, "tool"):
        made = figure("telemetry", answer(group_by, {}, {}, errors=0))
        assert made.y_range.end > 0


def test_colours_are_told_apart_as_long_as_there_are_some() -> None:
    assert len(set(telemetry.COLOURS)) == len(telemetry.COLOURS) > 6
