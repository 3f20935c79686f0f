"""Asking in one's own words on the Telemetry page: a server of its own, for the model is a stand-in
that speaks the same protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, signed_in, until_live
from tests.console.stand_in_model import Model, serving
from tests.server_process import ServerProcess, admin_token

pytestmark = pytest.mark.browser

BOSS = "boss@example.org"
HOSTILE = "<img src=x onerror=document.title='hit'>"


@pytest.fixture(scope="module")
def asked(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[ServerProcess, Model, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("ask") / "data"
    with (
        serving() as (model, address),
        ServerProcess(folder, ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=address) as server,
    ):
        with server.client(admin_token(server)) as api:
            person = {"email": BOSS, "password": PASSWORD, "is_admin": True}
            api.post("/api/admin/users", json=person).raise_for_status()
        yield server, model, signed_in(server, BOSS)


def opened(chromium: Browser, asked: Any, **options: Any) -> Page:
    server, _, cookies = asked
    context = chromium.new_context(base_url=server.address, **options)
    for name, value in cookies.items():
        context.add_cookies([{"name": name, "value": value, "url": server.address}])
    page = context.new_page()
    page.goto("/admin/telemetry")
    return page


def test_an_answer_stands_under_its_question_whatever_comes_next(
    chromium: Browser, asked: tuple[ServerProcess, Model, dict[str, str]]
) -> None:
    model = asked[1]
    page = opened(chromium, asked)
    until_live(page)
    page.locator(".asking summary").click()
    question = page.get_by_label("Your question")
    question.fill("how many?")
    model.proposes("SELECT count(*) AS calls, 'x' AS name FROM agnes_telemetry", f"Why {HOSTILE}")
    question.press("Enter")
    answer = page.locator("#asked")
    expect(answer.locator("pre")).to_contain_text("SELECT count(*) AS calls")
    expect(answer.locator("tbody td")).to_have_text(["0", "x"])
    expect(answer).to_contain_text(HOSTILE)
    expect(answer).to_contain_text("1 of 1 row")
    page.get_by_role("link", name="Skills", exact=True).click()
    expect(page.locator(".tabs [aria-current]")).to_have_text("Skills")
    expect(answer.locator("pre")).to_be_visible()
    serious = [
        one["id"]
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []

    model.proposes("SELECT * FROM users")
    question.fill("who?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(answer.get_by_role("alert")).to_contain_text("only these can be asked")
    expect(answer.locator("table")).to_have_count(0)
    model.says(b"no JSON")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(answer.get_by_role("alert")).to_contain_text("not JSON")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    assert page.title() != "hit"
    page.context.close()


def test_without_scripts_the_answer_is_a_page(
    chromium: Browser, asked: tuple[ServerProcess, Model, dict[str, str]]
) -> None:
    asked[1].proposes("SELECT 42 AS answer")
    page = opened(
        chromium, asked, java_script_enabled=False, viewport={"width": 390, "height": 844}
    )
    page.locator(".asking summary").click()
    page.get_by_label("Your question").fill("the answer?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("tbody td")).to_have_text("42")
    page.get_by_role("link", name="Back to Telemetry").click()
    expect(page.get_by_label("Your question")).to_be_attached()
    page.context.close()
