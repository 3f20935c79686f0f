"""The filters of sessions and of telemetry as options, with the names the server's parameters have
there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.cli.filters import Chosen, Filter, filtered_by
from console.cli.listing import whose
from console.cli.output import note, say
from console.cli.text import plain
from console.cli.window import YEAR

if TYPE_CHECKING:
    from console.client import Client

FINDINGS = "tool_error|permission_denied|user_rejection|loop|abrupt_end"
SEVERITIES = "info|warning|error"
VERDICTS = "clean|recovered|struggled|failed|open|none"
OUTCOMES = "ok|error|user_rejected|policy_denied|interrupted|unresolved|none"

_WINDOW = (
    Filter(("--since",), "", "From then on: 30m, 24h, 7d, minutes, or a time (UTC).", "WHEN"),
    Filter(("--until",), "", "Up to then: a time (UTC). --since counts back from it.", "TIME"),
    Filter(("--user",), "", "Of whom: a user's id or e-mail.", "USER"),
)
SESSIONS = (
    *_WINDOW,
    Filter(("--anchor",), "anchor", "Which time of a session counts.", "uploaded|started"),
    Filter(("--week",), "week", "Only this week, by its Monday: 2026-11-16.", "DATE"),
    Filter(("--model",), "model", "Most used model; none: without one.", "MODEL"),
    Filter(("--errors",), "only_errors", "Only with failed calls.", "", True),
    Filter(("--finding",), "has_finding", "Only with such a finding.", f"{FINDINGS}|any"),
    Filter(("--severity",), "severity", "Only with a finding so severe.", SEVERITIES),
    Filter(("--verdict",), "verdict", "Only so judged.", VERDICTS),
    Filter(("--processed",), "processed", "Whether it was processed yet.", "true|false"),
    Filter(("--search", "-q"), "q", "Text in names or in what was said; case is ignored."),
)
TELEMETRY = (
    *_WINDOW,
    Filter(("--tool",), "tool_name", "Only this tool.", "NAME"),
    Filter(("--skill",), "skill", "Only this skill.", "NAME"),
    Filter(("--subagent",), "subagent", "Only this type of subagent.", "NAME"),
    Filter(("--mcp-server",), "mcp_server", "Only tools of this MCP server.", "NAME"),
    Filter(("--model",), "model", "Only this model.", "MODEL"),
    Filter(("--source",), "source", "Whose work: builtin, curated, flea.", "SOURCE"),
    Filter(("--ref",), "ref_id", "Only of this plugin.", "PLUGIN"),
    Filter(("--event-type",), "event_type", "Only this type of event.", "TYPE"),
    Filter(("--outcome",), "outcome", "How the call ended.", OUTCOMES),
    Filter(("--errors",), "only_errors", "Only failed calls.", "", True),
    Filter(("--search", "-q"), "q", "Text in the name of tool, skill, subagent or command."),
)

of_sessions = filtered_by(SESSIONS, longest=YEAR)
of_found = filtered_by(SESSIONS[:-1], longest=YEAR)  # the words come another way
of_telemetry = filtered_by(TELEMETRY, longest=YEAR)


def asked(client: Client, chosen: Chosen) -> dict[str, str]:
    """The parameters of the request; a person's e-mail is looked up. Raises NotFound."""
    return {**chosen.params(), **whose(client, chosen.options["user"])}


def say_nothing(noun: str, chosen: Chosen) -> None:
    """What was empty, and what to try. `noun` is the plural."""
    words = [plain(word) for word in chosen.words()]
    window = "" if {"since", "until", "week"} & _given(chosen) else " in the last 7 days"
    say(f"no {noun}{window}" + (f" with {' '.join(words)}" if words else ""))
    note("next: a longer window (--since 90d)" + (", or fewer filters" if words else ""))


def _given(chosen: Chosen) -> set[str]:
    return {name for name, value in chosen.options.items() if value not in (None, False)}
