"""The audit log as a page, and a person's own part of it on `/me`.

One module a region; `page.PARTS` lists them."""

from __future__ import annotations

from console.pages.activity.page import ActivityPage, activity_pages

__all__ = ["ActivityPage", "activity_pages"]
