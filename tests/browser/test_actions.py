"""Export, notebook, copy and reset beside the query box, in a real browser."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import nbformat
import orjson
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect
from typer.testing import CliRunner

from console.cli import app
from tests.browser.conftest import Open, days_before, stands_within, until_live
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser

ACTIVITY = "/api/admin/activity"
FILTER = {"query": "action:sync. -result:error", "sort": "duration_ms:desc"}


@pytest.fixture(scope="module")
def shown(api: httpx.Client) -> dict[str, str]:
    return {**FILTER, **days_before(api)}


def at(filter: dict[str, str], path: str = "/admin/activity") -> str:
    return f"{path}?{httpx.QueryParams(filter)}"


def total(page: Page) -> int:
    return int(page.locator(".card .v").first.inner_text().split()[0].replace(",", ""))


def saved(page: Page, act: Callable[[], Any], folder: Path) -> Path:
    with page.expect_download() as begun:
        act()
    file = folder / begun.value.suggested_filename
    begun.value.save_as(file)
    return file


def copied(page: Page) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def all_rows(api: httpx.Client, filter: dict[str, str], path: str = ACTIVITY) -> list[str]:
    asked = {name: text for name, text in filter.items() if name != "sort"}
    answer = api.get(f"{path}/export", params={**asked, "format": "json"}).raise_for_status()
    return [orjson.loads(line)["id"] for line in answer.content.splitlines()]


def test_an_export_holds_as_many_rows_as_its_button_says(
    opened: Open, shown: dict[str, str], tmp_path: Path
) -> None:
    page = opened(at(shown))
    button = page.locator(".actions summary", has_text="Export")
    expect(button).to_contain_text(f"{total(page):,}")
    button.click()
    file = saved(page, page.get_by_role("link", name="CSV", exact=True).click, tmp_path)
    assert re.fullmatch(r"agnes-audit-\d{8}-\d{6}\.csv", file.name)
    assert len(file.read_bytes().splitlines()) - 1 == total(page) > 50


def test_an_export_by_the_keyboard_holds_exactly_what_is_filtered(
    opened: Open, api: httpx.Client, shown: dict[str, str], tmp_path: Path
) -> None:
    page = opened(at(shown))
    page.locator(".actions summary", has_text="Export").focus()
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Parquet")).to_be_focused()
    file = saved(page, lambda: page.keyboard.press("Enter"), tmp_path)
    assert pq.read_table(file)["id"].to_pylist() == all_rows(api, shown)


def test_a_key_opens_the_export(opened: Open, shown: dict[str, str]) -> None:
    page = opened(at(shown))
    page.keyboard.press("e")
    expect(page.get_by_role("link", name="CSV")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="CSV")).not_to_be_visible()


def test_links_hold_the_window_that_is_shown(opened: Open) -> None:
    """Followed an hour later they still hold the same rows."""
    page = opened("/admin/activity?since_minutes=600&query=since:2h+action:sync.")
    page.locator(".actions summary", has_text="Export").click()
    link = page.get_by_role("link", name="CSV", exact=True).get_attribute("href")
    params = httpx.URL(str(link)).params
    assert params["query"] == "action:sync."
    assert "since_minutes" not in params
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", params["since"])
    assert params["since"][:10] <= params["until"][:10]


def test_the_notebook_comes_as_a_file(
    opened: Open, shown: dict[str, str], tmp_path: Path, console: ServerProcess
) -> None:
    page = opened(at(shown))
    link = page.get_by_role("link", name="Open as notebook")
    link.focus()
    file = saved(page, lambda: page.keyboard.press("Enter"), tmp_path)
    assert re.fullmatch(r"agnes-audit-\d{8}-\d{6}\.ipynb", file.name)
    book = nbformat.read(file, as_version=4)  # type: ignore[no-untyped-call]
    source = "\n".join(cell.source for cell in book.cells)
    assert "events.action.startswith('sync.')" in source
    assert "~(events.result_class == 'error')" in source
    assert f"{console.address}/admin/activity?" in source
    assert page.url.endswith(at(shown))


def test_what_is_copied_gives_the_rows_of_the_page(
    opened: Open,
    api: httpx.Client,
    console: ServerProcess,
    shown: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = opened(at(shown))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    rows = page.locator("[data-audit-row]")
    ids = rows.evaluate_all("rows => rows.map(row => row.dataset.auditRow)")
    texts = []
    for name, said_so in (
        ("agnes command", "Command copied"),
        ("API call", "API call copied"),
        ("API address", "API address copied"),
    ):
        page.locator(".actions summary", has_text="Copy as").click()
        page.get_by_role("button", name=name).click()
        expect(page.get_by_text(said_so)).to_be_visible()
        expect(page.get_by_role("button", name=name)).not_to_be_visible()
        texts.append(copied(page))
    token = api.headers["Authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("AGNES_SERVER", console.address)
    monkeypatch.setenv("AGNES_TOKEN", token)
    said = CliRunner().invoke(app, [*shlex.split(texts[0])[1:], "--json"], prog_name="agnes")
    assert [row["id"] for row in orjson.loads(said.output)["rows"]] == ids
    url = shlex.split(texts[1])[-1]
    assert url == texts[2]
    assert url.startswith(f"{console.address}{ACTIVITY}?")
    assert [row["id"] for row in api.get(url).raise_for_status().json()["rows"]] == ids


def test_copying_works_by_keyboard_and_where_the_browser_has_no_clipboard(
    opened: Open, shown: dict[str, str]
) -> None:
    page = opened(at(shown))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        """() => {
          window.read = navigator.clipboard.readText.bind(navigator.clipboard);
          Object.defineProperty(navigator, "clipboard", { value: undefined });
        }"""
    )
    menu = page.locator(".actions summary", has_text="Copy as")
    menu.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Command copied")).to_be_visible()
    assert page.evaluate("read()").startswith("agnes admin activity --since ")
    expect(menu).to_be_focused()


def test_reset_clears_everything(opened: Open, shown: dict[str, str]) -> None:
    page = opened(at({**shown, "tab": "changes", "include_self_reads": "true", "source": "web"}))
    page.get_by_role("link", name="Reset", exact=True).click()
    expect(page).to_have_url(re.compile(r"/admin/activity\??$"))
    expect(page.locator("#query")).to_have_value("")
    expect(page.locator("[data-audit-row]").first).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile("tab=changes"))


def test_reset_leads_out_of_a_filter_that_cannot_be_read(opened: Open) -> None:
    page = opened("/admin/activity?result_class=bad")
    expect(page.locator("[data-region=notice]")).to_contain_text("result_class")
    expect(page.get_by_role("link", name="Open as notebook")).to_have_count(0)
    page.get_by_role("link", name="Reset", exact=True).click()
    expect(page.locator("[data-audit-row]").first).to_be_visible()


def test_reset_leads_past_a_default_view(opened: Open, api: httpx.Client) -> None:
    views = "/api/admin/observability/views"
    person = {"email": "dora@example.org", "password": "correct horse battery", "is_admin": True}
    assert api.post("/api/admin/users", json=person).status_code == 201
    page = opened("/admin/activity?source=web", who="dora@example.org")
    reset = page.get_by_role("link", name="Reset", exact=True)
    expect(reset).to_have_attribute("href", "?")
    made = page.evaluate(
        """async (views) => {
          const xsrf = document.querySelector("[name=_xsrf]").value;
          const body = { name: "mine", query: { source: "cli" }, is_default: true };
          const headers = { "Content-Type": "application/json", "X-XSRFToken": xsrf };
          const request = { method: "POST", body: JSON.stringify(body), headers };
          return (await fetch(views, request)).status;
        }""",
        views,
    )
    assert made in (200, 201)
    page.reload()
    until_live(page)
    expect(reset).to_have_attribute("href", "?view=none")
    reset.click()
    expect(page).to_have_url(re.compile(r"\?view=none$"))


def test_without_scripts_export_and_notebook_are_plain_links(
    opened: Open, api: httpx.Client, shown: dict[str, str]
) -> None:
    page = opened(at(shown), scripts=False)
    page.locator(".actions summary", has_text="Export").click()
    link = page.get_by_role("link", name="JSON lines").get_attribute("href")
    lines = api.get(str(link)).raise_for_status().content.splitlines()
    assert [orjson.loads(line)["id"] for line in lines] == all_rows(api, shown)
    notebook = page.get_by_role("link", name="Open as notebook").get_attribute("href")
    assert api.get(str(notebook)).raise_for_status().json()["nbformat"] == 4


def test_hostile_values_stay_values_in_what_is_copied(opened: Open) -> None:
    hostile = """'"><img src=x onerror=alert(1)>{here}$(id)"""
    page = opened(at({"resource": hostile}))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".actions summary", has_text="Copy as").click()
    page.get_by_role("button", name="agnes command").click()
    expect(page.get_by_text("Command copied")).to_be_visible()
    words = shlex.split(copied(page))
    assert words[words.index("--resource") + 1] == hostile
    expect(page.locator(".actions img")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 390])
def test_the_menus_stay_within_the_window(opened: Open, shown: dict[str, str], width: int) -> None:
    page = opened(at(shown), width=width)
    for name in ("Export", "Copy as"):
        page.locator(".actions summary", has_text=name).click()
        stands_within(page, ".actions details[open] .sheet", width)
        page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
