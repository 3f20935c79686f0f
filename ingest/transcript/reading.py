"""Reading a whole session: its own file, then those of its subagents, into one `Digest`.

One pass a file, and memory that does not grow with it. It decides which records count: the first
of those with one uuid, and only what no earlier file owns. What they mean is told by `story`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ingest.transcript.lines import NO_TRANSCRIPT, rows
from ingest.transcript.model import Digest, Problem
from ingest.transcript.pieces import Piece, pieces
from ingest.transcript.record import Record, name, record
from ingest.transcript.story import Story

Source = Path | str | BinaryIO
# Told of each record that has events: file (0 is the main one), offset, line, turn of the first.
Note = Callable[[int, int, int, int, Record, list[Piece]], None]

_PROBLEMS = 100
_UUIDS = 500_000  # 50 bytes each; beyond, a copy of a record is not recognised
_TIMES = 500_000
_TYPES = 100
_ROOTS = 1_000
_SESSIONS = 100
_AGENT_FILE = re.compile(r"agent-(.{1,190})\.jsonl")


def read(
    main: Source,
    subagents: Iterable[Source] = (),
    *,
    copied: frozenset[str] = frozenset(),
    note: Note | None = None,
) -> Digest:
    """The digest of a session. Sources are paths or open binary files; `copied`: uuids of records
    that an earlier file owns. Never raises for what the bytes are; OSError if they cannot be had.
    """
    reader = _Reader(copied, note)
    for place, source in enumerate([main, *in_order(subagents)]):
        with opened(source) as file:
            reader.take(file, place, agent_of(source, place))
    return reader.end()


def in_order(subagents: Iterable[Source]) -> list[Source]:
    """Subagents' files in the order in which their turns are counted: by name, else as given."""
    given = list(subagents)
    if all(isinstance(one, (str, Path)) for one in given):
        given.sort(key=lambda one: Path(str(one)).name)
    return given


@contextmanager
def opened(source: Source, offset: int = 0) -> Iterator[BinaryIO]:
    """`source` at `offset`. What came open stays open."""
    if isinstance(source, (str, Path)):
        with Path(source).open("rb") as file:
            file.seek(offset)
            yield file
    else:
        source.seek(offset)
        yield source


def agent_of(source: Source, place: int) -> str | None:
    """The agent that wrote a file, unless its records say so themselves; None for the main one."""
    if place == 0:
        return None
    path = source if isinstance(source, (str, Path)) else getattr(source, "name", "")
    found = _AGENT_FILE.fullmatch(Path(str(path)).name)
    return found[1] if found else f"agent {place}"


class _Reader:
    def __init__(self, copied: frozenset[str], note: Note | None) -> None:
        self._digest = Digest()
        self._story = Story(self._digest)
        self._copied = copied
        self._note = note
        self._seen: set[int] = set()
        self._chains: dict[int, str] = {}  # record of an old inline sidechain -> its first record
        self._sessions: Counter[str] = Counter()
        self._unchecked = 0

    def take(self, file: BinaryIO, place: int, agent: str | None) -> None:
        digest, note = self._digest, self._note
        for line, offset, data, problem in rows(file):
            if problem:
                self._problem(line, problem, agent)
            if data is None:
                continue
            one = record(data, agent)
            if one.problem:
                self._problem(line, one.problem, agent)
            found = pieces(one)
            turn = digest.turns
            if found:
                digest.turns += len(found)
                if note:
                    note(place, offset, line, turn, one, found)
            self._count(one.type)
            if place == 0:
                self._root(one)
            if self._is_new(one):
                self._keep(one, found, turn, line, main=place == 0)
            del data, one, found  # or a long one is held beside the next

    def _is_new(self, one: Record) -> bool:
        """Whether no earlier file owns the record, and no earlier line has its uuid."""
        if not one.uuid:
            return True
        if one.uuid in self._copied:
            self._digest.copied += 1
            return False
        key = hash(one.uuid)
        if key in self._seen:
            return False
        if len(self._seen) < _UUIDS:
            self._seen.add(key)
        else:
            self._unchecked += 1
        return True

    def _keep(self, one: Record, found: list[Piece], turn: int, line: int, *, main: bool) -> None:
        if one.at is not None:
            self._time(one.at)
        if main:
            self._identify(one)
        agent = self._chain(one) if one.agent == "" else one.agent
        if found or one.type in ("assistant", "queue-operation"):
            self._story.add(one, found, turn, line, agent=agent)

    def end(self) -> Digest:
        self._story.end()
        if self._sessions:  # a file that continues another may begin with records of that one
            self._digest.session_id = self._sessions.most_common(1)[0][0]
        left = self._story.left_out
        if left:
            self._problem(0, f"{left:,} calls, prompts and answers more than can be kept", None)
        if self._unchecked:
            self._problem(0, f"{self._unchecked:,} records were not checked for copies", None)
        return self._digest

    def _problem(self, line: int, what: str, agent: str | None) -> None:
        self._digest.problem_count += 1
        if len(self._digest.problems) < _PROBLEMS or line == 0 or what is NO_TRANSCRIPT:
            self._digest.problems.append(Problem(line, what, agent))

    def _count(self, kind: str) -> None:
        records = self._digest.records
        if kind not in records and len(records) >= _TYPES:
            kind = "other"
        records[kind] = records.get(kind, 0) + 1

    def _time(self, at: int) -> None:
        times = self._digest.times
        if len(times) < _TIMES:
            times.append(at)
        else:  # the session's end stays right
            times[-1] = max(times[-1], at)

    def _identify(self, one: Record) -> None:
        session = name(one.data.get("sessionId"))
        if session and (session in self._sessions or len(self._sessions) < _SESSIONS):
            self._sessions[session] += 1

    def _root(self, one: Record) -> None:
        """Copied records count here too: by their roots it is known that they are copies."""
        roots = self._digest.roots
        if one.uuid and not (one.parent_uuid or one.agent is not None or len(roots) >= _ROOTS):
            roots.append(one.uuid)

    def _chain(self, one: Record) -> str:
        """A name for the subagent of an inline record that gives none: the uuid of its first."""
        known = self._chains.get(hash(one.parent_uuid)) if one.parent_uuid else None
        first = known or one.uuid or "sidechain"
        if one.uuid and len(self._chains) < _UUIDS // 10:
            self._chains[hash(one.uuid)] = first
        return first
