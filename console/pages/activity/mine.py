"""The way from one's own activity to one's own sessions, and to who opened them."""

from __future__ import annotations

from console import transcript_looks
from console.pages.activity.reading import Reading
from console.queries import transcripts
from console.session_reader import Reader
from schema.bind import Text


def read(reading: Reading) -> dict[str, int] | None:
    """How many `sessions` the reader ever pushed, and how many `looks` others had at them; None on
    the log of the instance."""
    if not reading.own:
        return None
    reader = Reader(reading.reader.instance, reading.reader.principal)
    me = Text(reader.principal.user_id)
    (counted,) = reader.ask(transcripts.sessions_counted, reader.seen, me)
    looks = transcript_looks.views_of_mine(reader, limit=1, offset=0)[1]
    return {"sessions": int(counted["total"]), "looks": looks}
