"""What the inbox calls its filters and their values."""

from __future__ import annotations

from collections.abc import Mapping

STATUSES: Mapping[str, str] = {
    "open": "Open",
    "triaged": "Triaged",
    "resolved": "Resolved",
    "wontfix": "Won't fix",
}
NAMES: Mapping[str, str] = {
    "session_file": "session",
    "has_session": "with a session",
}
LABELS: Mapping[str, Mapping[str, str]] = {
    "status": {**STATUSES, "none": "none"},
    "has_session": {"true": "yes", "false": "no"},
    "assignee": {"none": "nobody"},
}


def label(name: str, text: str) -> str:
    found = LABELS.get(name, {}).get(text)
    if found:
        return found
    if name == "finding":
        return text.replace("_", " ")
    return text[:12] if name == "fingerprint" else text
