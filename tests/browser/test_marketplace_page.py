"""`/admin/marketplace` in a real browser: an import by keyboard, tried first; narrow and dark."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open

pytestmark = pytest.mark.browser
LISTING = '{"items": [{"plugin": "typed", "type": "skill", "name": "by-hand"}]}'


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in ("serious", "critical")]


def test_a_listing_is_imported_and_removed_by_keyboard(
    opened: Open, api: httpx.Client, tmp_path: Path
) -> None:
    api.delete("/api/admin/marketplace/typed")  # of a try before
    file = tmp_path / "marketplace.json"
    page = opened("/admin/marketplace?tab=marketplaces")
    file.write_text("{")
    page.get_by_label("Name").fill("typed")
    page.get_by_label("File").set_input_files(file)
    page.get_by_label("Name").press("Enter")
    expect(page.locator("#told")).to_contain_text("is not JSON")
    file.write_text(LISTING)
    page.get_by_label("File").set_input_files(file)
    page.get_by_label("Name").press("Enter")
    expect(page.locator("#told")).to_contain_text("2 items, 2 new, 0 gone")
    page.get_by_role("button", name="Import it").press("Enter")
    expect(page.locator("#toasts")).to_contain_text("typed has 2 items now")
    expect(page.locator("[data-keep=typed]")).to_be_visible()
    page.get_by_role("link", name="Remove typed").press("Enter")
    remove = page.get_by_role("button", name="Remove it")
    expect(remove).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-keep=typed]")).to_have_count(0)
    asked = {"resource": "marketplace:typed", "action_in": "marketplace.import", "limit": "2"}
    rows = api.get("/api/admin/activity", params={**asked, "result_class": "success"}).json()[
        "rows"
    ]
    assert [row["user_email"] for row in rows] == ["boss@example.org"] * 2
    listed = api.get("/api/admin/marketplace", params={"marketplace": "typed"}).json()
    assert listed["total"] == 0


def test_figures_lead_to_telemetry_and_can_be_read_everywhere(opened: Open) -> None:
    page = opened("/admin/marketplace", width=390, scheme="dark")
    for tab in ("", "?tab=plugins", "?tab=unused", "?tab=marketplaces&remove=company"):
        if tab:
            page.goto(f"/admin/marketplace{tab}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert serious(page) == []
    wide = opened("/admin/marketplace?type=skill", width=1280)
    assert serious(wide) == []
    wide.keyboard.press("j")
    expect(wide.locator(".items .at").first).to_be_focused()
    wide.keyboard.press("Enter")
    expect(wide).to_have_url(re.compile(r"/admin/telemetry\?.*skill="))
