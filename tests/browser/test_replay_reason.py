"""Where an instance asks why: the replay in a real browser, before and after a reason is said."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Open
from tests.browser.talks import failing, pushed
from tests.server_process import ServerProcess, admin_token

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One that asks."""
    folder = tmp_path_factory.mktemp("reason") / "data"
    with ServerProcess(folder, AGNES_TRANSCRIPT_REASON="true") as server:
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


def test_a_link_leads_to_its_turn_once_a_reason_is_said(
    opened: Open, console: ServerProcess, api: httpx.Client
) -> None:
    talks = pushed(console, api, "rosa", [failing("reason")])
    page = opened(talks.at(0, "kinds=tools", "#t4"))
    field = page.get_by_label("Reason")
    expect(field).to_be_focused()
    expect(page.locator("[data-events]")).to_have_count(0)
    expect(page.locator(".verdict")).to_have_count(0)
    assert page.url.endswith("#t4")
    field.fill("Rosa asked for help")
    page.keyboard.press("Enter")
    expect(page.locator("[data-events] #t4.here")).to_be_in_viewport()
    expect(page).to_have_url(re.compile("kinds=tools.*#t4$"))
    expect(page.locator(".verdict")).to_be_visible()
    page.reload()  # it holds
    expect(page.locator("[data-events] #t4")).to_be_visible()
    own = opened(talks.own(0), who=talks.email)  # is not asked, and sees why
    expect(own.locator(".looks").last).to_contain_text("Rosa asked for help")
