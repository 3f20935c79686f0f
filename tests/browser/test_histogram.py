"""The histogram above the audit log: into a window and out of it again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, settled

pytestmark = pytest.mark.browser

KPIS = "/api/admin/observability/kpis"
BARS = "bars => bars.map(bar => ({...bar.dataset}))"


def asked(page: Page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


def bars(page: Page) -> list[dict[str, str]]:
    found: list[dict[str, str]] = page.eval_on_selector_all(".hist .bar", BARS)
    return found


def total(page: Page) -> int:
    text = page.locator(".card .v").first.inner_text()
    found = re.match(r"[\d,]+", text)
    assert found is not None, text
    return int(found[0].replace(",", ""))


def events(api: httpx.Client, **filter: str) -> int:
    answer: dict[str, Any] = api.get(KPIS, params=filter).raise_for_status().json()
    return int(answer["events_total"])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def middle(page: Page, number: int) -> tuple[float, float]:
    box = page.locator(".hist .bar .hit").nth(number).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture(scope="module")
def window(api: httpx.Client) -> dict[str, str]:
    """Ten days with both ends between round times: the first and the last bar are cut."""
    listed = api.get("/api/admin/activity", params={"action_prefix": "sync."}).json()
    until = moment(listed["rows"][0]["timestamp"]).replace(tzinfo=None, microsecond=0)
    until -= timedelta(minutes=7, seconds=13)
    since = until - timedelta(hours=250)
    return {"since": f"{since.isoformat()}Z", "until": f"{until.isoformat()}Z"}


@pytest.fixture
def shown(opened: Open, window: dict[str, str]) -> Page:
    return opened(f"/admin/activity?{httpx.QueryParams(window)}")


def test_bars_are_the_window_and_hold_what_the_cards_say(
    shown: Page, api: httpx.Client, window: dict[str, str]
) -> None:
    found = bars(shown)
    assert 20 < len(found) <= 60
    assert sum(int(bar["total"]) for bar in found) == total(shown) == events(api, **window)
    errors = sum(int(bar["error"]) for bar in found)
    assert errors == events(api, **window, result_class="error")
    assert (found[0]["since"], found[-1]["until"]) == (window["since"], window["until"])
    for bar, following in pairwise(found):
        assert moment(following["since"]) - moment(bar["until"]) == timedelta(microseconds=1)
    says = shown.locator("#hist-says")
    expect(says).to_contain_text(f"{total(shown):,} events, {errors:,} of them errors")
    expect(shown.locator(".hist .max")).to_have_text(
        f"max {max(int(bar['total']) for bar in found):,}"
    )
    assert shown.locator(".hist .axis time").count() >= 3


def test_errors_stand_at_the_bottom(shown: Page) -> None:
    failed = shown.locator(".hist .bar:not([data-error='0'])").first
    error, rest = failed.locator(".e").bounding_box(), failed.locator(".n").bounding_box()
    plot = shown.locator(".hist .plot").bounding_box()
    assert error
    assert rest
    assert plot
    assert error["y"] + error["height"] == pytest.approx(plot["y"] + plot["height"], abs=2)
    assert rest["y"] + rest["height"] == pytest.approx(error["y"], abs=1)


def test_each_bar_says_its_time_and_figures(shown: Page) -> None:
    bar = shown.locator(".hist .bar:not([data-error='0'])").first
    says = bar.get_attribute("aria-label") or ""
    assert re.fullmatch(
        r"\d\d \w{3} [\d:]{5,8}–\d\d \w{3} [\d:]{5,8} UTC: \d+ events?, \d+ errors?", says
    ), says
    assert bar.locator("title").text_content() == says
    bar.hover()
    expect(shown.locator(".hist .readout")).to_contain_text(says.partition(": ")[2])


def test_a_drag_zooms_to_what_it_says_and_back_leads_out(
    shown: Page, api: httpx.Client, window: dict[str, str]
) -> None:
    found, before = bars(shown), total(shown)
    shown.mouse.move(*middle(shown, 12))
    shown.mouse.down()
    shown.mouse.move(*middle(shown, 7), steps=3)
    expect(shown.locator(".hist .brush")).to_be_visible()
    inside = sum(int(bar["total"]) for bar in found[7:13])
    expect(shown.locator(".hist .readout")).to_contain_text(f"{inside:,} event")
    shown.mouse.up()
    shown.wait_for_url(re.compile("since=(?!.*" + re.escape(window["since"][:13]) + ")"))
    settled(shown)
    zoomed = {"since": found[7]["since"], "until": found[12]["until"]}
    assert asked(shown) == zoomed
    assert total(shown) == inside == events(api, **zoomed)
    shown.reload()
    assert (asked(shown), total(shown)) == (zoomed, inside)
    shown.go_back()
    expect(shown.locator(".card .v").first).to_contain_text(f"{before:,}")
    assert asked(shown) == window


def test_esc_lets_go_of_a_drag(shown: Page, window: dict[str, str]) -> None:
    shown.mouse.move(*middle(shown, 5))
    shown.mouse.down()
    shown.mouse.move(*middle(shown, 9), steps=3)
    expect(shown.locator(".hist .brush")).to_be_visible()
    shown.keyboard.press("Escape")
    expect(shown.locator(".hist .brush")).to_be_hidden()
    shown.mouse.up()
    settled(shown)
    assert asked(shown) == window


def test_a_click_on_a_bar_shows_exactly_its_events(shown: Page, api: httpx.Client) -> None:
    bar = max(bars(shown), key=lambda bar: int(bar["total"]))
    shown.locator(f".hist .bar[data-since='{bar['since']}']").click()
    expect(shown.locator(".card .v").first).to_contain_text(re.compile(rf"^{bar['total']}\b"))
    assert asked(shown) == {"since": bar["since"], "until": bar["until"]}
    assert events(api, **asked(shown)) == int(bar["total"])


def test_a_window_typed_in_the_query_gives_way_to_the_one_chosen(
    opened: Open, api: httpx.Client
) -> None:
    page = opened(f"/admin/activity?{httpx.QueryParams({'query': '-action:auth. since:20h'})}")
    bar = max(bars(page), key=lambda bar: int(bar["total"]))
    page.locator(f".hist .bar[data-since='{bar['since']}']").click()
    expect(page.locator(".card .v").first).to_contain_text(re.compile(rf"^{bar['total']}\b"))
    assert asked(page)["query"] == "-action:auth."
    page.keyboard.press("z")
    page.wait_for_function("since => !location.search.includes(since)", arg=bar["since"][:16])
    settled(page)
    wider = asked(page)
    assert moment(wider["since"]) < moment(bar["since"]) < moment(bar["until"])
    assert moment(wider["until"]) > moment(bar["until"])


def test_the_keyboard_goes_from_bar_to_bar_chooses_and_zooms(shown: Page) -> None:
    found = bars(shown)
    assert shown.locator(".hist .bar[tabindex='0']").count() == 1, "one stop for Tab"
    shown.locator(".hist .bar[tabindex='0']").focus()
    shown.keyboard.press("Home")
    shown.keyboard.press("ArrowRight")
    shown.keyboard.press("ArrowRight")
    expect(shown.locator(".hist .bar").nth(2)).to_be_focused()
    expect(shown.locator(".hist .readout")).to_contain_text(f"{int(found[2]['total']):,} event")
    shown.keyboard.press("Shift+ArrowRight")
    expect(shown.locator(".hist .brush")).to_be_visible()
    shown.keyboard.press("Escape")
    expect(shown.locator(".hist .brush")).to_be_hidden()
    shown.keyboard.press("Shift+ArrowRight")
    shown.keyboard.press("Shift+ArrowRight")
    inside = sum(int(bar["total"]) for bar in found[3:6])
    expect(shown.locator(".hist .readout")).to_contain_text(f"{inside:,} event")
    shown.keyboard.press("Enter")
    expect(shown.locator(".card .v").first).to_contain_text(re.compile(rf"^{inside}\b"))
    assert asked(shown) == {"since": found[3]["since"], "until": found[5]["until"]}


def test_zoom_out_doubles_and_a_relative_window_stays_one(opened: Open, shown: Page) -> None:
    before = bars(shown)
    shown.get_by_role("link", name="Zoom out").click()
    shown.wait_for_function(
        "since => !location.search.includes(since)", arg=before[0]["since"][:13]
    )
    after = {name: moment(text) for name, text in asked(shown).items()}
    span = moment(before[-1]["until"]) - moment(before[0]["since"])
    assert after["until"] - after["since"] == pytest.approx(2 * span, abs=timedelta(seconds=2))
    page = opened("/admin/activity?since_minutes=90")
    page.keyboard.press("z")
    expect(page).to_have_url(re.compile(r"since_minutes=180\b"))
    assert set(asked(page)) == {"since_minutes"}


def test_an_empty_window_has_no_chart(opened: Open) -> None:
    page = opened("/admin/activity?since=2020-01-01&until=2020-01-02")
    expect(page.locator(".hist")).to_contain_text("Nothing happened")
    assert page.locator(".hist .bar").count() == 0
    expect(page.get_by_role("link", name="Zoom out")).to_be_visible()


@pytest.mark.parametrize(
    "query",
    [
        "since=1970-01-01T00:00:00Z&until=9998-12-31T00:00:00Z",
        "since=2026-01-01T00:00:00Z&until=2026-01-01T00:00:00Z",
        "since=2026-01-01T00:00:00Z&until=2026-01-01T00:00:01Z",
    ],
)
def test_windows_of_all_time_and_of_none_are_drawn(api: httpx.Client, query: str) -> None:
    answer = api.get(f"/admin/activity?{query}")
    assert answer.status_code == 200, answer.text
    assert 'class="panel hist' in answer.text


def test_without_scripts_a_bar_is_a_link(opened: Open, window: dict[str, str]) -> None:
    page = opened(f"/admin/activity?{httpx.QueryParams(window)}", scripts=False)
    bar = page.locator(".hist .bar").nth(4)
    href, since = bar.get_attribute("href"), bar.get_attribute("data-since")
    assert since is not None
    figure = bar.get_attribute("data-total")
    page.goto(f"/admin/activity{href}")
    assert asked(page)["since"] == since
    assert total(page) == int(figure or "-1")


def test_a_finger_chooses_on_a_narrow_screen(opened: Open, window: dict[str, str]) -> None:
    page = opened(f"/admin/activity?{httpx.QueryParams(window)}", width=390)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = bars(page)
    page.locator(".hist").scroll_into_view_if_needed()
    browser = page.context.new_cdp_session(page)
    browser.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    (x, y), (to, _) = middle(page, 6), middle(page, 14)

    def touch(kind: str, *points: dict[str, float]) -> None:
        browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    touch("touchStart", {"x": x, "y": y})
    for at in range(1, 5):
        touch("touchMove", {"x": x + (to - x) * at / 4, "y": y + 2})
    expect(page.locator(".hist .brush")).to_be_visible()
    touch("touchEnd")
    inside = sum(int(bar["total"]) for bar in found[6:15])
    expect(page.locator(".card .v").first).to_contain_text(re.compile(rf"^{inside}\b"))
    assert asked(page) == {"since": found[6]["since"], "until": found[14]["until"]}
