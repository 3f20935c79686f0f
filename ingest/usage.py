"""What a session used: one row for each call and slash command, and one that sums them up.

A pure function of the digest: the same file gives the same rows, whenever it is read. Who wrote a
row and when, its findings and its verdict are added by whoever stores it.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from ingest.attribution import Attribution
from ingest.transcript.model import Call, Digest, Moment, Result

PAUSE = 600 * 1_000_000  # microseconds: after a longer gap somebody is no longer at work
_EPOCH = datetime(1970, 1, 1)
_MOST = 2**63 - 1
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")


@dataclass(frozen=True, slots=True)
class Session:
    """Whose file it is. `uploaded_at` is naive UTC."""

    session_file: str
    user_id: str | None
    username: str | None
    uploaded_at: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """Rows for `usage_events`, and the one for `usage_session_summary`."""

    events: list[dict[str, Any]]
    summary: dict[str, Any]


def extract(digest: Digest, session: Session, attribution: Attribution) -> Usage:
    """All rows of one session. Two events with one id are one event."""
    session_id = digest.session_id or PurePosixPath(session.session_file).stem
    whose = {
        "session_id": session_id,
        "session_file": session.session_file,
        "user_id": session.user_id,
        "username": session.username,
    }
    clock = _Clock(digest, session.uploaded_at)
    events: dict[str, dict[str, Any]] = {}
    for one in _in_order(digest):
        row = whose | (_call(one) if isinstance(one, Call) else _slash(one))
        row["occurred_at"] = clock.of(one)
        row["source"], row["ref_id"] = attribution.of(
            row["skill_name"], row["subagent_type"], row["command_name"]
        )
        tool_id = one.id if isinstance(one, Call) else ""
        row["id"] = event_id(row, tool_id)
        events.setdefault(row["id"], row)
    rows = list(events.values())
    return Usage(rows, whose | _summary(digest, rows) | {"uploaded_at": session.uploaded_at})


def event_id(row: dict[str, Any], tool_id: str) -> str:
    """Stable over reprocessing: sha256 of what makes an event this one and no other."""
    parts = (
        row["session_id"],
        row["event_uuid"],
        tool_id,
        row["event_type"],
        row["tool_name"],
        row["command_name"],
    )
    # A lone surrogate has no UTF-8 of its own; any fixed bytes will do here.
    text = "|".join(part or "" for part in parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()


def moment(microseconds: int) -> datetime:
    """Naive UTC out of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _in_order(digest: Digest) -> list[Call | Moment]:
    slashes = [one for one in digest.moments if one.said == "slash"]
    return sorted([*digest.calls, *slashes], key=lambda one: one.turn)


def _call(call: Call) -> dict[str, Any]:
    return {
        "event_uuid": call.uuid,
        "parent_uuid": call.parent_uuid,
        "event_type": call.kind,
        "tool_name": call.name or None,
        "skill_name": call.skill,
        "subagent_type": call.subagent,
        "command_name": None,
        "outcome": call.outcome,
        "is_error": call.outcome == "error",
        "model": call.model,
        "cwd": call.cwd,
        "agent_id": call.agent,
    }


def _slash(said: Moment) -> dict[str, Any]:
    return {
        "event_uuid": said.uuid,
        "parent_uuid": said.parent_uuid,
        "event_type": "slash_command",
        "tool_name": None,
        "skill_name": None,
        "subagent_type": None,
        "command_name": said.text,
        "outcome": "ok",
        "is_error": False,
        "model": None,
        "cwd": said.cwd,
        "agent_id": said.agent,
    }


class _Clock:
    """When something happened: its own time, else the nearest before it, else the upload's."""

    def __init__(self, digest: Digest, uploaded_at: datetime) -> None:
        self._digest = digest
        self._uploaded_at = uploaded_at
        self._known: list[tuple[int, int]] | None = None

    def of(self, one: Call | Moment) -> datetime:
        at = one.at if one.at is not None else self._before(one.turn)
        return self._uploaded_at if at is None else moment(at)

    def _before(self, turn: int) -> int | None:
        if self._known is None:  # built for the few files that lack times
            self._known = _known_times(self._digest)
        place = bisect_right(self._known, turn, key=lambda pair: pair[0])
        return self._known[place - 1][1] if place else None


def _known_times(digest: Digest) -> list[tuple[int, int]]:
    """(turn, time) of all that has a time, by turn."""
    results = [call.result for call in digest.calls if call.result is not None]
    everything: list[Call | Result | Moment] = [*digest.calls, *results, *digest.moments]
    return sorted((one.turn, one.at) for one in everything if one.at is not None)


def _summary(digest: Digest, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    kinds = Counter(row["event_type"] for row in rows)
    skills = [row["skill_name"] for row in rows if row["skill_name"]]
    models = Counter(one.model for one in digest.responses if one.model)
    return {
        **_span(sorted(digest.times)),
        "user_messages": sum(one.said == "human" for one in digest.moments),
        "assistant_messages": sum(not one.synthetic for one in digest.responses),
        "tool_calls": len(rows) - kinds["slash_command"],
        "tool_errors": sum(row["is_error"] for row in rows),
        "skill_invocations": len(skills),
        "subagent_dispatches": kinds["subagent"],
        "mcp_calls": kinds["mcp_call"],
        "slash_commands": kinds["slash_command"],
        "distinct_tools": len({row["tool_name"] for row in rows} - {None}),
        "distinct_skills": len(set(skills)),
        # The first seen of several with equally many answers.
        "primary_model": models.most_common(1)[0][0] if models else None,
        **{name: _tokens(digest, name) for name in _TOKENS},
    }


def _span(times: Sequence[int]) -> dict[str, Any]:
    """First and last time; seconds between them, and seconds without the long gaps."""
    if not times:
        return dict.fromkeys(("started_at", "ended_at")) | {
            "active_seconds": 0.0,
            "wall_seconds": 0.0,
        }
    gaps = (later - earlier for earlier, later in pairwise(times))
    return {
        "started_at": moment(times[0]),
        "ended_at": moment(times[-1]),
        "active_seconds": round(sum(gap for gap in gaps if gap <= PAUSE) / 1e6, 3),
        "wall_seconds": round((times[-1] - times[0]) / 1e6, 3),
    }


def _tokens(digest: Digest, name: str) -> int:
    """All of one kind. A made-up session may come to more than a column takes."""
    total: int = sum(getattr(one, name) for one in digest.responses)
    return min(total, _MOST)
