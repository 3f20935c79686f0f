"""What a call of a tool is: its kind, what it asks for, and when two of them ask for the same.

Pure functions of a tool's name and input, whatever JSON the input is.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson

from ingest.transcript.model import Kind
from ingest.transcript.record import fields, name, text

EDITS = frozenset({"Edit", "Write", "MultiEdit", "NotebookEdit"})
_SUBAGENTS = frozenset({"Task", "Agent"})
# They ask again by design; AskUserQuestion waits for a person.
_POLLERS = frozenset(
    {
        "AgentOutputTool",
        "AskUserQuestion",
        "BashOutput",
        "CronList",
        "KillBash",
        "KillShell",
        "ListMcpResourcesTool",
        "Monitor",
        "ScheduleWakeup",
        "Sleep",
        "TaskCreate",
        "TaskGet",
        "TaskList",
        "TaskOutput",
        "TaskStop",
        "TaskUpdate",
        "TodoRead",
        "TodoWrite",
        "wait",
    }
)
_NOTHING = frozenset(
    {
        "(Bash completed with no output)",
        "(no output)",
        "<system>Tool ran without output or errors</system>",
        "Tool ran without output or errors",
        "No files found",
        "No matches found",
    }
)
_REMARKS = ("description", "timeout")  # what a call says about itself, not what it does


def kind(tool: str) -> Kind:
    if tool in _SUBAGENTS:
        return "subagent"
    return "mcp_call" if tool.startswith("mcp__") else "tool_use"


def skill(tool: str, given: object) -> str | None:
    """The skill that a call starts, as `plugin:name` or `name`."""
    if tool != "Skill":
        return None
    asked = fields(given)
    return name(asked.get("skill")) or name(asked.get("name")) or name(asked.get("command"))


def subagent(tool: str, given: object) -> str | None:
    return name(fields(given).get("subagent_type")) if tool in _SUBAGENTS else None


def poller(tool: str, given: object) -> bool:
    if tool == "Bash":
        return text(fields(given).get("command")).lstrip().startswith("sleep ")
    return tool in _POLLERS


def same(tool: str, given: Any) -> bytes:
    """Digest of name and input, equal where two calls ask for the same."""
    if type(given) is dict and any(key in given for key in _REMARKS):
        given = {key: value for key, value in given.items() if key not in _REMARKS}
    return digest(tool.encode(errors="replace") + b"\0" + packed(given))


def same_result(content: Any) -> bytes | None:
    """Digest of what a tool answered, None where that is nothing: it is no evidence then."""
    if type(content) is str:
        quiet = not content or content.isspace() or (len(content) < 80 and content in _NOTHING)
        return None if quiet else digest(content.encode(errors="replace"))
    if type(content) is not list or all(part == {"type": "text", "text": ""} for part in content):
        return None
    return digest(packed(content))


def packed(value: Any) -> bytes:
    """JSON in one canonical form. All that is nested deeper than 254 levels is one and the same:
    the encoder refuses it."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return b"nested too deep"


def digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
