"""`/admin/health` in a real browser: found by keys, it beats, and takes a backup by keyboard."""

from __future__ import annotations

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Open, refreshed, until_live

pytestmark = pytest.mark.browser


def test_health_is_found_by_keys_and_takes_a_backup_by_keyboard(
    opened: Open, api: httpx.Client
) -> None:
    page = opened("/admin/jobs")
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page).to_have_title("Health · Agnes")
    until_live(page)
    expect(page.locator("[data-queue]")).to_have_count(6)
    expect(page.locator(".pulse .sentence")).to_contain_text("checks")
    refreshed(page)
    expect(page.locator(".card .v").first).to_contain_text("MB")
    button = page.get_by_role("button", name="Take one now")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("agnes-")
    link = page.get_by_role("link", name="Download").first
    expect(link).to_be_visible()
    name = str(link.get_attribute("href")).rpartition("/")[2]
    (row,) = api.get(
        "/api/admin/activity", params={"resource": f"backup:{name}", "limit": "1"}
    ).json()["rows"]
    assert (row["action"], row["client_kind"]) == ("backup.create", "web")
    slow = page.locator("[data-audit-row]").first
    assert api.get(f"/api/admin/activity/{slow.get_attribute('data-audit-row')}").is_success


def test_health_fits_a_telephone_and_is_read_aloud(opened: Open) -> None:
    page = opened("/admin/health", width=390, scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
