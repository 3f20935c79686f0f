"""`/me` in a real browser: the audit log's page, kept to one's own rows, for people without any
grant."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest
from playwright.sync_api import Page, expect
from typer.testing import CliRunner

from console.cli import app
from tests.browser.conftest import PASSWORD, Open, until_live
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser

EVE = "eva@example.org"
ROW = "[data-audit-row]"
MINE = "/api/me/activity"


@pytest.fixture(scope="module")
def eva(console: ServerProcess, api: httpx.Client) -> Iterator[httpx.Client]:
    """Somebody without a grant who has done more than a page holds."""
    person = {"email": EVE, "name": "Eva", "password": PASSWORD}
    assert api.post("/api/admin/users", json=person).status_code == 201
    login = {"email": EVE, "password": PASSWORD, "name": "terminal"}
    with console.client() as terminal:
        token = terminal.post("/api/login", json=login).json()["token"]
    with console.client(token) as client:
        for number in range(55):
            asked = {"resource_type": "table", "resource_id": f"t{number}"}
            client.post("/api/check-access", json=asked).raise_for_status()
        yield client


def ids(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        ROW, "rows => rows.map(row => row.dataset.auditRow)"
    )
    return found


def test_my_page_holds_my_rows_in_pages(opened: Open, eva: httpx.Client) -> None:
    until = eva.get(MINE).json()["rows"][0]["timestamp"]
    page = opened(f"/me?until={until}", who=EVE)
    expect(page.locator("h1")).to_have_text("My activity")
    first = ids(page)
    assert len(first) == 50
    page.get_by_role("link", name=re.compile("Next|Older")).first.click()
    expect(page.locator(ROW).first).not_to_have_attribute("data-audit-row", first[0])
    listed = eva.get(MINE, params={"until": until, "limit": 200}).json()["rows"]
    assert first + ids(page) == [row["id"] for row in listed]


def test_nobody_elses_rows_can_be_asked_for(
    opened: Open, api: httpx.Client, eva: httpx.Client
) -> None:
    other = api.get("/api/admin/activity", params={"query": "-user:eva source:web"}).json()["rows"]
    other = next(row for row in other if row["user_id"])
    for query in (
        f"user_id={other['user_id']}",
        f"user_id_not={eva.get('/api/me').json()['id']}",
        "query=user:boss",
        f"correlation_id={other['correlation_id']}",
    ):
        page = opened(f"/me?{query}", who=EVE)
        expect(page.locator(ROW)).to_have_count(0)
    for who in (EVE, "boss@example.org"):
        page = opened(f"/me?row={other['id']}", who=who)
        mine = other["user_email"] == who
        assert (other["action"] in page.locator("[data-region=panel]").inner_text()) == mine


def test_an_admins_own_page_holds_their_own_rows(opened: Open, eva: httpx.Client) -> None:
    page = opened("/me?query=action:data.access_check")
    checks = eva.get(MINE, params={"query": "action:data.access_check", "limit": "200"})
    hers = {row["id"] for row in checks.raise_for_status().json()["rows"]}
    shown = page.eval_on_selector_all(ROW, "rows => rows.map(row => row.dataset.auditRow)")
    assert hers
    assert not hers & set(shown)


def test_export_and_notebook_of_my_rows(opened: Open, eva: httpx.Client, tmp_path: Path) -> None:
    page = opened("/me?query=action:data.access_check", who=EVE)
    export = page.locator(".actions summary", has_text="Export")
    expect(export).to_contain_text("55")
    export.click()
    with page.expect_download() as begun:
        page.get_by_role("link", name="JSON lines").click()
    begun.value.save_as(tmp_path / "rows")
    rows = [orjson.loads(line) for line in (tmp_path / "rows").read_bytes().splitlines()]
    assert len(rows) == 55
    assert {row["user_email"] for row in rows} == {EVE}
    with page.expect_download() as begun:
        page.get_by_role("link", name="Open as notebook").click()
    begun.value.save_as(tmp_path / "notebook")
    assert "agnes.my_activity.export(" in (tmp_path / "notebook").read_text()


def test_the_command_of_my_page_needs_no_grant(
    opened: Open, console: ServerProcess, eva: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened("/me?query=action:data.access_check&sort=resource:asc", who=EVE)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".actions summary", has_text="Copy as").click()
    page.get_by_role("button", name="agnes command").click()
    expect(page.get_by_text("Command copied")).to_be_visible()
    command = page.evaluate("navigator.clipboard.readText()")
    assert command.startswith("agnes me activity ")
    monkeypatch.setenv("AGNES_SERVER", console.address)
    token = eva.headers["Authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("AGNES_TOKEN", token)
    said = CliRunner().invoke(app, [*shlex.split(command)[1:], "--json"], prog_name="agnes")
    assert [row["id"] for row in orjson.loads(said.output)["rows"]] == ids(page)


def test_a_link_to_my_page_restores_it(opened: Open, eva: httpx.Client) -> None:
    page = opened("/me?query=action:data.access_check&sort=resource:asc", who=EVE)
    before = ids(page)
    page.reload()
    until_live(page)
    assert ids(page) == before
    page.get_by_role("link", name="Reset", exact=True).click()
    expect(page).to_have_url(re.compile(r"/me\??$"))
    page.go_back()
    expect(page.locator(ROW).first).to_have_attribute("data-audit-row", before[0])
    assert ids(page) == before


def test_my_page_fits_a_telephone(opened: Open, eva: httpx.Client) -> None:
    page = opened("/me", who=EVE, width=390)
    expect(page.locator(ROW).first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
