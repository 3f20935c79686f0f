"""The header in a real browser: the time range, how times are shown, the theme."""

from __future__ import annotations

import re

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, until_live

pytestmark = pytest.mark.browser

BUTTON = "details.range > summary"
WORDS = "details.range .words"
ABSOLUTE = {"since": "2026-01-02T06:00:00Z", "until": "2026-01-03T18:30:00Z"}
TEXT = "since:2026-01-02T06:00:00Z until:2026-01-03T18:30:00Z"
TIMES = ".choice:has([data-times-set]) > summary"
THEME = ".choice:has([data-theme-set]) > summary"
EVENT = "[data-audit-row] time"
UTC_TITLE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{3})? UTC$")


def asked(page: Page) -> dict[str, str]:
    return dict(httpx.URL(page.url).params)


def asks(page: Page, **wanted: str) -> None:
    """Wait until the address asks for this and nothing else."""
    page.wait_for_function(
        "wanted => JSON.stringify([...new URLSearchParams(location.search)].sort()) === wanted",
        arg=str(sorted([name, text] for name, text in wanted.items()))
        .replace("'", '"')
        .replace(", ", ","),
    )
    page.wait_for_function("!document.body.hasAttribute('aria-busy')")


def keys(page: Page, sequence: str) -> None:
    for key in sequence.split():
        page.keyboard.press(key)


def abroad(page: Page, zone: str = "Asia/Kolkata") -> None:
    """The browser of somebody who lives there, from the next load on."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTimezoneOverride", {"timezoneId": zone})


def without_clipboard(page: Page) -> None:
    """As on a host without https, where browsers lend no clipboard."""
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.reload()
    until_live(page)


# The range


def test_a_span_is_chosen_and_back_restores_the_one_before(opened: Open) -> None:
    page = opened("/admin/activity?source=web")
    expect(page.locator(WORDS)).to_have_text("Last 24 h")
    page.click(BUTTON)
    page.get_by_role("link", name="Last 7 d").click()
    asks(page, source="web", since_minutes="10080")
    expect(page.locator(WORDS)).to_have_text("Last 7 d")
    expect(page.locator("details.range")).not_to_have_attribute("open", "")
    page.go_back()
    asks(page, source="web")
    expect(page.locator(WORDS)).to_have_text("Last 24 h")


def test_a_span_is_chosen_by_keyboard(opened: Open) -> None:
    page = opened()
    page.focus(BUTTON)
    keys(page, "Enter ArrowDown ArrowDown Enter")
    asks(page, since_minutes="60")
    page.focus(BUTTON)
    keys(page, "Enter Escape")
    expect(page.locator(BUTTON)).to_be_focused()


def test_an_absolute_range_is_typed_in_the_chosen_zone_and_asked_in_utc(opened: Open) -> None:
    page = opened("/admin/activity?source=web")
    abroad(page)
    page.evaluate("localStorage.setItem('agnes-times', 'local')")
    page.reload()
    until_live(page)
    page.click(BUTTON)
    page.fill(".range [name=since]", "2026-01-02T11:30")
    page.fill(".range [name=until]", "2026-01-04T00:00")
    page.get_by_role("button", name="Show this range").click()
    asks(page, source="web", **ABSOLUTE)
    expect(page.locator(WORDS)).to_have_text("02 Jan 11:30 – 04 Jan 00:00 UTC+5:30")
    page.click(BUTTON)
    expect(page.locator(".range [name=since]")).to_have_value("2026-01-02T11:30")
    page.click(TIMES)
    page.get_by_role("button", name="UTC", exact=True).click()
    expect(page.locator(WORDS)).to_have_text("02 Jan 06:00 – 03 Jan 18:30 UTC")
    expect(page.locator(".range [name=since]")).to_have_value("2026-01-02T06:00")


def test_what_is_typed_outlasts_what_is_shown_anew(opened: Open) -> None:
    page = opened()
    page.click(BUTTON)
    page.fill(".range [name=since]", "2026-01-02T06:00")
    page.evaluate("document.dispatchEvent(new CustomEvent('agnes:shown'))")
    expect(page.locator(".range [name=since]")).to_have_value("2026-01-02T06:00")


def test_a_range_that_ends_before_it_begins_is_refused_beside_the_fields(opened: Open) -> None:
    page = opened()
    page.click(BUTTON)
    page.fill(".range [name=since]", "2026-01-02T06:00")
    page.fill(".range [name=until]", "2026-01-01T06:00")
    page.press(".range [name=until]", "Enter")
    expect(page.locator("[data-wrong]")).to_have_text("The end must be after the beginning.")
    expect(page.locator(".range [name=until]")).to_be_focused()
    assert asked(page) == {}


def test_an_absolute_range_without_scripts_is_utc(opened: Open) -> None:
    page = opened("/admin/activity?source=web", scripts=False)
    page.click(BUTTON)
    page.fill(".range [name=since]", "2026-01-02T06:00")
    page.fill(".range [name=until]", "2026-01-03T18:30")
    page.get_by_role("button", name="Show this range").click()
    expect(page.locator(WORDS)).to_have_text("02 Jan 06:00 – 03 Jan 18:30 UTC")
    assert asked(page)["source"] == "web"
    expect(page.locator(".choice").first).to_be_hidden()


def test_a_range_chosen_here_replaces_the_one_that_was_typed(opened: Open) -> None:
    page = opened("/admin/activity?query=since:2d+action:sync.")
    expect(page.locator(WORDS)).to_have_text("Last 2 d")
    page.click(BUTTON)
    page.get_by_role("link", name="Last 7 d").click()
    asks(page, query="action:sync.", since_minutes="10080")
    expect(page.locator(WORDS)).to_have_text("Last 7 d")


def test_a_filter_that_cannot_be_read_still_has_a_range_to_choose(opened: Open) -> None:
    page = opened("/admin/activity?since=yesterday")
    expect(page.locator(WORDS)).to_have_text("Range")
    page.click(BUTTON)
    page.get_by_role("link", name="Last 1 h", exact=True).click()
    asks(page, since_minutes="60")
    expect(page.locator("[data-audit-row]").first).to_be_visible()


@pytest.mark.parametrize(
    ("query", "text", "pasted"),
    [
        ("", "since:24h", {"since_minutes": "1440"}),
        ("since_minutes=10080", "since:7d", {"since_minutes": "10080"}),
        ("since_minutes=90", "since:90m", {"since_minutes": "90"}),
        (str(httpx.QueryParams(ABSOLUTE)), TEXT, ABSOLUTE),
        ("since=2026-01-02T06:00:00Z", TEXT.split(maxsplit=1)[0], {"since": ABSOLUTE["since"]}),
    ],
)
def test_a_range_is_copied_and_pasted_without_a_clipboard(
    opened: Open, query: str, text: str, pasted: dict[str, str]
) -> None:
    page = opened(f"/admin/activity?{query}")
    without_clipboard(page)
    keys(page, "t c")
    expect(page.locator(".toast").first).to_contain_text(f"Copied {text}")
    page.goto("/admin/activity?source=web&since_minutes=5")
    until_live(page)
    keys(page, "t v")
    asks(page, source="web", **pasted)


def test_a_range_is_pasted_from_the_clipboard_or_said_to_be_none(opened: Open) -> None:
    page = opened("/admin/activity?source=web")

    def paste(text: str) -> None:
        page.evaluate("text => { navigator.clipboard.readText = async () => text }", text)
        keys(page, "t v")

    paste("2026-01-02T06:00Z/2026-01-03T20:30+02:00")
    asks(page, source="web", **ABSOLUTE)
    paste("since:2h")
    asks(page, source="web", since_minutes="120")
    for text, wrong in (
        ("three words here", "what was copied is no range"),
        ("since:40d", "1 minute to 30 days"),
        ("since:2026-13-01T00:00Z", "is no ISO time"),
        ("2026-01-03T00:00Z/2026-01-02T00:00Z", "the end is not after the beginning"),
        ("<img src=x onerror=alert(1)>", "no range"),
    ):
        paste(text)
        expect(page.locator(".toast").last).to_contain_text(wrong)
    assert asked(page) == {"source": "web", "since_minutes": "120"}


def test_a_relative_range_is_made_absolute_and_shows_the_same(opened: Open) -> None:
    page = opened("/admin/activity?since_minutes=10080&query=action:sync.")
    rows = page.locator("[data-audit-row]").first.get_attribute("data-audit-row")
    keys(page, "t a")
    page.wait_for_url(re.compile("until="))
    given = asked(page)
    assert given.keys() == {"query", "since", "until"}
    assert all(given[name].endswith("Z") for name in ("since", "until"))
    expect(page.locator(WORDS)).to_contain_text("–")
    assert page.locator("[data-audit-row]").first.get_attribute("data-audit-row") == rows
    keys(page, "t a")
    expect(page.locator(".toast").last).to_contain_text("absolute already")


def test_the_range_goes_along_to_pages_that_have_one(opened: Open) -> None:
    page = opened("/admin/activity?since_minutes=360&source=web")
    page.click("nav a[href='/admin/jobs']")
    expect(page).to_have_url(re.compile("/admin/jobs$"))
    until_live(page)
    page.click("nav a[href='/me'], nav a[href^='/me?']")
    expect(page).to_have_url(re.compile(r"/me\?since_minutes=360$"))
    expect(page.locator(WORDS)).to_have_text("Last 6 h")
    until_live(page)
    page.click(BUTTON)
    page.get_by_role("link", name="Last 24 h").click()
    asks(page, since_minutes="1440")
    keys(page, "g a")
    expect(page).to_have_url(re.compile(r"/admin/activity\?since_minutes=1440$"))


def test_the_last_three_ranges_can_be_chosen_again(opened: Open) -> None:
    page = opened(f"/admin/activity?{httpx.QueryParams(ABSOLUTE)}")
    for minutes in ("15", "60", "720", "2880"):
        page.goto(f"/admin/activity?source=web&since_minutes={minutes}")
        until_live(page)
    page.click(BUTTON)
    recent = page.locator("[data-recent] a")
    expect(recent).to_have_text(["Last 12 h", "Last 1 h", "Last 15 min"])
    recent.nth(1).click()
    asks(page, source="web", since_minutes="60")
    page.click(BUTTON)
    expect(recent).to_have_text(["Last 2 d", "Last 12 h", "Last 15 min"])


# Times


def first_time(page: Page) -> str:
    return page.locator(EVENT).first.inner_text()


def test_times_are_utc_local_or_relative_and_that_is_remembered(opened: Open) -> None:
    page = opened("/admin/activity?since_minutes=43200")
    abroad(page)
    page.reload()
    until_live(page)
    in_utc, at = first_time(page), page.locator(EVENT).first.get_attribute("datetime")
    assert at
    assert in_utc.endswith(at[11:19])
    expect(page.locator(TIMES)).to_contain_text("UTC")
    page.click(TIMES)
    page.get_by_role("button", name="Local time").click()
    expect(page.locator(TIMES)).to_contain_text("Local UTC+5:30")
    local = page.evaluate(
        "at => new Date(at).toLocaleTimeString('en-GB', { timeZone: 'Asia/Kolkata' })", at
    )
    assert first_time(page).endswith(local)
    page.reload()
    assert first_time(page).endswith(local)
    until_live(page)
    page.click(BUTTON)
    page.get_by_role("link", name="Last 7 d").click()
    asks(page, since_minutes="10080")
    at = page.locator(EVENT).first.get_attribute("datetime")
    assert first_time(page).endswith(
        page.evaluate("at => new Date(at).toLocaleTimeString('en-GB')", at)
    )
    for html, title in page.eval_on_selector_all(
        "time[datetime]", "all => all.map(t => [t.outerHTML, t.title])"
    ):
        assert UTC_TITLE.match(title), html
    keys(page, "Escape")
    page.click(TIMES)
    page.get_by_role("button", name="Relative").click()
    expect(page.locator(EVENT).first).to_have_text(re.compile(r"^\d+ (s|min|h|d) ago$"))


def test_a_relative_time_keeps_counting_and_moves_no_column(opened: Open) -> None:
    page = opened()
    page.evaluate("localStorage.setItem('agnes-times', 'relative')")
    page.clock.install()
    page.reload()
    until_live(page)
    time = page.locator(EVENT).first
    before = page.evaluate("document.querySelector('[data-audit-row] td').offsetWidth")
    page.clock.fast_forward("02:00")
    expect(time).to_have_text(re.compile(r"^([2-9]|\d\d+) min ago$"))
    assert page.evaluate("document.querySelector('[data-audit-row] td').offsetWidth") == before


def test_the_chosen_times_are_there_at_the_first_paint(opened: Open) -> None:
    """None is seen in UTC first: until they are written they are not visible at all."""
    page = opened()
    page.evaluate("localStorage.setItem('agnes-times', 'relative')")
    page.add_init_script("""
      window.__seen = [];
      const look = () => {
        for (const time of document.querySelectorAll('[data-audit-row] time')) {
          if (getComputedStyle(time).visibility === 'visible') window.__seen.push(time.textContent);
        }
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    """)
    page.reload()
    until_live(page)
    seen = page.evaluate("[...new Set(window.__seen)]")
    assert seen
    assert [text for text in seen if "ago" not in text] == []


def test_times_on_other_pages_follow(opened: Open) -> None:
    page = opened("/admin/jobs")
    page.click(TIMES)
    page.get_by_role("button", name="Local time").click()
    page.goto("/me")
    expect(page.locator(TIMES)).to_contain_text("Local UTC+0")


# Theme


def test_the_theme_is_chosen_said_and_remembered(opened: Open) -> None:
    page = opened(scheme="dark")
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    expect(page.locator(THEME)).to_contain_text("System")
    page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-theme", "light")
    page.focus(THEME)
    keys(page, "Enter ArrowUp Enter")
    expect(root).to_have_attribute("data-theme", "dark")
    expect(page.locator(THEME)).to_contain_text("Dark")
    page.reload()
    expect(root).to_have_attribute("data-theme", "dark")
    expect(page.locator(THEME)).to_contain_text("Dark")
    expect(page.locator("[data-theme-set=dark]")).to_have_attribute("aria-pressed", "true")
    page.goto("/admin/jobs")
    expect(root).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("width", [1440, 1280, 390])
def test_the_header_stays_inside_the_window(opened: Open, width: int) -> None:
    page = opened(f"/admin/activity?{httpx.QueryParams(ABSOLUTE)}", width=width)
    for menu in page.locator("header details.menu").all():
        menu.locator("> summary").click()
        sheet = menu.locator("> .sheet").element_handle()
        inside = "sheet => { const at = sheet.getBoundingClientRect();"
        inside += " return at.width > 0 && at.left >= 0 && at.right <= innerWidth }"
        page.wait_for_function(inside, arg=sheet)
        page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_open_menus_have_no_serious_violation(opened: Open, scheme: str) -> None:
    page = opened(f"/admin/activity?{httpx.QueryParams(ABSOLUTE)}", scheme=scheme)
    for menu in page.locator("header details.menu").all():
        menu.locator("> summary").click()
        for more in menu.locator("details > summary").all():
            more.click()
        found = Axe().run(page, context="header.bar")
        serious = [
            (one["id"], [node["html"] for node in one["nodes"]])
            for one in found.response["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == []
        page.keyboard.press("Escape")
