"""Signing in and out in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, Open, until_live
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser


def sign_in(page: Page, password: str, email: str = "boss@example.org") -> None:
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")


def test_signing_in_leads_to_where_one_wanted_to_go(opened: Open) -> None:
    page = opened("/admin/activity?result_class=error", who=None)
    expect(page).to_have_url(re.compile(r"/login\?next="))
    assert page.evaluate("document.activeElement.name") == "email"
    sign_in(page, PASSWORD)
    expect(page).to_have_url(re.compile(r"/admin/activity\?result_class=error$"))
    expect(page.locator("nav")).to_contain_text("boss@example.org")


def test_a_wrong_password_is_said_and_the_mail_kept(opened: Open) -> None:
    page = opened("/login?next=/me", who=None)
    sign_in(page, "not the password")
    expect(page.locator("[role=alert]")).to_be_visible()
    expect(page.locator("input[name=email]")).to_have_value("boss@example.org")
    expect(page.locator("input[name=password]")).to_have_value("")
    sign_in(page, PASSWORD)
    expect(page).to_have_url(re.compile("/me$"))


def test_signing_in_never_leads_to_another_host(opened: Open) -> None:
    page = opened("/login?next=//elsewhere.example/", who=None)
    sign_in(page, PASSWORD)
    expect(page).to_have_url(re.compile(r"/admin/activity$"))


def test_signing_out_ends_it(opened: Open) -> None:
    page = opened("/login", who=None)
    sign_in(page, PASSWORD)
    expect(page).to_have_url(re.compile("/admin/activity$"))
    until_live(page)
    kept = {each["name"]: each["value"] for each in page.context.cookies()}
    page.click("text=Sign out")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login$"))
    page.goto("/me")
    expect(page).to_have_url(re.compile("/login"))
    answer = httpx.get(page.url.partition("/login")[0] + "/api/me", cookies=kept, trust_env=False)
    assert answer.status_code == 401, "the old cookie still opens the door"


def test_people_without_rights_come_to_their_own_page(opened: Open) -> None:
    page = opened("/login", who=None)
    sign_in(page, PASSWORD, email="ana@example.org")
    expect(page).to_have_url(re.compile("/me$"))
    page.goto("/admin/activity")
    expect(page.locator("h1")).to_have_text("Forbidden")


def test_the_first_link_signs_in_once(chromium: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with ServerProcess(folder) as server:
        link = f"{server.address}/login?link={server.link}"
        first, second = chromium.new_page(), chromium.new_page()
        first.goto(link)
        expect(first).to_have_url(re.compile("/admin/activity$"))
        expect(first.locator("nav")).to_contain_text("admin@localhost")
        second.goto(link)
        expect(second.locator("[role=alert]")).to_be_visible()
        second.goto(f"{server.address}/me")
        expect(second).to_have_url(re.compile("/login"))
        first.close()
        second.close()
