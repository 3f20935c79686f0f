"""Searching in what was said: lines of transcripts by their words, for those who may see them.

The words are in the text index (`ingest.text_index`), which knows nobody's rights: whatever it
finds is held against the sessions that the reader may see. All of it blocks: call it through
`store.offload`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

import structlog

from console.instance import Instance
from console.kept import kept
from console.queries import indexing
from console.queries.sessions import SessionFilter
from console.session_reader import Reader, Row
from ingest.text_index import Hits, Line, Reading
from ingest.text_query import match_of
from schema.errors import NotFound, Unavailable, shorten
from schema.policy import Seen
from schema.tables import SESSION_FILES

log = structlog.get_logger(__name__)

EACH = 3  # lines of one session, unless it is the only one asked for
_BEGIN = datetime(1970, 1, 1)
MOST = 1000  # turns or lines of one session


class _Found(NamedTuple):
    """A page of lines, how many there are to page through, how many hits each session has, and
    whether there was `more` than one search looks at."""

    rows: Sequence[Row] = ()
    total: int = 0
    counts: Mapping[str, int] = MappingProxyType({})
    more: bool = False


def search(
    reader: Reader,
    q: str,
    *,
    limit: int = 50,
    offset: int = 0,
    within: SessionFilter | None = None,
    session_file: str | None = None,
) -> Row:
    """Lines with all the words of `q`, of the newest session first and in the order of each; up to
    `EACH` of one session, or all of `session_file`. A `within` with a text of its own was looked up
    (`console.sessions.looked_up`).

    `{rows, total, hits, sessions, truncated, limit, offset, next_offset, indexed, waiting}`:
    `total` counts the lines there are to page through, `hits` all that match, `truncated` says that
    there are even more. A row's `parts` are `[text, whether it is a hit]`, `of_session` counts all
    hits in its session. Raises NotFound for a `session_file` that this reader may not see.
    """
    match = match_of(q)
    if session_file is not None:
        _require(reader, session_file)
    try:
        if session_file is None:
            found = _in_all(reader, match, _allowed(reader, within), limit, offset)
        else:
            found = _in_one(reader, match, session_file, limit, offset)
    except sqlite3.Error as error:
        log.warning("the text index cannot be read", reason=str(error))
        raise Unavailable(
            "the text of transcripts cannot be searched right now",
            detail="The index is made anew by itself; try again in a minute.",
        ) from error
    after = offset + limit
    return {
        "rows": reader.named(found.rows),
        "total": found.total,
        "hits": sum(found.counts.values()),
        "sessions": len(found.counts),
        "truncated": found.more,
        "limit": limit,
        "offset": offset,
        "next_offset": after if after < found.total else None,
        **tally(reader),
    }


def matching(reader: Reader, q: str) -> frozenset[str] | None:
    """The sessions in whose text `q` stands, as far as this reader may see them; None when there
    are no words in it. What cannot be read holds nothing: names are searched all the same."""
    match = match_of(q)
    if match is None:
        return None
    try:
        found, _ = _all(reader, match)
    except sqlite3.Error as error:
        log.warning("the text index cannot be read", reason=str(error))
        return frozenset()
    return _allowed(reader, None).intersection(one.session_file for one in found)


def snippets(reader: Reader, q: str, session_files: Iterable[str]) -> dict[str, Row]:
    """`{hits, snippet, turn}` of each of these sessions that has any: their number, the first one
    as parts, and where it stands."""
    match = match_of(q)
    wanted = _allowed(reader, None).intersection(session_files)
    try:
        found, _ = _all(reader, match)
        chosen = [one for one in found if one.session_file in wanted]
        first, lines = _lines(reader.instance, match, chosen, each=1)
    except sqlite3.Error as error:
        log.warning("the text index cannot be read", reason=str(error))
        return {}
    return {
        one.session_file: {"hits": one.count, "snippet": lines[id].parts, "turn": lines[id].turn}
        for one in chosen
        for id in first.get(one.number, ())
        if id in lines
    }


def in_session(reader: Reader, session_file: str, q: str) -> Row:
    """`{turns, truncated, indexed}`: where in one session the words of `q` stand, the first `MOST`
    of them. Nothing before it is indexed. Raises NotFound."""
    _require(reader, session_file)
    match = match_of(q)
    try:
        with Reading(reader.instance.settings.folder) as reading:
            indexed = reading.within(match or '""', session_file, MOST + 1)
    except (FileNotFoundError, sqlite3.Error):
        indexed = None
    turns = [turn for _, turn in indexed or ()]
    return {
        "turns": turns[:MOST],
        "truncated": len(turns) > MOST,
        "indexed": indexed is not None,
    }


def tally(reader: Reader) -> Row:
    """`{indexed, waiting}`: how many of the sessions that this reader may see can be searched, and
    how many not yet."""
    (row,) = reader.ask(indexing.tally, Seen(SESSION_FILES, reader.principal))
    return {name: int(row[name]) for name in ("indexed", "waiting")}


def _allowed(reader: Reader, within: SessionFilter | None) -> frozenset[str]:
    """The sessions that this reader may see, of the filter when there is one."""
    if within is not None:
        rows = reader.ask(indexing.chosen, reader.seen_for(within), within)
        return frozenset(row["session_file"] for row in rows)
    store, seen = reader.instance.store, Seen(SESSION_FILES, reader.principal)
    known, key = kept(store), ("allowed", *map(str, (seen.shape(), seen.values())))
    version = store.version("session_files")
    names: frozenset[str] | None = known.get(key, version)
    if names is None:
        names = frozenset(row["session_file"] for row in reader.ask(indexing.seen, seen))
        known.put(key, version, names)
    return names


def _require(reader: Reader, session_file: str) -> None:
    if session_file not in _allowed(reader, None):
        raise NotFound(
            f"no session {shorten(session_file)} here",
            detail="Sessions are listed in /admin/sessions.",
        )


def _all(reader: Reader, match: str | None) -> tuple[Sequence[Hits], bool]:
    """Hits in the sessions of everybody, never to be shown as they are; and whether there were more
    than one search looks at."""
    if match is None:
        return (), False
    store = reader.instance.store
    known, version = kept(store), store.version("transcript_search")
    found: tuple[Sequence[Hits], bool] | None = known.get(("hits", match), version)
    if found is None:
        try:
            with Reading(reader.instance.settings.folder) as reading:
                found = reading.find(match)
        except FileNotFoundError:
            found = (), False
        known.put(("hits", match), version, found)
    return found


def _in_all(
    reader: Reader, match: str | None, allowed: frozenset[str], limit: int, offset: int
) -> _Found:
    """The page of lines that begins at `offset`: only its own are looked at."""
    every, more = _all(reader, match)
    hits = [one for one in every if one.session_file in allowed]
    shown, total = [], 0  # the sessions that have lines on this page, each with its first place
    for one in hits:
        lines = min(one.count, EACH)
        if offset < total + lines and total < offset + limit:
            shown.append((total, one))
        total += lines
    first, lines_of = _lines(reader.instance, match, [one for _, one in shown], each=EACH)
    rows = [
        _row(one.session_file, lines_of[id], one.count)
        for begin, one in shown
        for place, id in enumerate(first.get(one.number, ()), begin)
        if offset <= place < offset + limit and id in lines_of
    ]
    return _Found(rows, total, {one.session_file: one.count for one in hits}, more)


def _in_one(
    reader: Reader, match: str | None, session_file: str, limit: int, offset: int
) -> _Found:
    if match is None:
        return _Found()
    try:
        with Reading(reader.instance.settings.folder) as reading:
            places = reading.within(match, session_file, MOST + 1) or []
            ids = [id for id, _ in places[:MOST]]
            lines = reading.lines(match, ids[offset : offset + limit])
    except FileNotFoundError:
        return _Found()
    rows = [_row(session_file, lines[id], len(ids)) for id in ids if id in lines]
    return _Found(rows, len(ids), {session_file: len(ids)} if ids else {}, len(places) > MOST)


def _lines(
    instance: Instance, match: str | None, hits: Sequence[Hits], *, each: int
) -> tuple[dict[int, list[int]], dict[int, Line]]:
    """The first ids of each of these sessions, by its number, and what stands there."""
    if not hits or match is None:
        return {}, {}
    with Reading(instance.settings.folder) as reading:
        first = reading.first(match, hits, each)
        return first, reading.lines(match, [id for ids in first.values() for id in ids])


def _row(session_file: str, line: Line, of_session: int) -> Row:
    return {
        "session_file": session_file,
        "of_session": of_session,
        "user_id": session_file.partition("/")[0],
        "turn": line.turn,
        "kind": line.kind,
        "role": line.role,
        "ts": None if line.ts is None else _BEGIN + timedelta(microseconds=line.ts),
        "parts": line.parts,
    }
