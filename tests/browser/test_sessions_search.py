"""Searching in what was said: the lines beside the list, the way to their turns, and that both stay
in step with what was uploaded and with who may see it."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.talks import Talks, pushed, sent
from tests.server_process import ServerProcess
from tests.transcripts import talk

pytestmark = pytest.mark.browser

HITS = "[data-region=hits]"
LINES = f"{HITS} a.line"
ROWS = "[data-session]"
HOSTILE = "<img src=x onerror=window.__xss=1>"


@pytest.fixture(scope="module")
def talks(console: ServerProcess, api: httpx.Client) -> Talks:
    """A session with 13 lines, one with two and some mark-up, one without the word."""
    many = talk("search-many")
    for number in range(12):
        many = many.answer(f"Sighting {number} of the cormorant by the river.")
    few = talk("search-few").prompt("Is that a Cormorant?").answer(f"{HOSTILE} A cormorant, yes.")
    none = talk("search-none").answer("No bird at all.")
    return pushed(console, api, "seeker", [none, many, few])


def at(talks: Talks, words: str = "") -> str:
    about = {"user_id": talks.user_id, **({"q": words} if words else {})}
    return f"/admin/sessions?{httpx.QueryParams(about)}"


def asked(page: Page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


def test_lines_stand_beside_their_sessions_and_open_at_their_turn(
    opened: Open, talks: Talks
) -> None:
    page = opened(at(talks))
    expect(page.locator(ROWS)).to_have_count(3)
    expect(page.locator(f"{HITS} *")).to_have_count(0)
    box = page.locator("#query")
    box.fill("cormorant")
    box.press("Enter")
    expect(page.locator(f"{HITS} h2")).to_have_text("14 lines in 2 sessions with “cormorant”")
    expect(page.locator(ROWS)).to_have_count(2)
    expect(page.locator(f"{HITS} .of")).to_contain_text(["2 lines", "12 lines"])
    expect(page.locator(f"{HITS} mark").first).to_have_text("Cormorant")
    expect(page.locator(LINES)).to_have_count(5)  # two, and the first three
    expect(page.locator(HITS)).to_contain_text(HOSTILE)
    assert page.evaluate("window.__xss") is None
    problems = Axe().run(page, HITS).response["violations"]
    assert [one["id"] for one in problems if one["impact"] in ("serious", "critical")] == []
    box.blur()
    page.keyboard.press("h")
    expect(page.locator(LINES).first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    third = page.locator(LINES).nth(2)
    expect(third).to_be_focused()
    href = third.get_attribute("href") or ""
    place = href.partition("#t")[2]
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(f"/admin/sessions/{talks.files[1]}?")))
    assert urlsplit(page.url).fragment == f"t{place}"
    assert asked(page) == {"user_id": talks.user_id, "q": "cormorant", "find": "cormorant"}
    expect(page.locator(f"#t{place}")).to_be_in_viewport()
    expect(page.locator(f"#t{place}")).to_contain_text("cormorant")


def test_more_lines_come_by_pages_beside_the_same_list(
    opened: Open, console: ServerProcess, api: httpx.Client
) -> None:
    flock = [talk(f"page-{n}").answer("A dunlin.").answer("Two dunlins.") for n in range(6)]
    birds = pushed(console, api, "flock", flock)
    page = opened(at(birds, "dunlin"))
    expect(page.locator(LINES)).to_have_count(10)
    expect(page.locator(f"{HITS} .pager")).to_contain_text("1–10 of 12 lines")
    page.get_by_role("link", name="More lines").click()
    expect(page.locator(LINES)).to_have_count(2)
    assert asked(page)["lines"] == "10"
    expect(page.locator(ROWS)).to_have_count(6)
    page.locator("#query").fill("dunlins")
    page.keyboard.press("Enter")
    expect(page.locator(f"{HITS} h2")).to_have_text("6 lines in 6 sessions with “dunlins”")
    assert "lines" not in asked(page), "another search begins at the top"
    page.goto(f"{at(birds, 'dunlin')}&lines=500")
    expect(page.locator(LINES)).to_have_count(10)


def test_what_was_not_found_is_said(opened: Open, talks: Talks) -> None:
    page = opened(at(talks, "kiwi"))
    expect(page.locator(HITS)).to_contain_text("No line with “kiwi”")
    expect(page.locator(HITS)).to_contain_text("sessions whose text can be searched")
    page.goto(at(talks, "--"))
    expect(page.locator(HITS)).to_contain_text("no letter and no digit")
    page.goto(at(talks, "search-few"))
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(HITS)).to_contain_text("No line")


def test_the_index_follows_an_upload_and_everybodys_rights(
    opened: Open, console: ServerProcess, api: httpx.Client
) -> None:
    first = pushed(console, api, "changing", [talk("changing").answer("A lapwing.")])
    page = opened(at(first, "lapwing"))
    expect(page.locator(LINES)).to_have_count(1)
    sent(console, api, first.token, [talk("changing").answer("A whimbrel, not that one.")])
    page.goto(at(first, "lapwing"))
    expect(page.locator(HITS)).to_contain_text("No line")
    expect(page.locator(ROWS)).to_have_count(0)
    page.goto(at(first, "whimbrel"))
    expect(page.locator(LINES)).to_have_count(1)
    page = opened("/admin/activity")
    page.keyboard.press("Control+k")
    page.keyboard.type("whimbrel")
    option = page.locator("#palette [role=option]")
    expect(option).to_have_count(1)
    expect(option).to_have_text(re.compile("changing.*1 in its text"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/admin/sessions/{first.files[0]}\?find=whimbrel#t\d+"))
    stranger = opened("/me", who="ana@example.org")
    stranger.keyboard.press("Control+k")
    stranger.keyboard.type("whimbrel")
    expect(stranger.locator("#palette [role=status]")).to_contain_text("Nothing of that name")
    owner = opened("/me", who=first.email)
    owner.keyboard.press("Control+k")
    owner.keyboard.type("whimbrel")
    expect(owner.locator("#palette [role=option]")).to_have_count(1)
    owner.keyboard.press("Enter")
    expect(owner).to_have_url(re.compile(r"/me/sessions/changing\.jsonl\?find=whimbrel#t\d+"))
