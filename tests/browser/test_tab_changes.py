"""The tab Changes in a real browser: what changed, line by line, and the way to undo it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open, led, until_live, without_load
from tests.browser.test_activity_page import HOSTILE, ids

pytestmark = pytest.mark.browser

CHANGE = ".changes > li"
GROUPS = "/api/admin/groups"
CHANGES = "/api/admin/activity/changes"


LATER = {"action_prefix_not": "user_groups.create"}  # what became of it, once it was made


class Group:
    """A group of this test's own, and the page of its changes since it was made."""

    def __init__(self, api: httpx.Client, name: str) -> None:
        self.api = api
        made = api.post(GROUPS, json={"name": name, "description": "the first"})
        assert made.status_code == 201, made.text
        self.id: str = made.json()["id"]

    def change(self, **fields: str) -> None:
        assert self.api.patch(f"{GROUPS}/{self.id}", json=fields).status_code == 200

    def path(self, **more: str) -> str:
        resource = {"resource": f"group:{self.id}", "tab": "changes", **LATER, **more}
        return f"/admin/activity?{httpx.QueryParams(resource)}"

    def changes(self) -> list[dict[str, Any]]:
        asked = {"resource": f"group:{self.id}", "limit": "200", **LATER}
        rows: list[dict[str, Any]] = self.api.get(CHANGES, params=asked).json()["rows"]
        return rows

    def undo(self, id: str) -> str:
        done = self.api.post(f"/api/admin/activity/{id}/rollback", json={"reason": "a slip"})
        assert done.status_code == 200, done.text
        return str(done.json()["audit_id"])


def lines(place: Page | Locator, kind: str) -> list[str]:
    return place.locator(f".diff .{kind} bdi").all_inner_texts()


def test_a_change_says_who_what_and_each_field_before_and_after(
    opened: Open, api: httpx.Client
) -> None:
    group = Group(api, "tab: who and what")
    group.change(description="the second")
    page = opened(group.path())
    row = page.locator(CHANGE)
    expect(row).to_have_count(1)
    assert ids(page) == [row["id"] for row in group.changes()]
    expect(row.locator(".what")).to_have_text("user_groups.update")
    expect(row.locator(".object")).to_have_text(re.compile("group.*tab: who and what"))
    expect(row.locator(".who")).not_to_be_empty()
    expect(row.locator("dt")).to_have_text("description")
    assert (lines(row, "gone"), lines(row, "come")) == (["the first"], ["the second"])
    expect(row.locator(".come")).to_contain_text("after:")
    without_load(page, row.locator(".object").click)
    expect(page.locator("#query")).to_have_value(re.compile(f"resource:=group:{group.id}"))
    expect(page.locator(CHANGE)).to_have_count(1)


def test_what_was_made_can_be_undone_from_the_list(opened: Open, api: httpx.Client) -> None:
    group = Group(api, "tab: made")
    page = opened(f"/admin/activity?tab=changes&resource=group:{group.id}")
    expect(page.locator(f"{CHANGE} .what")).to_have_text("user_groups.create")
    expect(page.locator(CHANGE).get_by_role("link", name="Undo…")).to_have_count(1)
    api.delete(f"{GROUPS}/{group.id}").raise_for_status()


def test_undo_leads_to_the_side_panel_and_back_leaves_it(opened: Open, api: httpx.Client) -> None:
    group = Group(api, "tab: undo")
    group.change(description="a slip")
    page = opened(group.path())
    link = page.locator(CHANGE).get_by_role("link", name="Undo…")
    link.focus()
    without_load(page, lambda: page.keyboard.press("Enter"))
    expect(page).to_have_url(re.compile(r"row=[^&]+.*undo=1"))
    expect(page.locator("[data-region=panel]")).to_contain_text("the first")
    expect(page.locator(f"{CHANGE}.on")).to_have_count(1)
    page.reload()
    expect(page.locator("[data-region=panel]")).to_contain_text("the first")
    page.go_back()
    expect(page).not_to_have_url(re.compile("undo=1"))
    expect(page.locator(CHANGE)).to_have_count(1)


def test_what_was_undone_is_marked_on_both_sides(opened: Open, api: httpx.Client) -> None:
    group = Group(api, "tab: undone")
    group.change(description="a slip")
    (slip,) = (row["id"] for row in group.changes())
    rollback = group.undo(slip)
    page = opened(group.path())
    undone, undoing = (page.locator(f"{CHANGE}[data-audit-row='{id}']") for id in (slip, rollback))
    expect(undone.locator(".undo")).to_contain_text("undone by")
    expect(undone.get_by_role("link", name="Undo…")).to_have_count(0)
    expect(undoing.get_by_role("link", name="Undo…")).to_have_count(1)
    assert lines(undoing, "come") == ["the first"]
    without_load(page, undoing.get_by_text("undoes an earlier change").click)
    expect(page).to_have_url(re.compile(f"row={slip}"))
    without_load(page, undone.get_by_text("undone by").click)
    expect(page).to_have_url(re.compile(f"row={rollback}"))


def test_what_cannot_be_undone_says_why(opened: Open, api: httpx.Client) -> None:
    group = Group(api, "tab: moved on")
    group.change(description="the second")
    group.change(description="the third")
    page = opened(group.path())
    newest, older = page.locator(CHANGE).all()
    expect(newest.get_by_role("link", name="Undo…")).to_have_count(1)
    expect(older.locator(".undo")).to_have_text(re.compile("the group has changed since"))
    user = api.post("/api/admin/users", json={"email": "tab@example.org"}).json()["id"]
    assert api.patch(f"/api/admin/users/{user}", json={"name": "Tab"}).status_code == 200
    page.goto(f"/admin/activity?tab=changes&resource=user:{user}")
    expect(page.locator(f"{CHANGE} .undo")).to_have_text(re.compile("no undo for this action"))


def test_pages_lead_both_ways_and_their_address_is_stable(opened: Open, api: httpx.Client) -> None:
    group = Group(api, "tab: pages")
    for number in range(30):
        group.change(description=f"number {number}")
    listed = [row["id"] for row in group.changes()]
    page = opened(group.path())
    assert ids(page) == listed[:25]
    expect(page.get_by_role("link", name="Newer")).to_have_count(0)
    without_load(page, page.get_by_role("link", name="Older").click)
    expect(page.locator(CHANGE)).to_have_count(5)
    assert ids(page) == listed[25:]
    page.reload()
    until_live(page)
    assert ids(page) == listed[25:]
    without_load(page, page.locator(CHANGE).first.locator(".when").click)
    expect(page.locator("[data-region=panel] aside")).to_be_visible()
    assert ids(page) == listed[25:], "the panel moved the list"
    without_load(page, page.get_by_role("link", name="Newer").click)
    expect(page.locator(CHANGE)).to_have_count(25)
    assert ids(page) == listed[:25]
    page.go_back()
    expect(page.locator(CHANGE)).to_have_count(5)


def test_long_values_are_folded(opened: Open, api: httpx.Client) -> None:
    group = Group(api, "tab: long")
    people = api.get("/api/admin/users", params={"limit": "8"}).json()["rows"]
    for person in people:
        joined = api.post(f"{GROUPS}/{group.id}/members", json={"user_id": person["id"]})
        assert joined.status_code == 201
    assert api.delete(f"{GROUPS}/{group.id}").status_code == 204
    page = opened(group.path())
    members = page.locator(f"{CHANGE} .diff > div", has=page.get_by_text("members", exact=True))
    last = members.locator(".gone").nth(len(people) - 1)
    expect(members.locator("summary")).to_have_text("2 more lines")
    expect(last).to_be_hidden()
    members.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(last).to_be_visible()
    assert "row=" not in page.url, "unfolding opened the change"


def test_the_keys_of_the_list_walk_the_changes(opened: Open, api: httpx.Client) -> None:
    group = Group(api, "tab: keys")
    group.change(description="the second")
    group.change(description="the third")
    page = opened(group.path())
    page.keyboard.press("j")
    expect(page.locator(f"{CHANGE}:nth-child(1) .when")).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator(f"{CHANGE}:nth-child(2) .when")).to_be_focused()
    without_load(page, lambda: page.keyboard.press("Enter"))
    expect(page).to_have_url(re.compile(f"row={group.changes()[1]['id']}"))
    expect(page.locator(f"{CHANGE}.on")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("row="))


def test_hostile_names_stay_texts(opened: Open, api: httpx.Client) -> None:
    group = Group(api, HOSTILE)
    group.change(description=f"</bdi>{HOSTILE}")
    page = opened(group.path())
    expect(page.locator(f"{CHANGE} .object")).to_contain_text(HOSTILE)
    assert lines(page, "come") == [f"</bdi>{HOSTILE}"]
    assert page.locator("main img").count() == 0
    assert page.evaluate("window.__xss") is None


def test_nothing_changed_names_window_and_filter(opened: Open) -> None:
    page = opened("/admin/activity?tab=changes&since=2020-01-01&until=2020-01-02&query=user:nobody")
    empty = page.locator("[data-region=body] .empty")
    expect(empty).to_contain_text("Nothing was changed")
    expect(empty).to_contain_text("2020")
    expect(empty).to_contain_text("user:nobody")


def test_my_own_changes_are_mine_and_offer_no_undo(opened: Open, api: httpx.Client) -> None:
    Group(api, "tab: not mine").change(description="x")
    for who in ("ana@example.org", "boss@example.org"):
        page = opened("/me?tab=changes&query=action:user_groups", who=who)
        assert page.get_by_text("tab: not mine").count() == 0
        assert page.get_by_role("link", name="Undo…").count() == 0
        expect(page.locator("[data-region=body]")).to_contain_text("Nothing was changed")


def test_it_works_without_scripts(opened: Open, api: httpx.Client) -> None:
    group = Group(api, "tab: plain")
    group.change(description="the second")
    page = opened(group.path(), scripts=False)
    led(page, lambda: page.locator(CHANGE).get_by_role("link", name="Undo…").click())
    assert "undo=1" in page.url
    assert lines(page.locator(CHANGE), "come") == ["the second"]


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_it_fits_and_shuts_nobody_out(
    opened: Open, api: httpx.Client, width: int, scheme: str
) -> None:
    group = Group(api, f"tab: {width}")
    group.change(description="a" * 150)
    page = opened(group.path(), width=width, scheme=scheme)
    expect(page.locator(CHANGE)).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page, context="[data-region=body]").response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []
