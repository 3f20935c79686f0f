"""What Claude Code calls in the made-up sessions, and how calls end."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.attribution import Attribution

# What the company's two marketplaces offer: source, marketplace, plugin, type, name. Some of it is
# never used.
OFFERED = (
    ("curated", "company", "reporting", "plugin", "reporting"),
    ("curated", "company", "reporting", "skill", "weekly"),
    ("curated", "company", "reporting", "agent", "editor"),
    ("curated", "company", "reporting", "command", "month-end"),
    ("curated", "company", "checks", "plugin", "checks"),
    ("curated", "company", "checks", "skill", "rounding"),
    ("curated", "company", "checks", "skill", "totals"),
    ("flea", "community", "charts", "plugin", "charts"),
    ("flea", "community", "charts", "skill", "bar"),
    ("flea", "community", "charts", "skill", "waterfall"),
)
OFFERED_COLUMNS = ("source", "marketplace", "plugin", "type", "name")
_WHOSE = Attribution(dict(zip(OFFERED_COLUMNS, row, strict=True)) for row in OFFERED)


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

    @property
    def whose(self) -> tuple[str, str | None]:
        """`source` and `ref_id`, as for real events."""
        return _WHOSE.of(self.skill, self.subagent, self.command)

    @property
    def spoken(self) -> bool:
        """Typed by the person: no call, no result."""
        return self.event_type == "slash_command"


def _mcp(server: str, tool: str, often: float) -> Tool:
    return Tool("mcp_call", often, tool=f"mcp__{server}__{tool}")


def _skill(name: str, often: float) -> Tool:
    return Tool("tool_use", often, tool="Skill", skill=name)


def _agent(name: str, often: float) -> Tool:
    return Tool("subagent", often, tool="Agent", subagent=name)


def _command(name: str, often: float) -> Tool:
    return Tool("slash_command", often, command=name)


_PLAIN = {"Bash": 30, "Read": 22, "Edit": 12, "Grep": 8, "Write": 4, "Glob": 4, "TodoWrite": 4}
TOOLS = (
    *(Tool("tool_use", often, tool=name) for name, often in _PLAIN.items()),
    Tool("tool_use", 1.2, tool="WebFetch"),
    _mcp("agnes", "query", 4),
    _mcp("agnes", "catalog", 2),
    _mcp("github", "get_issue", 0.8),
    _mcp("browser", "navigate", 0.5),
    _skill("reporting:weekly", 1.2),
    _skill("checks:rounding", 0.6),
    _skill("charts:bar", 0.3),
    _skill("agnes-report", 0.2),
    _agent("general-purpose", 1.2),
    _agent("Explore", 1.0),
    _agent("reporting:editor", 0.5),
    _command("/model", 0.5),
    _command("/compact", 0.4),
    _command("/reporting:month-end", 0.3),
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
