"""`/admin/jobs` in a real browser, with real kernels."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Open, led, until_live
from tests.server_process import ServerProcess, admin_token

pytestmark = pytest.mark.browser

PATH = "/admin/jobs"
HOSTILE = "<img src=x onerror=parent.__xss=1>"
SCHEDULE = f"""
[quick]
title = "Something short"
notebook = "quick.ipynb"
every_seconds = 600
timeout_seconds = 60
parameters = {{ days = 7 }}
[broken]
title = "{HOSTILE}"
notebook = "broken.ipynb"
every_seconds = 600
timeout_seconds = 60
[slow]
title = "Something long"
notebook = "slow.ipynb"
every_seconds = 600
timeout_seconds = 60
"""
CELLS = {
    "quick": "print('a short run')",
    "broken": f"raise ValueError('{HOSTILE}')",
    "slow": "import time\nfor step in range(50):\n    print('step', step)\n    time.sleep(1)",
}


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A console with three small jobs, which run only when they are asked to."""
    folder = tmp_path_factory.mktemp("jobs")
    notebooks = folder / "notebooks"
    write(notebooks)
    server = ServerProcess(
        folder / "data", AGNES_NOTEBOOKS=str(notebooks), AGNES_JOBS="0", AGNES_JOB_CONCURRENCY="3"
    )
    with server:
        yield server


def write(folder: Path) -> None:
    form: Any = nbformat  # ships half of its types
    folder.mkdir()
    (folder / "schedule.toml").write_text(SCHEDULE)
    for name, source in CELLS.items():
        given = form.v4.new_code_cell("days = 1", metadata={"tags": ["parameters"]})
        book = form.v4.new_notebook(cells=[given, form.v4.new_code_cell(source)])
        book.metadata.kernelspec = {"name": "agnes", "display_name": "Agnes", "language": "python"}
        form.write(book, folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def api(console: ServerProcess) -> Iterator[httpx.Client]:
    with console.client(admin_token(console)) as client:
        person = {"email": "boss@example.org", "password": PASSWORD, "is_admin": True}
        assert client.post("/api/admin/users", json=person).status_code == 201
        yield client


@pytest.fixture(scope="module")
def cookies(api: httpx.Client) -> dict[str, dict[str, str]]:
    return {}


@pytest.fixture(autouse=True)
def quiet(api: httpx.Client) -> Iterator[None]:
    """No test leaves a run that goes on."""
    yield
    for job in ("quick", "broken", "slow"):
        for run in runs(api, job=job):
            if run["status"] in ("queued", "running"):
                api.post(f"/api/admin/jobs/runs/{run['id']}/cancel")
                over(api, run["id"])


@pytest.fixture(scope="module")
def broken(api: httpx.Client) -> str:
    """A run that has failed; its id."""
    return str(over(api, ask(api, "broken"))["id"])


def ask(api: httpx.Client, job: str) -> str:
    answer = api.post(f"/api/admin/jobs/{job}/run", json={})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run_id"])


def runs(api: httpx.Client, **filter: str) -> list[dict[str, Any]]:
    answer = api.get("/api/admin/jobs/runs", params=filter).raise_for_status()
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


def over(api: httpx.Client, id: str) -> dict[str, Any]:
    until = time.monotonic() + 40
    while (run := api.get(f"/api/admin/jobs/runs/{id}").json())["status"] in ("queued", "running"):
        assert time.monotonic() < until, run
        time.sleep(0.1)
    found: dict[str, Any] = run
    return found


def row(page: Page, job: str) -> Any:
    return page.locator(f"[data-job={job}]")


def status(page: Page, job: str, word: str) -> None:
    expect(row(page, job).locator(".tag")).to_have_text(word, timeout=40_000)


def beats(page: Page) -> list[float]:
    """The times at which the page asks again, from now on."""
    found: list[float] = []

    def sent(frame: str | bytes) -> None:
        if '"go"' in str(frame):
            found.append(time.monotonic())

    page.on("websocket", lambda line: line.on("framesent", sent))
    page.reload()
    until_live(page)
    return found


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait for it as long as a busy machine may need."""
    for _ in range(300):
        if holds():
            return
        page.wait_for_timeout(100)
    pytest.fail("it did not come")


def test_run_now_shows_the_run_until_its_end(opened: Open, api: httpx.Client) -> None:
    page = opened(PATH)
    page.evaluate("window.__same = true")
    row(page, "quick").get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("A run of quick was asked for")
    status(page, "quick", "running")
    expect(page.locator(".pulse .fields")).to_contain_text("running quick")
    status(page, "quick", "ok")
    expect(row(page, "quick").get_by_role("button")).to_have_text(re.compile("Run now"))
    expect(page.locator(".pulse .fields")).not_to_contain_text("running")
    assert page.evaluate("window.__same") is True, "the page was loaded anew"
    assert page.evaluate("document.activeElement.id") == "act-quick", "the focus was lost"
    shown = page.locator("[data-run]").first.get_attribute("data-run")
    (run,) = runs(api, job="quick", limit="1")
    assert (shown, run["status"], run["requested_email"]) == (run["id"], "ok", "boss@example.org")
    said = api.get("/api/admin/activity", params={"action_prefix": "run_job:quick"}).json()["rows"]
    assert {row["source"] for row in said} == {"web", "scheduler"}


def test_a_double_click_does_not_cancel_what_it_began(opened: Open, api: httpx.Client) -> None:
    page = opened(PATH)
    row(page, "slow").get_by_role("button").dblclick(delay=120)
    status(page, "slow", "running")
    page.wait_for_timeout(500)
    assert runs(api, job="slow", limit="1")[0]["status"] == "running"


def test_cancel_ends_a_run_and_retry_begins_another(opened: Open, api: httpx.Client) -> None:
    run = ask(api, "slow")
    page = opened(f"{PATH}?run={run}")
    expect(page.locator("pre[aria-label*=log]")).to_contain_text("step 1", timeout=40_000)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("h2 .tag").first).to_have_text("cancelled", timeout=20_000)
    page.get_by_role("button", name="Retry").click()
    page.get_by_role("link", name="Show it").click()
    expect(page).not_to_have_url(re.compile(run))
    expect(page.locator(".facts")).to_contain_text("attempt 2")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()


def test_a_run_that_failed_shows_the_cell_the_notebook_and_its_trail(
    opened: Open, api: httpx.Client, broken: str
) -> None:
    page = opened(PATH)
    page.evaluate("window.__same = true")
    expect(page.locator(".pulse .sentence")).to_contain_text("failed its last run: broken")
    page.locator(".pulse").get_by_role("link", name="broken").click()
    expect(page).to_have_url(re.compile(f"run={broken}"))
    expect(page.locator(".notice")).to_contain_text("cell 2 failed: ValueError")
    expect(page.locator("[aria-label='The cell that failed']")).to_have_text(CELLS["broken"])
    assert page.evaluate("document.activeElement.matches('[data-region=run] h2')")
    frame = page.frame_locator("iframe")
    expect(frame.locator("body")).to_contain_text("ValueError")
    assert frame.locator("img").count() == 0
    for name in ("Notebook", "Log"):
        link = page.get_by_role("link", name=name, exact=True).get_attribute("href")
        assert link
        assert api.get(link).status_code == 200
    page.go_back()
    expect(row(page, "broken")).to_be_visible()
    expect(row(page, "broken")).to_contain_text(HOSTILE)
    assert page.evaluate("[window.__same, window.__xss]") == [True, None]
    page.go_forward()
    page.get_by_role("link", name="its rows in the audit log").click()
    expect(page.locator("[data-audit-row]").first).to_contain_text("run_job:broken")


def test_the_page_asks_again_only_while_a_run_goes_on_and_somebody_looks(
    opened: Open, api: httpx.Client
) -> None:
    page = opened(PATH)
    asked = beats(page)
    page.wait_for_timeout(2600)
    assert asked == []
    row(page, "slow").get_by_role("button").click()
    until(page, lambda: len(asked) >= 4)  # one after the click, then every two seconds
    assert min(later - one for one, later in pairwise(asked[1:])) > 1.5
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.wait_for_timeout(400)
    asked.clear()
    page.wait_for_timeout(3000)
    assert asked == []
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    until(page, lambda: len(asked) >= 1)


def test_what_the_reader_does_is_not_disturbed_by_a_run(
    opened: Open, api: httpx.Client, broken: str
) -> None:
    ask(api, "slow")
    page = opened(f"{PATH}?run={broken}")
    loads: list[str] = []
    page.on("request", lambda request: loads.append(request.url))
    page.locator("[data-region=run] summary").click()
    page.focus("[data-region=rows] tbody tr:nth-child(2) a")
    page.evaluate("""() => {
        window.__frame = document.querySelector("iframe");
        window.__run = document.querySelector("[data-region=run] details");
        scrollTo(0, 200);
        getSelection().selectAllChildren(document.querySelector(".facts .mono"));
    }""")
    before = page.evaluate("[scrollY, String(getSelection()), document.activeElement.ariaLabel]")
    assert before[0] > 0
    shown = page.locator("[data-region=rows] tbody tr").first
    first = shown.inner_text()
    until(page, lambda: shown.inner_text() != first)
    after = page.evaluate("[scrollY, String(getSelection()), document.activeElement.ariaLabel]")
    assert after == before
    assert page.evaluate("window.__frame === document.querySelector('iframe')")
    assert page.evaluate("window.__run.open && window.__run.isConnected")
    assert loads == []


def test_filters_and_paging_live_in_the_address(
    opened: Open, api: httpx.Client, broken: str
) -> None:
    over(api, ask(api, "quick"))
    page = opened(PATH)
    page.evaluate("window.__same = true")
    page.select_option("select[name=job]", "broken")
    expect(page).to_have_url(re.compile("job=broken"))
    page.select_option("select[name=status]", "failed")
    expect(page).to_have_url(re.compile("job=broken&status=failed"))
    listed = [run["id"] for run in runs(api, job="broken", status="failed")]
    found = page.locator("[data-run]")
    expect(found).to_have_count(len(listed))
    assert found.evaluate_all("rows => rows.map(row => row.dataset.run)") == listed
    page.go_back()
    expect(page.locator("select[name=status]")).to_have_value("")
    page.select_option("select[name=status]", "skipped")
    expect(page.locator(".empty")).to_contain_text("No run matches")
    page.get_by_role("link", name="Reset").click()
    expect(page.locator("[data-run]").nth(1)).to_be_visible()
    assert page.evaluate("window.__same") is True


def test_the_keyboard_reaches_every_button_with_visible_focus(opened: Open, broken: str) -> None:
    page = opened(PATH)
    met: set[str] = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => { const at = document.activeElement, style = getComputedStyle(at);
            return { name: at.name || at.innerText.trim(), tag: at.tagName, id: at.id,
                     seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
                     }"""
        )
        if at["tag"] == "BODY":
            break
        assert at["seen"], f"no visible focus on {at}"
        met |= {at["name"], at["id"]}
    assert {"act-quick", "act-broken", "act-slow", "job", "status", "failed"} <= met
    page.focus("#act-quick")
    page.keyboard.press("Enter")
    status(page, "quick", "ok")


def test_it_works_without_scripts(opened: Open, api: httpx.Client) -> None:
    page = opened(f"{PATH}?job=quick", scripts=False)
    count = len(runs(api, job="quick"))
    led(page, lambda: row(page, "quick").get_by_role("button").click())
    assert page.url.endswith(f"{PATH}?job=quick")
    assert page.locator("[data-run]").count() == count + 1
    led(page, page.locator("[data-run] a").first.click)
    assert page.locator(".facts").is_visible()
    led(page, lambda: page.get_by_role("link", name="All jobs").click())
    page.select_option("select[name=status]", "failed")
    led(page, lambda: page.get_by_role("button", name="Show").click())
    assert "status=failed" in page.url


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_nobody_is_shut_out_and_nothing_scrolls_sideways(
    opened: Open, api: httpx.Client, broken: str, width: int, scheme: str
) -> None:
    going = ask(api, "slow")
    for query in ("", f"?run={broken}", f"?run={going}", "?run=none", "?status=skipped"):
        page = opened(PATH + query, width=width, scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), query
        found = Axe().run(page).response["violations"]
        serious = [
            (rule["id"], [node["html"] for node in rule["nodes"]][:3])
            for rule in found
            if rule["impact"] in ("serious", "critical")
        ]
        assert serious == [], query


def test_who_is_no_admin_any_more_does_nothing_and_sees_nothing(
    opened: Open, api: httpx.Client
) -> None:
    person = {"email": "gone@example.org", "password": PASSWORD, "is_admin": True}
    id = api.post("/api/admin/users", json=person).json()["id"]
    page = opened(PATH, who="gone@example.org")
    assert api.patch(f"/api/admin/users/{id}", json={"is_admin": False}).status_code == 200
    before = len(runs(api))
    row(page, "quick").get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("this needs an admin")
    expect(page.locator("[data-job]")).to_have_count(0)
    assert len(runs(api)) == before


def test_a_run_with_parameters_is_asked_for_and_compared_by_keyboard(
    opened: Open, api: httpx.Client
) -> None:
    before = runs(api, job="quick", status="ok", limit="1")  # of a test before, as a rule
    first = before[0]["id"] if before else over(api, ask(api, "quick"))["id"]
    page = opened(PATH)
    page.get_by_role("link", name="Run quick with parameters").focus()
    page.keyboard.press("Enter")
    days = page.get_by_label("days")
    expect(days).to_have_value("7")
    days.fill("many")
    days.press("Enter")
    expect(page.locator("[data-region=notice]")).to_contain_text("a whole number")
    days.fill("9")
    days.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("A run of quick was asked for")
    run = over(api, runs(api, job="quick", limit="1")[0]["id"])
    assert run["parameters"] == {"days": 9}
    asked = {"action_prefix": "run_job:quick", "q": run["id"]}
    said = api.get("/api/admin/activity", params=asked).json()["rows"]
    assert any("days" in str(row["params"]) and row["source"] == "web" for row in said)
    page = opened(f"{PATH}?run={run['id']}", width=390)
    page.get_by_label("Compare with").select_option(first)
    expect(page.locator(f"[data-compared='{first}'] .differs")).to_contain_text("9")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
