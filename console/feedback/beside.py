"""What stands beside a report: the session it is about, at the turn it is about."""

from __future__ import annotations

from typing import Any

from console import links, sessions
from console.identity.rights import SESSIONS, may
from console.session_reader import Reader
from console.transcript import transcripts
from schema.errors import AgnesError

Row = dict[str, Any]
NEAR = 30  # events before and after the turn within which findings are shown
MOST = 20


def session_of(reader: Reader, report: Row) -> Row | None:
    """`{session_file, exists, may_open, href, turn}`: whether the whole transcript is there for
    this reader, who may open it or not, where it is replayed, and the event at which the report was
    sent (None: not found)."""
    key = report["session_file"]
    if key is None:
        return None
    me = reader.principal
    allowed = may(me, SESSIONS) or key.startswith(f"{me.user_id}/")
    about = {"session_file": key, "may_open": allowed}
    missing = {**about, "exists": False, "href": None, "turn": None}
    try:
        transcript = transcripts.opened(reader, *key.split("/", 1))
        turn = transcripts.turn_of(transcript, report["anchor_uuid"])
    except AgnesError:  # gone from the disk, or not this reader's to see
        return missing
    href = links.replay(key, turn, own=not may(me, SESSIONS))
    return {**about, "exists": True, "href": href, "turn": turn}


def findings_near(reader: Reader, report: Row, session: Row | None) -> list[Row]:
    """What was found in the session near the turn of the report; of all of it, where that is not
    known."""
    if session is None:
        return []
    found = sessions.of_session(reader, report["session_file"])
    turn = session["turn"]
    if turn is not None:
        found = [row for row in found if abs((row["turn_index"] or 0) - turn) <= NEAR]
    return found[:MOST]
