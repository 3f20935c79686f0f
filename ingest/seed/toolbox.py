"""What Claude Code calls in the made-up sessions, and how calls end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tool:
    """One thing that is called. `event_type` as in `usage_events`; exactly one of the other names
    says more.
    """

    event_type: str
    often: float
    tool: str | None = None
    skill: str | None = None
    subagent: str | None = None
    command: str | None = None
    source: str = "builtin"

    @property
    def ref(self) -> str | None:
        """What a marketplace knows it by."""
        name = self.skill or self.subagent or self.command
        return name if name and ":" in name else None

    @property
    def spoken(self) -> bool:
        """Typed by the person: no call, no result."""
        return self.event_type == "slash_command"


def _mcp(server: str, tool: str, often: float) -> Tool:
    return Tool("mcp_call", often, tool=f"mcp__{server}__{tool}")


def _skill(name: str, often: float, source: str = "builtin") -> Tool:
    return Tool("tool_use", often, tool="Skill", skill=name, source=source)


def _agent(name: str, often: float, source: str = "builtin") -> Tool:
    return Tool("subagent", often, tool="Agent", subagent=name, source=source)


def _command(name: str, often: float, source: str = "builtin") -> Tool:
    return Tool("slash_command", often, command=name, source=source)


_PLAIN = {"Bash": 30, "Read": 22, "Edit": 12, "Grep": 8, "Write": 4, "Glob": 4, "TodoWrite": 4}
TOOLS = (
    *(Tool("tool_use", often, tool=name) for name, often in _PLAIN.items()),
    Tool("tool_use", 1.2, tool="WebFetch"),
    _mcp("agnes", "query", 4),
    _mcp("agnes", "catalog", 2),
    _mcp("github", "get_issue", 0.8),
    _mcp("browser", "navigate", 0.5),
    _skill("reporting:weekly", 1.2, "curated"),
    _skill("checks:rounding", 0.6, "curated"),
    _skill("charts:bar", 0.3, "flea"),
    _skill("agnes-report", 0.2),
    _agent("general-purpose", 1.2),
    _agent("Explore", 1.0),
    _agent("reporting:editor", 0.5, "curated"),
    _command("/model", 0.5),
    _command("/compact", 0.4),
    _command("/reporting:month-end", 0.3, "curated"),
)
MODELS = ("claude-sonnet-4-5", "claude-opus-4-5", "claude-haiku-4-5")
OUTCOMES = ("ok", "error", "user_rejected", "policy_denied", "unresolved")
OK, ERROR, REJECTED, DENIED, UNRESOLVED = range(len(OUTCOMES))
OFTEN = (
    0.935,
    0.05,
    0.008,
    0.007,
)  # of the first four; a call is only unresolved where a session breaks off
BREAKS_OFF = 0.04  # of the sessions
