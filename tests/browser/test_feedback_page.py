"""`/admin/feedback` and `/me/reports` in a real browser: the inbox by keyboard, answers, conflicts,
the way back, and text that nobody may believe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import choice
from string import ascii_lowercase
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, led, refreshed, settled, until_live
from tests.browser.reports_told import Reporter, failing, reporter
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser

ROW = "tr[data-report]"
BOSS = "boss@example.org"
HOSTILE = (
    "<img src=x onerror=\"document.title='taken'\"><b>bold</b>",
    "\u202eelbasrever si siht\u202c and \u200f marks",
    "{{ 7 * 7 }} </div></section><script>document.title='taken'</script>",
    "x" * 9_000,
)


@pytest.fixture
def rea(console: ServerProcess, api: httpx.Client) -> Iterator[Reporter]:
    with reporter(console, api) as found:
        yield found


@pytest.fixture
def mine() -> str:
    """A category that no other test uses, of letters alone: what has a number in it is no part of
    a fingerprint, and equal ones would be joined."""
    return "".join(choice(ascii_lowercase) for _ in range(16))


def inbox(category: str, status: str = "any") -> str:
    return f"/admin/feedback?category={category}&status={status}&sort=created_at:asc"


def three(rea: Reporter, category: str) -> list[str]:
    texts = ("the first thing", "another matter", "something else altogether")
    return [rea.send(f"{text} {category}", category=category) for text in texts]


def now_is(api: httpx.Client, id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/api/admin/feedback/{id}").json()
    return found


def row(page: Page, id: str) -> Any:
    return page.locator(f'{ROW}[data-report="{id}"]')


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def test_the_keyboard_goes_ticks_assigns_and_takes_it_back(
    opened: Open, api: httpx.Client, rea: Reporter, mine: str
) -> None:
    ids = three(rea, mine)
    page = opened(inbox(mine))
    expect(page.locator(ROW)).to_have_count(3)
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("[data-ticked]")).to_have_text("2 ticked")
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_contain_text("2 reports assigned to you")
    expect(row(page, ids[0]).locator(".c-who")).to_contain_text(BOSS)
    expect(row(page, ids[2]).locator(".c-who")).to_have_text("–")
    expect(page.locator("[data-ticked]")).to_have_text("")
    assert [now_is(api, id)["assignee"] is not None for id in ids] == [True, True, False]
    page.keyboard.press("u")
    expect(row(page, ids[0]).locator(".c-who")).to_have_text("–")
    assert [now_is(api, id)["assignee"] for id in ids] == [None, None, None]
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/admin/feedback/{ids[2]}\?.*category={mine}"))
    expect(page.locator("h1")).to_contain_text("something else")
    until_live(page)
    page.keyboard.press("k")
    expect(page.locator("h1")).to_contain_text("another matter")
    until_live(page)
    page.keyboard.press("Escape")
    expect(page.locator(ROW)).to_have_count(3)


def test_an_answer_by_keyboard_reaches_the_reporter(
    opened: Open, api: httpx.Client, rea: Reporter, mine: str
) -> None:
    first, *_ = three(rea, mine)
    page = opened(inbox(mine))
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(page.locator("#resolution")).to_be_focused()
    page.keyboard.type("fixed: update & try <again>")
    page.keyboard.press("Enter")
    expect(row(page, first).locator(".tag").first).to_have_text("resolved")
    assert now_is(api, first)["resolution"] == "fixed: update & try <again>"
    own = opened("/me/reports", who=rea.email)
    line = row(own, first)
    expect(line).to_contain_text("fixed: update & try <again>")
    expect(line.locator(".tag")).to_have_text("resolved")
    own.keyboard.press("j")
    own.keyboard.press("j")
    own.keyboard.press("j")
    own.keyboard.press("Enter")
    expect(own).to_have_url(re.compile(f"/me/reports/{first}$"))
    expect(own.locator(".answer")).to_contain_text("fixed: update & try <again>")
    expect(own.locator(".amend")).to_have_count(0)
    assert violations(own) == []


def test_the_second_of_two_editors_sees_both_and_loses_nothing(
    opened: Open, api: httpx.Client, rea: Reporter, mine: str
) -> None:
    first, *_ = three(rea, mine)
    page = opened(f"/admin/feedback/{first}")
    page.locator("#resolution").fill("what I think")
    theirs = {"version": 1, "resolution": "what they <b>think</b>", "status": "triaged"}
    assert api.patch(f"/api/admin/feedback/{first}", json=theirs).status_code == 200
    page.get_by_role("button", name="Resolve and answer").click()
    told = page.locator("[data-told] .conflict")
    expect(told).to_contain_text("what I think")
    expect(told).to_contain_text("what they <b>think</b>")
    expect(told.locator("tr", has_text="status")).to_contain_text("triaged")
    expect(page.locator("#resolution")).to_have_value("what I think")
    assert now_is(api, first)["resolution"] == theirs["resolution"]
    assert violations(page) == []
    told.get_by_role("button", name="Put mine in its place").click()
    expect(page.locator("[data-told] .conflict")).to_have_count(0)
    expect(page.locator(".who .tag").first).to_have_text("resolved")
    expect(page.locator(".history")).to_contain_text("what they <b>think</b>")
    assert now_is(api, first)["resolution"] == "what I think"


def test_undo_leaves_what_somebody_else_changed_meanwhile(
    opened: Open, api: httpx.Client, rea: Reporter, mine: str
) -> None:
    first, second, _ = three(rea, mine)
    page = opened(inbox(mine))
    for key in ("j", "x", "j", "x", "w"):
        page.keyboard.press(key)
    expect(row(page, first).locator(".tag").first).to_have_text("won't fix")
    version = now_is(api, first)["version"]
    api.patch(f"/api/admin/feedback/{first}", json={"version": version, "status": "triaged"})
    page.keyboard.press("u")
    told = page.locator("[data-told] .conflict")
    expect(told).to_contain_text("1 report as before")
    expect(told.locator("tr", has_text="status")).to_contain_text("triaged")
    expect(row(page, second).locator(".tag").first).to_have_text("open")
    assert [now_is(api, id)["status"] for id in (first, second)] == ["triaged", "open"]
    told.get_by_role("button", name="Leave it as it is now").click()
    expect(told).to_have_count(0)


def test_merged_ones_stand_as_one_until_they_are_taken_apart(
    opened: Open, api: httpx.Client, rea: Reporter, mine: str
) -> None:
    ids = three(rea, mine)
    page = opened(inbox(mine))
    page.keyboard.press("*")
    expect(page.locator("[data-ticked]")).to_have_text("3 ticked")
    page.keyboard.press("m")
    expect(page.locator(ROW)).to_have_count(1)
    expect(row(page, ids[0]).locator(".c-count")).to_contain_text("3")
    page.keyboard.press("u")
    expect(page.locator(ROW)).to_have_count(3)
    assert not any(now_is(api, id)["kept_apart"] for id in ids)
    merged = {"ids": ids[1:], "into": ids[0]}
    assert api.post("/api/admin/feedback/merge", json=merged).status_code == 200
    page.goto(f"/admin/feedback/{ids[0]}")
    until_live(page)
    other = page.locator(".others li", has_text="another matter")
    other.get_by_role("button", name="Take out").click()
    expect(page.locator(".others li")).to_have_count(1)
    assert now_is(api, ids[1])["kept_apart"] is True
    assert now_is(api, ids[0])["duplicates"] == 1


def test_hostile_text_is_text_and_never_wider_than_the_window(
    opened: Open, rea: Reporter, mine: str
) -> None:
    error = f"{mine}: closed <script>document.title='taken'</script>" + "y" * 3_000
    for text in HOSTILE:
        rea.send(text, category=mine, tags=["<i>tag</i>"], session_excerpt=failing(error))
    for width, scheme in ((390, "light"), (1440, "dark")):
        page = opened(inbox(mine), width=width, scheme=scheme)
        expect(page.locator(ROW)).to_have_count(len(HOSTILE))
        for place, text in enumerate(HOSTILE):
            expect(page.locator(ROW).nth(place)).to_contain_text(text[:20])
        assert violations(page) == []
        expect(page.locator(f"{ROW} b", has_text="bold")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator(f"{ROW} a.at").last.click()
        until_live(page)
        expect(page.locator(".events .event").first).to_contain_text("please sync <i>orders</i>")
        expect(page.locator(".events .answered")).to_contain_text("<script>")
        page.locator(".message summary").click()
        assert len(page.locator(".message .said").last.inner_text()) > 5_000
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []
        assert "taken" not in page.title()
        expect(page.locator(".came .hint")).to_contain_text("This is all there is")


def test_what_is_new_waits_above_the_list(opened: Open, rea: Reporter, mine: str) -> None:
    three(rea, mine)
    page = opened(f"/admin/feedback?category={mine}&status=any")
    page.keyboard.press("j")
    page.keyboard.press("x")
    came = rea.send(f"one more of these {mine}", category=mine)
    refreshed(page)
    expect(page.locator(".pill")).to_have_text("1 new")
    expect(page.locator(ROW)).to_have_count(3)
    expect(page.locator("[data-ticked]")).to_have_text("1 ticked")
    page.keyboard.press(".")
    expect(page.locator(ROW).first).to_have_attribute("data-report", came)
    expect(page.locator(".pill")).to_have_count(0)


def test_without_scripts_every_button_is_a_form(
    opened: Open, api: httpx.Client, rea: Reporter, mine: str
) -> None:
    first, second, _ = three(rea, mine)
    page = opened(inbox(mine), scripts=False)
    row(page, first).locator("input[name=report]").check()
    row(page, second).locator("input[name=report]").check()
    version = now_is(api, second)["version"]
    api.patch(f"/api/admin/feedback/{second}", json={"version": version, "tags": ["theirs"]})
    page.locator("#resolution").fill("here is why")
    led(page, lambda: page.locator("#resolution").press("Enter"))
    expect(page.locator(".conflict")).to_contain_text("here is why")
    expect(page.locator(".conflict")).to_contain_text("1 report resolved")
    led(page, lambda: page.get_by_role("button", name="Put mine in its place").click())
    expect(page).to_have_url(re.compile(r"/admin/feedback"))
    assert [now_is(api, id)["status"] for id in (first, second)] == ["resolved"] * 2
    assert now_is(api, second)["tags"] == ["theirs"]


def test_the_reporter_amends_and_deletes_their_own(
    opened: Open, api: httpx.Client, rea: Reporter, mine: str
) -> None:
    first, second, _ = three(rea, mine)
    page = opened(f"/me/reports/{first}", who=rea.email)
    page.locator(".amend summary").click()
    page.locator(".amend textarea").fill("said better")
    page.get_by_role("button", name="Send the change").click()
    expect(page.locator("h1")).to_have_text("said better")
    assert now_is(api, first)["message"] == "said better"
    page.locator(".away summary").click()
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Delete this report").click()
    expect(page).to_have_url(re.compile(r"/me/reports$"))
    settled(page)
    expect(row(page, second)).to_have_count(1)
    expect(row(page, first)).to_have_count(0)
    assert api.get(f"/api/admin/feedback/{first}").status_code == 404
