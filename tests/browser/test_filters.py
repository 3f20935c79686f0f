"""What filters the audit log, in a real browser: facets, query box, chips, cards, pulse, and what
is said where nothing is found."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open, settled, without_load
from tests.browser.test_activity_page import HOSTILE, ROW, asked, ids

pytestmark = pytest.mark.browser

KPIS = "/api/admin/observability/kpis"


@pytest.fixture(scope="module")
def window(api: httpx.Client) -> dict[str, str]:
    """A window that ends before the tests began, and has as long a one before it."""
    newest = asked(api, "/api/admin/activity", action_prefix="sync.")["rows"][0]["timestamp"]
    return {"until": newest, "since_minutes": "10080"}


@pytest.fixture(scope="module")
def hostile(api: httpx.Client) -> str:
    """A resource of the log that would like to be something else."""
    for wanted in (HOSTILE, 'a "b" -c:=d\\'):
        answer = api.post(
            "/api/check-access", json={"resource_type": "table", "resource_id": wanted}
        )
        answer.raise_for_status()
    return 'table:a "b" -c:=d\\'


def at(window: dict[str, str], **more: str) -> str:
    return f"/admin/activity?{httpx.QueryParams({**window, **more})}"


def shown(page: Page) -> Page:
    """With its facets, which are no part of the first paint."""
    page.wait_for_selector(".facets .row", state="attached")
    return page


def query(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query).get("query", [""])[0]


def pick(page: Page, word: str) -> Locator:
    return page.locator(f".facets a.pick[data-word='{word}']")


def row(page: Page, word: str) -> Locator:
    return page.locator(".facets .row", has=page.locator(f"a.pick[data-word='{word}']"))


def number(text: str) -> int:
    return int(text.replace(",", ""))


def events(page: Page) -> int:
    return number(page.locator(".card .v").first.inner_text().split()[0])


def go(page: Page, act: Locator, **how: Any) -> None:
    without_load(page, lambda: act.click(**how))


def test_a_value_is_included_by_a_click_and_taken_out_by_a_second(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    page = shown(opened(at(window)))
    before = events(page)
    said = number(row(page, "result:error").locator(".n").inner_text())
    go(page, pick(page, "result:error"))
    expect(pick(page, "result:error")).to_have_attribute("aria-current", "true")
    expect(row(page, "result:error").locator(".mark")).to_have_text("✓")
    assert query(page) == "result:error"
    assert events(page) == said
    rows = asked(api, "/api/admin/activity", **window, query="result:error")["rows"]
    assert ids(page) == [one["id"] for one in rows]
    go(page, pick(page, "result:error"))
    expect(pick(page, "result:error")).not_to_have_attribute("aria-current", "true")
    assert (query(page), events(page)) == ("", before)
    page.go_back()
    expect(pick(page, "result:error")).to_have_attribute("aria-current", "true")
    page.go_forward()
    expect(pick(page, "result:success")).to_be_visible()


def test_a_value_is_excluded_by_alt_click_or_its_button(
    opened: Open, window: dict[str, str]
) -> None:
    page = shown(opened(at(window)))
    before = events(page)
    said = number(row(page, "source:scheduler").locator(".n").inner_text())
    go(page, pick(page, "source:scheduler"), modifiers=["Alt"])
    expect(row(page, "source:scheduler")).to_have_class(re.compile("out"))
    expect(row(page, "source:scheduler").locator(".mark")).to_have_text("−")
    assert query(page) == "-source:scheduler"
    assert events(page) == before - said
    go(page, pick(page, "source:scheduler"))
    assert (query(page), events(page)) == ("", before)
    row(page, "result:success").hover()
    go(page, page.get_by_role("link", name="Exclude success"))
    assert query(page) == "-result:success"


def test_the_keyboard_includes_and_excludes(opened: Open, window: dict[str, str]) -> None:
    page = shown(opened(at(window)))
    pick(page, "source:web").focus()
    without_load(page, lambda: page.keyboard.press("Enter"))
    expect(pick(page, "source:web")).to_have_attribute("aria-current", "true")
    expect(pick(page, "source:web")).to_be_focused()
    without_load(page, lambda: page.keyboard.press("Enter"))
    expect(pick(page, "source:web")).not_to_have_attribute("aria-current", "true")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Exclude web")).to_be_focused()
    expect(page.get_by_role("link", name="Exclude web")).to_have_css("opacity", "1")
    without_load(page, lambda: page.keyboard.press("Enter"))
    assert query(page) == "-source:web"


def test_each_facet_sums_to_the_card(opened: Open, window: dict[str, str]) -> None:
    for typed in ("", "-source:scheduler", "user:none result:success"):
        page = shown(opened(at(window, query=typed)))
        facets = page.locator(".facets section")
        assert facets.locator("h2").all_text_contents() == [
            "Result",
            "Source",
            "People",
            "Action",
            "Resource",
        ]
        for facet in facets.all():
            counts = facet.locator(".row:not(.out) .n, .other span").all_text_contents()
            assert sum(map(number, counts)) == events(page), facet.inner_text()


def test_the_rest_of_a_facet_unfolds_and_stays_so(opened: Open, window: dict[str, str]) -> None:
    page = shown(opened(at(window)))
    rest = page.locator("#all-action")
    expect(rest.locator(".row").first).to_be_hidden()
    rest.locator("summary").click()
    expect(rest.locator(".row").first).to_be_visible()
    go(page, pick(page, "result:success"))
    expect(rest.locator(".row").first).to_be_visible()


def test_a_deep_link_marks_what_it_asks_for(opened: Open, window: dict[str, str]) -> None:
    typed = "-action:=sync.table result:success user:none"
    page = shown(opened(at(window, query=typed)))
    expect(page.locator("#query")).to_have_value(typed)
    expect(row(page, "action:=sync.table")).to_have_class(re.compile("out"))
    expect(pick(page, "result:success")).to_have_attribute("aria-current", "true")
    expect(pick(page, "user:none")).to_have_attribute("aria-current", "true")
    parameter = shown(opened(at(window, result_class="error")))
    go(parameter, pick(parameter, "result:error"))
    assert "result_class" not in parameter.url
    expect(parameter.locator(".chip")).to_have_count(0)


def test_hostile_values_can_be_chosen_and_stay_texts(
    opened: Open, api: httpx.Client, hostile: str
) -> None:
    page = shown(opened("/admin/activity?action_prefix=data.access_check"))
    choice = page.locator(".facets .row", has_text=hostile)
    said = number(choice.locator(".n").inner_text())
    page.focus("#query")
    page.keyboard.type("resource:table")
    offered = page.locator("#completion li")
    expect(offered.filter(has_text="onerror")).to_have_count(1)
    number_of = offered.all_inner_texts().index(
        next(text for text in offered.all_inner_texts() if '\\"b\\"' in text)
    )
    for _ in range(number_of + 1):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    without_load(page, lambda: page.keyboard.press("Enter"))
    assert events(page) == said
    assert page.locator("main img, #completion img").count() == 0
    assert page.evaluate("window.__xss") is None
    go(page, page.locator(".facets .row.on .pick"))
    assert query(page) == ""
    go(page, page.locator(".facets .row", has_text=hostile).locator(".pick"))
    assert events(page) == said


def test_fields_and_values_are_completed_without_asking(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    page = shown(opened(at(window)))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.evaluate(
        """() => { window.__sent = 0; const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (...all) { window.__sent++; send.apply(this, all) } }"""
    )
    page.keyboard.press("f")
    box, options = page.locator("#query"), page.locator("#completion [role=option]")
    expect(box).to_be_focused()
    page.keyboard.type("re")
    expect(options).to_have_text([re.compile("^resource:"), re.compile("^result:")])
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "completion-1")
    page.keyboard.press("Enter")
    expect(box).to_have_value("result:")
    page.keyboard.type("err")
    expect(options.first).to_have_text("result:error")
    page.keyboard.press("Tab")
    expect(box).to_have_value("result:error ")
    expect(box).to_be_focused()
    page.keyboard.type("-sou")
    page.keyboard.press("Tab")
    page.keyboard.type("web")
    expect(options.first).to_have_text("source:web")
    page.keyboard.press("Escape")
    expect(page.locator("#completion")).to_be_hidden()
    expect(box).to_have_value("result:error -source:web")
    assert sent == []
    assert page.evaluate("window.__sent") == 0
    without_load(page, lambda: page.keyboard.press("Enter"))
    assert query(page) == "result:error -source:web"
    assert events(page) == asked(api, KPIS, **window, query=query(page))["events_total"]
    expect(box).to_be_focused()
    assert box.evaluate("box => box.selectionStart") == len("result:error -source:web")


def test_a_person_is_found_by_name_and_typed_by_mail(opened: Open, window: dict[str, str]) -> None:
    page = shown(opened(at(window)))
    person = page.locator(".facets a.pick[data-hint]").first
    name, mail = person.get_attribute("data-label") or "", person.get_attribute("data-hint") or ""
    said = number(row(page, f"user:{mail}").locator(".n").inner_text())
    page.fill("#query", "")
    page.locator("#query").type(f"user:{name.split()[0].lower()}")  # a space would end the word
    option = page.locator("#completion li", has_text=mail)
    expect(option).to_contain_text(name)
    option.click()
    expect(page.locator("#query")).to_have_value(f"user:{mail} ")
    expect(page.locator("#query")).to_be_focused()
    without_load(page, lambda: page.press("#query", "Enter"))
    assert events(page) == said


def test_a_wrong_word_stays_to_be_corrected(opened: Open) -> None:
    page = opened()
    page.fill("#query", "acton:sync. result:error")
    without_load(page, lambda: page.press("#query", "Enter"))
    expect(page.locator(".notice[role=alert]")).to_contain_text("acton")
    expect(page.locator(".notice[role=alert]")).to_contain_text("did you mean action?")
    expect(page.locator("#query")).to_have_value("acton:sync. result:error")
    expect(page.locator("#query")).to_be_focused()
    page.fill("#query", "action:sync. result:error")
    without_load(page, lambda: page.press("#query", "Enter"))
    expect(page.locator(".notice[role=alert]")).to_have_count(0)


def test_parameters_are_chips_with_people_by_name(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    found = asked(api, "/api/admin/observability/facets", **window)["users"]
    person = next(one for one in found if one["name"])
    page = opened(at(window, user_id=person["id"], source_not="web", result_pattern="s%"))
    chips = page.locator(".filters .chip")
    expect(chips).to_have_count(3)
    expect(chips.filter(has_text=f"person: {person['name']}")).to_have_count(1)
    expect(chips.filter(has_text="not source: web")).to_have_count(1)
    page.fill("#query", "action:s")
    without_load(page, lambda: page.press("#query", "Enter"))
    expect(chips).to_have_count(3)
    go(page, chips.filter(has_text="person"))
    expect(chips).to_have_count(2)
    assert "user_id" not in page.url
    assert "source_not=web" in page.url


def test_reads_of_this_log_are_shown_when_asked_for(opened: Open, api: httpx.Client) -> None:
    asked(api, "/api/admin/activity", q="a read to be found")
    page = opened("/admin/activity?query=action:activity.read")
    expect(page.locator(".empty")).to_contain_text("reads of this log are left out")
    go(page, page.get_by_text("Show reads of this log too"))
    expect(page.locator(ROW).first).to_contain_text("activity.read")
    expect(page.get_by_label("Reads of this log")).to_be_checked()
    without_load(page, lambda: page.get_by_label("Reads of this log").uncheck())
    expect(page.locator(".empty")).to_be_visible()
    assert "include_self_reads" not in page.url


def test_each_card_filters_and_a_second_click_undoes_it(
    opened: Open, window: dict[str, str]
) -> None:
    page = shown(opened(at(window)))
    before = page.locator(".card .v").all_inner_texts()
    wanted = {
        "events": "-source:scheduler -source:system",
        "people": "source:web source:cli source:agent -user:none",
        "errors": "result:error",
        "p95": "",
    }
    for name, typed in wanted.items():
        card = page.locator(f".card[data-keep={name}]")
        go(page, card)
        expect(card).to_have_attribute("aria-current", "true")
        assert query(page) == typed
        assert ("sort=duration_ms%3Adesc" in page.url) == (name == "p95")
        go(page, card)
        expect(card).not_to_have_attribute("aria-current", "true")
        assert page.locator(".card .v").all_inner_texts() == before, name


def test_cards_say_what_they_are_a_part_of_and_what_changed(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    page = shown(opened(at(window)))
    now = asked(api, KPIS, **window)
    earlier = asked(api, "/api/admin/activity", **window, limit="1")["filter"]["since"]
    then = asked(api, KPIS, until=earlier, since_minutes="10080")
    texts = page.locator(".card").all_inner_texts()
    assert f"{now['errors']:,} of {now['events_total']:,} events" in texts[2]
    assert f"{now['duration_coverage']:.0%}".replace("%", " %") in texts[3]
    assert "with an account" in texts[1]
    share = round((now["events_total"] / then["events_total"] - 1) * 100)
    said = f"{'−' if share < 0 else '+'}{abs(share):,} %" if share else "±0"
    expect(page.locator(".card .ch").first).to_contain_text(f"{said} on the 7 d before")
    oldest = opened("/admin/activity?since=2020-01-01&until=2030-01-01")
    shown(oldest)
    assert oldest.locator(".card .ch").all_inner_texts() == ["", "", "", ""]


def test_the_pulse_leads_to_what_it_speaks_of(opened: Open) -> None:
    page = opened("/admin/activity#pulse")
    pulse = page.locator("#pulse")
    expect(pulse).to_be_in_viewport()
    expect(pulse.locator(".f")).to_have_count(8)
    syncs = pulse.locator("a.f", has_text="syncs")
    assert "Table syncs" in (syncs.get_attribute("title") or "")
    go(page, pulse.locator("a.f", has_text="scheduler"))
    expect(page.locator(".filters .chip")).to_contain_text("source: scheduler")


def test_a_narrow_page_folds_pulse_and_facets(opened: Open, window: dict[str, str]) -> None:
    page = shown(opened(at(window), width=390))
    name = page.locator("#pulse .f .t").first
    expect(name).to_be_hidden()
    page.get_by_text("Measures").click()
    expect(name).to_be_visible()
    expect(page.locator(".facets")).to_be_hidden()
    page.locator("#fold-facets summary").click()
    expect(page.locator(".facets")).to_be_visible()
    go(page, pick(page, "result:error"))
    expect(page.locator(".facets")).to_be_visible()
    expect(pick(page, "result:error")).to_have_attribute("aria-current", "true")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_nothing_found_offers_the_next_steps(opened: Open) -> None:
    page = opened("/admin/activity?query=result:error action:nothing.like.this&since_minutes=60")
    empty = page.locator(".empty")
    expect(empty).to_contain_text("the last 1 h")
    expect(empty.locator("p .chip")).to_have_text(["result:error", "action:nothing.like.this"])
    go(page, empty.get_by_text("Look at the last 24 h"))
    assert "since_minutes=1440" in page.url
    expect(empty).to_contain_text("the last 24 h")
    go(page, empty.get_by_role("link", name="Without action:nothing.like.this"))
    assert query(page) == "result:error"
    page.go_back()
    expect(empty.locator("p .chip")).to_have_text(["result:error", "action:nothing.like.this"])
    go(page, empty.get_by_text("Reset the filters"))
    expect(page.locator(ROW).first).to_be_visible()


def test_ones_own_page_has_no_people(opened: Open) -> None:
    page = shown(opened("/me", who="ana@example.org"))
    assert page.locator(".card", has_text="People").count() == 0
    assert "People" not in page.locator(".facets h2").all_text_contents()
    assert page.locator("#pulse").count() == 0
    go(page, page.locator(".card", has_text="Error rate"))
    assert query(page) == "result:error"
    settled(page)
