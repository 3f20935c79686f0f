"""How a call ended, and why: the table of outcomes, first match wins.

Reads the result alone. What only the story tells (a plan that was accepted after all) is added by
the reader. Pure, and stateless: the viewer asks the same.
"""

from __future__ import annotations

import re

from ingest.transcript.model import Cause, Outcome
from ingest.transcript.record import Json, fields, text, texts
from ingest.transcript.said import INTERRUPTED

HEAD = 2_048  # characters that decide
_REJECTED_KINDS = frozenset({"user-rejected", "user_rejected", "user"})
_POLICY_KINDS = frozenset({"permission-rule", "rule", "automode-blocked", "automode-unavailable"})
_REJECTED = (
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action right now",
    "The agent proposed a plan that was rejected",
)
_REFUSED = "User rejected tool use"
_CLARIFY = "To clarify these questions"
_POLICY = (
    "Permission to use",
    "Permission for this",
    "Claude requested permissions to",
    "This Bash command contains multiple operations",
)
_BLOCKED = re.compile(
    r"cd (?:to|in) '.*' was blocked"
    r"|[^\n]{0,200} is temporarily unavailable, so auto mode cannot determine"
    r"|(?:Hook )?PreToolUse[: ][^\n]{0,300}(?:hook error|denied this tool|blocked)"
)
_OS = re.compile(r"permission denied|\bEACCES\b|operation not permitted", re.IGNORECASE)
_HARNESS = "<tool_use_error>"


def decide(record: Json, block: Json, head: str, *, alone: bool) -> tuple[Outcome, Cause]:
    """Outcome and cause of a `tool_result`. `record` brings it, `head` begins its text. `alone`: it
    is the only result of its record, so what the record says at the top is about it."""
    is_error = block.get("is_error") is True
    beside = record.get("toolUseResult") if alone else None
    denial = text(record.get("toolDenialKind")) if alone or is_error else ""
    start = head.removeprefix(_HARNESS).removeprefix("Error: ") if is_error else ""
    if denial in _REJECTED_KINDS or start.startswith(_REJECTED) or beside == _REFUSED:
        return "user_rejected", "clarify" if _CLARIFY in start else "structural"
    if denial in _POLICY_KINDS or start.startswith(_POLICY) or _BLOCKED.match(start):
        return "policy_denied", "policy"
    if fields(beside).get("interrupted") is True or head.startswith(INTERRUPTED):
        return "interrupted", ""
    if not is_error:
        return "ok", ""
    if _OS.search(head):
        return "error", "os"
    return "error", "harness" if _HARNESS in head else "exec"


def head_of(content: object) -> str:
    """The first 2 KB of a result's text."""
    found = ""
    for one in texts(content):
        found += one[: HEAD - len(found)]
        if len(found) >= HEAD:
            break
    return found.strip()
