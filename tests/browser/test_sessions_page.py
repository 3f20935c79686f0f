"""The Sessions page in a real browser: figures, filters, list, keys, and the way to a replay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PASSWORD, Open, until_live, without_load
from tests.server_process import ServerProcess, admin_token, agnes

pytestmark = pytest.mark.browser

PATH = "/admin/sessions"
LIST, KPIS = "/api/admin/sessions/list", "/api/admin/sessions/kpis"
SEED = ("--seed", "7", "--sessions", "130", "--usage-events", "3000", "--users", "8")
# Made-up sessions end here: what the tests themselves upload is not among them.
END = "2026-10-31T00:00:00Z"
WINDOW = {"since": "2026-10-01T00:00:00Z", "until": END}
ROW = "[data-session]"
HOSTILE = "<img src=x onerror=window.__xss=1>"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """More sessions than a page holds, and nobody else's."""
    folder = tmp_path_factory.mktemp("sessions") / "data"
    seeded = agnes("seed", *SEED, "--until", END, "--data-dir", folder)
    assert seeded.returncode == 0, seeded.stderr
    with ServerProcess(folder) as server:
        yield server


@pytest.fixture(scope="module")
def api(console: ServerProcess) -> Iterator[httpx.Client]:
    with console.client(admin_token(console)) as client:
        person = {"email": "boss@example.org", "password": PASSWORD, "is_admin": True}
        assert client.post("/api/admin/users", json=person).status_code == 201
        yield client


@pytest.fixture(scope="module")
def cookies(api: httpx.Client) -> dict[str, dict[str, str]]:
    return {}


def at(**given: str) -> str:
    return f"{PATH}?{urlencode({**WINDOW, **given})}"


def asked(api: httpx.Client, path: str, **given: Any) -> dict[str, Any]:
    answer = api.get(path, params={**WINDOW, **given}).raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def keys(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        ROW, "rows => rows.map(row => row.dataset.session)"
    )
    return found


def listed(api: httpx.Client, **given: Any) -> list[str]:
    return [row["session_file"] for row in asked(api, LIST, **given)["rows"]]


def card(page: Page, name: str) -> Locator:
    return page.locator(f"a.card[data-keep={name}]")


def shown(page: Page, number: int) -> None:
    """Wait until the list says that it has so many."""
    noun = "session" if number == 1 else "sessions"
    expect(page.locator(".over")).to_contain_text(re.compile(rf"(^|of |\s){number} {noun}"))


def test_the_first_paint_holds_sentence_cards_facets_and_rows(api: httpx.Client) -> None:
    answer = api.get(at())
    assert answer.status_code == 200
    before_scripts = answer.text.partition("<script defer")[0]
    assert before_scripts.count("data-session=") == 50
    assert before_scripts.count('class="card"') == 6
    assert before_scripts.count('class="pick"') > 5
    total = asked(api, KPIS)["sessions_total"]
    assert f"<b>{total} sessions</b>" in before_scripts
    assert "no-store" in answer.headers["Cache-Control"]
    refused = api.get(f"{PATH}?verdict=fine")
    assert (refused.status_code, "one of clean, recovered" in refused.text) == (400, True)


def test_cards_facets_and_list_narrow_together_and_back_restores(
    opened: Open, api: httpx.Client
) -> None:
    page = opened("/admin/activity")
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile(f"{PATH}$"))
    page.goto(at())
    until_live(page)
    figures = asked(api, KPIS)
    expect(card(page, "sessions").locator(".v")).to_contain_text(str(figures["sessions_total"]))
    expect(card(page, "people").locator(".v")).to_contain_text(str(figures["distinct_users"]))
    assert keys(page) == listed(api, limit=50)
    shown(page, figures["sessions_total"])

    without_load(page, card(page, "errors").click)
    shown(page, figures["error_sessions"])
    assert keys(page) == listed(api, only_errors="true", limit=50)
    expect(page.locator(".pulse")).to_contain_text("match this filter")
    failed = asked(api, KPIS, only_errors="true", verdict="failed")["sessions_total"]
    pick = page.locator(".facets a.pick[data-field=verdict]", has_text="failed")
    assert failed > 0
    without_load(page, pick.click)
    shown(page, failed)
    assert set(page.locator("td.c-verdict").all_inner_texts()) == {"failed"}
    expect(page.locator(".chips")).to_contain_text("tool errors: at least one")
    told = dict(parse_qsl(page.url.partition("?")[2]))
    assert told == {**WINDOW, "only_errors": "true", "verdict": "failed"}

    there = opened(page.url[page.url.index(PATH) :])
    assert keys(there) == keys(page)
    page.go_back()
    shown(page, figures["error_sessions"])
    page.go_back()
    shown(page, figures["sessions_total"])
    page.go_forward()
    shown(page, figures["error_sessions"])
    without_load(page, card(page, "errors").click)
    shown(page, figures["sessions_total"])


def test_the_list_sorts_and_turns_its_pages(opened: Open, api: httpx.Client) -> None:
    page = opened(at())
    total = asked(api, KPIS)["sessions_total"]
    head = page.locator("th.c-tokens")
    without_load(page, head.locator("a").click)
    expect(head).to_have_attribute("aria-sort", "descending")
    assert keys(page) == listed(api, sort="tokens:desc", limit=50)
    without_load(page, head.locator("a").click)
    expect(head).to_have_attribute("aria-sort", "ascending")
    first = listed(api, sort="tokens:asc", limit=50)
    assert keys(page) == first
    page.locator(f"{ROW} a.at").last.focus()
    page.keyboard.press("j")  # beyond the last row lies the next page
    expect(page.locator(".over")).to_contain_text(f"51–100 of {total}")
    second = listed(api, sort="tokens:asc", limit=50, offset=50)
    assert keys(page) == second
    there = page.evaluate("document.activeElement.closest('[data-session]')?.dataset.session")
    assert there == second[0]
    page.keyboard.press("[")
    expect(page.locator(".over")).to_contain_text(f"1–50 of {total}")
    page.keyboard.press("]")
    expect(page.locator(".over")).to_contain_text(f"51–100 of {total}")
    page.get_by_role("link", name="First", exact=True).click()
    expect(page.locator(".over")).to_contain_text(f"1–50 of {total}")
    assert keys(page) == first


def test_a_row_opens_its_replay_and_back_returns_to_it(opened: Open) -> None:
    page = opened(at(verdict="failed"))
    second = keys(page)[1]
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{PATH}/{re.escape(second)}"))
    asked_for = page.url.partition("?")[2].partition("#")[0]
    assert dict(parse_qsl(asked_for)) == {**WINDOW, "verdict": "failed"}
    page.go_back()
    until_live(page)
    page.wait_for_function(
        "key => document.activeElement.closest('[data-session]')?.dataset.session === key",
        arg=second,
    )
    page.locator(f'[data-session="{second}"] td.c-tokens').click()  # anywhere in the row
    expect(page).to_have_url(re.compile(f"{PATH}/{re.escape(second)}"))


def test_a_search_by_name_finds_it_and_nothing_found_offers_ways_out(
    opened: Open, api: httpx.Client
) -> None:
    page = opened(at())
    wanted = listed(api, limit=50)[7]
    name = wanted.partition("/")[2].removesuffix(".jsonl")
    page.keyboard.press("f")
    page.keyboard.type(name)
    without_load(page, lambda: page.keyboard.press("Enter"))
    shown(page, 1)
    assert keys(page) == [wanted]
    page.goto(at(q="no-such-name-anywhere", verdict="clean"))
    empty = page.locator(".panel.empty")
    expect(empty).to_contain_text("No session matches.")
    expect(empty).to_contain_text("no-such-name-anywhere")
    empty.get_by_role("link", name="verdict: clean").click()
    expect(page).to_have_url(re.compile("^((?!verdict).)*$"))
    page.goto(at(anchor="started"))
    total = asked(api, KPIS, anchor="started")["sessions_total"]
    shown(page, total)
    expect(page.locator("th.c-time")).to_contain_text("Started")


def test_the_export_and_the_copied_call_hold_what_is_shown(
    opened: Open, api: httpx.Client, console: ServerProcess, tmp_path: Path
) -> None:
    page = opened(at(verdict="recovered", sort="tokens:desc"))
    expected = listed(api, verdict="recovered", sort="tokens:desc", limit=200)
    page.keyboard.press("e")
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON lines").click()
    place = tmp_path / "sessions"
    download.value.save_as(place)
    found = re.findall(r'"session_file":"([^"]+)"', place.read_text())
    assert found == expected
    copied = page.locator(".copies [data-copy]").all()
    texts = [str(one.get_attribute("data-copy")) for one in copied]
    answer = api.get(texts[2]).raise_for_status().json()
    assert answer["total"] == len(expected)
    assert texts[0].startswith("agnes admin sessions list --since 2026-10-01T00:00:00Z")
    assert "--verdict recovered --sort tokens:desc" in texts[0]


def test_a_file_that_nobody_has_read_yet_stands_in_the_list(
    opened: Open, api: httpx.Client, console: ServerProcess
) -> None:
    person = {"email": "mara@example.org", "name": HOSTILE, "password": PASSWORD}
    user = api.post("/api/admin/users", json=person).raise_for_status().json()["id"]
    token = {"user_id": user, "name": "laptop", "expires_days": 1}
    made = api.post("/api/admin/tokens", json=token).raise_for_status().json()["token"]
    with console.client(made) as mara:
        file = {"file": ("waits-for-a-reader.jsonl", b'{"type":"user"}\n')}
        assert mara.post("/api/upload/sessions", files=file).status_code == 201
    page = opened(f"{PATH}?user_id={user}")
    row = page.locator(ROW)
    expect(row).to_have_count(1)
    expect(row.locator("td.c-verdict")).to_contain_text("waiting")
    expect(row.locator("td.c-who")).to_have_text(HOSTILE)
    expect(card(page, "sessions")).to_contain_text("1 unprocessed")
    page.get_by_role("link", name="not processed yet").click()
    expect(page).to_have_url(re.compile("processed=false"))
    shown(page, 1)
    assert page.evaluate("window.__xss") is None
    page.goto("/admin/activity?include_self_reads=true&query=action:sessions.read")
    expect(page.locator("[data-audit-row]").first).to_be_visible()
    rows = api.get(
        "/api/admin/activity", params={"action_in": "sessions.read", "include_self_reads": "true"}
    ).json()["rows"]
    read = [row["params"] for row in rows]
    assert any(user in str(params) and "page" in str(params) for params in read), read


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_shuts_nobody_out_and_never_scrolls_sideways(
    opened: Open, width: int, scheme: str
) -> None:
    page = opened(at(), width=width, scheme=scheme)
    expect(page.locator(ROW)).to_have_count(50)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page).response["violations"]
    serious = [
        (rule["id"], [node["html"] for node in rule["nodes"]][:3])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []
    clipped = page.eval_on_selector_all(
        "td.c-verdict, td.c-time, td.c-calls, th:not(.c-model)",
        "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)",
    )
    assert clipped == [], "what a column is for has no room in it"


def test_everything_works_without_scripts(opened: Open, api: httpx.Client) -> None:
    page = opened(at(), scripts=False)
    figures = asked(api, KPIS)
    card(page, "findings").click()
    shown(page, figures["with_findings"])
    page.locator("#query").fill("no-such-name-anywhere")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".panel.empty")).to_contain_text("finding: of any kind")
    page.get_by_role("link", name="Reset", exact=True).click()
    expect(page).to_have_url(re.compile(rf"{PATH}\??$"))
