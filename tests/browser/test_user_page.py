"""`/admin/users/<id>` in a real browser: from a person to a failing turn and back."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.talks import Talks, clean, failing, pushed
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser

ROW = "tr[data-session]"


@pytest.fixture(scope="module")
def vera(console: ServerProcess, api: httpx.Client) -> Talks:
    talks = [clean("vera-1"), failing("vera-2", calls=3), clean("vera-3")]
    return pushed(console, api, "vera", talks)


def test_from_a_person_to_a_failing_turn_and_back(opened: Open, vera: Talks) -> None:
    page = opened(f"/admin/users/{vera.user_id}")
    expect(page.locator("h1")).to_have_text("Vera")
    expect(page.locator(ROW)).to_have_count(3)
    page.get_by_role("link", name=re.compile("Tool error rate")).click()
    expect(page.locator(ROW)).to_have_count(1)
    expect(page).to_have_url(re.compile("only_errors=true"))
    page.go_back()
    expect(page.locator(ROW)).to_have_count(3)
    page.get_by_role("group", name="By verdict").get_by_role("link", name="failed").click()
    expect(page.locator(ROW)).to_have_count(1)
    expect(page.locator(ROW)).to_have_attribute("data-session", vera.files[1])
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"{vera.files[1]}\?.*user_id={vera.user_id}.*#t\d+$"))
    page.go_back()
    expect(page.locator("h1")).to_have_text("Vera")
    expect(page.locator(ROW)).to_have_count(1)


def test_what_a_person_did_is_read_and_that_is_written(
    opened: Open, vera: Talks, api: httpx.Client
) -> None:
    page = opened(f"/admin/users/{vera.user_id}")
    page.get_by_role("navigation", name="About Vera").get_by_role("link", name="Activity").click()
    uploads = page.locator("[data-audit-row]", has_text="session.upload")
    expect(uploads).to_have_count(3)
    rows = api.get(
        "/api/admin/activity",
        params={"action_in": "admin.user_activity_read", "resource": f"user:{vera.user_id}"},
    ).json()["rows"]
    assert [row["user_email"] for row in rows] == ["boss@example.org"]
    page.get_by_role("link", name="Open in the audit log").click()
    expect(page.locator("h1")).to_have_text("Audit log")
    expect(page.locator("[data-audit-row]", has_text="session.upload")).to_have_count(3)


def test_everything_of_a_person_can_be_taken_along(
    opened: Open, vera: Talks, tmp_path: Path
) -> None:
    page = opened(f"/admin/users/{vera.user_id}")
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download all").click()
    begun.value.save_as(tmp_path / "all.zip")
    names = zipfile.ZipFile(io.BytesIO((tmp_path / "all.zip").read_bytes())).namelist()
    assert names == [file.partition("/")[2] for file in sorted(vera.files)]
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download vera-2.jsonl").click()
    begun.value.save_as(tmp_path / "one.jsonl")
    assert (tmp_path / "one.jsonl").read_bytes().count(b"\n") > 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_person_s_page_is_for_everybody(opened: Open, vera: Talks, scheme: str) -> None:
    path = f"/admin/users/{vera.user_id}"
    for tab in ("", "?tab=activity"):
        page = opened(path + tab, scheme=scheme)
        found = Axe().run(page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    plain = opened(f"{path}?verdict=clean", scheme=scheme, scripts=False)
    expect(plain.locator(ROW)).to_have_count(2)
