"""Every view is drawn from a live server's answer, shows its figures, and needs nobody but a
client."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import orjson
import panel as pn
import pytest
from bokeh.models import HoverTool, WheelZoomTool
from bokeh.models.renderers import GlyphRenderer
from bokeh.models.widgets.tables import DataTable

from console import views
from console.client import Client
from console.pages.activity.page import CHARTS
from console.pages.charts import figure
from console.views import VIEWS, style
from tests.console.access_world import World
from tests.console.audit_log import bounds, event, window, write

HOSTILE = "SELECT '<img src=x onerror=1>' -- \"'"
SYNC = {"sync_ids": ["s-1"], "table": "orders", "rows": 5}


class Seen:
    """A client that keeps what it was answered."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.answer: dict[str, Any] = {}

    def request(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        self.answer = self.client.request(method, path, **options)
        return self.answer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("views")) as world:
        yield world


@pytest.fixture(scope="module")
def filter(world: World) -> dict[str, str]:
    within = window()
    at = [within[0] + timedelta(seconds=20 * number) for number in range(60)]
    query = orjson.dumps({"sql_preview": HOSTILE, "tables": ["orders"]}).decode()
    write(
        world,
        *(
            event(
                moment,
                ("query.local", "user.create")[number % 2],
                user_id=f"u-{number % 4}",
                client_kind=("web", "cli")[number % 2],
                duration_ms=number * 100,
                result="error.x" if number % 5 == 0 else "success",
                params=query if number % 2 == 0 else None,
            )
            for number, moment in enumerate(at)
        ),
        event(
            at[0],
            "sync.table",
            resource="table:orders",
            params=orjson.dumps(SYNC).decode(),
            result="error.timeout",
            client_kind="scheduler",
        ),
    )
    return bounds(within)


@pytest.fixture
def client(world: World) -> Iterator[Seen]:
    with Client(world.address, world.token(world.admin_id)) as client:
        yield Seen(client)


def shown(client: Seen, name: str, filter: dict[str, str]) -> Any:
    """The view's Bokeh model, as JupyterLab would be given it."""
    panel = views.show(client, name, **filter)
    assert isinstance(panel, pn.viewable.Viewable)
    return panel.get_root()


def columns(model: Any) -> list[dict[str, list[Any]]]:
    """The data of every layer."""
    return [
        {name: list(values) for name, values in renderer.data_source.data.items()}
        for renderer in model.select({"type": GlyphRenderer})
    ]


@pytest.mark.parametrize("name", list(VIEWS))
def test_every_view_is_drawn_from_a_live_answer(
    client: Seen, filter: dict[str, str], name: str
) -> None:
    model = shown(client, name, filter)
    assert client.answer
    assert columns(model) or list(model.select({"type": DataTable}))
    assert "onerror=1" not in str(columns(model))


def test_the_histograms_bars_are_its_events(client: Seen, filter: dict[str, str]) -> None:
    layers = columns(shown(client, "timeline", filter))
    tops = [sum(layer["high"]) for layer in layers]
    buckets = client.answer["buckets"]
    assert sorted(tops) == [
        sum(bucket["error"] for bucket in buckets),
        sum(bucket["total"] for bucket in buckets),
    ]
    assert sum(bucket["total"] for bucket in buckets) == 61


def test_the_lines_are_the_percentiles_of_the_answer(client: Seen, filter: dict[str, str]) -> None:
    layers = columns(shown(client, "performance", filter))
    for name in ("p50", "p95", "p99"):
        drawn = [layer[name] for layer in layers if name in layer]
        wanted = [bucket[f"{name}_duration_ms"] for bucket in client.answer["buckets"]]
        expected = [np.nan if value is None else max(1, value) for value in wanted]
        assert drawn, name
        for values in drawn:
            np.testing.assert_array_equal(np.array(values, dtype=float), expected)


def test_the_bars_are_the_people_of_the_answer(client: Seen, filter: dict[str, str]) -> None:
    layers = columns(shown(client, "usage", filter))
    bars = [height for layer in layers if "say_0" not in layer for height in layer.get("top", ())]
    people = [bucket["people"] for bucket in client.answer["buckets"]]
    assert sorted(bars) == sorted(people)
    assert max(bars) == 4
    web = next(layer["web"] for layer in layers if "web" in layer)
    assert web == [bucket["kinds"].get("web", 0) for bucket in client.answer["buckets"]]


def test_the_grid_has_a_box_for_each_cell_with_syncs(client: Seen, filter: dict[str, str]) -> None:
    layers = columns(shown(client, "syncs", filter))
    boxes = sum(len(layer["low"]) for layer in layers if "low" in layer)
    assert boxes == 1
    assert [layer["failed"] for layer in layers if layer.get("failed")] == [[1]]


def test_the_table_of_queries_has_the_rows_of_the_answer(
    client: Seen, filter: dict[str, str]
) -> None:
    (table,) = shown(client, "queries", filter).select({"type": DataTable})
    assert list(table.source.data["query"]) == [row["query"] for row in client.answer["rows"]]
    assert list(table.source.data["count"]) == [30]


@pytest.mark.parametrize("name", CHARTS)
def test_a_pages_figure_has_hover_and_zoom_and_lets_the_wheel_scroll(
    client: Seen, filter: dict[str, str], name: str
) -> None:
    answer = client.request("GET", VIEWS[name].endpoint, params=filter)
    drawn = figure(name, answer)
    assert drawn.toolbar_location is None
    assert list(drawn.select({"type": HoverTool}))
    assert not list(drawn.select({"type": WheelZoomTool}))
    assert drawn.tags == [{style.TAG: dict(style.tokens())}]


@pytest.mark.parametrize("name", ["timeline", "performance", "usage", "syncs"])
def test_an_empty_window_is_drawn_too(client: Seen, name: str) -> None:
    shown(client, name, {"since": "1980-01-01", "until": "1980-01-02"})


def test_drawn_figures_leave_nothing_behind(client: Seen, filter: dict[str, str]) -> None:
    import holoviews as hv

    answer = client.request("GET", VIEWS["usage"].endpoint, params=filter)
    gc.collect()
    before = len(hv.Store._custom_options["bokeh"])
    for _ in range(5):
        figure("usage", answer)
    gc.collect()
    assert len(hv.Store._custom_options["bokeh"]) <= before


def test_the_colours_are_the_pages_own() -> None:
    found = style.tokens()
    assert found["accent"] == "#0f766e"
    assert {"ink", "muted", "line", "surface", "err", "warn", "info", "ok"} <= found.keys()
