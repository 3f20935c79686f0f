"""Users, groups, resource access and tokens in a real browser: by keyboard alone, without scripts,
and on a telephone. What is done is found in the log through the API."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from console.audit import new_id
from tests.browser.conftest import Open, led, until_live, without_load

pytestmark = pytest.mark.browser


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in ("serious", "critical")]


def events(api: httpx.Client, action: str, text: str) -> list[dict[str, Any]]:
    given = {"action_in": action, "q": text}
    answer = api.get("/api/admin/activity", params=given)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


def user(api: httpx.Client, email: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = api.get("/api/admin/users", params={"q": email}).json()["rows"]
    return found[0]


def made_group(api: httpx.Client) -> tuple[str, str]:
    name = f"Group {new_id()[-8:]}"
    made = api.post("/api/admin/groups", json={"name": name})
    return str(made.json()["id"]), name


def test_a_group_is_made_filled_and_the_last_step_undone_by_keyboard(
    opened: Open, api: httpx.Client
) -> None:
    name = f"Readers {new_id()[-8:]}"
    page = opened("/admin/groups")
    page.keyboard.press("n")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    notice = page.locator(".notice.done")
    expect(notice).to_contain_text(f"The group {name} was made.")
    page.keyboard.press("a")
    who = page.get_by_label("Person to add")
    expect(who).to_be_focused()
    page.keyboard.type("nobody at all")
    page.keyboard.press("Enter")
    expect(page.locator("#told-who")).to_contain_text("somebody with an account")
    expect(who).to_be_focused()
    who.fill("ana@example.org")
    page.keyboard.press("Enter")
    expect(notice).to_contain_text(f"ana@example.org is in {name}.")
    members = page.locator(".members li")
    expect(members).to_have_count(1)
    page.keyboard.press("Escape")
    who.blur()
    page.keyboard.press("z")
    expect(notice).to_contain_text("user_group_members.add was undone.")
    expect(members).to_have_count(0)
    (group,) = api.get("/api/admin/groups", params={"q": name}).json()["rows"]
    added = events(api, "user_group_members.add", group["id"])
    assert {row["resource"] for row in added} == {f"group:{group['id']}"}
    assert sorted(row["result_class"] for row in added) == ["error", "success"]
    assert len(events(api, "audit.rollback", group["id"])) == 1
    api.delete(f"/api/admin/groups/{group['id']}")


def test_cells_of_the_matrix_are_walked_and_toggled_by_keyboard(
    opened: Open, api: httpx.Client
) -> None:
    group, name = made_group(api)
    page = opened(f"/admin/access?groups={name.replace(' ', '+')}")
    cell = page.get_by_role("button", name=f"Grant Sessions to {name}")
    page.keyboard.press("c")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(cell).to_be_focused()
    without_load(page, lambda: page.keyboard.press("Space"))
    expect(page.locator(".notice.done")).to_contain_text(f"{name} may open sessions.")
    on = page.get_by_role("button", name=f"{name} may open Sessions: take it back")
    expect(on).to_have_attribute("aria-pressed", "true")
    expect(on).to_be_focused()
    (grant,) = api.get("/api/admin/grants", params={"group_id": group}).json()["rows"]
    (event,) = events(api, "resource_grants.add", grant["id"])
    assert event["resource"] == f"grant:{grant['id']}"
    page.keyboard.press("z")
    expect(cell).to_be_visible()
    expect(page.locator(".notice.done")).to_contain_text("was undone")
    assert api.get("/api/admin/grants", params={"group_id": group}).json()["rows"] == []
    page.keyboard.press("w")
    page.keyboard.type("ana@example.org")
    page.keyboard.press("Enter")
    expect(page.locator("#asked")).to_contain_text("can see")
    api.delete(f"/api/admin/groups/{group}")


def test_a_user_is_added_and_given_a_token_that_is_shown_once(
    opened: Open, api: httpx.Client
) -> None:
    email = f"new-{new_id()[-8:]}@example.org"
    page = opened("/admin/users")
    page.keyboard.press("n")
    expect(page.get_by_label("E-mail", exact=True)).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Enter")
    once = page.locator("[data-once] input")
    expect(once).to_have_value(re.compile(r"/login\?link="))
    expect(once).to_be_focused()
    expect(page.locator(".notice.done")).to_contain_text(email)
    id = user(api, email)["id"]
    page.goto(f"/admin/users/{id}?tab=access")
    until_live(page)
    page.get_by_label("What the token is for").fill("a test")
    page.keyboard.press("Enter")
    expect(once).to_have_value(re.compile("^agnes_"))
    page.get_by_role("button", name="I have it").press("Enter")
    expect(once).to_have_count(0)
    page.get_by_role("button", name="Revoke a test").press("Enter")
    expect(page.locator(".notice.done")).to_contain_text("The token a test works no more.")
    expect(page.locator(".notice.done")).to_contain_text("cannot be undone")
    assert len(events(api, "token.create,token.revoke", id)) == 2
    page.get_by_role("link", name="Deactivate…").press("Enter")
    expect(page.get_by_role("button", name="Deactivate")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".notice.done")).to_contain_text("is deactivated")
    assert user(api, email)["is_active"] is False


def test_several_people_are_ticked_and_deactivated_by_keyboard(
    opened: Open, api: httpx.Client
) -> None:
    mark = new_id()[-8:]
    for number in range(2):
        api.post("/api/admin/users", json={"email": f"{mark}-{number}@example.org"})
    page = opened(f"/admin/users?q={mark}")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-ticked]")).to_have_text("1 ticked")
    page.keyboard.press("*")
    expect(page.locator("[data-ticked]")).to_have_text("2 ticked")
    button = page.locator(".bulk").get_by_role("button", name="Deactivate")
    button.press("Enter")
    expect(page.locator(".bulk")).to_contain_text("second thought")
    page.get_by_label("I am sure").press("Space")
    button.press("Enter")
    expect(page.locator(".notice.done")).to_contain_text("And 1 more.")
    assert len(events(api, "user.deactivate", mark)) == 2


def test_without_scripts_a_cell_is_a_button_and_its_undo_another(
    opened: Open, api: httpx.Client
) -> None:
    group, name = made_group(api)
    page = opened(f"/admin/access?groups={name.replace(' ', '+')}", scripts=False)
    led(page, lambda: page.get_by_role("button", name=f"Grant Feedback to {name}").click())
    expect(page.locator(".notice.done")).to_contain_text(f"{name} may open feedback.")
    led(page, lambda: page.get_by_role("button", name="Undo").click())
    expect(page.get_by_role("button", name=f"Grant Feedback to {name}")).to_be_visible()
    (event,) = events(api, "resource_grants.add", group)
    assert len(events(api, "audit.rollback", event["resource"])) == 1
    api.delete(f"/api/admin/groups/{group}")


def test_they_can_be_read_by_everybody_everywhere(opened: Open, api: httpx.Client) -> None:
    group, _ = made_group(api)
    boss = user(api, "boss@example.org")["id"]
    paths = (
        "/admin/users?do=create",
        f"/admin/users/{boss}?tab=access",
        f"/admin/groups?group={group}",
        "/admin/access",
        "/admin/access?resource=sessions",
        "/admin/tokens?do=create",
    )
    page = opened("/admin/groups", width=390)
    for path in paths:
        page.goto(path)
        until_live(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        page.set_viewport_size({"width": 1280, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280, path
        assert serious(page) == [], path
        page.set_viewport_size({"width": 390, "height": 900})
    dark = opened(paths[1], width=390, scheme="dark")
    assert serious(dark) == []
    api.delete(f"/api/admin/groups/{group}")
