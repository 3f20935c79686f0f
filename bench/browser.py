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
GIVES = ("browser.paint", "browser.row", "browser.live")
_RUNS, _WARM = 20, 2
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
        finally:
            browser.close()
    for name, mark in zip(GIVES, _MARKS, strict=True):
        if missed := sum(mark not in one for one in seen):
            raise NoMark(f"{mark} was not seen in {missed} of {_RUNS} pages")
        yield spread(name, [one[mark] for one in seen])


def _visit(browser: Any, stage: Stage) -> dict[str, float]:
    """Milliseconds from navigation to each mark that was seen."""
    from playwright.sync_api import TimeoutError as Late

    context = browser.new_context()
    try:
        cookie = {"name": stage.data.cookie_name, "value": stage.data.cookie, "url": stage.live.url}
        context.add_cookies([cookie])
        page = context.new_page()
        page.add_init_script(_WATCH)
        page.goto(f"{stage.live.url}/admin/activity", wait_until="load")
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
        context.close()
