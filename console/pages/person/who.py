"""Who it is: name, groups, since when, last seen, and everything of theirs to take along."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from console.pages.person.reading import Reading
from console.queries import person, transcripts
from console.transcript import transcript_looks
from schema.bind import Text
from schema.policy import Seen
from schema.tables import AUDIT_LOG


def read(reading: Reading) -> dict[str, Any]:
    """`account`, `groups`, `last_seen`; `sessions`: how many were ever uploaded; `zip`: the address
    of all transcripts, and `asks`: whether a reason must be given with it."""
    reader, owner = reading.reader, Text(reading.owner)
    ask = reader.instance.store.rows
    (account,) = ask(person.account, owner)
    (seen,) = ask(person.last_seen, Seen(AUDIT_LOG, reader.principal), owner)
    (counted,) = reader.ask(transcripts.sessions_counted, reader.seen, owner)
    return {
        "account": account,
        "groups": [] if reading.own else ask(person.groups, owner),
        "last_seen": seen["at"],
        "sessions": int(counted["total"]),
        "zip": f"{of_sessions(reading)}/download-all",
        "asks": asks_reason(reading),
    }


def of_sessions(reading: Reading) -> str:
    """The address below which the files of this person are taken."""
    if reading.own:
        return "/api/me/sessions"
    return f"/api/admin/users/{quote(reading.owner)}/sessions"


def asks_reason(reading: Reading) -> bool:
    return transcript_looks.is_reason_needed(reading.reader.instance, reading.caller, reading.owner)
