"""Hostile texts in every field of the log: they stay texts in each tab, in the panel, the palette,
the export, and the terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta

import httpx
import orjson
import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, expect

from console.audit import new_id, now
from schema.store import Store
from schema.tables import AUDIT_LOG, SYNC_HISTORY
from schema.transaction import Rows
from tests.browser.conftest import PASSWORD, signed_in, until_live
from tests.console.audit_log import Row, event
from tests.server_process import ServerProcess, admin_token, agnes
from tests.upload_corpus import payloads

pytestmark = pytest.mark.browser

BOSS = "boss@example.org"
SCRIPT, CELL = "</script><script>window.__xss=1</script>", "<img src=x onerror=window.__xss=1>"
TEXTS: list[str] = payloads(
    "render_table_cell",
    "render_json_in_script",
    "render_ansi",
    "csv_export",
    shapes=[
        CELL,
        SCRIPT,
        "\u2028window.__xss=1",
        "\x1b[2J\x1b[1;1H",
        "=1+1",
        '"><b x="',
        "{{7*7}}",
    ],
)
TABS = ("timeline", "sync", "changes", "queries", "performance", "usage")
# What only a text that was taken for markup can have made.
MARKUP = "[onerror], [onload], [href^='javascript:'], main img, b[x], b:text-is('@x')"


def rows() -> Iterator[Row]:
    """A change, a query and a sync for each text, with the text wherever a text can stand."""
    at = now() - timedelta(minutes=10)
    for place, text in enumerate(TEXTS):
        at += timedelta(milliseconds=1)
        held = {text: text, "id": text, "sql_preview": text, "list": [text, {text: 1}]}
        columns = {
            "user_id": text,
            "resource": text,
            "params": orjson.dumps(held).decode(),
            "params_before": orjson.dumps({**held, "id": "before", "more": text}).decode(),
            "client_ip": text,
            "client_kind": text,
            "correlation_id": f"{text}",
        }
        yield event(at, text, result=text, **columns)
        yield event(at, "query.local", result=f"error.{text}", duration_ms=place, **columns)
        sync = {**columns, "resource": f"table:{text}", "params_before": None}
        sync["params"] = orjson.dumps({"sync_ids": [f"sync-{place}"], "error": text}).decode()
        yield event(at, "sync.table", result=f"error.{text}", **sync)


def syncs() -> list[Row]:
    common = {"synced_at": now(), "rows": 1, "duration_ms": 1, "status": "error"}
    return [
        {"id": f"sync-{place}", "table_id": text, "error": text, **common}
        for place, text in enumerate(TEXTS)
    ]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("hostile") / "data"
    size = ("--audit-rows", "200", "--sessions", "2", "--usage-events", "10", "--users", "3")
    seeded = agnes("seed", *size, "--data-dir", folder)
    assert seeded.returncode == 0, seeded.stderr
    store = Store(folder / "agnes.duckdb")
    try:
        store.write(Rows(AUDIT_LOG, list(rows()))).result()
        store.write(Rows(SYNC_HISTORY, syncs())).result()
    finally:
        store.close()
    with ServerProcess(folder) as server:
        yield server


@pytest.fixture(scope="module")
def api(console: ServerProcess) -> Iterator[httpx.Client]:
    with console.client(admin_token(console)) as client:
        boss = {"email": BOSS, "name": CELL, "password": PASSWORD, "is_admin": True}
        client.post("/api/admin/users", json=boss).raise_for_status()
        yield client


@pytest.fixture(scope="module")
def page(chromium: Browser, console: ServerProcess, api: httpx.Client) -> Iterator[Page]:
    context = chromium.new_context(base_url=console.address)
    for name, value in signed_in(console, BOSS).items():
        context.add_cookies([{"name": name, "value": value, "url": console.address}])
    trouble: list[str] = []
    page = context.new_page()

    def asked_for(request: Request) -> None:
        if not request.url.startswith((console.address, "data:", "blob:")):
            trouble.append(request.url)

    def talked(dialog: Dialog) -> None:
        trouble.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", talked)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", asked_for)
    yield page
    context.close()
    assert trouble == []


def inert(page: Page) -> None:
    until_live(page)
    page.wait_for_function("!document.body.hasAttribute('aria-busy')")
    assert page.evaluate("window.__xss") is None
    found = page.locator(MARKUP).evaluate_all("all => all.map(one => one.outerHTML)")
    assert found == []


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_shows_them_as_texts(page: Page, tab: str) -> None:
    page.goto(f"/admin/activity?tab={tab}")
    page.wait_for_selector(".facets .row", state="attached")
    inert(page)
    if tab == "timeline":
        expect(page.locator(".list", has_text=CELL)).to_have_count(1)


def test_the_panel_shows_them_as_texts(page: Page, api: httpx.Client) -> None:
    answer = api.get("/api/admin/activity", params={"limit": 200, "result_class": "other"})
    listed = [row for row in answer.json()["rows"] if row["action"] in TEXTS]
    assert len(listed) == len(TEXTS)
    for row in listed:
        page.goto(f"/admin/activity?row={row['id']}")
        inert(page)
        panel = page.locator("[data-region=panel]")
        said = panel.evaluate("panel => panel.textContent")
        assert row["action"].strip("\r\n\t") in said.replace("\r\n", "\n")
        assert panel.locator("script, img").count() == 0


def test_the_palette_shows_them_as_texts(page: Page, api: httpx.Client) -> None:
    for text in (CELL, SCRIPT):
        view = {"name": text, "page": "activity", "query": {}}
        api.post("/api/admin/observability/views", json=view).raise_for_status()
        person = {"email": f"{new_id()}@example.org", "name": text, "password": PASSWORD}
        api.post("/api/admin/users", json=person).raise_for_status()
    page.goto("/admin/activity")
    inert(page)
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").fill("<")
    expect(dialog.get_by_role("option", name=CELL).first).to_be_visible()
    assert dialog.locator("img, script").count() == 0
    inert(page)


def test_a_spreadsheet_runs_no_cell_of_an_export(api: httpx.Client) -> None:
    answer = api.get("/api/admin/activity/export", params={"format": "csv"}).raise_for_status()
    cells = [cell for row in csv.reader(io.StringIO(answer.text, newline="")) for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_a_terminal_obeys_none_of_them(console: ServerProcess, api: httpx.Client) -> None:
    settings = {"AGNES_SERVER": console.address, "AGNES_TOKEN": admin_token_of(api)}
    for words in (
        ("list", "--limit", "200"),
        ("list", "--limit", "200", "--json"),
        ("changes",),
        ("queries",),
        ("performance",),
        ("syncs",),
    ):
        told = agnes("admin", "activity", *words, settings=settings)
        assert told.returncode == 0, told.stderr
        assert not {"\x1b", "\x07", "\u2028", "\r"} & set(told.stdout), words


def admin_token_of(api: httpx.Client) -> str:
    return api.headers["Authorization"].removeprefix("Bearer ")
