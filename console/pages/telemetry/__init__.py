"""The Telemetry page: which tools, skills, subagents and MCP servers are used, fail, or lie unused.
See page.py for its parts, body.py for its tabs."""

from __future__ import annotations

from console.pages.telemetry.page import TelemetryPage

__all__ = ["TelemetryPage"]
