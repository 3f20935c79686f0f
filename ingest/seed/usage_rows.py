"""Usage events out of the made-up sessions: one row for each call, as the processor `usage` would
extract it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.seed.columns import filled, taken
from ingest.seed.conversations import Sessions
from ingest.seed.draws import Flags, Ints, as_times
from ingest.seed.ids import digests
from ingest.seed.people import Crowd
from ingest.seed.toolbox import ERROR, MODELS, OUTCOMES, TOOLS
from ingest.seed.transcripts import folder, record_ids
from ingest.seed.words import PROJECTS
from schema.tables import USAGE_EVENTS
from schema.transaction import Rows

BATCH = 50_000
VERSION = 1  # of the processor that these rows stand for


def event_ids(seed: int, calls: Ints) -> pa.Array:
    return digests(seed, "usage", calls)


def usage_batches(seed: int, sessions: Sessions, crowd: Crowd) -> Iterator[Rows]:
    """All events, session by session, nearly in order of time."""
    total = len(sessions.calls)
    for start in range(0, total, BATCH):
        numbers = np.arange(start, min(start + BATCH, total))
        yield Rows(USAGE_EVENTS, _events(seed, sessions, crowd, numbers))


def _events(seed: int, sessions: Sessions, crowd: Crowd, numbers: Ints) -> pa.Table:
    calls = sessions.calls
    session, tool, outcome = calls.session[numbers], calls.tool[numbers], calls.outcome[numbers]
    owner = sessions.owner[session]

    def of_tool(*values: str | None) -> pa.Array:
        return taken(values, tool)

    # An Arrow array of all session files would be built anew for each batch; these few are not.
    here, place = np.unique(session, return_inverse=True)
    return filled(
        USAGE_EVENTS,
        id=event_ids(seed, numbers),
        session_id=taken([sessions.ids[at] for at in here.tolist()], place),
        session_file=taken([sessions.files[at] for at in here.tolist()], place),
        user_id=taken(crowd.ids, owner),
        username=taken(crowd.emails, owner),
        event_uuid=record_ids(seed, "call", numbers),
        parent_uuid=_parents(seed, sessions, numbers),
        event_type=of_tool(*(one.event_type for one in TOOLS)),
        tool_name=of_tool(*(one.tool for one in TOOLS)),
        skill_name=of_tool(*(one.skill for one in TOOLS)),
        subagent_type=of_tool(*(one.subagent for one in TOOLS)),
        command_name=of_tool(*(one.command for one in TOOLS)),
        outcome=taken(OUTCOMES, outcome),
        is_error=outcome == ERROR,
        source=of_tool(*(one.whose[0] for one in TOOLS)),
        ref_id=of_tool(*(one.whose[1] for one in TOOLS)),
        model=taken(MODELS, sessions.model[session]),
        cwd=taken([folder(name) for name in PROJECTS], sessions.project[session]),
        occurred_at=as_times(calls.time[numbers]),
        processor_version=np.full(len(numbers), VERSION),
        extracted_at=as_times(sessions.processed[session]),
    )


def _parents(seed: int, sessions: Sessions, numbers: Ints) -> Any:
    """The uuid of the record before each call: its response's first words, the prompt, or the last
    result.
    """
    calls = sessions.calls
    before = np.maximum(numbers - 1, 0)

    def either(which: Flags, first: Any, second: Any) -> Any:
        return pc.if_else(pa.array(which), first, second)

    results = record_ids(seed, "result", before)
    last = either(calls.answered[before], results, record_ids(seed, "call", before))
    last = either(calls.prompted[numbers], record_ids(seed, "prompt", numbers), last)
    return either(calls.introduced[numbers], record_ids(seed, "intro", numbers), last)
