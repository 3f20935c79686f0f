"""`/admin/server-config` and the prompts in a real browser: by keyboard, two editors, narrow."""

from __future__ import annotations

import re

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open

pytestmark = pytest.mark.browser
KEY = "AGNES_FEEDBACK_RETENTION_DAYS"


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in ("serious", "critical")]


def test_a_setting_is_changed_and_undone_by_keyboard(opened: Open, api: httpx.Client) -> None:
    api.put("/api/admin/config", json={"key": KEY, "value": None}).raise_for_status()
    page = opened("/admin/server-config")
    page.keyboard.press("f")
    page.keyboard.type("Feedback reports older")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Change Feedback retention days").press("Enter")
    field = page.get_by_label("Feedback retention days", exact=True)
    expect(field).to_be_focused()
    field.fill("soon")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text("a number of days")
    expect(field).to_have_value("soon")
    field.fill("400")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("is 400")
    expect(page.locator(f"[data-keep={KEY}]")).to_contain_text("set here")
    (row,) = api.get("/api/admin/config", params={"q": KEY}).json()["rows"]
    assert (row["value"], row["source"]) == ("400", "instance")

    page.get_by_role("link", name=re.compile("^Undo instance_config.update")).first.press("Enter")
    tried = page.get_by_role("region", name="Undoing")
    expect(tried).to_contain_text("What will be written")
    tried.get_by_label("Why, if you like").fill("too long")
    page.keyboard.press("Enter")
    expect(page.get_by_text("undone by").first).to_be_visible()
    expect(page.locator(f"[data-keep={KEY}]")).not_to_contain_text("set here")
    asked = {"resource": f"config:{KEY}", "action_in": "audit.rollback", "result_class": "success"}
    (event, *_) = api.get("/api/admin/activity", params=asked).json()["rows"]
    assert event["user_email"] == "boss@example.org"


def test_two_editors_of_a_prompt_lose_no_word(opened: Open, api: httpx.Client) -> None:
    api.put("/api/admin/templates/agent", json={"body": None}).raise_for_status()
    page = opened("/admin/agent-prompt")
    text = page.locator("#body")
    text.fill("Mine for {{ user_email }}")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".preview")).to_contain_text("Mine for boss@example.org")
    api.put("/api/admin/templates/agent", json={"body": "Theirs"}).raise_for_status()
    page.get_by_role("button", name="Show", exact=True).press("Enter")  # the page is read anew
    expect(page.locator("[data-region=tried] .handed")).to_have_text("Theirs")
    expect(text).to_have_value("Mine for {{ user_email }}")
    text.press("Control+s")
    expect(page.locator("#told")).to_contain_text("has changed it meanwhile")
    page.get_by_role("button", name="Save yours over it").press("Enter")
    expect(page.locator("#toasts")).to_contain_text("was saved")
    expect(page.locator("[data-region=tried] .handed")).to_have_text("Mine for boss@example.org")
    row = api.get("/api/admin/templates/agent").json()
    assert row["body"] == "Mine for {{ user_email }}"
    asked = {"resource": "template:agent", "limit": "1"}
    (event,) = api.get("/api/admin/activity", params=asked).json()["rows"]
    assert event["action"] == "instance_templates.set"
    page.get_by_role("button", name="Take the default again").press("Enter")
    expect(page.get_by_text("Nobody has changed it")).to_be_visible()
    expect(text).to_have_value(re.compile("^You work for"))


def test_settings_and_prompts_can_be_read_by_everybody_everywhere(opened: Open) -> None:
    page = opened("/admin/server-config?setting=AGNES_TRANSCRIPT_REASON", width=390, scheme="dark")
    for path in ("", "/admin/server-config", "/admin/workspace-prompt"):
        if path:
            page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert serious(page) == []
    wide = opened("/admin/agent-prompt", width=1280)
    assert serious(wide) == []
