"""`/catalog` in a real browser, and what an admin sees who views as somebody else."""

from __future__ import annotations

import re

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Open

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def people(api: httpx.Client) -> dict[str, str]:
    """An admin of these tests' own, whose view disturbs nobody, and whom they view as."""
    found = {}
    for name, is_admin in (("Vida", True), ("Wim", False)):
        person = {"email": f"{name.lower()}@example.org", "name": name, "password": PASSWORD}
        made = api.post("/api/admin/users", json={**person, "is_admin": is_admin})
        assert made.status_code == 201, made.text
        found[name] = made.json()["id"]
    return found


def test_from_a_word_to_a_column_of_a_table_and_on_by_keyboard(
    opened: Open, people: dict[str, str], api: httpx.Client
) -> None:
    page = opened("/catalog", who="wim@example.org")
    card = page.get_by_role("article", name="Agnes telemetry events")
    expect(card).to_contain_text("0 rows that you see")
    page.keyboard.press("f")
    page.keyboard.type("skill_name")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article", name="Agnes audit log")).to_have_count(0)
    card.get_by_role("link", name="skill_name").click()
    expect(page).to_have_url(re.compile(r"q=skill_name&table=agnes_telemetry$"))
    expect(page.locator(".columns-of tbody tr")).to_have_count(1)
    page.get_by_role("link", name="All", exact=True).click()
    expect(page.locator(".columns-of tbody tr")).to_have_count(22)
    page.keyboard.press("]")
    expect(page.locator(".head h2")).to_have_text("Agnes audit log")
    why = page.get_by_role("region", name="Why these rows?")
    expect(why).to_contain_text("those that are yours")
    expect(why).to_contain_text("wim@example.org")
    expect(page.locator(".sample")).to_contain_text("catalog.list")
    page.go_back()
    expect(page.locator(".head h2")).to_have_text("Agnes telemetry events")
    page.keyboard.press("u")
    expect(page.get_by_role("article")).to_have_count(5)
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    asked = {"user_id": people["Wim"], "action_in": "catalog.schema", "include_self_reads": "true"}
    rows = api.get("/api/admin/activity", params=asked).json()["rows"]
    assert any('"agnes_audit"' in row["params"] for row in rows)


def test_an_admin_views_as_somebody_and_comes_back(opened: Open, people: dict[str, str]) -> None:
    page = opened(f"/admin/users/{people['Wim']}", who="vida@example.org")
    page.get_by_role("button", name="View as").click()
    banner = page.get_by_role("complementary", name="View as")
    expect(banner).to_contain_text("Vida, you view as Wim")
    expect(page).to_have_url(re.compile("/me$"))
    expect(page.get_by_role("link", name="Audit log")).to_have_count(0)
    menu = page.get_by_role("navigation", name="Main")
    expect(menu.get_by_role("link", name="Wim")).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    page.goto("/catalog?table=agnes_audit")
    why = page.get_by_role("region", name="Why these rows?")
    expect(why).to_contain_text(re.compile(r"^.*Wim sees \d+ rows?: those that are theirs", re.S))
    page.goto("/admin/jobs")
    expect(page.get_by_role("heading", name="Forbidden")).to_be_visible()
    banner.get_by_role("link", name="End viewing").click()
    page.get_by_role("button", name="End viewing").click()
    expect(page).to_have_url(re.compile(f"/admin/users/{people['Wim']}$"))
    expect(banner).to_have_count(0)
    plain = opened(f"/admin/users/{people['Wim']}", who="vida@example.org", scripts=False)
    plain.get_by_role("button", name="View as").click()
    banner = plain.get_by_role("complementary", name="View as")
    expect(banner).to_contain_text("you view as Wim")
    banner.get_by_role("button", name="End viewing").click()
    expect(banner).to_have_count(0)
    expect(plain.locator("h1")).to_have_text("Wim")
