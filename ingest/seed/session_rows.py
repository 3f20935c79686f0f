"""Summaries of the made-up sessions, as the processor `usage` would make them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ingest.seed.columns import filled, taken
from ingest.seed.conversations import CLOSING, OPENING, Sessions
from ingest.seed.draws import SECOND, Floats, Ints, as_times
from ingest.seed.people import Crowd
from ingest.seed.toolbox import ERROR, MODELS, REJECTED, TOOLS, UNRESOLVED
from ingest.seed.transcripts import CLOSING_TOKENS
from ingest.seed.usage_rows import VERSION
from schema.tables import USAGE_SESSION_SUMMARY
from schema.transaction import Rows

_TYPES = np.array([tool.event_type for tool in TOOLS])
_SKILLED = np.array([tool.skill is not None for tool in TOOLS])


def summaries(sessions: Sessions, crowd: Crowd) -> Rows:
    """What the sessions amount to, in the order of their upload."""
    calls, at = sessions.calls, sessions.by_upload
    talk = (sessions.counts == 0).astype(np.int64)  # a question and an answer, no call
    turns = sessions.summed(calls.concluded) + talk
    called = sessions.summed(~calls.spoken)
    tokens = [sessions.summed(calls.tokens[:, kind]) for kind in range(4)]
    spent = [kind + turns * last for kind, last in zip(tokens, CLOSING_TOKENS, strict=True)]
    wall = (sessions.ended - sessions.started) / SECOND

    def counted(**columns: Any) -> dict[str, Any]:
        return {name: np.asarray(values)[at] for name, values in columns.items()}

    return Rows(
        USAGE_SESSION_SUMMARY,
        filled(
            USAGE_SESSION_SUMMARY,
            session_file=[sessions.files[place] for place in at.tolist()],
            session_id=[sessions.ids[place] for place in at.tolist()],
            user_id=taken(crowd.ids, sessions.owner[at]),
            username=taken(crowd.emails, sessions.owner[at]),
            started_at=as_times(sessions.started[at]),
            ended_at=as_times(sessions.ended[at]),
            uploaded_at=as_times(sessions.uploaded[at]),
            primary_model=taken(MODELS, sessions.model[at]),
            verdict=_verdicts(sessions)[at].tolist(),
            processor_version=np.full(len(at), VERSION),
            extracted_at=as_times(sessions.processed[at]),
            **counted(
                active_seconds=np.round(wall - _idle(sessions), 3),
                wall_seconds=np.round(wall, 3),
                user_messages=sessions.summed(calls.prompted) + talk,
                assistant_messages=called + turns,
                tool_calls=called,
                tool_errors=sessions.summed(calls.outcome == ERROR),
                skill_invocations=sessions.summed(_SKILLED[calls.tool]),
                subagent_dispatches=sessions.summed(_TYPES[calls.tool] == "subagent"),
                mcp_calls=sessions.summed(_TYPES[calls.tool] == "mcp_call"),
                slash_commands=sessions.summed(calls.spoken),
                distinct_tools=_distinct(sessions, [tool.tool for tool in TOOLS]),
                distinct_skills=_distinct(sessions, [tool.skill for tool in TOOLS]),
                input_tokens=spent[0],
                output_tokens=spent[1],
                cache_read_tokens=spent[2],
                cache_creation_tokens=spent[3],
                findings=sessions.summed(calls.failed),
            ),
        ),
    )


def _idle(sessions: Sessions) -> Floats:
    """Seconds between the end of a turn and the prompt of the next: always a long pause, never
    work.
    """
    calls = sessions.calls
    if len(calls) == 0:
        return np.zeros(len(sessions))
    again = calls.prompted.copy()
    again[sessions.first[sessions.counts > 0]] = False
    before = np.roll(calls.time + calls.took, 1) + CLOSING
    pause = np.where(again, calls.time - OPENING - before, 0)
    return sessions.summed(pause) / SECOND


def _distinct(sessions: Sessions, names: list[str | None]) -> Ints:
    """How many of `names` (one for each tool, None does not count) each session used."""
    known = sorted({name for name in names if name is not None})
    code = np.array([known.index(name) if name is not None else -1 for name in names])
    mine = code[sessions.calls.tool]
    pairs = np.unique(sessions.calls.session[mine >= 0] * len(known) + mine[mine >= 0])
    return np.bincount(pairs // len(known), minlength=len(sessions)).astype(np.int64)


def _verdicts(sessions: Sessions) -> Any:
    calls = sessions.calls
    found = np.full(len(sessions), "clean", object)
    found[sessions.summed(calls.serious) > 0] = "recovered"
    found[sessions.summed(calls.outcome == REJECTED) > 1] = "struggled"
    some = np.flatnonzero(sessions.counts)
    last = sessions.first[some] + sessions.counts[some] - 1
    found[some[calls.serious[last] | (calls.outcome[last] == UNRESOLVED)]] = "failed"
    return found
