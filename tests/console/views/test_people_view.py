"""People by day: a bar for each day as high as its people, a line at their mean."""

from __future__ import annotations

from typing import Any

import pytest
from bokeh.models import HoverTool
from bokeh.models.renderers import GlyphRenderer

from console.pages.charts import figure


def layers(*users: int) -> list[dict[str, Any]]:
    """The data of each layer of the figure that is drawn of so many people a day."""
    days = [{"day": f"2026-02-{26 + number:02}", "users": one} for number, one in enumerate(users)]
    answer = {"mark": "m", "dau_series": days, "dau_avg": sum(users) / len(users)}
    made = figure("people", answer)
    assert list(made.select({"type": HoverTool}))
    return [dict(one.data_source.data) for one in made.select({"type": GlyphRenderer})]


@pytest.mark.parametrize("users", [(3, 5), (0, 0), (7,)])
def test_bars_are_the_days_and_the_line_their_mean(users: tuple[int, ...]) -> None:
    found = layers(*users)
    (bars,) = (one for one in found if "top" in one and "say_1" not in one)
    assert list(bars["top"]) == list(users)
    (line,) = (one for one in found if "mean" in one)
    assert list(line["mean"]) == [sum(users) / len(users)] * 2
    (pointed,) = (one for one in found if "say_1" in one)
    assert list(pointed["say_1"]) == [str(one) for one in users]
