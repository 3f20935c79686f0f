"""Ten ways in which a log's page can say what is not so; none of them happens here.

Each test performs what used to go wrong, in the page where the page shows it, and compares what is
said with what the API, asked in another way, answers.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from console.queries.vocabulary import RESULT_CLASSES
from tests.browser.conftest import PASSWORD, Open, settled, without_load
from tests.browser.test_activity_page import ROW, asked, ids
from tests.browser.test_filters import at, events, number, pick, row, shown
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser

LOG, KPIS = "/api/admin/activity", "/api/admin/observability/kpis"
FACETS = "/api/admin/observability/facets"


@pytest.fixture(scope="module")
def window(api: httpx.Client) -> dict[str, str]:
    """A window that ends before the tests began."""
    newest = asked(api, LOG, action_prefix="sync.")["rows"][0]["timestamp"]
    return {"until": newest, "since_minutes": "43200"}


def figures(page: Page) -> list[str]:
    """The figure of each card, without its change."""
    return [text.split("\n")[0].split()[0] for text in page.locator(".card .v").all_inner_texts()]


def choose(page: Page, word: str) -> None:
    without_load(page, lambda: pick(page, word).click())
    settled(page)


def test_1_each_card_obeys_the_filter(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    page = shown(opened(at(window)))
    everything = figures(page)
    choose(page, "source:web")
    kpis = asked(api, KPIS, **window, query="source:web")
    wanted = [f"{kpis['events_total']:,}", f"{kpis['active_users']:,}"]
    assert figures(page)[:2] == wanted
    assert figures(page)[2] == f"{100 * kpis['errors'] / kpis['events_total']:.1f}"
    assert figures(page) != everything


def test_2_the_classes_of_results_leave_no_row_out(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    page = shown(opened(at(window)))
    total, reached = events(page), 0
    for name in RESULT_CLASSES:
        kpis = asked(api, KPIS, **window, query=f"result:{name}")
        reached += kpis["events_total"]
        if kpis["events_total"]:
            said = row(page, f"result:{name}").locator(".n").inner_text()
            assert number(said) == kpis["events_total"]
    assert reached == total


def test_3_a_source_is_chosen_on_the_server_on_each_page(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    page = shown(opened(at(window)))
    said = number(row(page, "source:web").locator(".n").inner_text())
    choose(page, "source:web")
    assert events(page) == said
    first = ids(page)
    without_load(page, lambda: page.keyboard.press("]"))
    expect(page.locator(f"[data-audit-row='{first[0]}']")).to_have_count(0)
    listed = asked(api, LOG, **window, query="source:web", limit="100")["rows"]
    assert first + ids(page) == [event["id"] for event in listed]
    assert {event["source"] for event in listed} == {"web"}


def test_4_reading_the_page_adds_nothing_to_the_page(opened: Open, api: httpx.Client) -> None:
    mine = {"query": "user:boss@example.org"}
    opened()  # signs in, which is an event
    before = asked(api, KPIS, **mine)["events_total"]
    page = shown(opened())
    for tab in ("Changes", "Queries", "Timeline"):
        link = page.locator("[data-region=tabs] a", has_text=tab)
        without_load(page, link.click)
    assert asked(api, KPIS, **mine)["events_total"] == before
    hidden = asked(api, KPIS, **mine, include_self_reads="true")
    assert hidden["events_total"] > before


def test_5_reset_leaves_no_filter(opened: Open) -> None:
    everything = (
        "query=result:error -source:web&user_id=none&action_prefix=a&since_minutes=60"
        "&include_self_reads=true&sort=action:asc&tab=changes"
    )
    page = opened(f"/admin/activity?{everything}")
    without_load(page, lambda: page.get_by_role("link", name="Reset", exact=True).click())
    expect(page).to_have_url(re.compile(r"/admin/activity\??$"))
    expect(page.locator("#query")).to_have_value("")
    expect(page.locator("[data-region=filters] .chip")).to_have_count(0)
    expect(page.locator("[data-region=filters] input[type=checkbox]")).not_to_be_checked()
    expect(page.locator(ROW).first).to_be_visible()


def test_6_a_person_stays_one_person_under_a_new_address(
    opened: Open, api: httpx.Client, console: ServerProcess
) -> None:
    person = {"email": "old@example.org", "name": "Renamed", "password": PASSWORD}
    made = api.post("/api/admin/users", json=person).raise_for_status().json()
    login = {"password": PASSWORD, "name": "terminal"}
    with console.client() as terminal:
        for email in ("old@example.org", "new@example.org"):
            given = {"email": email, **login}
            terminal.post("/api/login", json=given).raise_for_status()
            change = {"email": "new@example.org"}
            api.patch(f"/api/admin/users/{made['id']}", json=change).raise_for_status()
    query = "action:auth.login user:new@example.org"
    page = shown(opened(f"/admin/activity?{httpx.QueryParams({'query': query})}"))
    assert len(ids(page)) == 2
    people = page.locator(".facets a.pick[data-field=user]")
    expect(people).to_have_count(1)
    expect(people).to_contain_text("Renamed")
    assert asked(api, KPIS, query=query)["active_users"] == 1


def test_7_what_the_scheduler_does_is_known_by_who_did_it(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    """No list of actions: whatever came with a job's pass is the scheduler's."""
    page = shown(opened(at(window, query="kind:scheduler")))
    expect(page.locator(".facets a.pick[data-field=source]")).to_have_count(1)
    expect(row(page, "source:scheduler").locator(".n")).to_have_text(f"{events(page):,}")
    actions = asked(api, FACETS, **window, client_kind="scheduler")["actions"]
    assert len(actions) > 3


def test_8_durations_come_from_every_request(opened: Open, api: httpx.Client) -> None:
    since = (datetime.now(UTC) - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    api.post("/api/check-access", json={"resource_type": "table", "resource_id": "a"})
    api.post("/api/admin/users", json={"email": "no address"})
    api.get("/api/admin/users").raise_for_status()
    api.get("/api/admin/jobs").raise_for_status()
    kpis = asked(api, KPIS, since=since, include_self_reads="true")
    assert kpis["events_total"] >= 3
    assert kpis["duration_coverage"] == 1.0
    page = opened(f"/admin/activity?{httpx.QueryParams({'since': since})}")
    expect(page.locator(".card .d").last).to_have_text("100 % of rows carry one")


def test_9_sessions_are_counted_by_upload_or_by_start_as_one_asks(
    api: httpx.Client, console: ServerProcess
) -> None:
    """A conversation of last year that arrives today is new by upload and old by start."""
    line = (
        '{"type":"user","uuid":"u1","parentUuid":null,"sessionId":"late","timestamp":'
        '"2025-03-01T10:00:00.000Z","cwd":"/w","version":"2.0.0",'
        '"message":{"role":"user","content":"hello"}}\n'
    )
    files = {"file": ("late.jsonl", line.encode(), "application/jsonl")}
    api.post("/api/upload/sessions", files=files).raise_for_status()
    for name in ("usage", "failure_scan"):
        api.post("/api/admin/run-session-processor", params={"processor": name}).raise_for_status()
    found = {
        anchor: [
            session["session_file"]
            for session in asked(api, "/api/admin/sessions/list", anchor=anchor, q="late")["rows"]
        ]
        for anchor in ("uploaded", "started")
    }
    assert [name.endswith("/late.jsonl") for name in found["uploaded"]] == [True]
    assert found["started"] == []


def test_10_people_and_error_rate_mean_one_thing_everywhere(
    opened: Open, api: httpx.Client, window: dict[str, str]
) -> None:
    page = opened(at(window))
    _, people, rate, _ = figures(page)
    kpis = asked(api, KPIS, **window)
    assert people == f"{kpis['active_users']:,}"
    without_load(page, lambda: page.get_by_role("link", name="Usage", exact=True).click())
    expect(page.locator(".sum b").first).to_have_text(people)
    assert figures(page)[1] == people
    usage = asked(api, "/api/admin/observability/usage", **window)
    assert usage["people"] == kpis["active_users"]
    performance = asked(api, "/api/admin/observability/performance", **window)
    errors = sum(action["errors"] for action in performance["actions"])
    errors += performance["other"]["errors"]
    assert errors == kpis["errors"]
    assert rate == f"{100 * errors / performance['events_total']:.1f}"
