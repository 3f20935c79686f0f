"""The sessions of the instance as a page: what happened in them, and where to look first.

One module a region; `page.PARTS` lists them."""

from __future__ import annotations

from console.pages.sessions.page import SessionsPage

__all__ = ["SessionsPage"]
