"""The side panel of the audit log in a real browser: reading, looking behind the mask, undoing."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from console.audit import new_id
from tests.browser.conftest import PASSWORD, Open, until_live, without_load
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser

ROW = "[data-audit-row]"
PANEL = "[data-region=panel] aside"
HOSTILE = '<img src=x onerror="window.__xss=1">'


def rows(api: httpx.Client, **filter: str) -> list[dict[str, Any]]:
    answer = api.get("/api/admin/activity", params=filter).raise_for_status()
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


def changed_group(api: httpx.Client, *texts: str) -> tuple[str, str]:
    """The id of a new group whose description became each of `texts`, and of the first event that
    says so."""
    made = api.post("/api/admin/groups", json={"name": new_id(), "description": "at first"})
    group = made.raise_for_status().json()["id"]
    for text in texts:
        api.patch(f"/api/admin/groups/{group}", json={"description": text}).raise_for_status()
    found = rows(api, resource=f"group:{group}", action_prefix="user_groups.update")
    return group, found[-1]["id"]


@pytest.fixture(scope="module")
def masked(console: ServerProcess, api: httpx.Client) -> str:
    """The id of an event of somebody else's that holds what the mask hides."""
    with console.client() as ana:
        login = {"email": "ana@example.org", "password": PASSWORD, "name": "one"}
        token = ana.post("/api/login", json=login).json()["token"]
    with console.client(token) as ana:
        wanted = {"resource_type": "table", "resource_id": "y" * 160 + "THE-END"}
        ana.post("/api/check-access", json=wanted).raise_for_status()
    return str(rows(api, action_prefix="data.access_check")[0]["id"])


def test_a_click_opens_it_back_closes_it_and_the_address_restores_it(opened: Open) -> None:
    page = opened()
    row = page.locator(ROW).nth(3)
    id = row.get_attribute("data-audit-row")
    without_load(page, row.locator("a.at").click)
    expect(page.locator(f"{PANEL}[data-event='{id}']")).to_be_visible()
    expect(page).to_have_url(re.compile(f"row={id}"))
    expect(page.locator(ROW)).to_have_count(50)
    without_load(page, page.go_back)
    expect(page.locator(PANEL)).to_have_count(0)
    without_load(page, page.go_forward)
    expect(page.locator(f"{PANEL}[data-event='{id}']")).to_be_visible()
    page.reload()
    expect(page.locator(f"{PANEL}[data-event='{id}']")).to_be_visible()
    until_live(page)
    without_load(page, page.get_by_role("link", name="Close the panel").click)
    expect(page.locator(PANEL)).to_have_count(0)


def test_the_keyboard_opens_it_reads_in_it_and_walks_along(opened: Open) -> None:
    page = opened()
    first, second = (page.locator(ROW).nth(n).get_attribute("data-audit-row") for n in (0, 1))
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(f"{PANEL}[data-event='{first}']")).to_be_visible()
    expect(page.locator("#event")).to_be_focused()
    page.keyboard.press("Tab")
    next_one = page.get_by_role("link", name="Next event in the list")
    expect(next_one).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f"{PANEL}[data-event='{second}']")).to_be_visible()
    page.get_by_role("link", name="Previous event in the list").click()
    expect(page.locator(f"{PANEL}[data-event='{first}']")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(PANEL)).to_have_count(0)


def test_a_permalink_opens_what_the_list_does_not_show(opened: Open, api: httpx.Client) -> None:
    old = rows(api, since_minutes="43200", sort="timestamp:asc")[0]["id"]
    page = opened(f"/admin/activity?row={old}&result_class=error")
    expect(page.locator(f"{PANEL}[data-event='{old}']")).to_be_visible()
    assert old not in page.eval_on_selector_all(ROW, "all => all.map(one => one.dataset.auditRow)")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the permalink").click()
    expect(page.locator("#toasts")).to_contain_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.endswith(f"/admin/activity?row={old}")
    page.goto(link)
    expect(page.locator(f"{PANEL}[data-event='{old}']")).to_be_visible()


def test_copying_works_where_the_browser_keeps_its_clipboard_to_itself(opened: Open) -> None:
    page = opened()
    page.locator(ROW).first.locator("a.at").click()
    page.evaluate(
        """() => { Object.defineProperty(navigator, "clipboard", { value: undefined });
        document.execCommand = () => { window.__copied = document.activeElement.value; }; }"""
    )
    page.get_by_role("button", name="Copy the permalink").click()
    expect(page.locator("#toasts")).to_contain_text("Copied")
    assert "?row=" in page.evaluate("window.__copied")


def test_a_row_that_is_not_there_leaves_the_list(opened: Open) -> None:
    page = opened("/admin/activity?row=no-such-event")
    expect(page.locator(PANEL)).to_contain_text("No such event")
    expect(page.locator(ROW)).to_have_count(50)
    without_load(page, page.get_by_role("link", name="Close the panel").click)
    expect(page.locator(PANEL)).to_have_count(0)


def test_json_instead_of_the_list_is_remembered(opened: Open, api: httpx.Client) -> None:
    first, second = (row["id"] for row in rows(api, action_prefix="sync.table")[:2])
    page = opened(f"/admin/activity?row={first}")
    raw, pretty = page.locator("#params-json"), page.locator(f"{PANEL} .pretty")
    expect(pretty).to_be_visible()
    expect(raw).to_be_hidden()
    page.locator(".params summary").first.click()
    expect(raw).to_contain_text('"table":')
    expect(pretty).to_be_hidden()
    page.goto(f"/admin/activity?row={second}")
    expect(raw).to_be_visible()
    page.locator(".params summary").first.click()
    expect(pretty).to_be_visible()
    page.reload()
    until_live(page)
    expect(pretty).to_be_visible()


def test_what_is_masked_is_shown_to_who_says_why(
    opened: Open, api: httpx.Client, masked: str
) -> None:
    page = opened(f"/admin/activity?row={masked}")
    panel = page.locator(PANEL)
    expect(panel).to_contain_text("shown masked")
    expect(panel).not_to_contain_text("THE-END")
    page.get_by_text("Show raw…").click()
    field = page.get_by_label("Why do you look?")
    field.fill("no")
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector('[name=reason]:invalid') !== null")
    field.fill("  n  ")  # long enough for the browser, not for the server
    page.keyboard.press("Enter")
    expect(panel.get_by_role("alert")).to_contain_text("3 to 500 characters")
    field.fill("a question of the user")
    without_load(page, lambda: page.keyboard.press("Enter"))
    expect(panel).to_contain_text("THE-END")
    expect(panel).not_to_contain_text("shown masked")
    expect(panel).to_contain_text("stands in the log")
    (row, *_) = rows(api, action_prefix="audit.reveal_raw", result_class="success")
    assert row["resource"] == f"event:{masked}"
    assert "a question of the user" in row["params"]
    page.reload()
    expect(panel).to_contain_text("shown masked")


def test_a_change_is_undone_after_a_look(opened: Open, api: httpx.Client) -> None:
    group, change = changed_group(api, "then")
    page = opened(f"/admin/activity?row={change}")
    panel = page.locator(PANEL)
    expect(panel.locator(".diff .del")).to_contain_text("at first")
    expect(panel.locator(".diff .add")).to_contain_text("then")
    without_load(page, page.get_by_role("link", name="Undo…").click)
    expect(page).to_have_url(re.compile("undo=1"))
    expect(panel.locator(".diff .add")).to_contain_text("at first")
    without_load(page, page.get_by_role("link", name="Leave it").click)
    expect(page).not_to_have_url(re.compile("undo=1"))
    page.go_back()
    page.get_by_label("Why, if you like").fill("a slip")
    without_load(page, page.get_by_role("button", name="Undo this change").click)
    expect(page.locator("#toasts")).to_contain_text("The change was undone")
    expect(panel.locator("h2")).to_have_text("audit.rollback")
    assert api.get(f"/api/admin/groups/{group}").json()["description"] == "at first"
    expect(page.locator(ROW).first).to_contain_text("audit.rollback")
    (row, *_) = rows(api, action_prefix="audit.rollback")
    assert "a slip" in row["params"]
    expect(panel).to_have_attribute("data-event", row["id"])
    without_load(page, panel.get_by_role("link", name="the change before it").click)
    expect(panel).to_have_attribute("data-event", change)
    expect(panel).to_contain_text("Undone by")
    expect(page.get_by_role("link", name="Undo…")).to_have_count(0)


def test_who_would_lose_access_is_named(
    opened: Open, api: httpx.Client, console: ServerProcess
) -> None:
    group, _ = changed_group(api, "then")
    ana = next(
        row for row in api.get("/api/admin/users").json()["rows"] if row["email"].startswith("ana@")
    )
    api.post(f"/api/admin/groups/{group}/members", json={"user_id": ana["id"]}).raise_for_status()
    folder = console.folder / "tables"
    folder.mkdir(exist_ok=True)
    (folder / f"{group}.csv").write_text("n\n1\n")
    table = {"id": f"t-{group}", "name": f"t_{group.replace('-', '')}", "location": f"{group}.csv"}
    api.post("/api/admin/tables", json=table).raise_for_status()
    grant = {"group_id": group, "resource_type": "table", "resource_id": table["id"]}
    made = api.post("/api/admin/grants", json=grant).raise_for_status().json()["id"]
    change = rows(api, resource=f"grant:{made}")[0]["id"]
    people = opened(f"/admin/activity?row={change}&undo=1").locator(f"{PANEL} .people")
    expect(people).to_have_count(1)
    expect(people).to_contain_text(f"table:t-{group}")
    expect(people).to_contain_text("ana@example.org")


def test_what_changes_meanwhile_is_not_overwritten(opened: Open, api: httpx.Client) -> None:
    group, change = changed_group(api, "then")
    page = opened(f"/admin/activity?row={change}&undo=1")
    api.patch(f"/api/admin/groups/{group}", json={"description": "later"}).raise_for_status()
    button = page.get_by_role("button", name="Undo this change")
    without_load(page, button.click)
    expect(page.locator(f"{PANEL} [role=alert]")).to_contain_text("has changed since")
    assert api.get(f"/api/admin/groups/{group}").json()["description"] == "later"
    page.reload()
    expect(page.locator(f"{PANEL} .three td")).to_have_text(["at first", "then", "later"])
    expect(button).to_have_count(0)


def test_the_same_correlation_leads_from_event_to_event(opened: Open, api: httpx.Client) -> None:
    found = rows(api, since_minutes="43200", action_prefix="run_job:sync")
    page = opened(f"/admin/activity?row={found[0]['id']}")
    bars = page.locator(f"{PANEL} .wf a")
    expect(page.locator(f"{PANEL} .wf [aria-current]")).to_have_count(1)
    count = bars.count()
    assert count > 1
    other = page.locator(f"{PANEL} .wf a:not([aria-current])").first
    without_load(page, other.click)
    expect(page.locator(PANEL)).not_to_have_attribute("data-event", found[0]["id"])
    without_load(page, page.get_by_role("link", name="show all in the list").click)
    expect(page.locator(ROW)).to_have_count(min(count, 50))
    expect(page.locator(PANEL)).to_be_visible()


def test_a_run_leads_to_its_page(opened: Open, api: httpx.Client) -> None:
    found = rows(api, since_minutes="43200", action_prefix="run_job:")
    page = opened(f"/admin/activity?row={found[0]['id']}")
    run = page.locator(f"{PANEL} .linked a").first.get_attribute("href")
    assert run
    assert run.startswith("/admin/jobs?run=")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_it_shuts_nobody_out(
    opened: Open, api: httpx.Client, masked: str, width: int, scheme: str
) -> None:
    _, change = changed_group(api, "then", "later")
    paths = [f"row={masked}", f"row={change}", f"row={change}&undo=1", "row=none"]
    for query in paths:
        page = opened(f"/admin/activity?{query}", width=width, scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), query
        box, close = page.locator(PANEL).bounding_box(), page.locator(f"{PANEL} .close")
        assert box
        expect(close).to_be_in_viewport()
        if width == 390:
            assert (box["x"], box["width"]) == (0, 390)
        if width == 1440:
            assert page.locator(ROW).first.bounding_box()["width"] > 500  # type: ignore[index]
        found = Axe().run(page, context=PANEL).response["violations"]
        serious = [
            (rule["id"], [node["html"] for node in rule["nodes"]][:3])
            for rule in found
            if rule["impact"] in ("serious", "critical")
        ]
        assert serious == [], query


def test_where_it_covers_the_list_it_takes_the_focus_and_scrolls_by_itself(opened: Open) -> None:
    page = opened(width=390)
    page.locator(ROW).first.locator("a.at").click()
    expect(page.locator("#event")).to_be_focused()
    page.locator(f"{PANEL} .corr").last.scroll_into_view_if_needed()
    expect(page.locator(f"{PANEL} .close")).to_be_in_viewport()
    page.locator(f"{PANEL} .close").click()
    expect(page.locator(PANEL)).to_have_count(0)


def test_hostile_texts_stay_texts(opened: Open, console: ServerProcess, api: httpx.Client) -> None:
    wanted = {"resource_type": "table", "resource_id": HOSTILE + "z" * 160}
    with console.client() as stranger:
        login = {"email": "ana@example.org", "password": PASSWORD, "name": HOSTILE}
        token = stranger.post("/api/login", json=login).json()["token"]
    with console.client(token) as ana:
        ana.post("/api/check-access", json=wanted).raise_for_status()
    id = rows(api, action_prefix="data.access_check")[0]["id"]
    page = opened()
    page.evaluate(f"agnes.go('?row={id}')")
    panel = page.locator(PANEL)
    expect(panel).to_contain_text(HOSTILE)
    page.get_by_text("Show raw…").click()
    page.get_by_label("Why do you look?").fill(HOSTILE)
    page.keyboard.press("Enter")
    expect(panel).to_contain_text("stands in the log")
    expect(panel).to_contain_text(HOSTILE)
    assert panel.locator("img").count() == 0
    assert page.evaluate("window.__xss") is None


def test_everything_works_without_scripts(opened: Open, api: httpx.Client, masked: str) -> None:
    group, change = changed_group(api, "then")
    page = opened(f"/admin/activity?row={change}", scripts=False)
    page.get_by_role("link", name="Undo…").click()
    page.get_by_role("button", name="Undo this change").click()
    expect(page.locator(f"{PANEL} h2")).to_have_text("audit.rollback")
    assert api.get(f"/api/admin/groups/{group}").json()["description"] == "at first"
    page.goto(f"/admin/activity?row={masked}")
    page.get_by_text("Show raw…").click()
    page.get_by_label("Why do you look?").fill("no scripts")
    page.get_by_role("button", name="Show raw").click()
    expect(page.locator("main")).to_contain_text("THE-END")
    page.get_by_role("link", name="Back to the log").click()
    expect(page.locator(PANEL)).to_contain_text("shown masked")
