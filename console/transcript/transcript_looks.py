"""Who looked at whose transcript, and why. Every opening and every download stands in the audit
log; the person whose session it is sees when, who and why, and nothing else. SPEC section 8."""

from __future__ import annotations

from typing import Any

import orjson

from console.audit import Caller, entry
from console.instance import Instance
from console.queries import transcripts as queries
from console.reasons import LONGEST
from console.sessions import Reader, Row
from console.transcript.transcripts import Transcript
from ingest.redact import redact
from schema.bind import Text
from schema.errors import BadParameter, Forbidden
from schema.policy import SeenLooks
from schema.tables import AUDIT_LOG


def is_reason_needed(instance: Instance, caller: Caller, owner: str) -> bool:
    """Whether the caller must say why they look at transcripts of `owner`: where the setting asks
    for it, they are somebody else's, and nothing was said within the hour."""
    me = caller.me.reader
    asked = bool(instance.settings.transcript_reason) and owner != me
    return asked and instance.reasons.of(me, owner) is None


def reason_needed(caller: Caller, transcript: Transcript) -> bool:
    return is_reason_needed(transcript.reader.instance, caller, transcript.owner)


def stated(instance: Instance, caller: Caller, owner: str, given: str | None) -> str | None:
    """The reason with which the caller looks, which is remembered for an hour. Raises BadParameter
    for one that is too long, Forbidden where one is needed."""
    reason = redact((given or "").strip())
    if len(reason) > LONGEST:
        raise BadParameter("reason", reason, f"at most {LONGEST} characters")
    me = caller.me.reader
    if owner == me:
        return None
    if reason:
        instance.reasons.state(me, owner, reason)
        return reason
    if is_reason_needed(instance, caller, owner):
        raise Forbidden(
            "say why you look at this person's transcripts",
            detail=f"Add reason=…, at most {LONGEST} characters. It holds for an hour, and the"
            " person sees it.",
        )
    return instance.reasons.of(me, owner)


async def seen(
    caller: Caller,
    transcript: Transcript,
    *,
    turn: int | None = None,
    via: str,
    reason: str | None = None,
    paging: bool = False,
) -> None:
    """Write that a transcript was opened, at `turn` if it was there; `via`: api, page, image.
    `paging`: it goes on reading what it opened, which is written once a minute."""
    instance = transcript.reader.instance
    key = (caller.me.reader, "transcript", transcript.session_file)
    if not instance.recent_reads.first(*key) and paging:
        return
    params = {
        "session_file": transcript.session_file,
        "turn": turn,
        "via": via,
        "reason": reason,
    }
    row = entry(caller, "session.transcript_view", resource=transcript.resource, params=params)
    if not await instance.record(row):
        instance.recent_reads.forget(*key)


def views(reader: Reader, transcript: Transcript) -> list[Row]:
    """Who looked at a session, the newest first, at most 200: `{at, user_id, user_name, action,
    reason, via}`. Of others' looks at others' sessions only those see them who see the whole
    log."""
    looks = SeenLooks(AUDIT_LOG, reader.principal)
    everything = Text(f"user:{transcript.owner}")
    rows = reader.ask(queries.looks_at, looks, Text(transcript.resource), everything)
    return [_look(reader, row) for row in rows]


def views_of_mine(reader: Reader, *, limit: int, offset: int) -> tuple[list[Row], int]:
    """Who else looked at the reader's own transcripts, the newest first, and how many times in all:
    `{at, user_name, session_file, action, reason}`. `session_file` is None for all at once."""
    mine = reader.principal.as_anybody()
    looks, me = SeenLooks(AUDIT_LOG, mine), Text(mine.user_id)
    rows = reader.ask(queries.looks_by_others, looks, me, limit, offset)
    (counted,) = reader.ask(queries.looks_by_others_counted, looks, me)
    shown = []
    for row in rows:
        kind, _, key = row["resource"].partition(":")
        look = _look(reader, row)
        shown.append(
            {
                "at": look["at"],
                "user_name": look["user_name"],
                "session_file": key if kind == "session" else None,
                "action": look["action"],
                "reason": look["reason"],
            }
        )
    return shown, int(counted["total"])


def _look(reader: Reader, row: Row) -> Row:
    person = reader.instance.people.get(row["user_id"])
    params: Any = orjson.loads(row["params"] or "{}")
    return {
        "at": row["timestamp"],
        "user_id": row["user_id"],
        "user_name": person.label if person else None,
        "action": row["action"],
        "reason": params.get("reason"),
        "via": params.get("via"),
    }
