"""Which session a report is about, and its last turns. Nothing here leaves the machine.

A turn is an event of the replay (`ingest.transcript.pieces` counts them): `#t120` of a replay is
turn 120 here. Of a long transcript only the end is read, unless a turn is named by its number.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections import deque
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from console.cli.exits import WrongUse
from console.cli.transcript_files import ENDINGS, SUBAGENT, projects, session_of, workspace
from schema.errors import AgnesError

TURNS = 50
_FIRST_READ = 1 << 20  # bytes of the end that are read at first; doubled until they are enough
_KEPT = 64 << 20  # bytes of a transcript's end that are read at most for turns counted from it

Json = dict[str, Any]


@dataclass(frozen=True)
class Spoken:
    """One record that has turns. `turn` is the number of its first, None where nobody counted."""

    data: Json
    turns: int
    turn: int | None


@dataclass(frozen=True)
class Tail:
    """The last turns of one session. `more`: the file has earlier ones."""

    path: Path
    session: str
    records: tuple[Spoken, ...]
    more: bool

    @property
    def turns(self) -> int:
        return sum(record.turns for record in self.records)

    @property
    def version(self) -> str:
        """The version of Claude Code that wrote it, empty if it says none."""
        found = (record.data.get("version") for record in reversed(self.records))
        return next((one[:40] for one in found if isinstance(one, str) and one), "")


@dataclass(frozen=True)
class Nothing:
    """There is no session to take, and why."""

    why: str


def current(named: Path | None, private: Set[str]) -> Path | Nothing:
    """The transcript of the session that is meant. Raises WrongUse for a file that is none."""
    if named is not None:
        path = _given(named)
    else:
        found = _running() if os.environ.get("CLAUDE_CODE_SESSION_ID") else _newest()
        if isinstance(found, Nothing):
            return found
        path = found
    if session_of(path) in private:
        return Nothing(f"the session {session_of(path)} is private, and is never taken")
    return path


def tail(
    path: Path, *, turns: int | None = None, since: int | None = None, private: Set[str]
) -> Tail | Nothing:
    """The last `turns` of the transcript (default TURNS); with `since` those from that turn on, as
    many as `turns` says or all. A record is never torn, so there may be a few more.

    Raises WrongUse for a turn that it does not have, AgnesError if it cannot be read.
    """
    try:
        if since is not None:
            records, more = _from(path, since, turns), since > 0
        elif path.suffix == ".gz":
            records, more = _end_of_packed(path, turns or TURNS)
        else:
            records, more = _end(path, turns or TURNS)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise AgnesError(f"{path} is not a whole gzip file: {error}") from error
    for record in records:
        session = record.data.get("sessionId")
        if isinstance(session, str) and session in private:
            return Nothing(f"{path.name} holds records of a private session, which are never taken")
    if not records:
        return Nothing(f"{path.name} has no turns yet")
    return Tail(path, session_of(path), tuple(records), more)


def _given(path: Path) -> Path:
    if not path.name.endswith(ENDINGS):
        raise WrongUse(
            f"--session {path}: not a transcript", detail="its name ends with .jsonl or .jsonl.gz"
        )
    if not path.is_file():
        raise WrongUse(f"--session {path}: no such file", detail="or leave it out: --no-session")
    return path


def _running() -> Path | Nothing:
    """The session in which this runs. A command may have gone to another folder meanwhile."""
    session = os.environ["CLAUDE_CODE_SESSION_ID"]
    if session.strip(".") == "" or any(mark in session for mark in "/\\\0*?["):
        return Nothing(f"CLAUDE_CODE_SESSION_ID={session} is not the id of a session")
    places = [workspace(every=False), projects()]
    for place in places:
        if (beside := place / f"{session}.jsonl").is_file():
            return beside
    below = sorted(projects().glob(f"*/{session}.jsonl"))
    return below[0] if below else Nothing(f"there is no transcript of session {session}")


def _newest() -> Path | Nothing:
    folder = workspace(every=False)
    files = [
        (path.stat().st_mtime_ns, path)
        for path in folder.glob("*.jsonl")
        if path.is_file() and not SUBAGENT.match(path.name)
    ]
    return max(files)[1] if files else Nothing(f"there is no session at {folder}")


def _spoken(file: BinaryIO, offset: int = 0, turn: int | None = None) -> Iterator[Spoken]:
    """The records with turns, from `offset` on; `turn` is the number of the first, if known."""
    from ingest.transcript.lines import rows
    from ingest.transcript.pieces import pieces
    from ingest.transcript.record import record

    for _, _, data, _ in rows(file, offset=offset):
        if data is not None and (count := len(pieces(record(data)))):
            yield Spoken(data, count, turn)
            turn = None if turn is None else turn + count


def _end(path: Path, turns: int) -> tuple[list[Spoken], bool]:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = min(size, _FIRST_READ)
        while True:
            start = size - length
            file.seek(start)
            if start:
                start += len(file.readline())  # the rest of a line that began before
            found = list(_spoken(file, start, None if start else 0))
            kept = _last(found, turns)
            enough = sum(record.turns for record in kept) >= turns
            if enough or length >= min(size, _KEPT):
                return kept, bool(start) or len(kept) < len(found)
            length = min(size, length * 4)


def _end_of_packed(path: Path, turns: int) -> tuple[list[Spoken], bool]:
    kept: deque[Spoken] = deque()
    have = read = 0
    with gzip.open(path) as file:
        for record in _spoken(cast(BinaryIO, file), turn=0):
            kept.append(record)
            have += record.turns
            read += 1
            while have - kept[0].turns >= turns:
                have -= kept.popleft().turns
    return list(kept), len(kept) < read


def _from(path: Path, since: int, turns: int | None) -> list[Spoken]:
    """Those that hold turns `since` to `since + turns`: the file is read up to there."""
    kept = []
    last = -1
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        for record in _spoken(file, turn=0):
            first = record.turn or 0
            if turns is not None and first >= since + turns:
                break
            last = first + record.turns - 1
            if last >= since:
                kept.append(record)
    if not kept:
        raise WrongUse(
            f"--since-turn {since}: {path.name} has no such turn",
            detail=f"its last one is {last}" if last >= 0 else "it has none yet",
        )
    return kept


def _last(records: list[Spoken], turns: int) -> list[Spoken]:
    have, at = 0, len(records)
    while at and have < turns:
        at -= 1
        have += records[at].turns
    return records[at:]
