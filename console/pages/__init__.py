"""Pages: a Panel document each, whose first paint is rendered on the server. `PAGES` is the menu's
order."""

from __future__ import annotations

from console.pages.activity import ActivityPage, activity_pages
from console.pages.entry import Page
from console.pages.jobs import JobsPage
from console.pages.sessions import SessionsPage

PAGES: tuple[Page, ...] = (*activity_pages(), SessionsPage(), JobsPage())

__all__ = ["PAGES", "ActivityPage", "JobsPage", "Page"]
