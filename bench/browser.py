"""How long a person waits: the system's Chromium opens the audit log, and the page itself looks at
its clock.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bench.budgets import Figure, spread

if TYPE_CHECKING:
    from bench.stage import Stage

_MARKS = ("paint", "row", "live")
GIVES = ("browser.paint", "browser.row", "browser.live", "browser.filter")
_RUNS, _WARM = 20, 2
_CHOICES, _KINDS = 40, 8
_PATIENCE = 10_000  # milliseconds
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Looks before each frame, so what it sees is painted in that frame. Milliseconds since navigation.
_WATCH = """
window.__bench = {};
const look = () => {
  const row = document.querySelector("[data-audit-row]");
  if (row && row.getClientRects().length && !window.__bench.row) {
    window.__bench.row = performance.now();
  }
  if (document.body && document.body.dataset.live === "true" && !window.__bench.live) {
    window.__bench.live = performance.now();
  }
  if (!window.__bench.live || !window.__bench.row) requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
# A click on a filter: the answer replaces all regions of the page at once. Milliseconds from the
# click to the frame in which they stand.
_FILTER = """
(link) => new Promise((done) => {
  const began = performance.now();
  const tell = () => done(performance.now() - began);
  const shown = () => requestAnimationFrame(() => setTimeout(tell));
  document.addEventListener("agnes:shown", shown, { once: true });
  link.click();
})
"""
_FACETS = ".facets a.pick"
_ALL = "window.__bench.row && window.__bench.live"


class NoBrowser(Exception):
    """There is no Chromium to measure with."""


class NoMark(Exception):
    """A page never showed what was waited for."""


def opened(stage: Stage) -> Iterable[Figure]:
    """First paint, first audit row, first live answer; each time in a browser context that knows
    nothing yet.
    """
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise NoBrowser("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        try:
            seen = [_visit(browser, stage) for _ in range(_RUNS + _WARM)][_WARM:]
            waited = _filtered(browser, stage)
        finally:
            browser.close()
    yield spread("browser.filter", waited)
    for name, mark in zip(GIVES, _MARKS, strict=False):
        if missed := sum(mark not in one for one in seen):
            raise NoMark(f"{mark} was not seen in {missed} of {_RUNS} pages")
        yield spread(name, [one[mark] for one in seen])


def _filtered(browser: Any, stage: Stage) -> list[float]:
    """Milliseconds of each choice of a filter on a page that is open: facets, in and out again."""
    page = _opened(browser, stage)
    try:
        page.wait_for_selector(_FACETS, timeout=_PATIENCE)
        took = []
        for number in range(_CHOICES + _WARM):
            # Each is chosen, then taken out; it has moved to the top of its facet, or away.
            link = page.locator(_FACETS).nth(number // 2 % _KINDS)
            chosen = page.locator(f"{_FACETS}[aria-current]")
            took.append(float((chosen.first if chosen.count() else link).evaluate(_FILTER)))
        return took[_WARM:]
    finally:
        page.context.close()


def _opened(browser: Any, stage: Stage) -> Any:
    """The audit log in a browser that knows nothing yet but who its reader is."""
    context = browser.new_context()
    cookie = {"name": stage.data.cookie_name, "value": stage.data.cookie, "url": stage.live.url}
    context.add_cookies([cookie])
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(f"{stage.live.url}/admin/activity", wait_until="load")
    return page


def _visit(browser: Any, stage: Stage) -> dict[str, float]:
    """Milliseconds from navigation to each mark that was seen."""
    from playwright.sync_api import TimeoutError as Late

    page = _opened(browser, stage)
    try:
        with contextlib.suppress(Late):  # a mark that never comes is reported, not fatal
            page.wait_for_function(_ALL, timeout=_PATIENCE, polling=50)
        found: dict[str, float] = page.evaluate("window.__bench")
        paint = page.evaluate("performance.getEntriesByName('first-paint')[0]?.startTime")
        if paint is None:
            return found
        # A row that is there before the first paint is seen with it.
        rows = {"row": max(found["row"], paint)} if "row" in found else {}
        return {**found, **rows, "paint": float(paint)}
    finally:
        page.context.close()
