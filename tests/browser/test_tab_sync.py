"""The tab Sync in a real browser: the grid leads to the list, the failures to their event."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open, led, stands_within, until_live, without_load
from tests.browser.test_activity_page import ROW, asked

pytestmark = pytest.mark.browser

SYNCS = "/api/admin/observability/syncs"
CELL = ".strip a"
FAILURE = ".failures li"


@pytest.fixture(scope="module")
def around_failure(api: httpx.Client) -> dict[str, str]:
    """A window around a failed sync, so small that a cell holds it alone, and another one that went
    well: cells grow with the window, and a table is tried again soon."""
    query = "action:=sync.table result:error since:30d"
    failed = asked(api, "/api/admin/activity", query=query, limit="200")["rows"]
    for minutes, row, before in product((720, 360, 180, 60, 30, 15, 5), failed, (0.5, 0.2, 0.8)):
        window = around(row["timestamp"], timedelta(minutes=2 * minutes), before)
        tables = asked(api, SYNCS, **window)["tables"]
        cells = [cell for table in tables for cell in table["cells"] if cell]
        if {0, 1} <= {cell["failed"] / cell["runs"] for cell in cells}:
            return window
    raise LookupError(f"none of {len(failed)} failed syncs has a cell of its own")


def around(moment: str, span: timedelta, before: float) -> dict[str, str]:
    since = datetime.fromisoformat(moment).replace(tzinfo=None) - before * span
    return {"since": f"{since.isoformat()}Z", "until": f"{(since + span).isoformat()}Z"}


def path(around_failure: dict[str, str], **more: str) -> str:
    return f"/admin/activity?{httpx.QueryParams({**around_failure, 'tab': 'sync', **more})}"


def runs(cell: Locator) -> int:
    found = re.search(r": ([\d,]+) runs?,", cell.get_attribute("title") or "")
    assert found is not None
    return int(found[1].replace(",", ""))


def listed(api: httpx.Client, page: Page) -> list[dict[str, Any]]:
    """What the API lists for the address of the page, read whole."""
    filter = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
    rows: list[dict[str, Any]] = asked(api, "/api/admin/activity", **filter, limit="200")["rows"]
    return rows


def test_the_tabs_are_links_to_looks_at_the_same_events(
    opened: Open, around_failure: dict[str, str]
) -> None:
    page = opened(
        path(around_failure, query="action:sync.", sort="action:asc").replace("sync&", "timeline&")
    )
    tabs = page.get_by_role("navigation", name="Looks at these events")
    expect(tabs.get_by_role("link")).to_have_text(
        [re.compile("^Timeline"), "Sync", "Changes", "Queries", "Performance", "Usage"]
    )
    expect(tabs.locator("[aria-current=page]")).to_contain_text("Timeline")
    without_load(page, lambda: tabs.get_by_role("link", name="Sync").click())
    expect(tabs.locator("[aria-current=page]")).to_have_text("Sync")
    expect(page).to_have_url(re.compile(r"tab=sync"))
    expect(page).to_have_url(re.compile(r"query=action"))
    expect(page.locator(CELL).first).to_be_visible()
    page.go_back()
    expect(tabs.locator("[aria-current=page]")).to_contain_text("Timeline")
    expect(page.locator(ROW).first).to_be_visible()
    page.go_forward()
    expect(page.locator(CELL).first).to_be_visible()


def test_the_grid_shows_what_the_api_counts_worst_first(
    opened: Open, api: httpx.Client, around_failure: dict[str, str]
) -> None:
    grid = asked(api, SYNCS, **around_failure)
    page = opened(path(around_failure))
    assert sum(map(runs, page.locator(CELL).all())) == grid["runs"] > 0
    assert page.locator(".grid tbody th").all_inner_texts() == [
        table["table_id"] for table in grid["tables"]
    ]
    first = page.locator(".grid tbody tr").first.locator("td").all_inner_texts()
    worst = grid["tables"][0]
    assert first[0] == f"{worst['failed']:,} of {worst['runs']:,}"
    assert first[1] == f"{worst['rows']:,}"
    cells = [cell for table in grid["tables"] for cell in table["cells"] if cell]
    failed = sum(cell["failed"] == cell["runs"] for cell in cells)
    assert page.locator(".strip .failed").count() == failed > 0
    mark = "cell => getComputedStyle(cell, '::before').content"
    assert "×" in page.locator(".strip .failed").first.evaluate(mark)
    assert page.locator(".strip .ok").first.evaluate(mark) == "none"


@pytest.mark.parametrize("state", ["failed", "ok"])
def test_a_cell_leads_to_its_events(
    opened: Open, api: httpx.Client, around_failure: dict[str, str], state: str
) -> None:
    page = opened(
        path(around_failure, query="-user:nobody action:=sync.trigger action:=sync.table")
    )
    cell = page.locator(f".strip .{state}").first
    title, expected = cell.get_attribute("title") or "", runs(cell)
    without_load(page, cell.click)
    expect(page.locator("table.rows")).to_be_visible()
    rows = listed(api, page)
    assert len(rows) == expected == page.locator(ROW).count()
    assert {row["action"] for row in rows} == {"sync.table"}
    assert {row["resource"] for row in rows} == {f"table:{title.split(',')[0]}"}
    assert "-user:nobody" in page.locator("#query").input_value()
    page.go_back()
    expect(page.locator(CELL).first).to_be_visible()


def test_the_arrow_keys_walk_the_grid_and_enter_opens_a_cell(opened: Open) -> None:
    page = opened(path({"since_minutes": "43200"}))  # long enough for rows of several cells
    first = page.locator(CELL).first
    expect(first).to_have_attribute("tabindex", "0")
    assert page.locator(f"{CELL}[tabindex='0']").count() == 1
    row = page.locator(".grid tbody tr:has(.strip a ~ a):has(~ tr)").first
    start, focused = row.locator(CELL).first, "cells => cells.includes(document.activeElement)"
    start.focus()
    expect(page.locator(".syncs .said")).to_have_text(start.get_attribute("title") or "")
    page.keyboard.press("ArrowRight")
    expect(row.locator(CELL).nth(1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    assert page.locator(CELL).evaluate_all(focused)
    assert not row.locator(CELL).evaluate_all(focused)
    page.keyboard.press("ArrowUp")
    assert row.locator(CELL).evaluate_all(focused)
    page.keyboard.press("End")
    expect(row.locator(CELL).last).to_be_focused()
    page.keyboard.press("Home")
    expect(start).to_be_focused()
    without_load(page, lambda: page.keyboard.press("Enter"))
    expect(page.locator("table.rows")).to_be_visible()


def test_failures_tell_their_error_and_open_beside_the_grid(
    opened: Open, api: httpx.Client, around_failure: dict[str, str]
) -> None:
    failures = asked(api, SYNCS, **around_failure)["failures"]
    page = opened(path(around_failure))
    expect(page.locator(f"{FAILURE} .error").first).to_have_text(failures[0]["error"])
    ids = page.locator(FAILURE).evaluate_all("rows => rows.map(row => row.dataset.auditRow)")
    assert ids == [row["id"] for row in failures[: len(ids)]]
    without_load(page, page.locator(f"{FAILURE} a").first.click)
    expect(page).to_have_url(re.compile(f"row={ids[0]}"))
    expect(page.locator("[data-region=panel]")).to_contain_text("sync.table")
    expect(page.locator(f"{FAILURE} [aria-current=true]")).to_have_count(1)
    expect(page.locator(CELL).first).to_be_visible()
    page.reload()
    until_live(page)
    expect(page.locator("[data-region=panel]")).to_contain_text("sync.table")
    page.locator(".syncs h2 .bad").click()
    expect(page.locator("table.rows")).to_be_visible()
    assert {row["result_class"] for row in listed(api, page)} == {"error"}


def test_an_empty_grid_says_where_it_looked_and_what_to_do(opened: Open) -> None:
    page = opened("/admin/activity?tab=sync&since=2020-01-01&until=2020-01-02&query=user:nobody")
    empty = page.locator("[data-region=body] .empty")
    expect(empty).to_contain_text("No table was synced")
    expect(empty).to_contain_text("2020")
    expect(empty).to_contain_text("user:nobody")
    assert empty.get_by_role("link").count() > 0


def test_it_works_without_scripts(opened: Open, around_failure: dict[str, str]) -> None:
    page = opened(path(around_failure), scripts=False)
    expected = runs(page.locator(CELL).first)
    led(page, page.locator(CELL).first.click)
    assert page.locator(ROW).count() == expected


def test_my_own_page_has_no_syncs(opened: Open) -> None:
    page = opened("/me", who="ana@example.org")
    names = page.locator(".tabs a").all_inner_texts()
    assert "Changes" in names
    assert "Sync" not in names
    page.goto("/me?tab=sync")
    expect(page.locator(".notice")).to_contain_text("tab")
    assert page.locator(".grid").count() == 0


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_it_fits_and_shuts_nobody_out(
    opened: Open, around_failure: dict[str, str], width: int, scheme: str
) -> None:
    page = opened(path(around_failure), width=width, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    stands_within(page, ".tabs [aria-current]", width)
    found = Axe().run(page, context="[data-region=body]").response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []
