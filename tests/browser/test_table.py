"""The list of events: its keys, its pages, its columns, and what is new above it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open, days_before, settled, until_live
from tests.browser.test_activity_page import HOSTILE, ROW, ids

pytestmark = pytest.mark.browser

LIST = "/api/admin/activity"


def asked(page: Page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


def link(page: Page, number: int) -> Locator:
    return page.locator(f"{ROW} a.at").nth(number)


def header(page: Page, column: str) -> Locator:
    return page.locator(f".rows th.c-{column}")


def width(page: Page, column: str) -> float:
    box = header(page, column).bounding_box()
    assert box is not None
    return box["width"]


def listed(api: httpx.Client, **filter: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = api.get(LIST, params=filter).raise_for_status().json()["rows"]
    return rows


def beat(page: Page) -> None:
    """What the page does each 30 seconds; a tab that comes back to the front does it at once."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.fixture(scope="module")
def window(api: httpx.Client) -> dict[str, str]:
    return days_before(api)


@pytest.fixture
def shown(opened: Open, window: dict[str, str]) -> Page:
    return opened(f"/admin/activity?{httpx.QueryParams(window)}")


@pytest.fixture
def happen(api: httpx.Client) -> Callable[[int], None]:
    """Makes as many events as one asks for."""

    def checked(count: int) -> None:
        for _ in range(count):
            wanted = {"resource_type": "table", "resource_id": HOSTILE}
            api.post("/api/check-access", json=wanted).raise_for_status()

    return checked


def test_j_and_k_go_through_rows_and_on_to_the_page_beside(
    shown: Page, api: httpx.Client, window: dict[str, str]
) -> None:
    all_of_it = [row["id"] for row in listed(api, **window, limit="100")]
    shown.keyboard.press("j")
    expect(link(shown, 0)).to_be_focused()
    for _ in range(49):
        shown.keyboard.press("j")
    expect(link(shown, 49)).to_be_focused()
    expect(link(shown, 49)).to_be_in_viewport()
    shown.keyboard.press("j")
    expect(shown.locator(ROW).first).to_have_attribute("data-audit-row", all_of_it[50])
    expect(link(shown, 0)).to_be_focused()
    shown.keyboard.press("k")
    expect(shown.locator(ROW).first).to_have_attribute("data-audit-row", all_of_it[0])
    expect(link(shown, 49)).to_be_focused()
    shown.keyboard.press("k")
    expect(link(shown, 48)).to_be_focused()


def test_the_focus_on_a_row_is_seen(shown: Page) -> None:
    shown.keyboard.press("j")
    style = "row => getComputedStyle(row).outlineStyle + getComputedStyle(row).outlineWidth"
    assert shown.locator(ROW).first.evaluate(style) == "solid2px"
    assert shown.locator(ROW).nth(1).evaluate(style) != "solid2px"


def test_enter_opens_the_event_j_moves_it_along_and_esc_comes_back(shown: Page) -> None:
    all_of_it = ids(shown)
    shown.keyboard.press("j")
    shown.keyboard.press("Enter")
    expect(shown).to_have_url(re.compile(rf"row={all_of_it[0]}"))
    expect(shown.locator("[data-region=panel] aside")).to_be_visible()
    expect(shown.locator(f"{ROW}.on")).to_have_attribute("data-audit-row", all_of_it[0])
    shown.keyboard.press("j")
    shown.keyboard.press("j")
    expect(shown).to_have_url(re.compile(rf"row={all_of_it[2]}"))
    expect(shown.locator(f"{ROW}.on")).to_have_attribute("data-audit-row", all_of_it[2])
    settled(shown)
    shown.keyboard.press("Escape")
    expect(shown.locator("[data-region=panel] aside")).to_have_count(0)
    expect(link(shown, 2)).to_be_focused()
    assert "row" not in asked(shown)
    assert ids(shown) == all_of_it


def test_back_leads_to_where_the_panel_was_opened(shown: Page) -> None:
    shown.keyboard.press("j")
    shown.keyboard.press("Enter")
    expect(shown.locator("[data-region=panel] aside")).to_be_visible()
    for number in (1, 2):
        shown.keyboard.press("j")
        expect(shown).to_have_url(re.compile(rf"row={ids(shown)[number]}"))
        settled(shown)
    shown.go_back()
    expect(shown.locator("[data-region=panel] aside")).to_have_count(0)
    shown.go_forward()
    expect(shown.locator(f"{ROW}.on")).to_have_attribute("data-audit-row", ids(shown)[2])


def test_a_click_on_a_free_spot_opens_the_event_and_one_on_a_value_filters(shown: Page) -> None:
    shown.locator(f"{ROW} td.c-ms").nth(3).click()
    expect(shown).to_have_url(re.compile(rf"row={ids(shown)[3]}"))
    expect(shown.locator(f"{ROW}.on")).to_have_attribute("data-audit-row", ids(shown)[3])
    settled(shown)
    cell = shown.locator(f"{ROW} td.c-action a").first
    action = cell.inner_text()
    cell.click()
    settled(shown)
    assert asked(shown)["query"] == f"action:={action}"
    assert set(shown.locator(f"{ROW} td.c-action").all_inner_texts()) == {action}
    shown.locator(f"{ROW} td.c-action a").first.click()
    expect(shown).not_to_have_url(re.compile("query="))


@pytest.mark.parametrize("column", ["user", "via", "action", "result", "resource"])
def test_each_cell_filters_to_exactly_its_value(
    shown: Page, api: httpx.Client, window: dict[str, str], column: str
) -> None:
    cell = shown.locator(f"{ROW} td.c-{column} a:not(.muted), {ROW} td.c-{column} a").first
    text = cell.inner_text()
    cell.click()
    expect(shown).to_have_url(re.compile("query="))
    settled(shown)
    texts = set(shown.locator(f"{ROW} td.c-{column}").all_inner_texts())
    assert texts == {text}
    found = [row["id"] for row in listed(api, **window, query=asked(shown)["query"])]
    assert ids(shown) == found


def test_pages_lead_both_ways_and_say_where_they_are(
    shown: Page, api: httpx.Client, window: dict[str, str]
) -> None:
    all_of_it = [row["id"] for row in listed(api, **window, limit="150")]
    count = api.get("/api/admin/observability/kpis", params=window).json()["events_total"]
    says = shown.locator(".over > span").first
    expect(says).to_have_text(f"1–50 of {count:,} events")
    expect(shown.get_by_role("link", name="Newer")).to_have_count(0)
    for first in (50, 100):
        shown.keyboard.press("]")
        expect(says).to_have_text(f"{first + 1}–{first + 50} of {count:,} events")
        assert ids(shown) == all_of_it[first : first + 50]
    address = shown.url
    shown.get_by_role("link", name="Newer").click()
    expect(says).to_have_text(f"51–100 of {count:,} events")
    assert ids(shown) == all_of_it[50:100]
    shown.keyboard.press("[")
    expect(says).to_have_text(f"1–50 of {count:,} events")
    assert ids(shown) == all_of_it[:50]
    expect(shown.get_by_role("link", name="Newest")).to_have_count(0)
    shown.goto(address)
    expect(says).to_have_text(f"101–150 of {count:,} events")
    assert ids(shown) == all_of_it[100:150]
    until_live(shown)
    shown.get_by_role("link", name="Newest").click()
    expect(says).to_have_text(f"1–50 of {count:,} events")


def test_the_last_page_ends_and_the_way_back_is_whole(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    facets = api.get("/api/admin/observability/facets", params=window).json()
    most = max(facets["actions"], key=lambda one: one["count"])["value"]
    newest = listed(api, **window, action_in=most, limit="130")
    query = {**window, "since": newest[-1]["timestamp"], "action_in": most}
    query["sort"] = "duration_ms:asc"
    all_of_it = [row["id"] for row in listed(api, **query, limit="200")]
    assert 100 < len(all_of_it) < 200
    page = opened(f"/admin/activity?{httpx.QueryParams(query)}")
    seen = ids(page)
    while page.locator(".pager a[rel=next]").count():
        page.locator(".pager a[rel=next]").click()
        settled(page)
        expect(page.locator(ROW).first).to_have_attribute("data-audit-row", all_of_it[len(seen)])
        seen += ids(page)
    assert seen == all_of_it
    while page.locator(".pager a[rel=prev]").count():
        before = all_of_it.index(ids(page)[0])
        page.locator(".pager a[rel=prev]").click()
        settled(page)
        assert ids(page) == all_of_it[before - 50 : before]
    assert ids(page) == all_of_it[:50]


def test_every_column_sorts_on_the_server(
    shown: Page, api: httpx.Client, window: dict[str, str]
) -> None:
    names = {"user": "user_id", "via": "source", "resource": "resource", "time": "timestamp"}
    for column, sort in names.items():
        header(shown, column).locator("a").click()
        settled(shown)
        way = asked(shown)["sort"].partition(":")[2]
        expected = listed(api, **window, sort=f"{sort}:{way}")
        assert ids(shown) == [row["id"] for row in expected]
        said = "ascending" if way == "asc" else "descending"
        expect(header(shown, column)).to_have_attribute("aria-sort", said)


def test_columns_are_chosen_remembered_before_the_first_paint_and_reset(
    opened: Open, window: dict[str, str]
) -> None:
    path = f"/admin/activity?{httpx.QueryParams(window)}"
    page = opened(path)
    expect(header(page, "ip")).to_be_hidden()
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("IP", exact=True).check()
    page.get_by_label("Via", exact=True).uncheck()
    expect(header(page, "ip")).to_be_visible()
    expect(header(page, "via")).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.press("]")
    settled(page)
    expect(header(page, "via")).to_be_hidden()
    page.route("**/assets/activity/*", lambda route: route.abort())
    page.goto(path)
    expect(header(page, "ip")).to_be_visible()
    expect(header(page, "via")).to_be_hidden()
    page.unroute("**/assets/activity/*")
    page.reload()
    until_live(page)
    page.get_by_text("Columns", exact=True).press("Enter")
    expect(page.get_by_label("IP", exact=True)).to_be_checked()
    page.get_by_role("button", name="Reset columns").click()
    expect(header(page, "ip")).to_be_hidden()
    expect(header(page, "via")).to_be_visible()
    expect(page.get_by_label("Via", exact=True)).to_be_checked()


def test_widths_are_dragged_typed_kept_and_given_back(opened: Open, window: dict[str, str]) -> None:
    page = opened(f"/admin/activity?{httpx.QueryParams(window)}")
    usual, user = width(page, "action"), width(page, "user")
    edge = page.locator("#edge-action")
    box = edge.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=3)
    page.mouse.up()
    assert width(page, "action") == pytest.approx(usual + 60, abs=2)
    assert width(page, "user") == pytest.approx(user, abs=1)
    edge.focus()
    page.keyboard.press("ArrowRight")
    assert width(page, "action") == pytest.approx(usual + 70, abs=2)
    expect(edge).to_have_attribute("aria-valuenow", str(round(width(page, "action"))))
    page.reload()
    until_live(page)
    assert width(page, "action") == pytest.approx(usual + 70, abs=2)
    page.locator("#edge-action").dblclick()
    assert width(page, "action") == pytest.approx(usual, abs=1)


def test_the_table_scrolls_inside_its_panel_under_its_header(shown: Page) -> None:
    shown.locator(ROW).nth(49).scroll_into_view_if_needed()
    top = shown.evaluate("document.querySelector('.list-of-events').scrollTop")
    assert top > 100
    panel, head = shown.locator(".list-of-events"), header(shown, "action")
    assert panel.evaluate("panel => panel.getBoundingClientRect().top") == pytest.approx(
        head.evaluate("head => head.getBoundingClientRect().top"), abs=2
    )
    shown.keyboard.press("]")
    settled(shown)
    shown.wait_for_function("document.querySelector('.list-of-events').scrollTop === 0")


def test_a_row_has_two_lines_on_a_narrow_screen(opened: Open, window: dict[str, str]) -> None:
    page = opened(f"/admin/activity?{httpx.QueryParams(window)}", width=390)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    row = page.locator(ROW).first
    places = {name: row.locator(f".c-{name}").bounding_box() for name in ("time", "action", "user")}
    time, action, user = places["time"], places["action"], places["user"]
    assert time
    assert action
    assert user
    assert abs(time["y"] - action["y"]) < 6 < user["y"] - time["y"]
    expect(row.locator(".c-ms")).to_be_hidden()
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("link", name="Action", exact=True).click()
    expect(page).to_have_url(re.compile("sort=action"))


def test_new_rows_wait_and_nothing_jumps(
    opened: Open, api: httpx.Client, happen: Callable[[int], None]
) -> None:
    page = opened("/admin/activity?action_prefix=data.access_check")
    happen(2)
    page.reload()
    until_live(page)
    before = ids(page)
    expect(page.locator(".pill")).to_have_count(0)
    happen(3)
    beat(page)
    expect(page.locator(".pill")).to_have_text("3 new")
    assert ids(page) == before
    count = len(listed(api, action_prefix="data.access_check", limit="200"))
    expect(page.locator(".card .v").first).to_contain_text(str(count))
    said = page.locator(".over > span").first
    expect(said).to_have_text(f"4–{min(count, 53)} of {count} events")
    happen(1)
    beat(page)
    expect(page.locator(".pill")).to_have_text("4 new")
    page.keyboard.press(".")
    expect(page.locator(".pill")).to_have_count(0)
    assert ids(page)[4:] == before[:46]
    expect(said).to_have_text(f"1–{min(count + 1, 50)} of {count + 1} events")
    assert page.evaluate("window.__xss") is None


def test_rows_come_to_an_empty_list_too(opened: Open, happen: Callable[[int], None]) -> None:
    page = opened(f"/admin/activity?{httpx.QueryParams({'query': 'action:=report.nothing'})}")
    expect(page.locator(ROW)).to_have_count(0)
    beat(page)
    settled(page)
    expect(page.locator(".pill")).to_have_count(0)


@pytest.mark.parametrize("query", ["sort=action:asc", "sort=timestamp:asc", "cursor"])
def test_only_the_newest_page_has_a_place_for_new_rows(
    opened: Open, happen: Callable[[int], None], query: str
) -> None:
    page = opened("/admin/activity?since_minutes=43200&" + (query if "=" in query else ""))
    if query == "cursor":
        page.keyboard.press("]")
        settled(page)
    happen(1)
    before = page.locator(".card .v").first.inner_text()
    beat(page)
    expect(page.locator(".card .v").first).not_to_have_text(before)
    expect(page.locator(".pill")).to_have_count(0)


def test_a_window_that_ends_asks_for_nothing(shown: Page, happen: Callable[[int], None]) -> None:
    expect(shown.locator("[data-again]")).to_have_count(0)
    expect(shown.get_by_label("Auto 30 s")).to_have_count(0)


def test_looking_again_is_switched_off_and_remembered(opened: Open) -> None:
    page = opened()
    sent: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda text: sent.append(str(text))))

    def beats() -> int:
        return sum('"beat"' in text for text in sent)

    expect(page.get_by_label("Auto 30 s")).to_be_checked()
    page.get_by_label("Auto 30 s").uncheck()
    page.reload()
    until_live(page)
    expect(page.get_by_label("Auto 30 s")).not_to_be_checked()
    expect(page.locator(".facets[data-later]")).to_have_count(0)
    known = beats()
    beat(page)
    page.get_by_label("Auto 30 s").check()  # which looks at once
    page.wait_for_function("!document.documentElement.dataset.auto")
    page.keyboard.press("]")
    settled(page)
    assert beats() == known + 1


def test_a_look_by_itself_is_no_read(opened: Open, api: httpx.Client) -> None:
    def reads() -> int:
        rows = listed(api, action_in="activity.read", include_self_reads="true", limit="200")
        return sum('"page"' in (row["params"] or "") for row in rows)

    page = opened("/admin/activity?since_minutes=77")
    before = reads()
    for _ in range(3):
        beat(page)
        settled(page)
    page.keyboard.press("]")
    settled(page)
    assert reads() == before
