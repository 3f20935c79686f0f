"""`/me/sessions` in a real browser: one's own sessions, their replay, and who else opened them."""

from __future__ import annotations

import re

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from console.audit import new_id
from tests.browser.conftest import PASSWORD, Open
from tests.browser.talks import Talks, clean, failing, pushed
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser

ROW = "tr[data-session]"


@pytest.fixture(scope="module")
def olga(console: ServerProcess, api: httpx.Client) -> Talks:
    return pushed(console, api, "olga", [clean("olga-1"), failing("olga-2", calls=3)])


def test_my_sessions_lead_to_their_replays(opened: Open, olga: Talks) -> None:
    page = opened("/me", who=olga.email)
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page.locator("h1")).to_have_text("My sessions")
    expect(page.locator(ROW)).to_have_count(2)
    expect(page.locator(ROW).first.locator(".tag")).to_have_text("failed")
    page.locator(f"{ROW} a.at").first.click()
    expect(page).to_have_url(re.compile(r"/me/sessions/olga-2\.jsonl\?.*#t\d+$"))
    expect(page.locator(".event").first).to_be_visible()


def test_i_see_who_opened_my_sessions_and_why(opened: Open, olga: Talks, api: httpx.Client) -> None:
    reason = "the import <b>fails</b>"
    path = f"/api/admin/sessions/{olga.files[1]}/transcript"
    api.get(path, params={"reason": reason}).raise_for_status()
    page = opened("/me/sessions", who=olga.email)
    page.get_by_role("navigation", name="My pages").get_by_role(
        "link", name="Who opened them"
    ).click()
    look = page.locator(".looks tbody tr", has_text=reason)
    expect(look).to_have_count(1)
    expect(look).to_contain_text("opened")
    look.get_by_role("link", name="olga-2").click()
    expect(page).to_have_url(re.compile(r"/me/sessions/olga-2\.jsonl"))
    expect(page.locator(".event").first).to_be_visible()


def test_whoever_has_pushed_nothing_is_told_how(
    opened: Open, console: ServerProcess, api: httpx.Client
) -> None:
    email = f"{new_id()}@example.org"
    person = {"email": email, "name": "Nora", "password": PASSWORD}
    assert api.post("/api/admin/users", json=person).status_code == 201
    page = opened("/", who=email)
    page.get_by_role("link", name="How to push").click()
    page.wait_for_load_state()  # a click before the scripts are there copies nothing
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="agnes login").click()
    expect(page.get_by_text("Command copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"agnes login --server {console.address}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_my_sessions_are_for_everybody(opened: Open, olga: Talks, scheme: str) -> None:
    for query in ("", "?tab=looks"):
        page = opened(f"/me/sessions{query}", who=olga.email, scheme=scheme)
        found = Axe().run(page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
