"""A seeded console in a process of its own, and the system's Chromium to look at it with."""

from __future__ import annotations

import gc
import shutil
import warnings
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, Protocol

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.server_process import ServerProcess, admin_token, agnes

PASSWORD = "correct horse battery"
# The same engine without a window's machinery comes first: a page costs it half the CPU time.
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",  # a container's is small, and a tab that finds it full hangs
]
expect.set_options(timeout=20_000)  # on a busy machine what comes at once comes late
SAID = 5000  # letters of a failure
SEED = (
    *("--audit-rows", "3000", "--sessions", "5", "--usage-events", "200", "--users", "8"),
    *("--reports", "0"),  # the inbox holds what a test has sent
)


class Open(Protocol):
    """Open `path` as somebody (the admin `boss`, unless said otherwise) and wait until it is
    live."""

    def __call__(
        self,
        path: str = "/admin/activity",
        *,
        who: str | None = "boss@example.org",
        width: int = 1440,
        scheme: str = "light",
        scripts: bool = True,
    ) -> Page: ...


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Iterator[None]:
    """Playwright tells the whole page with a failure: of a long one, its beginning."""
    error = call.excinfo and call.excinfo.value
    if isinstance(error, AssertionError) and error.args:
        error.args = (str(error.args[0])[:SAID], *error.args[1:])
    return (yield)


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("console") / "data"
    seeded = agnes("seed", *SEED, "--data-dir", folder)
    assert seeded.returncode == 0, seeded.stderr
    with ServerProcess(folder) as server:
        yield server


@pytest.fixture(scope="session")
def api(console: ServerProcess) -> Iterator[httpx.Client]:
    """An admin's client, who has also made the people whom the tests sign in as."""
    with console.client(admin_token(console)) as client:
        for email, is_admin in (("boss@example.org", True), ("ana@example.org", False)):
            person = {"email": email, "password": PASSWORD, "is_admin": is_admin}
            made = client.post("/api/admin/users", json=person)
            assert made.status_code == 201, made.text
        yield client


@pytest.fixture(scope="session")
def cookies(console: ServerProcess, api: httpx.Client) -> dict[str, dict[str, str]]:
    """E-mail -> cookies of a browser that has signed in; each is filled at its first use."""
    return {}


@pytest.fixture(scope="module")
def swept() -> Iterator[None]:
    """Afterwards nothing of Playwright is left: told to stop in the middle of an event it forgets
    its pipes, and would say so in some later test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def chromium(swept: None) -> Iterator[Browser]:
    """One browser a module: Playwright's event loop must not run on under other tests."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.fail(f"no browser: install one of {', '.join(CHROMIUM)} (Debian: chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def opened(
    chromium: Browser, console: ServerProcess, api: httpx.Client, cookies: dict[str, dict[str, str]]
) -> Iterator[Open]:
    """Opens pages. Afterwards none of them has said an error or asked another host for anything."""
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def watch(page: Page) -> None:
        def said(message: Any) -> None:
            # A page that is meant to be refused is said too; the tests look at its status
            # themselves.
            if message.type == "error" and "Failed to load resource" not in message.text:
                trouble.append(f"console: {message.text}")

        def asked(request: Any) -> None:
            if not request.url.startswith((console.address, "data:", "blob:")):
                trouble.append(f"another host: {request.url}")

        page.on("console", said)
        page.on("pageerror", lambda error: trouble.append(f"script: {error}"))
        page.on("request", asked)

    def open_(
        path: str = "/admin/activity",
        *,
        who: str | None = "boss@example.org",
        width: int = 1440,
        scheme: str = "light",
        scripts: bool = True,
    ) -> Page:
        context = chromium.new_context(
            base_url=console.address,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=scripts,
        )
        contexts.append(context)
        if who is not None:
            known = cookies.get(who) or cookies.setdefault(who, signed_in(console, who))
            for name, value in known.items():
                context.add_cookies([{"name": name, "value": value, "url": console.address}])
        page = context.new_page()
        watch(page)
        page.goto(path)
        if scripts and page.locator("[data-live]").count():
            until_live(page)
            # What the first paint left out comes at any time after it: tests of that say so.
            page.wait_for_function("!document.querySelector('[data-later]')")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert trouble == []


def until_live(page: Page) -> None:
    """Wait until the page's websocket answers. Asked at each frame: a selector is asked for at ever
    longer intervals, which costs the tests half a second a page."""
    page.wait_for_function("document.body?.dataset.live === 'true'")


def settled(page: Page) -> None:
    """Wait until the page has shown what was asked for last."""
    page.wait_for_function("!document.body.hasAttribute('aria-busy')")


def without_load(page: Page, act: Callable[[], Any]) -> None:
    """Do it, wait for its outcome, and prove that the document is the same one as before."""
    page.evaluate("window.__same = true")
    act()
    settled(page)
    assert page.evaluate("window.__same") is True, "the page was loaded anew"


def refreshed(page: Page) -> None:
    """Wait until the page has asked by itself, and has shown what is new: it does so whenever the
    reader comes back to it."""
    page.evaluate(
        """() => new Promise((shown) => {
            document.addEventListener("agnes:shown", shown, { once: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }).then(() => true)"""
    )


def led(page: Page, act: Callable[[], Any]) -> None:
    """Do it, and wait for the page that it leads to: without scripts, or to another address."""
    with page.expect_navigation():
        act()


def stands_within(page: Page, selector: str, width: int) -> None:
    """Wait until it stands inside a window of that width: scripts move menus after they open."""
    page.wait_for_function(
        """([selector, width]) => {
            const box = document.querySelector(selector)?.getBoundingClientRect();
            return box && box.width > 0 && box.left >= 0 && box.right <= width;
        }""",
        arg=[selector, width],
    )


def days_before(api: httpx.Client) -> dict[str, str]:
    """25 days that end before the tests began: what they do changes nothing in them."""
    syncs = api.get("/api/admin/activity", params={"action_prefix": "sync."}).json()["rows"]
    newest = syncs[0]["timestamp"]
    first = date.fromisoformat(newest[:10]) - timedelta(days=25)
    return {"since": f"{first}T00:00:00Z", "until": newest}


def signed_in(console: ServerProcess, email: str, password: str = PASSWORD) -> dict[str, str]:
    """The cookies of a browser in which `email` has signed in."""
    with console.client() as browser:
        browser.get("/login")
        form = {"email": email, "password": password, "_xsrf": browser.cookies["_xsrf"]}
        answer = browser.post("/login", data=form)
        assert answer.status_code == 303, answer.text
        return dict(browser.cookies)
