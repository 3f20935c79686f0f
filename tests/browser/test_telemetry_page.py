"""The Telemetry page: cards, facets, chart, table, and the way from a rate to a failing turn. All
of it is about the calls of one person, who did nothing else."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, settled, until_live, without_load
from tests.server_process import ServerProcess
from tests.transcripts import DAY, Transcript, talk

pytestmark = pytest.mark.browser

PATIENCE = 120.0  # seconds until transcripts are processed and indexed
HOSTILE = "mcp__<img src=x onerror=document.title='hit'>__<b>bold</b>"
BASH = [("2026-05-21", "5"), ("2026-05-20", "12")]  # by day: both tool and person are chosen
SPAN = {"since": "2026-05-19T00:00:00Z", "until": "2026-05-23T00:00:00Z"}
API = "/api/admin/telemetry"
CHART = "[data-chart] .agnes-chart.dressed"
FIGURE = """(() => {
  const root = Bokeh.documents[0].roots().find((one) => one.css_classes?.includes("agnes-chart"));
  return [...root.references()].find((model) => model.type === "Figure");
})()"""

LEGEND = """(() => {
  const root = Bokeh.documents[0].roots().find((one) => one.css_classes?.includes("agnes-chart"));
  const items = [...root.references()].filter((model) => model.type === "LegendItem");
  return items.map((one) => one.label.value);
})()"""


@dataclass(frozen=True)
class Made:
    """Whose calls they are, and the session in which some failed."""

    user: str
    session_file: str
    turn: int  # of the first failed call of Bash

    def at(self, **more: str) -> str:
        return f"/admin/telemetry?{httpx.QueryParams({'user_id': self.user, **SPAN, **more})}"

    def asked(self, api: httpx.Client, path: str, **more: str) -> Any:
        answer = api.get(f"{API}/{path}", params={"user_id": self.user, **SPAN, **more})
        return answer.raise_for_status().json()


def conversations() -> tuple[Transcript, Transcript]:
    """17 calls of Bash of which 3 failed, 2 of Read of which 1 did, and one each of all else."""
    first = talk("telemetry-1")
    for number in range(12):
        first = first.call(error="Exit code 2" if number in (4, 6, 9) else None)
    first = first.call("Read").call("Read", error="no such file").call("mcp__agnes__query")
    first = first.skill("charts:bar").subagent("Explore").call(HOSTILE).slash("/reporting:weekly")
    second = talk("telemetry-2", DAY.replace(day=DAY.day + 1))
    for _ in range(5):
        second = second.call()
    return first.answer(), second.answer()


def until(holds: Callable[[], Any]) -> Any:
    """What `holds` gives once it gives something. Processing and indexing have no other sign."""
    end = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < end, "the transcripts were not processed"
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def made(console: ServerProcess, api: httpx.Client) -> Made:
    person = {"email": "telemetry@example.org", "name": "Tela Metry", "password": "long enough 1"}
    user = api.post("/api/admin/users", json=person).raise_for_status().json()["id"]
    token = api.post("/api/admin/tokens", json={"user_id": user, "name": "push"}).raise_for_status()
    files = []
    with console.client(token.json()["token"]) as theirs:
        for name, said in zip(("one.jsonl", "two.jsonl"), conversations(), strict=True):
            sent = theirs.post("/api/upload/sessions", files={"file": (name, said.data)})
            files.append(sent.raise_for_status().json()["session_file"])
    here = Made(user, files[0], 0)

    def processed() -> bool:
        # A pass of the schedule may be at it already, which is as good.
        for name in ("usage", "failure_scan"):
            api.post("/api/admin/run-session-processor", params={"processor": name}, timeout=120)
        return bool(here.asked(api, "kpis")["sessions"] == len(files))

    until(processed)
    outline = until(lambda: _indexed(api, files[0]))
    return Made(user, files[0], outline["errors"][0])


def _indexed(api: httpx.Client, session_file: str) -> Any:
    found = api.get(f"/api/admin/sessions/{session_file}/outline").raise_for_status().json()
    return found if found["indexed"] else None


def table(page: Page) -> list[tuple[str, str]]:
    """Name and calls of each row."""
    rows = page.locator(".groups tbody tr")
    names = rows.locator(".pick").all_inner_texts()
    return list(zip(names, rows.locator(".share .n").all_inner_texts(), strict=True))


def card(page: Page, name: str) -> Any:
    return page.locator(f".card[data-keep={name}]")


def shows(page: Page, rows: list[tuple[str, str]]) -> None:
    """Wait until the table has these rows: a step of the page's own may answer before ours does."""
    expect(page.locator(".groups tbody .pick")).to_have_text([name for name, _ in rows])
    expect(page.locator(".groups tbody .share .n")).to_have_text([count for _, count in rows])


def figured(page: Page, name: str, value: str) -> None:
    expect(card(page, name).locator(".v")).to_have_text(re.compile(rf"^\s*{value}(?!\d)"))


def figure(page: Page, name: str) -> str:
    return str(card(page, name).locator(".v").inner_text()).split()[0]


def test_cards_and_table_are_the_apis_figures(opened: Open, api: httpx.Client, made: Made) -> None:
    page = opened("/admin/activity")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page).to_have_url(re.compile("/admin/telemetry$"))
    page.goto(made.at())
    found = made.asked(api, "kpis")
    names = {"calls": "events_total", "people": "distinct_users", "tools": "distinct_tools"}
    assert {name: figure(page, name) for name in names} == {
        name: str(found[key]) for name, key in names.items()
    }
    expect(card(page, "errors")).to_contain_text(f"{found['errors']} of {found['events_total']}")
    expect(card(page, "sessions").locator(".v")).to_have_text(re.compile("^2"))
    rows = made.asked(api, "query", group_by="tool")["rows"]
    shows(page, [(row["bucket"] or "none", str(row["invocations"])) for row in rows])
    expect(page.locator(".groups tr", has_text="Bash")).to_contain_text("3 of 17")
    expect(page.locator(".groups tr", has_text="Read")).to_contain_text("too few")
    read = api.get(
        "/api/admin/activity",
        params={"action_in": "telemetry.read", "include_self_reads": "true", "q": made.user},
    ).json()["rows"]
    assert any('"endpoint":"page"' in row["params"].replace(" ", "") for row in read)


def test_a_row_filters_everything_and_back_undoes_it(opened: Open, made: Made) -> None:
    page = opened(made.at())
    everything = table(page)
    without_load(page, page.locator(".groups .pick", has_text="Bash").click)
    expect(page).to_have_url(re.compile("tool_name=Bash"))
    shows(page, BASH)
    figured(page, "calls", "17")
    expect(page.locator(".facets .row.on .name")).to_have_text(["Bash", "Tela Metry"])
    page.reload()
    shows(page, BASH)
    until_live(page)
    without_load(page, page.locator(".chip", has_text="tool: Bash").click)
    shows(page, everything)
    page.go_back()
    expect(page).to_have_url(re.compile("tool_name=Bash"))
    settled(page)
    shows(page, BASH)
    page.locator(".facets .pick", has_text="error").click()
    expect(page).to_have_url(re.compile("outcome=error"))
    expect(page.locator(".groups .share .n")).to_have_text("3")


def test_one_goes_from_an_error_rate_to_the_failing_turn(opened: Open, made: Made) -> None:
    page = opened(made.at())
    without_load(page, page.locator(".groups tr", has_text="Bash").get_by_title("errors").click)
    expect(page).to_have_url(re.compile("outcome=error"))
    figured(page, "calls", "3")
    link = page.locator(".failures li a")
    expect(link).to_have_attribute("href", f"/admin/sessions/{made.session_file}#t{made.turn}")
    link.click()
    expect(page).to_have_url(re.compile(f"{made.session_file}.*#t{made.turn}$"))
    expect(page.locator(f"#t{made.turn}")).to_contain_text("Exit code 2")


def test_sorting_grouping_and_walking_by_key(opened: Open, api: httpx.Client, made: Made) -> None:
    page = opened(made.at())
    head = page.locator(".groups th", has_text="Errors")
    without_load(page, head.locator("a").click)
    expect(head).to_have_attribute("aria-sort", "descending")
    rows = made.asked(api, "query", group_by="tool", sort="error_rate:desc")["rows"]
    shows(page, [(row["bucket"] or "none", str(row["invocations"])) for row in rows])
    assert rows[0]["bucket"] == "Bash", "Read failed at a higher rate, of too few calls"
    page.keyboard.press("j")
    expect(page.locator(".groups .pick").first).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    without_load(page, lambda: page.keyboard.press("Enter"))
    shows(page, BASH[::-1])  # sorted by errors still
    without_load(page, lambda: page.get_by_label("Group by").select_option("outcome"))
    expect(page).to_have_url(re.compile("group_by=outcome"))
    shows(page, [("ok", "14"), ("error", "3")])
    without_load(page, card(page, "people").click)
    shows(page, [("Tela Metry", "17")])
    expect(card(page, "people")).to_have_attribute("aria-current", "true")


def test_a_tab_counts_what_it_is_about(opened: Open, api: httpx.Client, made: Made) -> None:
    page = opened(made.at())
    for tab, by in (("Skills", "skill"), ("Subagents", "subagent"), ("MCP", "mcp_server")):
        link = page.locator("[data-region=tabs] a", has_text=tab)
        without_load(page, link.click)
        expect(link).to_have_attribute("aria-current", "page")
        rows = made.asked(api, "query", group_by=by, **{by: "any"})["rows"]
        assert rows
        shows(page, [(row["bucket"], str(row["invocations"])) for row in rows])
        figured(page, "calls", str(sum(row["invocations"] for row in rows)))
    shown = table(page)
    shows(opened(page.url, scripts=False), shown)


def test_the_chart_shows_errors_or_groups_and_zooms(opened: Open, made: Made) -> None:
    page = opened(made.at())
    expect(page.locator(CHART)).to_be_visible(timeout=60_000)
    page.locator("#over-time summary").click()
    counts = page.locator("#over-time tbody tr td:nth-child(2)").all_inner_texts()
    assert sum(map(int, counts)) == int(figure(page, "calls"))
    without_load(page, page.get_by_role("link", name="By tool").click)
    page.wait_for_function(f"{LEGEND}.includes('Bash')", timeout=60_000)
    expect(page.locator("#over-time thead")).to_contain_text("Bash")
    page.wait_for_function(f"{FIGURE}.inner_width > 100")
    box = page.locator("[data-chart]").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 120)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 130, steps=4)
    page.mouse.up()
    expect(page).not_to_have_url(re.compile("until=2026-05-23"))
    expect(page).to_have_url(re.compile("stack=groups"))
    settled(page)
    figured(page, "calls", r"[1-9]\d*")


def test_what_leaves_is_what_is_shown(opened: Open, api: httpx.Client, made: Made) -> None:
    page = opened(made.at(sort="bucket:asc"))
    shown = table(page)
    page.keyboard.press("e")
    menu = page.locator(".actions details[open] .sheet")
    expect(menu).to_contain_text(f"This table, by tool: {len(shown)} rows")
    expect(menu).to_contain_text(f"Every call, one a line: {figure(page, 'calls')} rows")
    with page.expect_download() as begun:
        menu.get_by_role("link", name="CSV").first.click()
    text = begun.value.path().read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["bucket"] or "none", row["invocations"]) for row in rows] == shown
    page.keyboard.press("e")
    page.get_by_text("Copy as").click()
    expect(page.get_by_role("button", name="agnes command")).to_contain_text(
        "agnes admin telemetry query"
    )
    expect(page.get_by_role("button", name="agnes command")).to_contain_text("--sort bucket:asc")


def test_names_from_transcripts_are_text(opened: Open, made: Made) -> None:
    page = opened(made.at(stack="groups"))
    expect(page.locator(".groups .pick", has_text=HOSTILE)).to_be_visible()
    expect(page.locator(CHART)).to_be_visible(timeout=60_000)
    box = page.locator("[data-chart]").bounding_box()
    assert box
    for part in range(2, 9):  # the hover of whichever bar holds it
        page.mouse.move(box["x"] + box["width"] * part / 10, box["y"] + 100)
    without_load(page, page.locator(".groups .pick", has_text=HOSTILE).click)
    expect(page.locator(".chip", has_text=HOSTILE)).to_be_visible()
    assert page.locator("main img, main b:has-text('bold')").count() == 0
    assert page.title() == "Telemetry · Agnes"


def test_nothing_found_says_what_was_looked_at(opened: Open, made: Made) -> None:
    page = opened(made.at(tool_name="Nothing"))
    empty = page.locator(".empty")
    expect(empty).to_contain_text("No call matches")
    expect(empty.locator("time").first).to_have_attribute("datetime", re.compile("2026-05-19"))
    expect(empty.locator(".chip", has_text="Nothing")).to_be_visible()
    without_load(page, empty.get_by_text("Take the filters out").click)
    expect(page).not_to_have_url(re.compile("tool_name|user_id"))
    assert httpx.URL(page.url).params == httpx.QueryParams(SPAN)
    without_load(page, lambda: page.evaluate("agnes.go('?group_by=zzz')"))
    expect(page.locator(".notice")).to_contain_text("group_by='zzz'")
    expect(page.locator(".notice")).to_contain_text("tool, skill")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_nobody_is_shut_out_and_nothing_scrolls_sideways(
    opened: Open, made: Made, width: int, scheme: str
) -> None:
    page = opened(made.at(tool_name="Bash"), width=width, scheme=scheme)
    expect(page.locator(CHART)).to_be_visible(timeout=60_000)
    expect(page.locator(".facets .row").first).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page).response["violations"]
    serious = [
        (rule["id"], [node["html"] for node in rule["nodes"]][:3])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []
