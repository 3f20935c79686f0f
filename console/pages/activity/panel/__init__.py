"""The side panel: one event with everything about it.

What it reads is in `event`; the other modules make of it what a template can show.
"""

from __future__ import annotations

from console.pages.activity.panel.event import read

__all__ = ["read"]
