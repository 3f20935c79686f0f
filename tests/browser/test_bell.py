"""The bell in a real browser: what one was told, read by mouse and by key, live and without
scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from console.audit import new_id
from tests.browser.conftest import PASSWORD, Open, settled, stands_within, without_load
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser

NORA = "told@example.org"


@pytest.fixture(scope="module")
def nora(console: ServerProcess, api: httpx.Client) -> Iterator[httpx.Client]:
    """Somebody who sends reports."""
    person = {"email": NORA, "name": "Nora", "password": PASSWORD}
    assert api.post("/api/admin/users", json=person).status_code == 201
    login = {"email": NORA, "password": PASSWORD, "name": "terminal"}
    with console.client() as terminal:
        token = terminal.post("/api/login", json=login).json()["token"]
    with console.client(token) as client:
        yield client


def answered(api: httpx.Client, nora: httpx.Client, count: int) -> list[str]:
    """She reports so many things that nobody has reported before, and each is resolved: what her
    bell then says of them, in their order."""
    said = []
    for _ in range(count):
        word = new_id().translate(str.maketrans("0123456789-", "ghijklmnopq"))  # ids are alike
        body = {"message": f"nora says {word}", "ack_preview": True, "idempotency_key": new_id()}
        id = nora.post("/api/feedback", json=body).raise_for_status().json()["report_id"]
        report = api.get(f"/api/admin/feedback/{id}").raise_for_status().json()
        change = {"version": report["version"], "status": "resolved", "resolution": "use another"}
        api.patch(f"/api/admin/feedback/{id}", json=change).raise_for_status()
        said.append(f"Your report {report['fingerprint'][:12]} is resolved, with an answer")
    return said


def test_the_bell_tells_what_came_and_forgets_what_was_read(
    opened: Open, api: httpx.Client, nora: httpx.Client
) -> None:
    nora.post("/api/me/notifications/read", json={"all": True}).raise_for_status()
    first, second = answered(api, nora, 2)
    page = opened("/catalog", who=NORA)
    bell, count = page.locator("#bell"), page.locator("#bell .count")
    expect(count).to_have_text("2 not read")
    expect(bell.locator("summary")).to_have_accessible_name(re.compile("^Notifications 2 not read"))

    (third,) = answered(api, nora, 1)
    page.clock.install()
    page.clock.fast_forward(10_000)  # away for a while, and back
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(count).to_have_text("3 not read")
    expect(page.locator("#bell-said")).to_have_text("1 new notification")
    page.clock.resume()

    page.keyboard.press("g")
    page.keyboard.press("n")
    rows = bell.locator("li .what")
    expect(rows.nth(0)).to_contain_text(third)
    expect(rows.nth(1)).to_contain_text(second)
    found = Axe().run(page, context="nav")
    assert found.violations_count == 0, found.generate_report()
    bell.locator("li button").nth(0).click()
    expect(count).to_have_text("2 not read")
    expect(bell).to_have_attribute("open", "")
    with page.expect_response(lambda answer: answer.url.endswith("/act")):  # it goes along
        bell.locator("li a").nth(1).click()
    page.wait_for_url("**/me/reports/*")
    page.goto("/catalog")
    expect(count).to_have_text("1 not read")

    narrow = opened("/catalog", who=NORA, width=390, scheme="dark")
    narrow.locator("#bell > summary").click()
    expect(narrow.locator("#bell li .what").nth(2)).to_contain_text(first)
    stands_within(narrow, "#bell .sheet", 390)
    narrow.get_by_role("button", name="Mark all as read").click()
    expect(narrow.locator("#bell .count")).to_be_hidden()
    narrow.keyboard.press("Escape")
    expect(narrow.locator("#bell")).not_to_have_attribute("open", "")


def test_the_page_lists_them_and_marks_them_live_and_without_scripts(
    opened: Open, api: httpx.Client, nora: httpx.Client
) -> None:
    nora.post("/api/me/notifications/read", json={"all": True}).raise_for_status()
    older, newer = answered(api, nora, 2)
    page = opened("/me/notifications?tab=unread", who=NORA)
    rows = page.locator(".notices li")
    expect(rows.locator(".at")).to_contain_text([newer, older])
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    without_load(page, rows.get_by_role("button").first.click)
    expect(rows.locator(".at")).to_contain_text([older])
    expect(page.locator("#bell .count")).to_have_text("1 not read")
    page.get_by_role("link", name=re.compile("^All [0-9]")).click()
    settled(page)
    expect(rows.locator(".at").nth(0)).to_contain_text(newer)
    expect(rows.nth(0)).not_to_have_class(re.compile("unread"))

    plain = opened("/me/notifications", who=NORA, scripts=False)
    plain.locator("#bell > summary").click()
    plain.locator("#bell").get_by_role("link", name="All notifications").click()
    plain.get_by_role("button", name="Mark all as read").click()
    expect(plain.locator(".notices .unread")).to_have_count(0)
    expect(plain.locator("#bell .count")).to_be_hidden()
