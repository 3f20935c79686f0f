"""Questions about which transcripts are indexed. The server's own: nobody's rights decide them."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from console.queries.sessions import SessionFilter, SessionsSeen
from ingest.pending import subagents
from schema.bind import Text
from schema.policy import Seen
from schema.table import rows_of
from schema.tables import SESSION_FILES, TRANSCRIPT_SEARCH


def files_of(key: Text) -> ir.Table:
    """`session_file, user_id, parent, sha256, uploaded_at` of a session's own file and of its
    subagents', in the order in which their turns are counted."""
    files = rows_of(SESSION_FILES)
    mine = files.filter((files.session_file == key.text) | (files.parent == key.text))
    chosen = mine.select("session_file", "user_id", "parent", "sha256", "uploaded_at")
    return chosen.order_by([chosen.parent.notnull(), "session_file"])


def due(limit: int) -> ir.Table:
    """`session_file, file_hash` of up to `limit` sessions whose bytes are not in the index, the
    newest first: somebody may be waiting for it."""
    files, done, subs = rows_of(SESSION_FILES), rows_of(TRANSCRIPT_SEARCH), subagents()
    mains = files.filter(files.parent.isnull()).select(
        "session_file", "sha256", "uploaded_at", "indexed"
    )
    joined = mains.left_join(subs, mains.session_file == subs.parent).drop("parent")
    known = done.select("session_file", had=done.file_hash)
    joined = joined.left_join(known, "session_file").drop("session_file_right")
    whole = (joined.sha256 + "|" + joined.subs.fill_null("") + "|").hexdigest("sha256")
    every = joined.mutate(file_hash=ibis.ifelse(joined.subs.isnull(), joined.sha256, whole))
    same = (every.had == every.file_hash).fill_null(False) & every.indexed.fill_null(False)
    waiting = every.filter(~same)
    newest = waiting.order_by([ibis.desc("uploaded_at"), "session_file"])
    return newest.limit(limit).select("session_file", "file_hash")


def indexed() -> ir.Table:
    """`session_file, file_hash` of what is said to be indexed."""
    return rows_of(TRANSCRIPT_SEARCH).select("session_file", "file_hash")


def gone() -> ir.Table:
    """`session_file` of each session that is indexed and is no more."""
    files = rows_of(SESSION_FILES)
    return indexed().anti_join(files.filter(files.parent.isnull()), "session_file")


def seen(files: Seen) -> ir.Table:
    """`session_file` of each session that one may see."""
    rows = files.rows()
    return rows.filter(rows.parent.isnull()).select("session_file")


def chosen(seen: SessionsSeen, filter: SessionFilter) -> ir.Table:
    """`session_file` of each session that one may see and that matches."""
    return seen.matching(filter).select("session_file")


def tally(files: Seen) -> ir.Table:
    """`indexed, waiting`: how many of the sessions that one may see."""
    rows = files.rows()
    mains = rows.filter(rows.parent.isnull())
    known = mains.indexed.fill_null(False)
    return mains.aggregate(indexed=mains.count(where=known), waiting=mains.count(where=~known))
