"""Questions about transcripts: of which files they are, whose sessions there are, who looked."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from console.queries.sessions import SessionsSeen
from schema.policy import Seen, SeenLooks

_MOST = 200  # looks that are shown
_COLUMNS = ("id", "timestamp", "user_id", "action", "resource", "params")


def files(seen: Seen, session: Any) -> ir.Table:
    """`session_file, parent, bytes, uploaded_at` of a session's own file, then of its subagents'
    by name."""
    rows = seen.rows()
    mine = rows.filter((rows.session_file == session.text) | (rows.parent == session.text))
    first: Any = mine.parent.asc(nulls_first=True)
    return mine.order_by([first, mine.session_file]).select(
        "session_file", "parent", "bytes", "uploaded_at"
    )


def files_of(seen: Seen, owner: Any) -> ir.Table:
    """All files of one person, by name."""
    rows = seen.rows()
    mine = rows.filter(rows.user_id == owner.text)
    return mine.order_by("session_file").select("session_file", "parent", "bytes", "uploaded_at")


def sessions_of(seen: SessionsSeen, owner: Any, limit: int, offset: int) -> ir.Table:
    """One page of a person's sessions, the newest first."""
    rows = seen.rows()
    mine = rows.filter(rows.user_id == owner.text)
    newest: Any = mine.uploaded_at.desc(nulls_first=False)
    return mine.order_by([newest, mine.session_file]).limit(limit, offset=offset)


def sessions_counted(seen: SessionsSeen, owner: Any) -> ir.Table:
    rows = seen.rows()
    mine = rows.filter(rows.user_id == owner.text)
    return mine.aggregate(total=mine.count())


def looks_at(seen: SeenLooks, resource: Any, everything: Any) -> ir.Table:
    """Who opened or took one session, the newest first: `resource` as its audit rows have it;
    `everything`: that of taking all of its person's."""
    rows = seen.rows()
    found = rows.filter((rows.resource == resource.text) | (rows.resource == everything.text))
    return _newest(found, _MOST, 0)


def looks_by_others(seen: SeenLooks, me: Any, limit: int, offset: int) -> ir.Table:
    """Who else opened or took transcripts of `me`, the newest first."""
    return _newest(_by_others(seen, me), limit, offset)


def looks_by_others_counted(seen: SeenLooks, me: Any) -> ir.Table:
    rows = _by_others(seen, me)
    return rows.aggregate(total=rows.count())


def _by_others(seen: SeenLooks, me: Any) -> ir.Table:
    rows = seen.rows()
    return rows.filter((rows.user_id != me.text).fill_null(True))


def _newest(rows: ir.Table, limit: int, offset: int) -> ir.Table:
    order = [ibis.desc("timestamp"), ibis.desc("id")]
    return rows.order_by(order).limit(limit, offset=offset).select(*_COLUMNS)
