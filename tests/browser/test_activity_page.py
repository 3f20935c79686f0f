"""The audit log in a real browser, against a real server."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Open, led, settled, until_live, without_load
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser

ROW = "[data-audit-row]"
HOSTILE = '<img src=x onerror="window.__xss=1">'
BOLD = "<b>@x</b>"


def ids(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        ROW, "rows => rows.map(row => row.dataset.auditRow)"
    )
    return found


def cards(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(".card .v").all_inner_texts()]


def asked(api: httpx.Client, endpoint: str, **filter: str) -> dict[str, Any]:
    answer: dict[str, Any] = api.get(endpoint, params=filter).raise_for_status().json()
    return answer


@pytest.fixture(scope="module")
def window(api: httpx.Client) -> dict[str, str]:
    """A window that ends before the tests began: what they do changes nothing in it."""
    newest = asked(api, "/api/admin/activity", action_prefix="sync.")["rows"][0]["timestamp"]
    since = datetime.fromisoformat(newest) - timedelta(days=20)
    return {"since": since.isoformat().replace("+00:00", "Z"), "until": newest}


def test_the_first_paint_needs_no_script(console: ServerProcess, api: httpx.Client) -> None:
    answer = api.get("/admin/activity", params={"since_minutes": "43200"})
    assert answer.status_code == 200
    before_scripts = answer.text.partition("<script defer")[0]
    assert before_scripts.count("data-audit-row=") == 50
    assert before_scripts.count('class="card"') == 4
    assert 'class="pulse' in before_scripts
    assert 'href="?cursor_id=' in before_scripts
    assert "no-store" in answer.headers["Cache-Control"]


def test_choosing_a_result_narrows_every_card_and_the_table(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    page = opened(f"/admin/activity?since={window['since']}&until={window['until']}")
    all_of_it = cards(page)
    without_load(page, lambda: page.click("[data-word='result:error']"))
    expect(page).to_have_url(re.compile("query=result%3Aerror"))
    kpis = asked(api, "/api/admin/observability/kpis", **window, result_class="error")
    assert cards(page)[0] == f"{kpis['events_total']:,}" != all_of_it[0]
    assert cards(page)[2] == "100.0 %"
    listed = asked(api, "/api/admin/activity", **window, result_class="error")["rows"]
    assert ids(page) == [row["id"] for row in listed]
    assert set(page.locator(f"{ROW} .tag").evaluate_all("tags => tags.map(t => t.className)")) == {
        "tag error"
    }


def test_back_restores_what_was_shown(opened: Open, window: dict[str, str]) -> None:
    page = opened(f"/admin/activity?since={window['since']}&until={window['until']}")
    before, shown = cards(page), ids(page)
    without_load(page, lambda: page.click("[data-word='source:web']"))
    expect(page).to_have_url(re.compile("source%3Aweb"))
    assert ids(page) != shown
    page.go_back()
    expect(page).not_to_have_url(re.compile("source%3Aweb"))
    expect(page.locator(ROW).first).to_have_attribute("data-audit-row", shown[0])
    settled(page)
    assert (cards(page), ids(page)) == (before, shown)
    assert page.evaluate("window.__same") is True
    page.go_forward()
    expect(page).to_have_url(re.compile("source%3Aweb"))
    expect(page.locator("[data-word='source:web']")).to_have_attribute("aria-current", "true")


def test_the_query_box_speaks_the_grammar(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    query = f"action:sync. -result:error since:{window['since']} until:{window['until']}"
    page = opened()
    page.fill("#query", query)
    without_load(page, lambda: page.press("#query", "Enter"))
    expect(page).to_have_url(re.compile("query=action"))
    assert ids(page) == [
        row["id"] for row in asked(api, "/api/admin/activity", query=query)["rows"]
    ]
    kpis = asked(api, "/api/admin/observability/kpis", query=query)
    assert cards(page)[0] == f"{kpis['events_total']:,}"
    assert page.evaluate("document.activeElement.id") == "query"


def test_a_wrong_word_in_the_query_box_is_answered_with_the_right_one(opened: Open) -> None:
    page = opened()
    page.fill("#query", "acton:sync.")
    without_load(page, lambda: page.press("#query", "Enter"))
    expect(page.locator(".notice[role=alert]")).to_contain_text("did you mean action")
    assert page.locator(ROW).count() == 0


def test_a_deep_link_shows_what_the_api_answers(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    filter = {**window, "action_prefix": "sync.", "result_class": "success"}
    page = opened(f"/admin/activity?{httpx.QueryParams(filter)}")
    assert ids(page) == [row["id"] for row in asked(api, "/api/admin/activity", **filter)["rows"]]
    expect(page.locator(".chip", has_text="result: success")).to_be_visible()
    expect(page.locator(".chip", has_text="action: sync.")).to_be_visible()


def test_paging_reaches_each_row_once_and_goes_back_to_the_newest(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    page = opened(f"/admin/activity?{httpx.QueryParams(window)}")
    first = ids(page)
    without_load(page, lambda: page.click(".pager a[rel=next]"))
    expect(page.locator("text=Newest")).to_be_visible()
    second = ids(page)
    listed = asked(api, "/api/admin/activity", **window, limit="100")["rows"]
    assert first + second == [row["id"] for row in listed]
    page.reload()
    assert ids(page) == second
    until_live(page)
    page.click("text=Newest")
    expect(page.locator("text=Newest")).to_have_count(0)
    assert ids(page) == first


def test_a_column_sorts_and_turns(opened: Open, window: dict[str, str]) -> None:
    page = opened(f"/admin/activity?{httpx.QueryParams({**window, 'result_class': 'success'})}")

    def sorted_by() -> str | None:
        return page.locator("th", has_text="ms").get_attribute("aria-sort")

    def durations() -> list[int]:
        texts = page.locator(f"{ROW} td.c-ms").all_inner_texts()
        return [int(text.replace(",", "")) for text in texts if text != "–"]

    without_load(page, lambda: page.click("th >> text=ms"))
    expect(page).to_have_url(re.compile("sort=duration_ms%3Adesc"))
    assert sorted_by() == "descending"
    assert durations() == sorted(durations(), reverse=True)
    longest = durations()[0]
    without_load(page, lambda: page.click("th >> text=ms"))
    expect(page).to_have_url(re.compile("sort=duration_ms%3Aasc"))
    assert sorted_by() == "ascending"
    assert durations() == sorted(durations())
    assert durations()[0] < longest


def test_reset_clears_every_filter_and_may_be_asked_twice(opened: Open) -> None:
    page = opened("/admin/activity?source=web&action_prefix=auth.&sort=action:asc&since_minutes=60")
    for _ in range(2):
        without_load(page, lambda: page.get_by_role("link", name="Reset", exact=True).click())
        expect(page.locator(".chip")).to_have_count(0)
    assert page.url.rstrip("?").endswith("/admin/activity")


def test_equal_answers_end_the_waiting_too(opened: Open) -> None:
    page = opened("/admin/activity?resource=nothing-like-this&since=2020-01-01&until=2020-01-02")
    for _ in range(2):
        page.press("#query", "Enter")
        settled(page)
    expect(page.locator(".empty")).to_be_visible()


def test_a_bad_filter_is_400_and_says_what_is_allowed(opened: Open, api: httpx.Client) -> None:
    assert api.get("/admin/activity", params={"result_class": "bad"}).status_code == 400
    alert = opened("/admin/activity?result_class=bad").locator(".notice[role=alert]")
    expect(alert).to_contain_text("result_class='bad' is not allowed")
    expect(alert).to_contain_text("success, error, denied, none, other")


def test_nothing_found_names_window_and_filter(opened: Open) -> None:
    page = opened("/admin/activity?resource=nothing-like-this&since=2020-01-01&until=2020-01-02")
    empty = page.locator(".empty")
    expect(empty).to_contain_text("No event matches")
    expect(empty).to_contain_text("2020-01-01")
    expect(empty).to_contain_text("2020-01-02")
    expect(empty).to_contain_text("resource is: nothing-like-this")
    without_load(page, lambda: empty.get_by_text("Reset the filters").click())
    expect(page.locator(ROW).first).to_be_visible()


def test_hostile_texts_stay_texts(opened: Open, api: httpx.Client, console: ServerProcess) -> None:
    person = {"email": "eve@example.org", "name": HOSTILE, "password": PASSWORD}
    assert api.post("/api/admin/users", json=person).status_code == 201
    login = {"email": "eve@example.org", "password": PASSWORD, "name": BOLD}
    with console.client() as terminal:
        token = terminal.post("/api/login", json=login).json()["token"]
    with console.client(token) as eve:
        for wanted in (HOSTILE, BOLD):
            eve.post(
                "/api/check-access", json={"resource_type": "table", "resource_id": wanted}
            ).raise_for_status()
    page = opened("/admin/activity?action_prefix=data.access_check&query=user:eve@example.org")

    def is_text() -> None:
        cells = page.locator(f"{ROW} td:is(.c-user, .c-resource)")
        expect(cells.filter(has_text=f"table:{BOLD}")).to_have_count(1)
        expect(cells.filter(has_text=HOSTILE)).to_have_count(3)
        assert page.locator("main img, main td b").count() == 0
        assert page.evaluate("window.__xss") is None

    is_text()
    page.evaluate("document.querySelector('[data-region=body]').innerHTML = ''")
    without_load(page, lambda: page.press("#query", "Enter"))
    is_text()
    hostile = httpx.QueryParams({"resource": f"table:{HOSTILE}", "q": BOLD, "source": HOSTILE})
    for query in (hostile, hostile.remove("source")):
        other = opened(f"/admin/activity?{query}")
        assert other.locator("main img").count() == 0
        assert other.evaluate("window.__xss") is None


def test_everything_works_without_scripts(opened: Open, window: dict[str, str]) -> None:
    page = opened(f"/admin/activity?{httpx.QueryParams(window)}", scripts=False)
    first = page.locator(ROW).first.get_attribute("data-audit-row")
    led(page, lambda: page.click(".pager a[rel=next]"))
    assert page.locator(ROW).first.get_attribute("data-audit-row") != first
    page.fill("#query", "-action:auth. result:error")
    led(page, lambda: page.click("button:has-text('Search')"))
    assert "result%3Aerror" in page.url
    assert page.locator(f"{ROW} .tag.error").count() == page.locator(ROW).count() > 0
    led(page, lambda: page.get_by_role("link", name="Reset", exact=True).click())
    assert page.url.rstrip("?").endswith("/admin/activity")
    page.click("text=Sign out")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_the_keyboard_reaches_links_and_controls_with_visible_focus(opened: Open) -> None:
    page = opened()
    wanted = {
        "Skip to content",
        "Audit log",
        "query",
        "include_self_reads",
        "Time ↓",
    }
    met: set[str] = set()
    for _ in range(200):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => { const at = document.activeElement, style = getComputedStyle(at);
            return { name: at.name || at.ariaLabel || at.innerText.trim(), tag: at.tagName,
                     seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
                     }"""
        )
        if at["tag"] == "BODY":
            break
        assert at["seen"], f"no visible focus on {at}"
        met.add(at["name"])
        if wanted <= met:
            break
    assert wanted <= met
    page.focus("th >> text=User")
    without_load(page, lambda: page.keyboard.press("Enter"))
    expect(page).to_have_url(re.compile("sort=user_id"))
    assert "User" in page.evaluate("document.activeElement.innerText"), "the focus was lost"


def background(page: Page) -> str:
    shown: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return shown


def test_the_theme_follows_the_system_until_the_reader_chooses(opened: Open) -> None:
    light, dark = background(opened()), background(opened(scheme="dark"))
    assert light != dark
    page = opened()
    page.locator("summary", has_text="Theme:").click()
    for name, shown in (("Light", light), ("Dark", dark)):
        page.get_by_role("button", name=name, exact=True).click()
        assert background(page) == shown
    page.goto("/me")
    assert background(page) == dark, "the choice was forgotten"


PAGES = {
    "/login": None,
    "/admin/activity?query=-source:scheduler": "boss@example.org",
    "/me": "ana@example.org",
    "/logout": "boss@example.org",
    "/admin/activity?refused": "ana@example.org",
    "/no/such/page": "boss@example.org",
}


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_no_page_shuts_anybody_out_or_scrolls_sideways(
    opened: Open, width: int, scheme: str
) -> None:
    for path, who in PAGES.items():
        page = opened(path, who=who, width=width, scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        found = Axe().run(page).response["violations"]
        serious = [
            (rule["id"], [node["html"] for node in rule["nodes"]][:3])
            for rule in found
            if rule["impact"] in ("serious", "critical")
        ]
        assert serious == [], path


def test_an_action_of_mine_is_found_through_the_pages(opened: Open, api: httpx.Client) -> None:
    page = opened()
    made = api.post("/api/admin/groups", json={"name": "night shift"}).json()
    without_load(page, lambda: page.get_by_role("link", name="Reset", exact=True).click())
    row = page.locator(ROW, has_text="user_groups.create")
    expect(row.first).to_contain_text(made["id"][:8])
    shown = row.first.get_attribute("data-audit-row")
    assert asked(api, f"/api/admin/activity/{shown}")["resource"].endswith(made["id"])


def test_my_own_page_shows_my_rows_only(opened: Open) -> None:
    page = opened("/me", who="ana@example.org")
    assert page.locator(ROW).count() > 0
    assert set(page.locator(f"{ROW} td:nth-child(2)").all_inner_texts()) == {"ana@example.org"}
    assert page.locator(".pulse").count() == 0
    assert page.locator("nav >> text=Audit log").count() == 0
    without_load(page, lambda: page.get_by_role("link", name="Reset", exact=True).click())
    assert set(page.locator(f"{ROW} td:nth-child(2)").all_inner_texts()) == {"ana@example.org"}


def test_who_is_shut_out_sees_no_rows_from_the_next_step_on(
    opened: Open, api: httpx.Client
) -> None:
    person = {"email": "gone@example.org", "password": PASSWORD, "is_admin": True}
    id = api.post("/api/admin/users", json=person).json()["id"]
    page = opened(who="gone@example.org")
    assert page.locator(ROW).count() > 0
    assert api.delete(f"/api/admin/users/{id}").status_code == 204
    page.get_by_role("link", name="Reset", exact=True).click()
    expect(page.locator(".notice[role=alert]")).to_contain_text("sign in first")
    assert page.locator(ROW).count() == page.locator(".card").count() == 0
    page.goto("/admin/activity")
    assert "/login?next=" in page.url


def test_links_work_after_the_server_was_started_anew(opened: Open, console: ServerProcess) -> None:
    page = opened()
    console.restart()
    page.get_by_role("link", name="Audit log").click()
    until_live(page)
    console.restart()
    page.click("th >> text=Action")
    expect(page).to_have_url(re.compile("sort=action"), timeout=20_000)
    expect(page.locator(ROW).first).to_be_visible()
