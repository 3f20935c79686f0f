"""What the page calls the values that telemetry keeps as short words."""

from __future__ import annotations

from collections.abc import Mapping

OUTCOMES: Mapping[str, str] = {
    "ok": "ok",
    "error": "error",
    "user_rejected": "rejected",
    "policy_denied": "denied",
    "interrupted": "interrupted",
    "unresolved": "unresolved",
}
EVENT_TYPES: Mapping[str, str] = {
    "tool_use": "tool call",
    "mcp_call": "MCP call",
    "subagent": "subagent",
    "slash_command": "slash command",
}
LABELS: Mapping[str, Mapping[str, str]] = {"outcome": OUTCOMES, "event_type": EVENT_TYPES}
# What may be grouped by -> its name. The parameter of a filter of the same is that of `PARAMETERS`.
GROUPS: Mapping[str, str] = {
    "tool": "Tool",
    "skill": "Skill",
    "subagent": "Subagent",
    "mcp_server": "MCP server",
    "user": "Person",
    "day": "Day",
    "source": "Source",
    "ref_id": "Plugin",
    "model": "Model",
    "outcome": "Outcome",
    "event_type": "Kind of call",
}
PARAMETERS: Mapping[str, str] = {"tool": "tool_name", "user": "user_id"}


def parameter(group: str) -> str:
    return PARAMETERS.get(group, group)


def label(group: str, value: str | None) -> str:
    """How a value of a group is called; what has none is `none`."""
    if value is None:
        return "none"
    return LABELS.get(group, {}).get(value, value) or '""'
