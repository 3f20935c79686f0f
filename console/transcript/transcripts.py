"""A transcript as people read it: pages of its events, where to jump to, its images and its bytes.

All of it blocks: call it through `store.offload`. Rights are those of the session's files; what is
missing, foreign or gone from the disk is NotFound alike.
"""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from dataclasses import fields as fields_of
from datetime import datetime, timedelta
from io import BytesIO
from itertools import islice
from typing import BinaryIO, cast

from console import sessions
from console.queries import transcripts as queries
from console.sessions import Reader, Row
from console.transcript import indexing
from console.transcript.transcript_files import File
from ingest.session_files import Target, is_user_id, stored_name
from ingest.transcript import Index, build, pages, problems
from ingest.transcript.events import Event
from ingest.transcript.pieces import GROUPS
from ingest.transcript.problems import Unread
from ingest.transcript.record import fields, name, text
from schema.bind import Text
from schema.errors import BadParameter, NotFound, Unavailable
from schema.policy import Seen
from schema.tables import SESSION_FILES

KINDS = (*GROUPS[:-1], "errors", GROUPS[-1])
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_CELLS = 120  # of the strip that shows a whole session
_NEAR = 8  # events between two wanted ones that are read along rather than jumped over
_FAR_CALLS = 40  # calls on other pages that are looked up for the time they took
_BUILT = 32 << 20  # bytes of a transcript of which an index is made while somebody waits
_UNREAD = 50  # lines that could not be read, of one page
_READ, _OVERLAP = 1 << 20, 512  # bytes in which a uuid is looked for; the most it takes
_EPOCH = datetime(1970, 1, 1)
_FIELDS = tuple(field.name for field in fields_of(Event) if field.name != "at")


@dataclass(frozen=True)
class Transcript:
    """One session's files: its own, and those of its subagents by name."""

    reader: Reader
    main: Target
    subagents: tuple[Target, ...]
    size: int  # bytes of all of them, as their rows say

    @property
    def session_file(self) -> str:
        return self.main.session_file

    @property
    def owner(self) -> str:
        return self.main.user_id

    @property
    def resource(self) -> str:
        """How the audit log names it."""
        return f"session:{self.session_file}"

    @property
    def index(self) -> Index | None:
        return indexing.index_of(self.reader.instance, self.session_file)

    def file(self, target: Target) -> File:
        return File(self.reader.instance.settings.folder, target)


def opened(reader: Reader, user: str, file: str) -> Transcript:
    """The transcript `<user>/<file>`. Raises BadParameter for what can be no name of one, NotFound
    for one that is not there, is somebody else's, or has been deleted from the disk."""
    session_file = named(user, file)
    rows = reader.ask(queries.files, Seen(SESSION_FILES, reader.principal), Text(session_file))
    if not rows or rows[0]["parent"] is not None:
        raise NotFound(
            f"no transcript {session_file} here", detail="Sessions are listed in /admin/sessions."
        )
    targets = [Target(row["session_file"], row["parent"]) for row in rows]
    found = Transcript(reader, targets[0], tuple(targets[1:]), sum(row["bytes"] for row in rows))
    found.file(found.main).stat()
    return found


def named(user: str, file: str) -> str:
    """The session_file of two parts of an address. Raises BadParameter."""
    if not is_user_id(user):
        raise BadParameter("user", user, "the id of a user")
    kept, packed = stored_name(file)
    if packed:
        raise BadParameter("file", file, "<name>.jsonl, as in session_file")
    return f"{user}/{kept}"


def kinds_of(given: str | None) -> frozenset[str] | None:
    """A comma list of `KINDS`; None for all of them. Raises BadParameter."""
    if given is None:
        return None
    wanted = frozenset(part.strip() for part in given.split(",") if part.strip())
    if not wanted or not wanted <= set(KINDS):
        raise BadParameter("kinds", given, "a comma list of " + ", ".join(KINDS))
    return wanted


def events(
    transcript: Transcript, first: int, limit: int, kinds: frozenset[str] | None = None
) -> Row:
    """One page with what is known about the session; its events as `part` has them."""
    reader, key = transcript.reader, transcript.session_file
    person = reader.instance.people.get(transcript.owner)
    return {
        "username": person.email if person else None,
        "user_id": transcript.owner,
        "session_file": key,
        "summary": _summary(reader, key),
        "verdict": sessions.verdict_of(reader, key),
        "findings": sessions.of_session(reader, key),
        **part(transcript, first, limit, kinds),
    }


def part(
    transcript: Transcript, first: int, limit: int, kinds: frozenset[str] | None = None
) -> Row:
    """`events`, their `total`, where the `next` page begins, and whether there is an index. With
    `kinds`, `first`, `total` and `next` count the chosen events. Without an index `total` is None
    until the end is seen."""
    index = transcript.index
    if kinds is None:
        found, total, following = _page(transcript, index, first, limit)
    else:
        known = index or _made(transcript)
        turns = chosen(known, kinds)
        wanted = turns[first : first + limit]
        found = _some(transcript, known, wanted) if wanted else []
        total, after = len(turns), first + limit
        following = after if after < total else None
    return {"indexed": index is not None, "events": found, "total": total, "next": following}


def of_text(text: str, first: int, limit: int) -> tuple[list[Row], int]:
    """Events `first` to `first + limit` of JSONL that is no file here, as `part` has them, and how
    many there are."""
    source = BytesIO(text.encode("utf-8", "replace"))
    index = build(source)
    found = pages.events(index, source, (), first, limit)
    return _shown(found, {}, _results(index, found)), index.total


def outline(transcript: Transcript) -> Row:
    """Where to jump to, and `cells`: the session in up to 120 parts of equal length, each with its
    first turn and how many prompts, tools' events and errors it has. Without an index only the
    findings are known."""
    index = transcript.index
    found = sessions.of_session(transcript.reader, transcript.session_file)
    kept = ("finding_type", "subtype", "severity", "line_to", "count", "excerpt", "agent_id")
    marks = [{"turn": row["turn_index"], **{name: row[name] for name in kept}} for row in found]
    known = index or Index()
    return {
        "indexed": index is not None,
        "total": index.total if index else None,
        "prompts": list(known.prompts),
        "errors": list(known.errors),
        "compacted": list(known.compacted),
        "findings": marks,
        "agents": _agents(transcript, known),
        "cells": _cells(known),
    }


def unread(transcript: Transcript, first: int, count: int) -> list[Unread]:
    """The lines before these events that could not be read, at most 50; none without an index."""
    index = transcript.index
    if index is None:
        return []
    stop = min(first + count, index.total)
    with _sources(transcript) as (main, subagents):
        return list(islice(problems.unread(index, main, subagents, first, stop), _UNREAD))


def agents(transcript: Transcript) -> list[Row]:
    """The `first` and `last` turn of each subagent that has a file of its own, as far as they are
    indexed."""
    return _agents(transcript, transcript.index or Index())


def image(transcript: Transcript, turn: int) -> tuple[str, bytes]:
    """Media type and bytes of the image that event `turn` is. Raises NotFound, also for what a
    browser should not be given as an image."""
    with _sources(transcript) as (main, subagents):
        found = pages.piece(transcript.index, main, subagents, turn)
    source = fields(found.block.get("source")) if found and found.kind == "image" else {}
    media_type = name(source.get("media_type"))
    try:
        data = base64.b64decode(text(source.get("data")), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if media_type not in IMAGES or not data:
        raise NotFound(f"event {turn} of this transcript is no image that can be shown")
    return media_type, data


def chosen(index: Index, kinds: frozenset[str]) -> list[int]:
    """The turns of these kinds, in order. `errors` are what failed, of whatever group."""
    groups = {number for number, group in enumerate(GROUPS) if group in kinds}
    turns = {turn for turn, group in enumerate(index.groups) if group in groups}
    if "errors" in kinds:
        turns.update(index.errors)
    return sorted(turns)


def turn_of(transcript: Transcript, uuid: str | None) -> int | None:
    """The first event of the record with this uuid in the session's own file; None where there is
    none, or where it is too long to be looked through before it is indexed."""
    if not uuid or (transcript.index is None and transcript.size > _BUILT):
        return None
    known = transcript.index or _made(transcript)
    with _sources(transcript) as (main, subagents):
        offset = _offset_of(main, uuid)
        places = [place for place, file in enumerate(known.files) if file == 0]
        at = bisect_left(known.offsets, offset + 1, 0, len(places)) - 1
        if offset < 0 or at < 0:
            return None
        first = known.turns[at]
        stop = known.turns[at + 1] if at + 1 < len(known.turns) else known.total
        found = pages.events(known, main, subagents, first, stop - first)
    return next((event.turn for event in found if event.uuid == uuid), None)


def _offset_of(file: BinaryIO, uuid: str) -> int:
    """Where a record says that it has this uuid; -1 where none does."""
    wanted = re.compile(rb'"uuid"\s{0,4}:\s{0,4}"%b"' % re.escape(uuid.encode("utf-8", "replace")))
    file.seek(0)
    before, tail = 0, b""
    while piece := file.read(_READ):
        if match := wanted.search(tail + piece):
            return before - len(tail) + match.start()
        before += len(piece)
        tail = (tail + piece)[-_OVERLAP:]
    return -1


def _summary(reader: Reader, session_file: str) -> Row | None:
    """None until the session was processed."""
    row = sessions.summary(reader, session_file)
    return row if row["processed"] else None


def _page(
    transcript: Transcript, index: Index | None, first: int, limit: int
) -> tuple[list[Row], int | None, int | None]:
    """Events, how many there are in all, and where the next page begins."""
    if index is not None:
        stop = min(first + limit, index.total)
        found = _some(transcript, index, range(first, stop)) if first < stop else []
        return found, index.total, stop if first < stop < index.total else None
    with _sources(transcript) as (main, subagents):
        read = pages.head(main, first, limit + 1, subagents)
    more, read = len(read) > limit, read[:limit]
    ended = not more and (bool(read) or first == 0)
    total = first + len(read) if ended else None
    return _shown(read, {}, {}), total, first + limit if more else None


def _some(transcript: Transcript, index: Index, turns: Sequence[int]) -> list[Row]:
    """The events at `turns`, with what calls and results know of each other."""
    with _sources(transcript) as (main, subagents):

        def read(wanted: Sequence[int]) -> list[Event]:
            asked = frozenset(wanted)
            stretches = (
                pages.events(index, main, subagents, first, last + 1 - first)
                for first, last in _runs(wanted)
            )
            return [event for events in stretches for event in events if event.turn in asked]

        found = read(turns)
        here = {one.turn for one in found}
        far = sorted({one.call_turn for one in found if one.call_turn is not None} - here)
        times = {one.turn: one.at for one in read(far[:_FAR_CALLS])}
    return _shown(found, times, _results(index, found))


def _shown(found: list[Event], times: dict[int, int | None], results: dict[int, int]) -> list[Row]:
    """Events as they are sent. `times`: of calls that are not among them; `results`: turn of the
    result, by that of its call."""
    times = {**times, **{one.turn: one.at for one in found if one.kind == "tool_use"}}
    for one in found:
        if one.kind == "tool_result" and one.call_turn is not None:
            results.setdefault(one.call_turn, one.turn)
    return [
        _row(one, None if one.call_turn is None else times.get(one.call_turn), results)
        for one in found
    ]


def _row(event: Event, called: int | None, results: dict[int, int]) -> Row:
    row: Row = {name: getattr(event, name) for name in _FIELDS}  # `asdict` would copy every input
    at = event.at
    row["ts"] = None if at is None else _EPOCH + timedelta(microseconds=at)
    timed = at is not None and called is not None and at >= called
    row["duration_ms"] = (at - called) // 1000 if timed else None  # type: ignore[operator]
    row["result_turn"] = results.get(event.turn) if event.kind == "tool_use" else None
    return row


def _results(index: Index, found: list[Event]) -> dict[int, int]:
    """Call -> its first result, as far as that is near: results follow their calls."""
    calls = [one.turn for one in found if one.kind == "tool_use"]
    if not calls:
        return {}
    wanted = set(calls)
    near: dict[int, int] = {}
    at = bisect_left(index.results, calls[0])
    for place in range(at, min(at + 2 * len(found) + 50, len(index.results))):
        if index.calls[place] in wanted:
            near.setdefault(index.calls[place], index.results[place])
    return near


def _runs(turns: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Sorted turns as stretches (first, last) that are read in one go."""
    if not turns:
        return
    first = last = turns[0]
    for turn in turns[1:]:
        if turn - last > _NEAR:
            yield first, last
            first = turn
        last = turn
    yield first, last


def _made(transcript: Transcript) -> Index:
    """An index for one answer, while the real one is still to come."""
    if transcript.size > _BUILT:
        raise Unavailable(
            "this transcript is not indexed yet, so its kinds of events are not known",
            detail="Try again in a moment, or read it without kinds.",
        )
    with _sources(transcript) as (main, subagents):
        return build(main, subagents)


def _agents(transcript: Transcript, index: Index) -> list[Row]:
    """The turns of each subagent's file. Those inside the session's own file are not listed."""
    starts: dict[int, int] = {}
    for file, turn in zip(index.files, index.turns, strict=True):
        starts.setdefault(file, turn)
    order = sorted(starts)
    found = []
    for place, file in enumerate(order):
        after = starts[order[place + 1]] if place + 1 < len(order) else index.total
        if 0 < file <= len(transcript.subagents):
            agent = transcript.subagents[file - 1].filename
            agent = agent.removeprefix("agent-").removesuffix(".jsonl")
            found.append({"agent": agent, "first": starts[file], "last": after - 1})
    return found


def _cells(index: Index) -> list[Row]:
    if not index.total:
        return []
    count = min(_CELLS, index.total)
    cells: list[Row] = [
        {"first": -(-cell * index.total // count), "prompts": 0, "tools": 0, "errors": 0}
        for cell in range(count)
    ]
    for turn, group in enumerate(index.groups):
        if (what := GROUPS[group]) in ("prompts", "tools"):
            cells[turn * count // index.total][what] += 1
    for turn in index.errors:
        cells[turn * count // index.total]["errors"] += 1
    return cells


@contextmanager
def _sources(transcript: Transcript) -> Iterator[tuple[BinaryIO, list[BinaryIO]]]:
    """The files of a transcript for `ingest.transcript`, each opened when it is first read."""
    with ExitStack() as stack:
        main, *subagents = (
            cast(BinaryIO, stack.enter_context(transcript.file(target)))
            for target in (transcript.main, *transcript.subagents)
        )
        yield main, subagents
