"""The way from one's own activity to one's own sessions, and to who opened them."""

from __future__ import annotations

from console.feedback import reading as feedback
from console.feedback.reading import Reader as Reports
from console.pages.activity.reading import Reading
from console.queries import transcripts
from console.queries.feedback_filter import FeedbackFilter
from console.session_reader import Reader
from console.transcript import transcript_looks
from schema.bind import Text


def read(reading: Reading) -> dict[str, int] | None:
    """How many `sessions` the reader ever pushed, how many `looks` others had at them, and how many
    `reports` they sent; None on the log of the instance."""
    if not reading.own:
        return None
    reader = Reader(reading.reader.instance, reading.reader.principal)
    me = Text(reader.principal.user_id)
    (counted,) = reader.ask(transcripts.sessions_counted, reader.seen, me)
    looks = transcript_looks.views_of_mine(reader, limit=1, offset=0)[1]
    reports = feedback.kpis(Reports(reader.instance, reader.principal), FeedbackFilter(heads=False))
    return {"sessions": int(counted["total"]), "looks": looks, "reports": reports["reports"]}
