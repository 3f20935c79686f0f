"""The replay in a real browser: every step from here to there, by keyboard and by mouse."""

from __future__ import annotations

import re

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, until_live
from tests.browser.talks import Talks, clean, failing, pushed
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser

HERE = "[data-cells] .here"
TOASTS = "#toasts"


@pytest.fixture(scope="module")
def talks(console: ServerProcess, api: httpx.Client) -> Talks:
    return pushed(
        console,
        api,
        "rita",
        [failing("nav-first"), clean("nav-clean"), failing("nav-last", calls=1)],
    )


@pytest.fixture(scope="module")
def stops(api: httpx.Client, talks: Talks) -> list[int]:
    """The turns of the first talk's findings."""
    outline = api.get(f"/api/admin/sessions/{talks.files[0]}/outline").json()
    found = sorted({one["turn"] for one in outline["findings"]})
    assert len(found) >= 2
    assert outline["errors"][0] == found[0]
    return found


def is_at(page: Page, turn: int) -> None:
    """The address, the strip and the conversation agree on where the reader is."""
    expect(page).to_have_url(re.compile(rf"#t{turn}$"))
    expect(page.locator(f"[data-events] #t{turn}.here")).to_be_in_viewport()
    first, last = (
        int(page.locator(HERE).get_attribute(f"data-{end}") or -1) for end in ("first", "last")
    )
    assert first <= turn <= last


def test_findings_are_walked_and_on_into_the_next_session(
    opened: Open, talks: Talks, stops: list[int]
) -> None:
    page = opened(talks.at(0))
    expect(page.locator("h1")).to_have_text("Rita")
    at = page.locator("[data-at]")
    expect(at).to_have_text(str(len(stops)))
    for number, turn in enumerate(stops, 1):
        page.keyboard.press("n")
        is_at(page, turn)
        expect(at).to_have_text(f"{number} of {len(stops)}")
    page.keyboard.press("N")
    is_at(page, stops[-2])
    page.get_by_role("link", name=re.compile("^next finding")).click()
    is_at(page, stops[-1])
    page.keyboard.press("n")
    expect(page.locator(TOASTS)).to_contain_text("Press n again")
    page.keyboard.press("n")  # over the clean one
    expect(page).to_have_url(re.compile(rf"{re.escape(talks.files[2])}\?.*#t\d+$"))
    until_live(page)
    expect(at).to_contain_text("1 of ")
    page.keyboard.press("N")
    expect(page.locator(TOASTS)).to_contain_text("Press N again")
    page.keyboard.press("N")
    expect(page).to_have_url(re.compile(rf"{re.escape(talks.files[0])}\?.*#t{stops[-1]}$"))
    until_live(page)
    is_at(page, stops[-1])


def test_every_kind_of_step_has_a_key(opened: Open, talks: Talks, stops: list[int]) -> None:
    page = opened(talks.at(0))
    page.keyboard.press("j")
    is_at(page, 1)
    page.keyboard.press("k")
    is_at(page, 0)
    page.keyboard.press("e")
    is_at(page, stops[0])
    page.keyboard.press("c")
    expect(page.locator(TOASTS)).to_contain_text(f"Link to turn {stops[0]} copied")
    page.locator(HERE).focus()
    page.keyboard.press("ArrowRight")  # a mark of the strip is one event here
    is_at(page, stops[0] + 1)
    page.keyboard.press("J")
    prompt = page.locator("[data-events] .event.here")
    expect(prompt).to_contain_text("Then use the monthly table")
    page.keyboard.press("K")
    is_at(page, 0)
    page.keyboard.press("K")
    expect(page.locator(TOASTS)).to_contain_text("No prompt before this one")
    page.locator("[data-cells] .cell").last.click()
    expect(page.locator("[data-events] .event").last).to_be_in_viewport()
    page.keyboard.press("E")
    is_at(page, stops[-1])
    page.keyboard.press("]")
    expect(page).to_have_url(re.compile(re.escape(talks.files[1])))
    until_live(page)
    expect(page.locator(".stops")).to_contain_text("nothing was found here")
    page.keyboard.press("[")
    expect(page).to_have_url(re.compile(re.escape(talks.files[0])))
    until_live(page)
    page.keyboard.press("?")
    for says in ("Next finding", "Next error", "Event before", "Next prompt", "Copy the permalink"):
        expect(page.locator("#shortcuts")).to_contain_text(says)


def test_a_link_leads_to_its_turn_whatever_is_shown(
    opened: Open, talks: Talks, stops: list[int]
) -> None:
    page = opened(talks.at(0, place=f"#t{stops[-1]}"))
    is_at(page, stops[-1])
    page.get_by_role("link", name="Answers").click()
    expect(page.locator("[data-events] [data-kind=tool_use]")).to_have_count(0)
    near = stops[-1] + 1  # the answer that follows
    expect(page).to_have_url(re.compile(rf"kinds=answers.*#t{near}$"))
    page.keyboard.press("N")  # a finding is no answer: all kinds are shown again
    is_at(page, stops[-1])
    expect(page).not_to_have_url(re.compile("kinds="))
    page.locator(".all-found a").first.click()
    is_at(page, stops[0])
    page.get_by_role("link", name=re.compile("Sessions$")).last.click()
    expect(page).to_have_url(re.compile(rf"/admin/sessions\?.*user_id={talks.user_id}"))
    page.go_back()
    until_live(page)
    is_at(page, stops[0])


def test_words_are_found_without_the_browsers_own_search(opened: Open, talks: Talks) -> None:
    page = opened(talks.at(0))
    page.keyboard.press("f")
    field = page.get_by_label("Find in this session")
    expect(field).to_be_focused()
    page.keyboard.type("table n")  # keys are letters while one types
    expect(page).not_to_have_url(re.compile("#t[1-9]"))
    field.fill("TABLE")
    page.keyboard.press("Enter")
    count = page.locator("form.find [data-count]")
    expect(count).to_have_text(re.compile(r"^1 of \d$"))
    total = int(count.inner_text().split()[-1])
    assert total >= 3
    assert page.evaluate("CSS.highlights.get('found')?.size ?? 0") >= 0
    page.wait_for_function("CSS.highlights.get('found')?.size >= 3")
    first = page.url
    page.keyboard.press("Enter")
    expect(count).to_have_text(f"2 of {total}")
    page.keyboard.press("Shift+Enter")
    expect(page).to_have_url(first)
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("find="))
    page.wait_for_function("!CSS.highlights.has('found')")
    page.keyboard.press("f")
    field.fill("<b>nowhere</b>")
    page.keyboard.press("Enter")
    expect(count).to_have_text("nowhere")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_verdict_comes_first_in_every_width(
    opened: Open, talks: Talks, width: int, scheme: str
) -> None:
    page = opened(talks.at(0), width=width, scheme=scheme)
    verdict = page.locator(".verdict")
    expect(verdict).to_be_in_viewport()
    expect(verdict).to_contain_text("checks found something")
    page.keyboard.press("n")
    expect(page.locator("[data-events] .here")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_everybody_replays_their_own(opened: Open, talks: Talks) -> None:
    page = opened(talks.own(0), who=talks.email)
    expect(page.locator("h1")).to_have_text("Rita")
    expect(page.locator("nav a[aria-current=page]")).to_have_text("My sessions")
    page.keyboard.press("n")
    expect(page.locator("[data-events] .here")).to_be_in_viewport()
    answer = page.goto(talks.at(0))
    assert answer is not None
    assert answer.status == 403
