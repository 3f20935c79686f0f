"""The heatmap of findings: what its cells hold, and the sessions that a click, a box of cells and
the keyboard lead to."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open, led
from tests.browser.talks import Talks, pushed, sent
from tests.server_process import ServerProcess
from tests.transcripts import Transcript, talk

pytestmark = pytest.mark.browser

CHART = "[data-chart] .agnes-chart.dressed"
MAP = "[data-region=heatmap]"
# The figure, and where the middle of a cell is on the page: rows from the top, weeks from the left.
FIGURE = """
  const root = Bokeh.documents[0].roots().find((one) => one.css_classes?.includes("agnes-chart"));
  const figure = [...root.references()].find((model) => model.type === "Figure");
  const source = figure.renderers.map((one) => one.data_source).find((one) => one.get("monday"));
"""
MIDDLE = (
    "([week, kind]) => {"
    + FIGURE
    + """
  const slot = document.querySelector("[data-chart]").getBoundingClientRect();
  const weeks = [...new Set(source.get("monday"))].sort(), rows = figure.y_range.factors;
  const left = figure.outer_width - figure.min_border_right - figure.inner_width;
  const across = figure.inner_width / weeks.length, down = figure.inner_height / rows.length;
  const row = rows.length - 1 - rows.indexOf(kind.replace("_", " "));
  return [slot.left + left + (weeks.indexOf(week) + .5) * across, slot.top + 5 + (row + .5) * down];
}"""
)
CHOSEN = "() => {" + FIGURE + "return source.selected.indices.length }"


def broken(session: str, at: datetime) -> Transcript:
    """A session with a tool error that was never got over."""
    begun = talk(session, at).call(given={"command": "load"}, error="Exit code 1\nno such table")
    return begun.answer("It cannot be loaded.")


def past(weeks: int) -> datetime:
    """So many weeks ago, to the second; naive UTC."""
    return (datetime.now(UTC) - timedelta(weeks=weeks)).replace(microsecond=0, tzinfo=None)


@pytest.fixture(scope="module")
def talks(console: ServerProcess, api: httpx.Client) -> Talks:
    """Two broken sessions of two weeks ago, one of the week before, one clean one."""
    when = {"two": 2, "also-two": 2, "three": 3}
    made = [broken(f"heatmap-{name}", past(weeks)) for name, weeks in when.items()]
    return pushed(console, api, "mapped", [*made, talk("heatmap-clean", past(2)).answer("Fine.")])


def at(talks: Talks, **given: str) -> str:
    about = {"user_id": talks.user_id, "anchor": "started", "since_minutes": "43200"}
    return f"/admin/sessions?{urlencode({**about, **given})}"


def asked(page: Page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


def cells(api: httpx.Client, talks: Talks) -> dict[tuple[str, str], dict[str, Any]]:
    params = dict(parse_qsl(urlsplit(at(talks)).query))
    found = api.get("/api/admin/sessions/findings", params=params).raise_for_status().json()
    return {(cell["week"], cell["finding_type"]): cell for cell in found["cells"]}


def charted(page: Page) -> None:
    """Wait for the chart. The first one of a server takes longer: plotting is imported for it."""
    expect(page.locator(CHART)).to_be_visible(timeout=60_000)


def sessions(page: Page) -> Locator:
    return page.locator("a.card[data-keep=sessions] .v")


def middle(page: Page, week: str, kind: str) -> tuple[float, float]:
    page.locator(CHART).scroll_into_view_if_needed()
    x, y = page.evaluate(MIDDLE, [week, kind])
    return x, y


def test_cells_lead_to_their_sessions_by_click_and_by_box(
    opened: Open, api: httpx.Client, talks: Talks
) -> None:
    known = cells(api, talks)
    earlier, later = sorted(week for week, kind in known if kind == "tool_error")
    assert known[later, "tool_error"]["sessions"] == 2
    page = opened(at(talks))
    charted(page)
    expect(sessions(page)).to_have_text("4")
    page.mouse.click(*middle(page, later, "tool_error"))
    expect(sessions(page)).to_have_text("2")
    expect(page).to_have_url(re.compile(f"week={later}"))
    assert asked(page)["has_finding"] == "tool_error"
    charted(page)
    page.wait_for_function(f"({CHOSEN})() === 1")
    page.mouse.click(*middle(page, later, "tool_error"))
    expect(sessions(page)).to_have_text("4")
    assert {"week", "has_finding"}.isdisjoint(asked(page))
    charted(page)
    page.mouse.move(*middle(page, earlier, "tool_error"))
    page.mouse.down()
    page.mouse.move(*middle(page, later, "tool_error"), steps=5)
    page.mouse.up()
    expect(sessions(page)).to_have_text("3")
    found = asked(page)
    assert found["has_finding"] == "tool_error"
    assert found["since"][:10] == earlier
    assert found["until"][:10] >= later
    assert {"week", "since_minutes"}.isdisjoint(found)
    page.go_back()
    expect(sessions(page)).to_have_text("4")


def test_the_table_says_the_same_to_the_keyboard_and_without_scripts(
    opened: Open, api: httpx.Client, talks: Talks
) -> None:
    known = cells(api, talks)
    (week, kind), cell = next(iter(known.items()))
    page = opened(at(talks))
    page.locator(f"{MAP} summary").focus()
    page.keyboard.press("Enter")
    links = page.locator(f"{MAP} td a")
    expect(links).to_have_count(len(known))
    link = page.get_by_role("link", name=f"{kind.replace('_', ' ')}, week of {week}")
    expect(link).to_have_text(f"{cell['findings']} in {cell['sessions']}")
    problems = Axe().run(page, MAP).response["violations"]
    assert [one["id"] for one in problems if one["impact"] in ("serious", "critical")] == []
    link.focus()
    page.keyboard.press("Enter")
    expect(sessions(page)).to_have_text(str(cell["sessions"]))
    expect(page.locator(f"{MAP} td a[aria-current=true]")).to_have_count(1)
    live = asked(page)
    plain = opened(at(talks), scripts=False)
    plain.locator(f"{MAP} summary").click()
    cell_of = plain.get_by_role("link", name=f"{kind.replace('_', ' ')}, week of {week}")
    led(plain, cell_of.click)
    assert asked(plain) == live
    expect(sessions(plain)).to_have_text(str(cell["sessions"]))


def test_what_is_found_meanwhile_comes_with_a_beat_and_draws_the_chart_anew(
    opened: Open, console: ServerProcess, api: httpx.Client
) -> None:
    first = pushed(console, api, "beaten", [broken("beat-1", past(1))])
    page = opened(at(first))
    charted(page)
    before = page.locator("[data-chart]").get_attribute("data-chart")
    expect(page.locator(f"{MAP} figcaption")).to_contain_text("1 of 1 session")
    sent(console, api, first.token, [broken("beat-2", past(1))])
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(f"{MAP} figcaption")).to_contain_text("2 of 2 sessions")
    expect(page.locator("[data-chart]")).not_to_have_attribute("data-chart", before or "")
    charted(page)
