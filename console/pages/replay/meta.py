"""What the machinery wrote between the words of a conversation, named for people."""

from __future__ import annotations

import re
from dataclasses import dataclass

from console.pages.replay.words import brief, cleaned
from console.sessions import Row
from ingest.transcript.said import commands, own_words, task_status

_LABELS = {
    "interrupt": "interrupted by the user",
    "compact": "summary of the conversation so far",
    "compact_boundary": "the conversation was compacted",
    "microcompact_boundary": "old results were compacted",
    "task": "background task",
    "machine": "from Claude Code",
    "turn_duration": "end of the turn",
    "stop_hook_summary": "stop hooks ran",
    "api_error": "the API failed",
    "api_refusal": "the API refused",
    "local_command": "output of a command",
    "command_permissions": "permissions of a command",
    "edited_text_file": "a file was changed outside",
    "nested_memory": "memory of a folder",
    "informational": "note",
    "system": "note",
    "date_change": "a new day",
    "file": "attached file",
    "document": "document",
    "fallback": "another model took over",
}
_TAGS = {
    "local-command-caveat": "note about local commands",
    "local-command-stdout": "output of a command",
    "local-command-stderr": "error output of a command",
    "bash-input": "command typed by the user",
    "bash-stdout": "output of a typed command",
    "bash-stderr": "error output of a typed command",
    "system-reminder": "reminder for Claude",
    "user-prompt-submit-hook": "hook on a prompt",
    "task-reminder": "reminder of the tasks",
    "teammate-message": "message of another agent",
}
_STRONG = frozenset(
    {"interrupt", "compact_boundary", "api_error", "api_refusal", "hook_blocking_error", "error"}
)
_WRAPPED = re.compile(r"<([a-z-]{1,40})>(.*)</\1>", re.S)
_ARGUMENTS = re.compile(r"<command-args>(.*?)</command-args>", re.S)
_WORDS = 200_000  # characters in which a command is looked for


@dataclass(frozen=True)
class Meta:
    """`strong`: it changed the course of the conversation. `first`: the first words of `text`."""

    label: str
    text: str = ""
    first: str = ""
    strong: bool = False


def meta(event: Row) -> Meta:
    subtype, text = event["subtype"], cleaned(event["text"]).strip()
    label = _LABELS.get(subtype) or cleaned(subtype).replace("_", " ").replace("-", " ") or "note"
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped and wrapped[1] in _TAGS:
        label, text = _TAGS[wrapped[1]], wrapped[2].strip()
    elif text.startswith("Caveat: The messages below"):
        label = _TAGS["local-command-caveat"]
    elif subtype == "machine" and event["agent"]:
        label = "told to the subagent"
    elif subtype == "task" and (status := task_status(text)):
        label = f"{label}: {cleaned(status)}"
    elif subtype in ("interrupt", "compact_boundary"):
        text = "" if len(text) < 60 else text  # says no more than the label
    return Meta(label, text, brief(text, 140), strong=subtype in _STRONG)


def command(text: str) -> str:
    """A slash command as it was typed."""
    names = commands(own_words(text))
    arguments = _ARGUMENTS.search(text[:_WORDS])
    words = [*names[:1], *([arguments[1].strip()] if arguments else [])]
    return cleaned(" ".join(filter(None, words)) or text)
