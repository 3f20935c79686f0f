"""The shell of every page in a real browser: menu, shortcuts, palette, toasts, menus, a lost
connection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Open, until_live
from tests.server_process import ServerProcess

pytestmark = pytest.mark.browser

LOG = "/admin/activity"
HOSTILE = '<img src=x onerror="window.__xss=1">'
# A region that no answer of the server fills.
MADE = """(() => {
  const made = document.createElement("section");
  made.dataset.region = "made";
  document.querySelector("[data-region=notice]").after(made);
})()"""
# A menu as any part of a page may have one, at both edges of the window.
MENUS = """
for (const side of ["left", "right"]) {
  const menu = Object.assign(document.createElement("details"), { className: "menu", id: side });
  menu.style.cssText = `position: absolute; top: 200px; ${side}: 0`;
  menu.innerHTML = `<summary class="btn">${side}</summary><div class="sheet">
    <a href="#one">one ${"wide ".repeat(9)}</a><button class="btn" type="button">two</button>
    <input aria-label="typed"><a href="#last">last</a></div>`;
  document.querySelector("main").append(menu);
}
"""


def active(page: Page) -> str:
    found: str = page.evaluate(
        "document.activeElement.ariaLabel ?? document.activeElement.innerText ?? ''"
    )
    return found.strip()


# Menu


def test_the_menu_shows_what_one_may_open_with_its_keys(opened: Open) -> None:
    menu = opened().get_by_role("navigation", name="Main")
    expect(menu.get_by_role("heading")).to_have_text(
        ["Activity Center", "Users & Access", "Data", "Agent Experience", "Server"]
    )
    log = menu.get_by_role("link", name="Audit log", exact=True)
    expect(log).to_have_attribute("aria-current", "page")
    expect(log).to_have_attribute("data-key", "g a")
    mine = opened("/me", who="ana@example.org").get_by_role("navigation", name="Main")
    expect(mine.get_by_role("heading")).to_have_text(["Data"])
    expect(mine.get_by_role("link", name="Ana Lyst").or_(mine.get_by_text("ana@"))).to_be_visible()


def test_the_dot_says_the_sentence_and_leads_to_the_pulse(opened: Open, api: httpx.Client) -> None:
    sentence = api.get("/api/admin/activity/health").json()["sentence"]
    page = opened("/admin/jobs")
    dot = page.get_by_role("link", name=f"Health: {sentence}")
    expect(dot).to_have_attribute("title", sentence)
    dot.click()
    expect(page).to_have_url(re.compile(rf"{LOG}.*#pulse$"))
    page.goto(f"{LOG}?query=action:sync.")
    until_live(page)
    page.get_by_role("link", name="Health:").click()
    expect(page).to_have_url(re.compile(r"query=action:sync\.#pulse$"))
    assert opened("/me", who="ana@example.org").locator(".health").count() == 0


def test_the_menu_folds_on_a_narrow_screen(opened: Open) -> None:
    page = opened(width=390)
    menu = page.locator("nav > details > summary")
    jobs = page.get_by_role("link", name="Jobs", exact=True)
    expect(jobs).to_be_hidden()
    expect(page.get_by_role("link", name="Health:")).to_be_visible()
    menu.click()
    expect(jobs).to_be_visible()
    page.keyboard.press("Escape")
    expect(jobs).to_be_hidden()
    assert "Menu" in active(page)
    page.keyboard.press("Enter")
    jobs.click()
    expect(page).to_have_url(re.compile("/admin/jobs$"))
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(page.get_by_role("link", name="Audit log", exact=True)).to_be_visible()
    expect(menu).to_be_hidden()


def test_nothing_moves_when_the_page_becomes_live(opened: Open) -> None:
    page = opened("/no/such/page")
    page.add_init_script(
        """window.__moved = [];
        new PerformanceObserver((list) => {
          for (const shift of list.getEntries())
            for (const { node } of shift.sources) window.__moved.push(node?.className ?? "?");
        }).observe({ type: "layout-shift", buffered: true });"""
    )
    moved: list[list[str]] = []
    while len(moved) < 3 and [] not in moved:  # a time that grows by a digit moves its column once
        page.goto("/admin/jobs")
        until_live(page)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        moved.append(page.evaluate("window.__moved"))
    assert [] in moved


# Shortcuts


def test_sequences_lead_to_pages_and_are_silent_while_one_types(opened: Open) -> None:
    page = opened()
    page.keyboard.press("g")
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile("/admin/jobs$"))
    until_live(page)
    for keys in ("g", "m"):
        page.keyboard.press(keys)
    expect(page).to_have_url(re.compile("/me"))
    page.goto(LOG)
    until_live(page)
    page.focus("#query")
    page.keyboard.type("gj?/")
    expect(page.locator("#query")).to_have_value(re.compile(r"gj\?/$"))
    assert page.locator("dialog[open]").count() == 0
    assert LOG in page.url


def test_a_key_with_a_modifier_is_the_browsers(opened: Open) -> None:
    page = opened()
    page.evaluate(
        """window.__taken = [];
        agnes.key("q", "a test", () => window.__taken.push("q"));
        addEventListener("keydown", ({ ctrlKey, key, defaultPrevented }) => {
          if (ctrlKey && key.length === 1) window.__taken.push(defaultPrevented);
        });"""
    )
    for key in ("Control+f", "Control+q", "Alt+q"):
        page.keyboard.press(key)
    assert page.evaluate("window.__taken") == [False, False]
    page.keyboard.press("q")
    assert page.evaluate("window.__taken")[-1] == "q"


def test_the_overlay_lists_every_shortcut_from_the_one_list(opened: Open) -> None:
    page = opened()
    page.evaluate(MADE)
    page.evaluate(
        """() => {
        agnes.key("x y", "What a page can do", () => {});
        const one = Object.assign(document.createElement("button"), { textContent: "Declared" });
        one.dataset.key = "w";
        document.querySelector("[data-region=made]").append(one);
        one.onclick = () => (window.__clicked = true); }"""
    )
    button = page.get_by_role("button", name="Keyboard shortcuts")
    button.focus()
    page.keyboard.press("?")
    overlay = page.get_by_role("dialog", name="Keyboard shortcuts")
    here = overlay.locator("section", has_text="This page")
    expect(here.locator("dl > div", has_text="What a page can do").locator("kbd")).to_have_text(
        ["x", "y"]
    )
    expect(here.locator("dl > div", has_text="Declared").locator("kbd")).to_have_text(["w"])
    everywhere = overlay.locator("section", has_text="Everywhere")
    for says in ("Audit log", "Jobs", "My activity", "Go to a page"):
        expect(everywhere.locator("dl > div", has_text=says)).to_be_visible()
    page.keyboard.press("w")
    assert page.evaluate("window.__clicked") is None, "a shortcut went through the overlay"
    for _ in range(4):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        ), "the focus left the overlay"
    page.keyboard.press("Escape")
    expect(overlay).to_be_hidden()
    assert active(page) == "Keyboard shortcuts", "the focus did not come back"
    page.keyboard.press("w")
    assert page.evaluate("window.__clicked") is True
    button.click()
    expect(overlay).to_be_visible()
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    overlay.get_by_role("button", name="Close").click()
    expect(overlay).to_be_hidden()


# Palette


@pytest.fixture(scope="module")
def view(api: httpx.Client, console: ServerProcess) -> Iterator[str]:
    """A saved view of boss, and a person with a name that is markup."""
    person = {"email": "mallory@example.org", "name": HOSTILE, "password": PASSWORD}
    assert api.post("/api/admin/users", json=person).status_code in (201, 409)
    with console.client() as terminal:
        login = {"email": "boss@example.org", "password": PASSWORD, "name": "shell"}
        token = terminal.post("/api/login", json=login).json()["token"]
    with console.client(token) as boss:
        wanted = {"name": "Nightly failures", "query": {"query": "action:run_job"}}
        made = boss.post("/api/admin/observability/views", json=wanted)
        yield made.json()["id"]


def test_the_palette_leads_by_keyboard_to_what_is_found(opened: Open, view: str) -> None:
    page = opened()
    page.keyboard.press("/")
    box = page.get_by_role("combobox", name="Go to a page")
    expect(box).to_be_focused()
    options = page.get_by_role("option")
    expect(options.first).to_contain_text("Audit log")
    page.keyboard.type("nightly")
    expect(options).to_have_count(1)
    expect(options.first).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == options.first.get_attribute("id")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("query=action%3Arun_job"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(options.first).to_contain_text("Audit log")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()


def test_the_palette_opens_while_one_types_and_gives_the_focus_back(opened: Open) -> None:
    page = opened()
    page.focus("#query")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Go to a page")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#query")).to_be_focused()


def test_people_and_sessions_lead_to_their_pages(opened: Open, api: httpx.Client) -> None:
    ana = next(
        row
        for row in api.get("/api/admin/users", params={"q": "ana@example.org"}).json()["rows"]
        if row["email"] == "ana@example.org"
    )
    page = opened()
    page.keyboard.press("/")
    page.keyboard.type("ana@example.org")
    page.get_by_role("option", name="ana@example.org").first.click()
    expect(page).to_have_url(re.compile(f"/admin/users/{ana['id']}$"))
    until_live(page)
    page.keyboard.press("/")
    is_session = page.locator(".kind").get_by_text("Session", exact=True)
    session = page.get_by_role("option").filter(has=is_session).first
    name = session.locator(".label").inner_text()
    session.click()
    expect(page).to_have_url(re.compile("/admin/sessions/[^/]+/[^/]+"))
    assert name in unquote(urlsplit(page.url).path)


def test_hostile_names_are_texts_in_the_palette(opened: Open, view: str) -> None:
    page = opened()
    page.keyboard.press("/")
    page.keyboard.type("<img")
    option = page.get_by_role("option").filter(has_text="mallory")
    expect(option.locator(".label")).to_have_text(HOSTILE)
    assert page.locator("dialog img").count() == 0
    assert page.evaluate("window.__xss") is None


def test_the_palette_does_what_the_page_can_do(opened: Open) -> None:
    page = opened()
    page.evaluate("agnes.key('x y', 'Paint it green', () => (window.__green = true))")
    page.keyboard.press("/")
    page.keyboard.type("paint it")
    page.keyboard.press("Enter")  # before anything was answered
    page.wait_for_function("window.__green === true")
    page.keyboard.press("/")
    page.keyboard.type("no such thing anywhere")
    expect(page.locator("#palette [role=status]")).to_contain_text(
        "Nothing of that name", timeout=20_000
    )


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_what_lies_over_the_page_shuts_nobody_out(opened: Open, width: int, scheme: str) -> None:
    page = opened(width=width, scheme=scheme)
    page.evaluate("agnes.toast('Copied'); agnes.toast('It failed', 'bad')")
    page.evaluate("document.getElementById('lost').hidden = false")

    def check(state: str) -> None:
        page.evaluate(
            "Promise.all(document.getAnimations().map((one) => one.finished.catch(() => 0)))"
        )
        found = Axe().run(page).response["violations"]
        serious = [
            (rule["id"], [node["html"] for node in rule["nodes"]][:3])
            for rule in found
            if rule["impact"] in ("serious", "critical")
        ]
        assert serious == [], state
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state

    check("toasts and banner")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option").first).to_be_visible()
    check("palette")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    check("overlay")


# Toasts


def test_toasts_go_by_themselves_and_errors_stay(opened: Open) -> None:
    page = opened("/admin/jobs")
    page.clock.install()
    toasts = page.locator("#toasts .toast")
    page.evaluate("for (const n of [1, 2, 3, 4]) agnes.toast(`said ${n}`)")
    expect(toasts).to_have_text([re.compile(f"said {number}") for number in (2, 3, 4)])
    assert page.locator("#toasts").get_attribute("aria-live") == "polite"
    page.evaluate("agnes.toast('it failed', 'bad')")
    toasts.filter(has_text="said 4").hover()
    page.clock.run_for(6000)
    expect(toasts).to_have_text([re.compile("said 4"), re.compile("it failed")])
    page.mouse.move(0, 0)
    page.clock.run_for(6000)
    expect(toasts).to_have_text([re.compile("it failed")])
    toasts.get_by_role("button", name="Dismiss").click()
    expect(toasts).to_have_count(0)


def test_a_toast_with_markup_is_a_text(opened: Open) -> None:
    page = opened("/admin/jobs")
    page.evaluate("(text) => agnes.toast(text)", HOSTILE)
    expect(page.locator(".toast")).to_contain_text(HOSTILE)
    assert page.locator(".toast img").count() == 0


# Menus


def test_menus_close_by_escape_by_a_click_beside_and_by_another(opened: Open) -> None:
    page = opened()
    page.evaluate(MENUS)
    left, right = page.locator("#left"), page.locator("#right")
    left.locator("summary").click()
    expect(left).to_have_attribute("open", "")
    page.keyboard.press("ArrowDown")
    assert active(page).startswith("one")
    page.keyboard.press("ArrowDown")
    assert active(page) == "two"
    page.keyboard.press("End")
    assert active(page) == "last"
    page.keyboard.press("Escape")
    expect(left).not_to_have_attribute("open", "")
    assert active(page) == "left", "the focus did not come back"
    left.locator("summary").click()
    right.locator("summary").click()
    expect(left).not_to_have_attribute("open", "")
    expect(right).to_have_attribute("open", "")
    page.click("h1")
    expect(right).not_to_have_attribute("open", "")
    right.locator("summary").click()
    right.get_by_text("last").click()
    expect(right).not_to_have_attribute("open", "")


def test_no_menu_leaves_a_narrow_window(opened: Open) -> None:
    page = opened(width=390)
    page.evaluate(MENUS)
    for side in ("left", "right"):
        page.locator(f"#{side} > summary").click()
        page.wait_for_function(
            """(side) => { const { left, right } = document.querySelector(`#${side} .sheet`)
            .getBoundingClientRect(); return left >= 0 && right <= innerWidth; }""",
            arg=side,
        )


# What is patched stays what it was


def test_what_one_types_and_unfolds_survives_a_beat_but_not_an_answer(opened: Open) -> None:
    page = opened()
    page.evaluate(MADE)
    page.evaluate(
        """() => {
        const region = document.querySelector("[data-region=made]");
        window.__html = (n) => `<form><p>${n}</p><input name="typed" value="kept">
          <details><summary>more</summary>x</details></form>`;
        agnes.patch(region, window.__html(1), { fresh: true });
        window.__input = region.querySelector("input"); }"""
    )
    box = page.locator("[data-region=made] input")
    box.fill("half a wo")
    page.locator("[data-region=made] summary").click()
    box.focus()
    patch = "agnes.patch(document.querySelector('[data-region=made]'), window.__html(%s), %s)"
    page.evaluate(patch % (2, "{ fresh: false }"))
    expect(page.locator("[data-region=made] p")).to_have_text("2")
    expect(box).to_have_value("half a wo")
    expect(box).to_be_focused()
    expect(page.locator("[data-region=made] details")).to_have_attribute("open", "")
    page.evaluate(patch % (3, "{ fresh: true, typing: window.__input }"))
    expect(box).to_have_value("half a wo")
    page.evaluate(patch % (4, "{ fresh: true }"))
    expect(box).to_have_value("kept")


def test_rows_that_stay_are_the_same_elements(opened: Open) -> None:
    page = opened()
    page.evaluate(MADE)
    page.evaluate(
        """() => {
        const region = document.querySelector("[data-region=made]");
        const row = (id) => `<li data-audit-row="${id}"><a href="#${id}">${id}</a></li>`;
        const rows = (ids) => `<ul>${ids.map(row).join("")}</ul>`;
        agnes.patch(region, rows(["b", "c", "d"]), { fresh: true });
        region.querySelector("[href='#c']").focus();
        window.__c = region.querySelector("[data-audit-row=c]");
        agnes.patch(region, rows(["a", "b", "c", "e"]), { fresh: false });
        window.__same = window.__c === region.querySelector("[data-audit-row=c]");
        const shown = [...region.querySelectorAll("li")];
        window.__ids = shown.map((one) => one.dataset.auditRow).join(); }"""
    )
    assert page.evaluate("[window.__same, window.__ids]") == [True, "a,b,c,e"]
    assert active(page) == "c"


# A lost connection


def test_a_page_comes_back_as_it_was(opened: Open, console: ServerProcess) -> None:
    page = opened(f"{LOG}?since_minutes=43200&query=-action:sync.")
    page.fill("#query", "-action:sync. half a wo")
    page.evaluate("document.getElementById('query').setSelectionRange(3, 5)")
    page.evaluate("scrollTo(0, 200); window.__same = true")
    at = page.evaluate("scrollY")
    console.stop()
    banner = page.locator("#lost")
    expect(banner).to_contain_text("Connection lost")
    expect(banner.locator("time")).to_have_text(re.compile(r"\d\d:\d\d UTC"))
    assert page.locator("body[data-live]").count() == 0
    page.get_by_role("button", name="Try now").click()
    expect(banner).to_be_visible()
    page.focus("#query")
    page.evaluate("document.getElementById('query').setSelectionRange(3, 5)")
    console.start()
    page.wait_for_selector("body[data-live=true]", timeout=30_000)
    assert page.evaluate("window.__same") is None, "the page was not made anew"
    expect(banner).to_be_hidden()
    expect(page).to_have_url(re.compile(r"since_minutes=43200&query=-action:sync\.$"))
    expect(page.locator("#query")).to_have_value("-action:sync. half a wo")
    expect(page.locator("#query")).to_be_focused()
    assert page.evaluate("document.activeElement.selectionStart") == 3
    assert page.evaluate("scrollY") == at > 0


def test_who_was_signed_out_meanwhile_signs_in_and_is_back(
    opened: Open, console: ServerProcess
) -> None:
    page = opened(f"{LOG}?result_class=error")
    console.stop()
    expect(page.locator("#lost")).to_be_visible()
    page.context.clear_cookies()
    console.start()
    expect(page).to_have_url(re.compile(r"/login\?next="), timeout=30_000)
    page.fill("input[name=email]", "boss@example.org")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    expect(page).to_have_url(re.compile(r"result_class=error$"))


def test_a_network_that_was_away_for_a_moment_needs_no_reload(opened: Open) -> None:
    page = opened()
    page.evaluate("window.__same = true")
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator("#lost")).to_be_visible()
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#lost")).to_be_hidden()
    assert page.evaluate("window.__same") is True
