"""What the values of the filter are called on the page."""

from __future__ import annotations

from collections.abc import Mapping

from console.queries.sessions import ANY, FINDING_TYPES, NONE

NAMES: Mapping[str, str] = {
    "user_id": "person",
    "username": "person",
    "has_finding": "finding",
    "only_errors": "tool errors",
    "week": "week of",
}
LABELS: Mapping[str, Mapping[str, str]] = {
    "has_finding": {
        **{name: name.replace("_", " ") for name in FINDING_TYPES},
        ANY: "of any kind",
    },
    "verdict": {NONE: "not judged"},
    "only_errors": {"true": "at least one", "false": "any number"},
    "processed": {"true": "yes", "false": "not yet"},
}


def label(name: str, text: str) -> str:
    return LABELS.get(name, {}).get(text, text)
