"""Questions about one session beside its conversation: its place in a list, its file, what it
used."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from console.queries.sessions import SessionFilter, SessionsSeen, order
from schema.bind import Text
from schema.policy import Seen

_NAMES = {
    "model": "model",
    "skill": "skill_name",
    "subagent": "subagent_type",
    "cwd": "cwd",
}


def walk(seen: SessionsSeen, filter: SessionFilter, sort: str, session_file: Text) -> ir.Table:
    """One row: `place` of a session in the list (from 0; null where it is not in it), the list's
    `total`, the `previous` and the `next` session, and the nearest ones with findings,
    `found_before` and `found_after`."""
    rows = seen.matching(filter)
    by = ibis.window(order_by=order(rows, sort))
    placed = rows.select("session_file", "findings", at=ibis.row_number().over(by))
    here = placed.filter(placed.session_file == session_file.text).select(place="at")
    both = placed.cross_join(here)
    before, after = both["at"] < both.place, both["at"] > both.place
    bad = both.findings > 0
    name = both.session_file
    return both.aggregate(
        place=both.place.max(),
        total=both.count(),
        previous=name.argmax(both["at"], where=before),
        next=name.argmin(both["at"], where=after),
        found_before=name.argmax(both["at"], where=before & bad),
        found_after=name.argmin(both["at"], where=after & bad),
    )


def stored(seen: Seen, session_file: Text) -> ir.Table:
    """`bytes, sha256, uploaded_at, first_uploaded_at, indexed` of a session's own file."""
    rows = seen.rows()
    mine = rows.filter(rows.session_file == session_file.text)
    return mine.select("bytes", "sha256", "uploaded_at", "first_uploaded_at", "indexed")


def used(events: Seen, session_file: Text) -> ir.Table:
    """`what, name, uses` of one session, the most used first; `what` is tool, model, skill,
    subagent or cwd."""
    rows = events.rows()
    mine = rows.filter(rows.session_file == session_file.text)
    columns = {"tool": "tool_name", **_NAMES}
    parts = [
        mine.filter(mine[column].notnull())
        .group_by(name=column)
        .agg(what=ibis.literal(what), uses=lambda part: part.count())
        .select("what", "name", "uses")
        for what, column in columns.items()
    ]
    return ibis.union(*parts).order_by(["what", ibis.desc("uses"), "name"])
