"""Signing in with an OpenID provider in a real browser, through the provider's own form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.console import stand_in_openid
from tests.console.stand_in_openid import OpenId
from tests.server_process import ServerProcess, admin_token

pytestmark = pytest.mark.browser


@dataclass
class Place:
    server: ServerProcess
    openid: OpenId
    admin: httpx.Client


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("openid") / "data"
    with stand_in_openid.serving() as openid:
        openid.form = True
        settings = stand_in_openid.settings(openid)
        with (
            ServerProcess(folder, **settings) as server,
            server.client(admin_token(server)) as admin,
        ):
            made = admin.post("/api/admin/users", json={"email": "ana@example.org"})
            assert made.status_code == 201
            yield Place(server, openid, admin)


@pytest.fixture
def page(chromium: Browser, place: Place) -> Iterator[Page]:
    context = chromium.new_context(base_url=place.server.address)
    yield context.new_page()
    context.close()


def test_the_providers_form_leads_to_where_one_wanted_to_go(page: Page, place: Place) -> None:
    page.goto("/me?tab=x")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    page.get_by_role("link", name="Sign in with Stand-in").press("Enter")
    expect(page.locator("h1")).to_have_text("Stand-in provider")
    page.fill("input[name=email]", "Ana@example.org")
    page.press("input[name=email]", "Enter")
    expect(page).to_have_url(re.compile(rf"{place.server.address}/me\?tab=x"))
    expect(page.locator("nav")).to_contain_text("ana@example.org")
    rows = place.admin.get("/api/admin/activity", params={"action_prefix": "auth.login"}).json()
    assert '"method":"oidc"' in str(rows["rows"][0]["params"]).replace(" ", "").replace("'", '"')
    page.click("text=Sign out")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign out of Stand-in too").click()
    expect(page).to_have_url(re.compile("/login$"))
    assert "/end" in place.openid.asked


def test_who_is_unknown_is_told_on_the_page_and_may_choose_again(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 760})
    page.goto("/login?next=/me")
    page.click("#by-provider")
    page.fill("input[name=email]", "nobody@example.org")
    page.click("text=Continue")
    expect(page.get_by_role("alert")).to_contain_text("there is no account here")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click("#by-provider")
    page.fill("input[name=email]", "ana@example.org")
    page.click("text=Continue")
    expect(page).to_have_url(re.compile("/me$"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_with_both_ways_in_reads_well(
    chromium: Browser, place: Place, scheme: str
) -> None:
    dark: Literal["dark", "light"] = "dark" if scheme == "dark" else "light"
    context = chromium.new_context(base_url=place.server.address, color_scheme=dark)
    try:
        page = context.new_page()
        page.goto("/login/oidc/callback?state=x&code=y")
        expect(page.get_by_role("alert")).to_contain_text("has not begun this sign-in")
        found = Axe().run(page).response["violations"]
        assert [one["id"] for one in found] == []
    finally:
        context.close()


def test_it_works_without_scripts(chromium: Browser, place: Place) -> None:
    context = chromium.new_context(base_url=place.server.address, java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto("/login?next=/me")
        page.click("#by-provider")
        page.fill("input[name=email]", "ana@example.org")
        page.click("text=Continue")
        expect(page).to_have_url(re.compile("/me$"))
        expect(page.locator("nav")).to_contain_text("ana@example.org")
    finally:
        context.close()
