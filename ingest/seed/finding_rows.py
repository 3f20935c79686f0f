"""What the processors left behind: findings, and the state of each file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ingest.seed.columns import filled, taken
from ingest.seed.conversations import Calls, Sessions
from ingest.seed.draws import Ints, as_times
from ingest.seed.ids import uuid7
from ingest.seed.people import Crowd
from ingest.seed.stored import Stored
from ingest.seed.toolbox import DENIED, ERROR, REJECTED, UNRESOLVED
from ingest.seed.transcripts import failure, record_ids
from ingest.seed.usage_rows import VERSION
from ingest.seed.words import PROCESSORS
from schema.tables import SESSION_FINDINGS, SESSION_PROCESSOR_STATE
from schema.transaction import Rows

_EXCERPT = 200  # characters
_KINDS = {
    ERROR: ("tool_error", "exec", "warning"),
    REJECTED: ("user_rejection", "structural", "warning"),
    DENIED: ("permission_denied", "policy", "warning"),
    UNRESOLVED: ("abrupt_end", "tool_unresolved", "warning"),
}
_HARNESS = ("tool_error", "harness", "info")


def findings(seed: int, sessions: Sessions, crowd: Crowd) -> Rows:
    """One row for each failure in a kept session. `turn_index` is null: it is known to whoever
    reads the file.
    """
    calls = sessions.calls
    at = np.flatnonzero(calls.failed & sessions.kept[calls.session])
    session = calls.session[at]
    kinds = [_kind(calls, place) for place in at.tolist()]
    line = _lines(sessions, at)
    return Rows(
        SESSION_FINDINGS,
        filled(
            SESSION_FINDINGS,
            id=uuid7(seed, "findings", sessions.processed[session], at),
            session_file=[sessions.files[place] for place in session.tolist()],
            user_id=taken(crowd.ids, sessions.owner[session]),
            username=taken(crowd.emails, sessions.owner[session]),
            finding_type=[kind[0] for kind in kinds],
            subtype=[kind[1] for kind in kinds],
            severity=[kind[2] for kind in kinds],
            line_no=line,
            line_to=line,
            count=np.ones(len(at), np.int64),
            event_uuid=_records(seed, calls, at),
            excerpt=[
                failure(place)[:_EXCERPT] if kind[0] == "tool_error" else None
                for kind, place in zip(kinds, at.tolist(), strict=True)
            ],
            detected_at=as_times(sessions.processed[session]),
            processor_version=np.full(len(at), VERSION),
        ),
    )


def states(sessions: Sessions, crowd: Crowd, stored: Sequence[Stored]) -> list[Rows]:
    """Both processors have read every kept session. `stored` is in the order of upload."""
    found = sessions.summed(sessions.calls.failed)
    items = {"usage": sessions.counts, "failure_scan": found}
    at = sessions.by_upload
    return [
        Rows(
            SESSION_PROCESSOR_STATE,
            filled(
                SESSION_PROCESSOR_STATE,
                processor_name=[name] * len(at),
                session_file=[one.session_file for one in stored],
                user_id=taken(crowd.ids, sessions.owner[at]),
                username=taken(crowd.emails, sessions.owner[at]),
                processor_version=np.full(len(at), VERSION),
                file_hash=[one.sha256 for one in stored],
                processed_at=as_times(sessions.processed[at]),
                items_extracted=items[name][at],
                attempts=np.ones(len(at), np.int64),
            ),
        )
        for name in PROCESSORS
    ]


def _kind(calls: Calls, at: int) -> tuple[str, str, str]:
    outcome = int(calls.outcome[at])
    return _HARNESS if outcome == ERROR and not calls.serious[at] else _KINDS[outcome]


def _lines(sessions: Sessions, at: Ints) -> Ints:
    """The line of the record that shows each failure: the result's, or the call's where there is
    none.
    """
    calls = sessions.calls
    before = np.cumsum(calls.lines) - calls.lines
    inside = before[at] - before[sessions.first[calls.session[at]]]
    opening = calls.prompted[at].astype(np.int64) + calls.introduced[at]
    heading, itself = 1, 1
    return heading + inside + opening + itself + calls.answered[at]


def _records(seed: int, calls: Calls, at: Ints) -> pa.Array:
    answered = pa.array(calls.answered[at])
    results, asked = (record_ids(seed, name, at) for name in ("result", "call"))
    return pa.compute.if_else(answered, results, asked)
