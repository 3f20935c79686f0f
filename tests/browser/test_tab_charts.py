"""The tabs Queries, Performance and Usage, and the chart above them."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, led, settled, without_load

pytestmark = pytest.mark.browser

MONTH = "since_minutes=43200"
CHART = "[data-chart] .agnes-chart.dressed"
BODY = "[data-region=body]"
OBSERVED = "/api/admin/observability"
FIGURE = """(() => {
  const root = Bokeh.documents[0].roots().find((one) => one.css_classes?.includes("agnes-chart"));
  return [...root.references()].find((model) => model.type === "Figure");
})()"""


def at(tab: str, **more: str) -> str:
    return f"/admin/activity?{httpx.QueryParams({'tab': tab, 'since_minutes': '43200', **more})}"


def charted(page: Page) -> None:
    """Wait for the chart. The first one of a server takes longer: plotting is imported for it."""
    expect(page.locator(CHART)).to_be_visible(timeout=30_000)


def charts_of(page: Page) -> int:
    classes = "Bokeh.documents[0].roots().filter((one) => one.css_classes?.includes('agnes-chart'))"
    found: int = page.evaluate(f"{classes}.length")
    return found


def asked(api: httpx.Client, name: str, **filter: str) -> dict[str, Any]:
    answer = api.get(f"{OBSERVED}/{name}", params={"since_minutes": "43200", **filter})
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def number(text: str) -> int:
    return int(text.replace(",", ""))


def cells(page: Page, column: int) -> list[str]:
    rows = page.locator(f"{BODY} table.figures").first.locator("tbody tr")
    return [text.strip() for text in rows.locator(f"td:nth-child({column})").all_inner_texts()]


def first_texts(page: Page) -> list[str]:
    return page.locator(f"{BODY} td.text a").all_inner_texts()


def test_the_orders_of_queries_are_the_apis_own(opened: Open, api: httpx.Client) -> None:
    page = opened(at("queries"))
    for title, sort in (("Slowest", "slowest"), ("Most failing", "failing"), ("Most asked", "")):
        link = page.get_by_role("link", name=title)
        without_load(page, link.click)
        expect(link).to_have_attribute("aria-current", "true")
        rows = asked(api, "queries", **({"sort": sort} if sort else {}))["rows"]
        assert first_texts(page)[:20] == [row["query"] or "no text was kept" for row in rows][:20]
    page.go_back()
    expect(page).to_have_url(re.compile("sort=failing"))
    settled(page)
    expect(page.get_by_role("link", name="Most failing")).to_have_attribute("aria-current", "true")
    shown = first_texts(page)
    page.reload()
    assert first_texts(page) == shown


def test_a_query_leads_to_its_events_by_mouse_and_by_key(opened: Open, api: httpx.Client) -> None:
    page = opened(at("queries"))
    row = asked(api, "queries")["rows"][0]
    link = page.locator(f"{BODY} td.text a").first
    link.focus()
    without_load(page, lambda: page.keyboard.press("Enter"))
    expect(page.locator("[data-audit-row]").first).to_be_visible()
    expect(page).not_to_have_url(re.compile("tab=queries"))
    listed = set(page.locator("[data-audit-row] td", has_text="query.").all_inner_texts())
    assert listed
    assert all(text.startswith("query.") for text in listed)
    assert page.locator("[data-audit-row]").count() >= min(50, row["count"])


def test_an_example_opens_beside_the_table(opened: Open, api: httpx.Client) -> None:
    page = opened(at("queries"))
    example = asked(api, "queries")["rows"][0]["example"]
    without_load(page, page.locator(f"{BODY} tbody td:last-child a").first.click)
    expect(page).to_have_url(re.compile(f"row={example}"))
    expect(page).to_have_url(re.compile("tab=queries"))
    expect(page.locator("[data-region=panel]")).to_contain_text("query.")


def test_performance_shows_every_event_once(opened: Open, api: httpx.Client) -> None:
    page = opened(at("performance"))
    total = number(page.locator(".card .v").first.inner_text())
    assert sum(number(text) for text in cells(page, 2)) == total
    page.locator("details.over-time summary").click()
    table = page.locator("details.over-time tbody tr td:nth-child(2)")
    assert sum(number(text) for text in table.all_inner_texts()) == total


def test_an_action_narrows_table_and_chart_and_comes_back(opened: Open) -> None:
    page = opened(at("performance"))
    charted(page)
    ends = f"{FIGURE}.y_range.end"
    before, count = page.evaluate(ends), len(first_texts(page))
    link = page.locator(f"{BODY} td.text a", has_text="auth.login").first
    without_load(page, link.click)
    expect(page).to_have_url(re.compile("query=action"))
    assert first_texts(page) == [link.inner_text()]
    page.wait_for_function(f"{ends} !== {before}")
    assert page.locator(CHART).count() == 1
    without_load(page, page.locator(f"{BODY} tr.on td.text a").click)
    assert len(first_texts(page)) == count


def test_usage_is_the_cards_figure_and_a_day_can_be_opened(opened: Open, api: httpx.Client) -> None:
    page = opened(at("usage"))
    found = asked(api, "usage")
    people = page.locator("a.card", has_text="People").locator(".v").inner_text().split()[0]
    shown = page.locator(".sum b").all_inner_texts()
    assert [people, *map(number, shown)] == [
        str(found["people"]),
        *(found[name] for name in ("people", "people_7d", "new_people")),
    ]
    expect(page.locator(f"{BODY} tbody tr", has_text="partial")).to_have_count(2)
    nobody = page.locator("td:nth-child(2):text-is('0')")
    days = page.locator(f"{BODY} .scroll tbody tr").filter(has_not=nobody, has_not_text="partial")
    day = days.locator("a").first
    without_load(page, day.click)
    expect(page).to_have_url(re.compile("since=.*until="))
    expect(page.locator("figcaption")).to_contain_text("People by hour")


def test_a_drag_over_the_chart_becomes_the_window(opened: Open) -> None:
    page = opened(at("usage"))
    charted(page)
    page.wait_for_function(f"{FIGURE}.inner_width > 100")
    before = page.evaluate(f"{FIGURE}.x_range.start"), page.evaluate(f"{FIGURE}.x_range.end")
    box = page.locator("[data-chart]").bounding_box()
    assert box
    page.evaluate("window.__same = true")
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 120)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 130, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile("since=.*until="))
    expect(page).not_to_have_url(re.compile("since_minutes"))
    settled(page)
    assert page.evaluate("window.__same") is True
    # the new figure shows whole days around what was drawn over
    page.wait_for_function(
        f"{FIGURE}.x_range.end - {FIGURE}.x_range.start < {before[1] - before[0]}"
    )
    page.go_back()
    expect(page).to_have_url(re.compile(MONTH))
    page.wait_for_function(f"Math.abs({FIGURE}.x_range.start - {before[0]}) < 1000")


def test_pointing_at_the_chart_tells_the_figures(opened: Open, api: httpx.Client) -> None:
    page = opened(at("usage"))
    charted(page)
    page.wait_for_function(f"{FIGURE}.inner_width > 100")
    box = page.locator("[data-chart]").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60)
    page.mouse.move(box["x"] + box["width"] * 0.5 + 3, box["y"] + 62)
    expect(page.get_by_text("7 days", exact=True).last).to_be_visible()


def colours(page: Page) -> tuple[str, str]:
    """What the chart's texts wear, and what the page's theme says."""
    worn = page.evaluate(f"{FIGURE}.left[0].major_label_text_color")
    told = page.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--muted').trim()"
    )
    return (worn if isinstance(worn, str) else worn["value"]), told


def test_the_chart_wears_the_theme_and_changes_with_it(opened: Open) -> None:
    seen = set()
    for scheme in ("light", "dark"):
        page = opened(at("performance"), scheme=scheme)
        charted(page)
        worn, told = colours(page)
        assert worn == told
        seen.add(worn)
    assert len(seen) == 2
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    page.wait_for_function(f"{FIGURE}.left[0].major_label_text_color !== '{worn}'")
    assert colours(page)[0] == colours(page)[1] != worn
    without_load(page, page.get_by_role("link", name="Usage", exact=True).click)
    page.wait_for_function(f"{FIGURE}.inner_width > 100")
    assert colours(page)[0] == colours(page)[1]


def test_there_is_one_chart_and_only_where_it_belongs(opened: Open) -> None:
    page = opened(at("performance"))
    charted(page)
    for name, charts in (("Queries", 0), ("Usage", 1), ("Timeline", 0), ("Performance", 1)):
        tab = page.locator("[data-region=tabs] a", has_text=name)
        without_load(page, tab.click)
        expect(page.locator(".agnes-chart")).to_have_count(charts)
        if charts:  # what is seen was drawn of the figures below it, not of the tab before
            charted(page)
            mark = page.locator("[data-chart]").get_attribute("data-chart")
            assert page.evaluate(f"{FIGURE}.name") == mark
    assert charts_of(page) == 1


def test_other_tabs_have_no_second_root(opened: Open) -> None:
    page = opened(f"/admin/activity?{MONTH}")
    assert charts_of(page) == 0


def test_the_tables_say_it_without_scripts(opened: Open) -> None:
    for tab in ("queries", "performance", "usage"):
        page = opened(at(tab), scripts=False)
        assert page.locator(f"{BODY} table.figures tbody tr").count() > 3
        expect(page.locator(".chart")).to_have_count(0 if tab == "queries" else 1)
        if tab != "queries":
            expect(page.locator(".chart")).to_be_hidden()
    page = opened(at("queries"), scripts=False)
    led(page, lambda: page.get_by_role("link", name="Slowest").click())
    assert "sort=slowest" in page.url


def test_an_empty_window_says_what_was_empty(opened: Open) -> None:
    for tab, words in (("queries", "No query"), ("performance", "No event"), ("usage", "Nobody")):
        page = opened(f"/admin/activity?tab={tab}&since=2020-01-01&until=2020-01-02")
        empty = page.locator(f"{BODY} .empty")
        expect(empty).to_contain_text(words)
        expect(empty.locator("time").first).to_have_attribute("datetime", re.compile("2020-01-01"))
        without_load(page, empty.get_by_text("take the filters away").click)
        expect(page).to_have_url(re.compile(f"tab={tab}$"))


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_nobody_is_shut_out_and_nothing_scrolls_sideways(
    opened: Open, width: int, scheme: str
) -> None:
    for tab in ("queries", "performance", "usage"):
        page = opened(at(tab), width=width, scheme=scheme)
        if tab != "queries":
            charted(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab
        found = Axe().run(page).response["violations"]
        serious = [
            (rule["id"], [node["html"] for node in rule["nodes"]][:3])
            for rule in found
            if rule["impact"] in ("serious", "critical")
        ]
        assert serious == [], tab


def test_my_own_page_has_my_queries_and_nobodys_usage(opened: Open) -> None:
    page = opened("/me?tab=performance", who="ana@example.org")
    tabs = page.locator("[data-region=tabs] a").all_inner_texts()
    assert not any(text.startswith("Usage") for text in tabs)
    assert any(text.startswith("Queries") for text in tabs)
    charted(page)
