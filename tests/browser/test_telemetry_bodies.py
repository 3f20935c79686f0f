"""The tabs Users, Performance, Queries and Cost of the Telemetry page, the pivot, and what stands
below the table. Calls and sessions are those of two people in a week that no other test has."""

from __future__ import annotations

import csv
import io
import re
import time
from datetime import datetime
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, settled, without_load
from tests.server_process import ServerProcess
from tests.transcripts import Transcript, talk

pytestmark = pytest.mark.browser

PATIENCE = 120.0  # seconds until transcripts are processed
SPAN = {"since": "2019-03-04T00:00:00Z", "until": "2019-03-11T00:00:00Z"}
API = "/api/admin/telemetry"
CHART = "[data-chart] .agnes-chart.dressed"
HOSTILE = "<img src=x onerror=document.title='hit'>"


def at(tab: str = "", **more: str) -> str:
    given = {**SPAN, **({"tab": tab} if tab else {}), **more}
    return f"/admin/telemetry?{httpx.QueryParams(given)}"


def conversations() -> tuple[Transcript, Transcript]:
    """Of Pia: 12 calls of Bash; each of the 3 that failed is followed by Edit. Of Tom: 4 of Read
    and one of a tool with an evil name."""
    pia = talk("bodies-pia", datetime(2019, 3, 5, 9))
    for number in range(12):
        failed = number in (2, 5, 8)
        pia = pia.call(error="Exit code 2" if failed else None)
        pia = pia.call("Edit") if failed else pia
    tom = talk("bodies-tom", datetime(2019, 3, 6, 9))
    for _ in range(4):
        tom = tom.call("Read")
    return pia.answer(), tom.call(HOSTILE).answer()


@pytest.fixture(scope="module")
def people(console: ServerProcess, api: httpx.Client) -> dict[str, str]:
    """Name -> id of those two."""
    found = {}
    for name, said in zip(("Pia Bodies", "Tom Bodies"), conversations(), strict=True):
        email = f"{name.split()[0].lower()}.bodies@example.org"
        person = {"email": email, "name": name, "password": "long enough 1"}
        user = api.post("/api/admin/users", json=person).raise_for_status().json()["id"]
        made = {"user_id": user, "name": "push"}
        token = api.post("/api/admin/tokens", json=made).raise_for_status().json()["token"]
        with console.client(token) as theirs:
            sent = theirs.post("/api/upload/sessions", files={"file": ("one.jsonl", said.data)})
            sent.raise_for_status()
        found[name] = user
    end = time.monotonic() + PATIENCE
    while asked(api, "kpis")["sessions"] < len(found):
        assert time.monotonic() < end, "the transcripts were not processed"
        # A pass of the schedule may be at it already, which is as good.
        api.post("/api/admin/run-session-processor", params={"processor": "usage"}, timeout=120)
        time.sleep(0.2)
    return found


def asked(api: httpx.Client, path: str, **more: str) -> Any:
    return api.get(f"{API}/{path}", params={**SPAN, **more}).raise_for_status().json()


def sums(page: Page) -> list[str]:
    return page.locator(".sum b").all_inner_texts()


def grid(page: Page) -> list[list[str]]:
    """The pivot, a list for each of its rows with what it is called first."""
    rows = page.locator(".pivot tbody tr").all()
    return [row.locator("th, td").all_inner_texts() for row in rows]


def test_people_are_the_apis_figures(
    opened: Open, api: httpx.Client, people: dict[str, str]
) -> None:
    page = opened(at("users"))
    found = asked(api, "people")
    assert sums(page) == [str(found[name]) for name in ("users", "dau_avg", "wau", "mau")]
    rows = page.locator(".people tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Pia Bodies")
    expect(rows.first).to_contain_text("3 of 15")
    expect(rows.first.get_by_text("page")).to_have_attribute(
        "href", f"/admin/users/{people['Pia Bodies']}"
    )
    expect(page.locator(CHART)).to_be_visible(timeout=60_000)
    page.get_by_text("The chart as a table").click()
    days = page.locator(".over-time tbody tr")
    assert [day.inner_text().split()[-1] for day in days.all()] == [
        str(day["users"]) for day in reversed(found["dau_series"])
    ]
    without_load(page, days.filter(has_text="06 Mar 2019").locator("a").click)
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Tom Bodies")
    page.go_back()
    expect(rows).to_have_count(2)
    head = page.locator(".people th", has_text="Errors")
    without_load(page, head.locator("a").click)
    expect(head).to_have_attribute("aria-sort", "descending")
    without_load(page, rows.filter(has_text="Tom").get_by_title("only their calls").click)
    expect(page.locator(".card[data-keep=calls] .v")).to_have_text(re.compile("^5"))


def test_a_pivot_is_shaped_narrowed_and_exported_as_it_stands(
    opened: Open, api: httpx.Client, people: dict[str, str]
) -> None:
    page = opened(at("users"))
    assert grid(page) == [
        ["Pia Bodies", "12", "·", "3", "·", "15"],
        ["Tom Bodies", "·", "4", "·", "1", "5"],
    ]
    without_load(page, lambda: page.get_by_label("Show").select_option("error_rate"))
    expect(page).to_have_url(re.compile("measure=error_rate"))
    assert grid(page)[0][:2] == ["Pia Bodies", "25.0 %"]
    expect(page.locator(".pivot .faint", has_text="0 %").first).to_be_visible()
    without_load(page, lambda: page.get_by_label("Rows").select_option("day"))
    assert [row[0] for row in grid(page)] == ["2019-03-05", "2019-03-06"]
    with page.expect_download() as begun:
        page.locator(".exports").get_by_role("link", name="csv").click()
    lines = list(csv.DictReader(io.StringIO(begun.value.path().read_text())))
    assert [line["day"] for line in lines] == ["2019-03-05", "2019-03-06", "total"]
    assert (lines[0]["Bash"], lines[0]["Read"], lines[0]["total"]) == ("0.25", "", "0.2")
    without_load(page, page.locator(".pivot tbody td a").first.click)
    assert page.locator(".card[data-keep=calls] .v").inner_text().split()[0] == "12"
    expect(page.locator(".chip", has_text="Bash")).to_be_visible()
    shown = grid(page)
    assert grid(opened(page.url, scripts=False)) == shown == [["2019-03-05", "25.0 %", "25.0 %"]]


def test_what_follows_a_failing_call_is_said(opened: Open, people: dict[str, str]) -> None:
    page = opened(at(tool_name="Bash"))
    beside = page.locator(".beside")
    expect(beside).to_contain_text("After Bash failed, Edit followed in 3 of 3 cases")
    expect(beside).to_contain_text("where it had gone well, in 0 of 9")
    after = beside.locator("table", has_text="Right after").locator("tbody tr")
    expect(after.first).to_contain_text("Bash")
    without_load(page, after.locator("a", has_text="Edit").click)
    expect(page).to_have_url(re.compile("tool_name=Edit"))
    expect(beside).to_contain_text("Before and after Edit 3 calls, 0 failed")
    without_load(page, page.locator(".chip", has_text="tool: Edit").click)
    expect(beside).to_have_count(0)


def test_popularity_is_of_the_last_days_and_ordered(opened: Open, people: dict[str, str]) -> None:
    page = opened(at())
    popular = page.locator(".popular")
    expect(popular).to_contain_text("of the last 30 days, whatever the filter")
    rows = popular.locator("tbody tr")
    calls = [int(text.replace(",", "")) for text in _column(page, 3)]
    assert calls == sorted(calls, reverse=True)
    assert len(calls) > 1
    expect(popular.locator(".most li")).not_to_have_count(0)
    without_load(page, popular.get_by_role("link", name="Most adopted").click)
    expect(page).to_have_url(re.compile("popular=most_adopted"))
    used_by = [int(text.replace(",", "")) for text in _column(page, 4)]
    assert used_by == sorted(used_by, reverse=True)
    name = rows.first.locator("a").inner_text()
    without_load(page, rows.first.locator("a").click)
    assert httpx.URL(page.url).params["tool_name"] == name
    expect(rows.first).to_have_class("on")


def _column(page: Page, number: int) -> list[str]:
    return page.locator(f".popular tbody td:nth-child({number})").all_inner_texts()


def test_the_cost_says_what_it_leaves_out(
    opened: Open, api: httpx.Client, people: dict[str, str]
) -> None:
    page = opened(at("cost"))
    found = asked(api, "cost")
    assert found["unknown_models"] == ["model-a"], "the model of made-up transcripts"
    assert sums(page) == [f"{found['total']:.2f} USD", str(found["tokens"]), found["prices_as_of"]]
    expect(page.locator(".unpriced")).to_contain_text("No price is known for model-a")
    expect(page.locator("[data-region=body]")).to_contain_text("AGNES_PRICES")
    row = page.locator(".figures tbody tr", has_text="model-a")
    expect(row).to_contain_text("price unknown")
    without_load(page, row.locator("a").click)
    expect(page).to_have_url(re.compile("model=model-a"))


def test_the_log_stands_beside_with_its_durations_and_queries(
    opened: Open, people: dict[str, str]
) -> None:
    page = opened(f"/admin/telemetry?tab=performance&user_id={people['Pia Bodies']}&tool_name=Bash")
    body = page.locator("[data-region=body]")
    expect(body).to_contain_text("from the audit log")
    expect(body.locator(".chip")).to_have_text(["tool_name: Bash"])
    row = body.locator("tbody tr", has_text="session.upload")
    expect(row.locator("td").nth(1)).to_have_text("1")
    expect(page.locator(CHART)).to_be_visible(timeout=60_000)
    without_load(page, body.get_by_role("link", name="Slowest").click)
    expect(page).to_have_url(re.compile("sort=slowest"))
    row.locator("a").click()
    expect(page).to_have_url(re.compile("/admin/activity.*session.upload"))
    expect(page.locator("[data-audit-row]")).to_have_count(1)
    page.goto(at("queries"))
    expect(page.locator(".empty")).to_contain_text("No query was asked here")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_nobody_is_shut_out_and_nothing_scrolls_sideways(
    opened: Open, people: dict[str, str], width: int, scheme: str
) -> None:
    for path in (at("users", measure="error_rate"), at("cost"), at(tool_name="Bash")):
        page = opened(path, width=width, scheme=scheme)
        settled(page)
        if "tool_name" in path:
            expect(page.locator(".beside")).to_be_visible()
            expect(page.locator(".popular")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        serious = [
            (rule["id"], [node["html"] for node in rule["nodes"]][:3])
            for rule in Axe().run(page).response["violations"]
            if rule["impact"] in ("serious", "critical")
        ]
        assert serious == [], path


def test_names_from_transcripts_are_text(opened: Open, people: dict[str, str]) -> None:
    page = opened(at("users"))
    expect(page.locator(".pivot th", has_text=HOSTILE)).to_be_visible()
    page.goto(at(tool_name=HOSTILE))
    expect(page.locator(".beside h2")).to_contain_text(HOSTILE)
    assert page.locator("main img").count() == 0
    assert page.title() == "Telemetry · Agnes"
