"""What of the made-up sessions goes along with reports: the turns up to a call that failed."""

from __future__ import annotations

import io
from collections import deque
from functools import cached_property
from typing import Any

import numpy as np
import orjson

from ingest.seed.conversations import Sessions
from ingest.seed.draws import Ints
from ingest.seed.problems import SIGNATURES
from ingest.seed.toolbox import ERROR, TOOLS
from ingest.seed.transcripts import Transcripts, failure, record_ids
from ingest.seed.words import PROJECTS
from ingest.transcript import build

_RECORDS = 50  # at most


class Quoted:
    """Of the newest `most` kept sessions (all for None): those that have a file."""

    def __init__(self, seed: int, sessions: Sessions, most: int | None) -> None:
        self._seed, self._sessions, self._most = seed, sessions, most
        self._transcripts = Transcripts(seed, sessions)

    @cached_property
    def calls(self) -> Ints:
        """The number of each call that ended in an error."""
        sessions = self._sessions
        order = sessions.by_upload
        if self._most is not None:
            order = order[max(len(order) - self._most, 0) :]
        calls = sessions.calls
        return np.flatnonzero((calls.outcome == ERROR) & np.isin(calls.session, order))

    def owner(self, calls: Ints) -> Ints:
        return self._sessions.owner[self._sessions.calls.session[calls]]

    def uploaded(self, calls: Ints) -> Ints:
        return self._sessions.uploaded[self._sessions.calls.session[calls]]

    def told(self, call: int) -> dict[str, Any]:
        """What a report about this call says of its session."""
        sessions = self._sessions
        session = int(sessions.calls.session[call])
        tool = TOOLS[int(sessions.calls.tool[call])].tool
        anchor = record_ids(self._seed, "result", np.array([call])).to_pylist()[0]
        excerpt = self._excerpt(session, anchor)
        lines = failure(call).replace("<tool_use_error>", "").splitlines()
        line = next(text for text in lines if not text[len("Exit code ") :].isdigit())
        return {
            "session_file": sessions.files[session],
            "session_excerpt": excerpt.decode(),
            "excerpt_turns": build(io.BytesIO(excerpt), []).total,
            "error": f"{tool}: {line.replace('</tool_use_error>', '')}",
            "anchor_uuid": anchor,
            "signature": f"{tool}\n{SIGNATURES[call % len(SIGNATURES)]}",
            "project": PROJECTS[sessions.project[session]],
        }

    def _excerpt(self, session: int, anchor: str) -> bytes:
        kept: deque[bytes] = deque(maxlen=_RECORDS)
        for record in self._transcripts.records(session):
            kept.append(orjson.dumps(record))
            if record.get("uuid") == anchor:
                break
        return b"\n".join(kept)
