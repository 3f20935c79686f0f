"""`/admin/tables` in a real browser: its forms by keyboard alone, and who can read it."""

from __future__ import annotations

import re

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(console: ServerProcess) -> str:
    folder = console.folder / "tables"
    folder.mkdir(exist_ok=True)
    path = folder / "by_keyboard.csv"
    path.write_text("day,amount\n2026-11-01,3\n2026-11-02,4\n")
    return str(path)


@pytest.fixture(scope="module")
def group(api: httpx.Client) -> str:
    made = api.post("/api/admin/groups", json={"name": "Readers of tables"})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in ("serious", "critical")]


def test_a_file_is_registered_granted_removed_and_brought_back_by_keyboard(
    opened: Open, file: str, group: str, api: httpx.Client
) -> None:
    api.delete("/api/admin/tables/by_keyboard")  # of a try before
    page = opened("/admin/tables")
    page.keyboard.press("n")
    location = page.get_by_label("File", exact=True)
    expect(location).to_be_focused()
    page.keyboard.type("nowhere.csv")
    page.keyboard.press("Tab")
    name = page.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    page.keyboard.type("by_keyboard")
    page.keyboard.press("Enter")
    expect(location).to_be_focused()
    expect(location).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#told-location")).to_contain_text("there is no such file")
    expect(name).to_have_value("by_keyboard")
    location.fill(file)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?table=by_keyboard$"))
    expect(page.locator("#toasts")).to_contain_text("by_keyboard is registered")
    readers = page.get_by_role("region", name="Who may read it")
    expect(readers).to_contain_text("admins only")

    chosen = page.get_by_label("Group", exact=True)
    chosen.focus()
    chosen.select_option(group)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(readers.locator("li")).to_contain_text("Readers of tables")
    grants = api.get("/api/admin/grants", params={"group_id": group}).json()["rows"]
    assert [grant["resource_id"] for grant in grants] == ["by_keyboard"]
    page.keyboard.press("e")
    expect(page.get_by_label("File", exact=True)).to_have_value(file)
    page.get_by_label("What it holds").fill("Amounts by day.")
    page.keyboard.press("Enter")
    expect(page.get_by_label("About")).to_contain_text("Amounts by day.")
    page.get_by_role("link", name="Remove…").press("Enter")
    remove = page.get_by_role("button", name="Remove it")
    expect(remove).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("not registered any more").first).to_be_visible()
    undo = page.get_by_role("link", name=re.compile("^Undo registry.delete")).first
    undo.press("Enter")
    tried = page.get_by_role("region", name="Undoing")
    expect(tried).to_contain_text("What will be written")
    tried.get_by_label("Why, if you like").fill("too early")
    page.keyboard.press("Enter")
    expect(readers.locator("li")).to_contain_text("Readers of tables")
    expect(page.get_by_text("undone by").first).to_be_visible()

    page.keyboard.press("u")
    row = page.get_by_role("link", name="by_keyboard")
    expect(row).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator(".tables .at").first).to_be_focused()
    page.keyboard.press("t")
    expect(page).to_have_url(re.compile(r"\?tab=files$"))
    page.locator(".tabs a", has_text="Internal").press("Enter")
    expect(page).to_have_url(re.compile(r"\?tab=internal$"))
    page.get_by_role("link", name="agnes_findings").press("Enter")
    expect(page).to_have_url(re.compile(r"/catalog\?table=agnes_findings$"))


def test_a_table_of_files_is_registered_and_synced_by_keyboard(
    opened: Open, console: ServerProcess, api: httpx.Client
) -> None:
    api.delete("/api/admin/tables/till")
    place = console.folder / "tables" / "till"
    place.mkdir(parents=True, exist_ok=True)
    (place / "one.csv").write_text("day,amount\n2026-11-01,3\n2026-11-02,4\n")
    page = opened("/admin/tables?tab=files")
    page.keyboard.press("n")
    page.get_by_label("Files", exact=True).fill("till/*.csv")
    schedule = page.get_by_role("textbox", name=re.compile("^Schedule"))
    schedule.fill("now and then")
    page.get_by_label("Name", exact=True).fill("till")
    page.keyboard.press("Enter")
    expect(page.locator("#told-schedule")).to_contain_text("every <n>m")
    expect(schedule).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("every 1d")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"[?&]table=till$"))
    expect(page.get_by_text("It was never synced.")).to_be_visible()
    page.keyboard.press("s")
    expect(page.locator("#toasts")).to_contain_text("till was synced: 2 rows")
    syncs = page.get_by_role("region", name="Syncs")
    expect(syncs.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("region", name="Columns")).to_contain_text("2026-11-02")
    expect(page.get_by_role("link", name=re.compile("^Download"))).to_be_visible()
    asked = {"action_in": "sync.trigger,sync.table", "limit": "2"}
    rows = api.get("/api/admin/activity", params=asked).json()["rows"]
    assert [row["client_kind"] for row in rows] == ["web", "web"]

    (place / "one.csv").unlink()
    page.keyboard.press("s")
    expect(page.get_by_text("The last sync failed")).to_be_visible()
    page.keyboard.press("u")
    expect(page.locator("[data-failed]")).to_contain_text("till")


def test_tables_and_catalog_can_be_read_by_everybody_everywhere(
    opened: Open, file: str, api: httpx.Client
) -> None:
    api.delete("/api/admin/tables/narrow")
    made = api.post("/api/admin/tables", json={"name": "narrow", "location": file})
    assert made.status_code == 201, made.text
    page = opened("/catalog?table=agnes_audit", width=390, scheme="dark")
    expect(page.locator(".tabs [aria-current]")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious(page) == []
    for query in (
        *("", "?do=register", "?do=register&source=sql", "?tab=internal"),
        *("?table=narrow&do=change", "?table=till"),
    ):
        page.goto(f"/admin/tables{query}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert serious(page) == []
    page.goto("/admin/tables#internal")
    expect(page.locator(".tabs [aria-current]")).to_contain_text("Internal")
    wide = opened("/admin/tables?table=narrow", width=1280)
    assert serious(wide) == []
