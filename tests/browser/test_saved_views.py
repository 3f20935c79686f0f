"""Saved views in a real browser: saved, opened, renamed, deleted; the default; what is new."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Open, refreshed, signed_in, stands_within, until_live
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser

VIEWS = "/api/admin/observability/views"
ERRORS = {"result_class": "error", "since_minutes": "43200"}
HOSTILE = '<img src=x onerror="window.__xss=1">'
MENU = "details.views > summary"


@pytest.fixture
def mine(console: ServerProcess, api: httpx.Client) -> Iterator[httpx.Client]:
    """The API as `boss`, who has no views before and after."""
    login = {"email": "boss@example.org", "password": PASSWORD, "name": "views"}
    with console.client() as client:
        client.headers["Authorization"] = (
            f"Bearer {client.post('/api/login', json=login).json()['token']}"
        )

        def clear() -> None:
            for row in client.get(VIEWS).json()["rows"]:
                assert client.delete(f"{VIEWS}/{row['id']}").status_code == 204

        clear()
        yield client
        clear()


def saved(mine: httpx.Client, name: str = "Errors", **more: Any) -> str:
    answer = mine.post(VIEWS, json={"name": name, "query": ERRORS, **more})
    assert answer.status_code == 201, answer.text
    id: str = answer.json()["id"]
    return id


def names(mine: httpx.Client) -> list[str]:
    return sorted(row["name"] for row in mine.get(VIEWS).json()["rows"])


def cards(page: Page) -> str:
    """The figure of the first card: Events."""
    return page.locator(".card .v").first.inner_text().split()[0]


def test_a_view_is_saved_from_the_page_and_opened_by_a_click(
    opened: Open, mine: httpx.Client
) -> None:
    page = opened("/admin/activity?result_class=error&since_minutes=43200&sort=action:asc")
    page.evaluate("window.__same = true")
    events = cards(page)
    page.click(MENU)
    page.get_by_label("Name of the new view").fill("All errors")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Saved as All errors")
    expect(page.locator(MENU)).to_contain_text("All errors")
    assert page.evaluate("window.__same") is True, "the page was loaded anew"
    (row,) = mine.get(VIEWS).json()["rows"]
    assert row["query"] == {**ERRORS, "sort": "action:asc"}
    assert (row["page"], row["is_default"]) == ("activity", False)
    page.goto("/admin/activity?view=none")
    until_live(page)
    page.click(MENU)
    page.get_by_role("link", name="All errors", exact=True).click()
    expect(page).to_have_url(re.compile(f"result_class=error.*view={row['id']}"))
    expect(page.locator(MENU)).to_contain_text("All errors")
    assert cards(page) == events
    page.go_back()
    expect(page).to_have_url(re.compile("view=none"))
    expect(page.locator(MENU)).to_have_text(re.compile("^Views"))


def test_a_view_opens_without_scripts(opened: Open, mine: httpx.Client) -> None:
    id = saved(mine)
    page = opened("/admin/activity", scripts=False)
    page.click(MENU)
    page.get_by_role("link", name="Errors", exact=True).click()
    expect(page).to_have_url(re.compile(f"result_class=error.*view={id}"))
    page.click(MENU)
    page.click("text=Save this view…")
    page.get_by_label("Name of the new view").fill("Second")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_url(re.compile("result_class=error"))
    assert names(mine) == ["Errors", "Second"]


def test_a_changed_view_says_so_and_can_keep_the_changes(opened: Open, mine: httpx.Client) -> None:
    id = saved(mine)
    page = opened(f"/admin/activity?view={id}")
    page.click(".range > summary")
    page.get_by_role("link", name="Last 7 d").click()
    expect(page.locator(MENU)).to_contain_text("changed")
    page.click(MENU)
    page.get_by_role("button", name="Keep the changes").click()
    expect(page.locator(MENU)).not_to_contain_text("changed")
    (row,) = mine.get(VIEWS).json()["rows"]
    assert row["query"] == {"result_class": "error", "since_minutes": "10080"}


def test_a_name_that_is_taken_is_refused_where_it_was_typed(
    opened: Open, mine: httpx.Client
) -> None:
    saved(mine)
    page = opened("/admin/activity?source=web")
    page.click(MENU)
    page.click("text=Save this view…")
    page.get_by_label("Name of the new view").fill("Errors")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".views [role=alert]")).to_contain_text(
        "a view with the name Errors exists"
    )
    saved(mine, name="From another window")
    refreshed(page)
    expect(page.locator(".views .sheet")).to_contain_text("From another window")
    expect(page.locator(".views [role=alert]")).to_be_visible()
    expect(page.get_by_label("Name of the new view")).to_have_value("Errors")
    assert names(mine) == ["Errors", "From another window"]


def test_a_view_is_renamed_by_keyboard_and_deleted_after_a_second_thought(
    opened: Open, mine: httpx.Client
) -> None:
    saved(mine)
    page = opened()
    page.focus(MENU)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # the view
    page.keyboard.press("Tab")  # more
    page.keyboard.press("Enter")
    name = page.get_by_label("New name of Errors")
    expect(name).to_be_focused()
    name.fill(HOSTILE)
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text(HOSTILE)
    assert names(mine) == [HOSTILE]
    page.click(MENU)
    expect(page.locator(".views .open .called")).to_have_text(HOSTILE)
    page.locator(".views li summary").first.click()
    page.click("text=Delete…")
    page.get_by_role("button", name="Delete", exact=False).last.click()
    expect(page.locator(".views .open")).to_have_count(0)
    assert names(mine) == []
    assert page.evaluate("window.__xss") is None


def test_a_default_view_opens_with_the_page_until_it_is_none(
    opened: Open, mine: httpx.Client
) -> None:
    id = saved(mine)
    page = opened()
    assert page.url.endswith("/admin/activity")
    page.click(MENU)
    page.locator(".views li summary").first.click()
    page.get_by_role("button", name="Make it my default").click()
    expect(page.locator(".views .tag")).to_have_text("default")
    page.goto("/admin/activity")
    expect(page).to_have_url(re.compile(f"result_class=error.*view={id}"))
    expect(page.locator(MENU)).to_contain_text("Errors")
    page.goto("/admin/activity?view=none")
    expect(page.locator(MENU)).to_have_text(re.compile("^Views"))
    page.goto("/admin/activity?source=web")
    expect(page).to_have_url(re.compile(r"\?source=web$"))
    until_live(page)
    page.click(MENU)
    page.locator(".views li summary").first.click()
    page.get_by_role("button", name="Not my default").click()
    expect(page.locator(".views .tag")).to_have_count(0)
    page.goto("/admin/activity")
    assert page.url.endswith("/admin/activity")


def test_the_default_of_a_page_takes_the_range_that_goes_along(
    opened: Open, mine: httpx.Client
) -> None:
    id = saved(mine, is_default=True)
    page = opened("/admin/activity?view=default&since_minutes=60")
    assert dict(httpx.URL(page.url).params) == {
        "result_class": "error",
        "since_minutes": "60",
        "view": id,
        "looked": "never",
    }


def test_a_copied_link_holds_the_filter_and_needs_no_view(opened: Open, mine: httpx.Client) -> None:
    saved(mine)
    page = opened()
    page.evaluate("agnes.copy = async (text) => { window.__copied = text; return true }")
    page.click(MENU)
    page.locator(".views li summary").first.click()
    page.get_by_role("link", name="Copy link").click()
    expect(page.locator(".toast")).to_contain_text("Link copied")
    link = httpx.URL(page.evaluate("window.__copied"))
    assert (link.path, dict(link.params)) == ("/admin/activity", ERRORS)
    assert page.url.endswith("/admin/activity"), "copying goes nowhere"


def test_what_is_new_since_the_last_look(
    opened: Open, mine: httpx.Client, console: ServerProcess
) -> None:
    """The first opening says nothing; the next one counts what came between, once and the same
    after a reload; the link shows exactly these."""
    query = {"action_in": "data.access_check"}
    id = mine.post(VIEWS, json={"name": "Checks", "query": query}).json()["id"]

    def checks(count: int) -> None:
        for _ in range(count):
            wanted = {"resource_type": "table", "resource_id": "orders"}
            mine.post("/api/check-access", json=wanted).raise_for_status()

    checks(1)
    page = opened(f"/admin/activity?view={id}")
    expect(page.locator(".news")).to_have_count(0)
    checks(3)
    page.click(MENU)
    page.get_by_role("link", name="Checks", exact=True).click()
    news = page.locator(".news")
    expect(news).to_contain_text(re.compile(r"3 new since you last looked, \d+ (s|min) ago"))
    page.reload()
    expect(news).to_contain_text("3 new")
    until_live(page)
    news.get_by_role("link", name="Show only these").click()
    expect(page.locator("[data-audit-row]")).to_have_count(3)
    expect(news).to_contain_text("3 of Checks since you last looked")
    assert cards(page) == "3"
    expect(page.locator(MENU)).not_to_contain_text("changed")
    news.get_by_role("link", name="Show the whole view").click()
    expect(page.locator("[data-audit-row]").nth(3)).to_be_visible()
    page.goto(f"/admin/activity?view={id}")
    expect(news).to_contain_text("Nothing new since you last looked")
    looks = mine.get(
        "/api/admin/activity", params={"resource": f"view:{id}", "include_self_reads": "true"}
    ).json()["rows"]
    assert [row["action"] for row in looks] == ["views.save"], "a look is no audited change"


def test_somebody_elses_view_is_none(
    opened: Open, mine: httpx.Client, console: ServerProcess
) -> None:
    id = saved(mine)
    page = opened(f"/me?view={id}", who="ana@example.org")
    expect(page).to_have_url(re.compile(r"/me\?view=none$"))
    page = opened(f"/me?view={id}&looked=never&result_class=error", who="ana@example.org")
    expect(page.locator(MENU)).to_have_text(re.compile("^Views"))


def test_views_of_ones_own_page_are_its_own(
    opened: Open, console: ServerProcess, mine: httpx.Client
) -> None:
    saved(mine, name="Of the log")
    page = opened("/me?source=web")
    page.click(MENU)
    expect(page.locator(".views .open")).to_have_count(0)
    page.get_by_label("Name of the new view").fill("My web")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(MENU)).to_contain_text("My web")
    assert [
        (row["name"], row["query"]) for row in mine.get(VIEWS, params={"page": "me"}).json()["rows"]
    ] == [("My web", {"source": "web"})]


def test_a_form_from_elsewhere_saves_nothing(
    console: ServerProcess, api: httpx.Client, mine: httpx.Client
) -> None:
    cookies = signed_in(console, "boss@example.org")
    with console.client() as browser:
        browser.cookies.update(cookies)
        form = {"save": "1", "name": "Foreign", "query": "?source=web"}
        assert browser.post("/admin/activity/views", data=form).status_code == 403
    assert names(mine) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_menu_stays_inside_the_window(opened: Open, mine: httpx.Client, width: int) -> None:
    saved(mine, name="A name that is long enough to be cut somewhere, and then some more of it")
    page = opened("/admin/activity", width=width)
    page.click(MENU)
    page.locator(".views li summary").first.click()
    stands_within(page, ".views .sheet", width)
    saved(mine, name="From another window")
    refreshed(page)
    expect(page.locator(".views .sheet")).to_contain_text("From another window")
    stands_within(page, ".views .sheet", width)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
