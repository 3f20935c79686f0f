"""The conversation of a replay in a real browser: folds, pictures, lanes, and twenty thousand
events."""

from __future__ import annotations

import re

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Dialog, Page, expect

from tests.browser.conftest import Open
from tests.browser.replay_talks import MANY, everything, hostile, long
from tests.browser.talks import Talks, pushed
from tests.server_process import ServerProcess
from tests.upload_corpus import payloads

pytestmark = pytest.mark.browser

ALL, LONG, HOSTILE = range(3)
HERE = MANY // 2 + 3  # an answer
TEXTS: list[str] = payloads(
    "render_transcript",
    "render_json_in_script",
    "render_table_cell",
    shapes=[
        "<script>window.__xss=1</script>",
        "<img src=x onerror=window.__xss=1>",
        '"><svg onload=window.__xss=1>',
        "[click](javascript:window.__xss=1) ![x](https://elsewhere.example/x.png)",
    ],
)


@pytest.fixture(scope="module")
def talks(console: ServerProcess, api: httpx.Client) -> Talks:
    sessions = [everything("kinds"), long("long"), hostile("hostile", TEXTS)]
    return pushed(console, api, "events", sessions)


def loaded(page: Page) -> int:
    return page.locator("[data-events] > section:not([data-away])").count()


def test_each_kind_of_event_is_readable_and_long_ones_are_folded(
    opened: Open, talks: Talks
) -> None:
    page = opened(talks.at(ALL))
    events = page.locator("[data-events]")
    expect(events.locator(".event.command")).to_have_text(re.compile("/clear"))
    expect(events.locator(".prose table td").first).to_have_text("2026-10")
    assert events.locator(".prose a").get_attribute("rel") == "noopener noreferrer nofollow"
    thoughts = events.locator("details.thoughts")
    expect(thoughts.locator(".text")).to_be_hidden()
    thoughts.locator("summary").click()
    expect(thoughts.locator(".text")).to_contain_text("I ask there first.")
    output = events.locator(".event.call", has_text="All rows of October")
    expect(output.locator(".tag.success")).to_have_text("ok")
    expect(output.get_by_text("0213 | row")).to_be_hidden()
    output.get_by_text("show all 214 lines").click()
    expect(output.get_by_text("0213 | row")).to_be_visible()
    failed = events.locator(".event.call", has_text="no forecast table")
    expect(failed.locator(".answered[data-outcome=error]")).to_be_visible()
    expect(failed.locator("header")).to_contain_text("agnes · query sql SELECT 1")
    diff = events.locator(".event.call", has_text="report.py")
    expect(diff.locator(".line.del, .line.add")).to_have_text(["-b = 2", "+b = 20"])
    expect(events.locator(".todo li")).to_have_count(3)
    again = events.locator("details.again")
    expect(again.locator("> summary")).to_contain_text("Bash 3 more times, same input")
    again.locator("> summary").click()
    expect(again.locator(".event")).to_have_count(3)
    expect(events.locator(".event.call", has_text="rm -r build")).to_contain_text("no result")
    expect(events.get_by_text("interrupted by the user")).to_be_visible()
    expect(events.get_by_text("3 h later")).to_be_visible()


def test_what_is_very_long_comes_when_it_is_unfolded(opened: Open, talks: Talks) -> None:
    page = opened(talks.at(ALL))
    dump = page.locator(".event.call", has=page.locator(".of-code", has_text="dump"))
    assert "the very end" not in (dump.text_content() or "")
    dump.get_by_text("show all of it").click()
    expect(dump.locator("details.rest .text")).to_contain_text("the very end")
    said = dump.locator(".answered").inner_text()
    assert said.count("x") == 80_000


def test_pictures_are_shown_as_what_they_are(opened: Open, talks: Talks) -> None:
    page = opened(talks.at(ALL))
    shown = page.locator(".event.call figure img")
    shown.scroll_into_view_if_needed()
    expect(shown).to_have_js_property("naturalWidth", 1)
    expect(page.locator("[data-events] img")).to_have_count(1)
    expect(page.locator(".event.image")).to_contain_text("image/svg+xml, 5 B")


def test_a_subagent_is_folded_and_a_link_into_it_opens_it(opened: Open, talks: Talks) -> None:
    page = opened(talks.at(ALL))
    lane = page.locator("details.lane")
    expect(lane.locator("> summary")).to_have_text("Explore find the table · 4 events")
    found = lane.locator(".event.call")
    expect(found).to_be_hidden()
    turn = found.get_attribute("data-turn")
    page = opened(talks.at(ALL, place=f"#t{turn}"))
    expect(page.locator(f"details.lane #t{turn}.here")).to_be_in_viewport()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_it_is_readable_for_everybody(opened: Open, talks: Talks, width: int, scheme: str) -> None:
    page = opened(talks.at(ALL), width=width, scheme=scheme)
    expect(page.locator(".event").first).to_be_visible()
    for fold in page.locator("[data-events] details:not([data-whole])").all():
        fold.evaluate("fold => { fold.open = true }")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page, {"include": ["[data-region=events]"]})
    serious = [one for one in found.response["violations"] if one["impact"] != "minor"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == []


def test_a_link_into_the_middle_of_many_events_leads_there(opened: Open, talks: Talks) -> None:
    page = opened(talks.at(LONG, place=f"#t{HERE}"))
    event = page.locator(f"#t{HERE}")
    expect(event).to_be_in_viewport()
    expect(event).to_have_class(re.compile("here"))
    # What is loaded above it does not move it.
    above = page.locator(f"section[data-first='{MANY // 2 - 100}']")
    expect(above.locator(".event").last).to_be_in_viewport()
    expect(event).to_be_in_viewport()
    top = event.bounding_box()
    assert top is not None
    assert abs(top["y"] - 225) < 5
    assert page.locator("[data-events] > section").count() == MANY / 100
    assert loaded(page) <= 8


def test_scrolling_through_many_events_keeps_few_of_them(opened: Open, talks: Talks) -> None:
    page = opened(talks.at(LONG))
    expect(page.locator("[data-events] > section")).to_have_count(MANY // 100)
    for part in (0.2, 0.5, 0.8, 0.3):
        page.evaluate("part => scrollTo(0, part * document.body.scrollHeight)", part)
        middle = "document.elementFromPoint(600, 500)?.closest('.event')?.dataset.turn"
        page.wait_for_function(f"Math.abs({middle} / {MANY} - {part}) < 0.1")
    # Nothing is loading any more, and what is far was let go.
    page.wait_for_function(
        "[...document.querySelectorAll('section[data-away]')].every((one) => {"
        "  const { top, bottom } = one.getBoundingClientRect();"
        "  return bottom < -1300 || top > innerHeight + 1300; })"
    )
    assert loaded(page) <= 8
    assert page.locator("[data-events] *").count() < 30_000
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.get_by_text("the end", exact=True)).to_be_in_viewport()


def test_chosen_kinds_are_counted_and_reached(opened: Open, talks: Talks) -> None:
    page = opened(talks.at(LONG, "kinds=errors"))
    events = page.locator("[data-events] .event")
    expect(events.first).to_be_visible()
    turns = events.evaluate_all("all => all.map((one) => Number(one.dataset.turn))")
    total = int(page.locator("[data-events]").get_attribute("data-total") or 0)
    assert len(turns) == total < 100
    assert events.locator(".tag.error").count() == total
    page.evaluate("turn => agnes.replay.show(turn)", turns[-1])
    expect(events.last).to_be_in_viewport()
    assert page.evaluate("agnes.replay.show(1)") is None
    page.get_by_role("link", name="Errors").click()  # all of them again
    expect(page.locator("[data-events]")).to_have_attribute("data-total", str(MANY))
    expect(page.locator(f"#t{turns[-1]}")).to_be_in_viewport()


def test_other_kinds_are_shown_where_the_reader_has_just_come_to(
    opened: Open, talks: Talks
) -> None:
    """Before the address has followed them there."""
    page = opened(talks.at(LONG, "kinds=errors"))
    events = page.locator("[data-events] .event")
    expect(events.first).to_be_visible()
    turn = events.last.get_attribute("data-turn")
    page.evaluate(
        """async ([turn, link]) => {
            await agnes.replay.show(turn, { mark: false });
            link.click();
        }""",
        [turn, page.get_by_role("link", name="Errors").element_handle()],
    )
    expect(page.locator("[data-events]")).to_have_attribute("data-total", str(MANY))
    expect(page.locator(f"#t{turn}")).to_be_in_viewport()


def test_without_scripts_it_goes_from_page_to_page(opened: Open, talks: Talks) -> None:
    page = opened(talks.at(LONG), scripts=False)
    page.get_by_role("link", name="next 100 events").click()
    expect(page.locator(".event").first).to_have_attribute("data-turn", "100")
    expect(page.locator(".pages")).to_contain_text(f"100 to 199 of {MANY:,}")
    page.get_by_role("link", name="previous 100 events").click()
    expect(page.locator("#t0")).to_be_visible()


def test_hostile_texts_do_nothing(opened: Open, talks: Talks) -> None:
    """`opened` fails on a request to another host and on every error."""
    page = opened(talks.at(HOSTILE))
    said: list[str] = []

    def heard(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", heard)
    expect(page.locator(".event").first).to_be_visible()
    for fold in page.locator("[data-events] details").all():
        fold.evaluate("fold => { fold.open = true }")
    expect(page.locator("[data-events]")).to_contain_text(TEXTS[0])
    assert page.evaluate("window.__xss") is None
    assert said == []
    events = page.locator("[data-events]")
    assert events.locator("script, iframe, svg, img, [onerror], [onload]").count() == 0
    assert events.locator("[href^='javascript:' i], [href^='data:' i]").count() == 0
