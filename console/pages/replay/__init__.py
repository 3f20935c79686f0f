"""One session as it went: how it is judged, where to jump to, the conversation itself."""

from __future__ import annotations

from console.pages.replay.page import ReplayPage, replay_pages

__all__ = ["ReplayPage", "replay_pages"]
