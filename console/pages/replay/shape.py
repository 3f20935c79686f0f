"""Words and shapes that the templates of events ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from console.pages.replay.calls import asked
from console.pages.replay.grouped import AGENTS
from console.pages.replay.markdown import markdown
from console.pages.replay.meta import command, meta
from console.pages.replay.words import brief, cleaned, folded, said
from console.sessions import Row
from console.transcript.transcripts import IMAGES

_TEXTS = {"human": "prompt", "queued": "prompt", "slash": "command", "api_error": "failure"}
_KINDS = {"tool_use": "call", "tool_result": "result"}
_OUTCOMES = {  # as ingest/transcript/outcome.py decides: the tag's colour, and the word
    "ok": ("success", "ok"),
    "error": ("error", "error"),
    "user_rejected": ("denied", "rejected"),
    "policy_denied": ("denied", "denied"),
    "interrupted": ("denied", "interrupted"),
}
_QUIET = frozenset({"read", "edit", "multiedit", "write", "notebookedit", "todowrite", "ls"})
_OPEN = 12  # lines of an output
_SAME = 40  # characters by which a text is known again
_SENTENCES = {
    ("tool_error", "error"): "never recovered",
    ("tool_error", "warning"): "a later call went well",
    ("tool_error", "info"): "the call could not be run as it was asked for",
}
_KINDS_SAY = {"permission_denied": "not allowed", "user_rejection": "the user did not want it"}


def shape(event: Row) -> str:
    """What an event looks like; also its class."""
    kind: str = event["kind"]
    if kind == "text":
        return _TEXTS.get(event["subtype"], "answer")
    return _KINDS.get(kind, kind)


def outcome(result: Row) -> tuple[str, str]:
    return _OUTCOMES.get(str(result["outcome"]), ("other", str(result["outcome"] or "no outcome")))


def open_lines(tool: str | None) -> int:
    """Lines of a good result that stand open: nobody reads again what a tool only confirms."""
    return 0 if str(tool).lower() in _QUIET else _OPEN


def is_agent(tool: str | None) -> bool:
    return str(tool).lower() in AGENTS


def sentence(finding: Row, around: Sequence[str]) -> str:
    """What a finding says, in one line; not again what stands `around` it."""
    kind = finding["finding_type"]
    words = _SENTENCES.get((kind, finding["severity"])) or _KINDS_SAY.get(kind, "")
    told = kind == "loop" or (finding["count"] or 1) == 1  # a loop says it in its own words
    times = "" if told else f"{finding['count']} times"
    own = brief(finding["excerpt"] or "", 200)
    if kind == "tool_error" or any(own[:_SAME] in text for text in around):
        own = ""
    return " · ".join(filter(None, (words, times, own)))


def pause(length: timedelta) -> str:
    """2 h 14 min, 3 days."""
    minutes = round(length.total_seconds() / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 2880:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes // 1440} days"


def size(count: int) -> str:
    """Bytes: 640 B, 12 kB, 3.4 MB."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


FILTERS: Mapping[str, Any] = {
    "cleaned": cleaned,
    "said": said,
    "brief": brief,
    "folded": folded,
    "markdown": markdown,
    "pause": pause,
    "bytes": size,
}
GLOBALS: Mapping[str, Any] = {
    "shape_of": shape,
    "meta_of": meta,
    "command_of": command,
    "asked_of": asked,
    "outcome_of": outcome,
    "open_of": open_lines,
    "is_agent": is_agent,
    "sentence_of": sentence,
    "images": IMAGES,
}
