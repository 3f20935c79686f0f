"""What a kernel does with pending sessions: fetch them, read them, hand the rows back.

Runs in a process of its own, in a notebook or as `python -m console.work`, and speaks to the server
only over HTTP; so several may share the work, on several machines.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from console.client import Client, Json, connect
from ingest.pipeline import Files, Finished, failed, process, said
from ingest.usage import Session
from ingest.wire import MAKES, pack
from schema.errors import AgnesError, Conflict, Forbidden, NotSignedIn, Unavailable

BATCH = 25  # sessions claimed at once: more would keep other kernels waiting
TRIES = 3  # for a session whose files change while it is read
CAP = 500  # sessions a run
SECONDS = 150.0
_PORTION = 16 << 20  # bytes of transcripts whose rows are held at once
_ERRORS = 20  # of a run that are told in words


@dataclass
class Report:
    """What a run did. `capped`: sessions that still wait, because the run was long enough."""

    processors: list[str]
    processed: int = 0
    capped: int = 0
    errors: int = 0
    items_extracted: int = 0
    records: int = 0
    problems: int = 0
    seconds: float = 0.0
    errors_detail: list[Json] = field(default_factory=list)
    sessions: list[Json] = field(default_factory=list)


class Worker:
    """One run over what is pending for `processors`."""

    def __init__(self, client: Client, processors: Sequence[str]) -> None:
        self.report = Report(list(processors))
        self._client = client
        self._tries: dict[str, int] = {}

    def run(self, *, cap: int = CAP, seconds: float = SECONDS) -> Report:
        """Work until nothing is left, `cap` sessions are done or the time is over. Sessions are
        committed while the next ones are read."""
        begun = time.monotonic()
        sent: Future[None] | None = None
        with ThreadPoolExecutor(1) as sender:
            while True:
                left = cap - len(self.report.sessions)
                over = left <= 0 or time.monotonic() - begun > seconds
                page = self._pending(0 if over else min(BATCH, left))
                rows = [row for row in page["rows"] if self._may_try(row["session_file"])]
                for few in _portions(rows):
                    finished = [self._read(row, page["now"]) for row in few]
                    if sent is not None:
                        sent.result()
                    sent = sender.submit(self._commit, finished)
                if not rows:
                    if sent is None:  # nothing on its way that could come back
                        break
                    sent.result()
                    sent = None
        self.report.capped = page["waiting"] if over else 0
        self.report.seconds = round(time.monotonic() - begun, 3)
        return self.report

    def _may_try(self, session_file: str) -> bool:
        self._tries[session_file] = self._tries.get(session_file, 0) + 1
        return self._tries[session_file] <= TRIES

    def _pending(self, limit: int) -> Json:
        body = {"processors": self.report.processors, "limit": limit}
        return self._client.request("POST", "/api/jobs/pending", json=body)

    def _read(self, row: Json, now: str) -> Finished:
        begun = time.perf_counter()
        session = Session(
            row["session_file"], row["user_id"], row["username"], _moment(row["uploaded_at"])
        )
        try:
            with tempfile.TemporaryDirectory(prefix="agnes-") as folder:
                files = self._fetch(row["files"], Path(folder))
                done = process(
                    session,
                    files,
                    row["processors"],
                    fingerprint=row["fingerprint"],
                    now=_moment(now),
                )
        except (Unavailable, NotSignedIn, Forbidden):
            raise  # nothing is wrong with this session; it is not to be set aside for it
        except Exception as error:  # noqa: BLE001 (whatever it is, it is this session's alone)
            message = error.message if isinstance(error, AgnesError) else said(error)
            done = failed(session.session_file, row["fingerprint"], row["processors"], message)
        self._tell(done, row["bytes"], time.perf_counter() - begun)
        return done

    def _fetch(self, files: Sequence[Json], folder: Path) -> Files:
        """The session's files, below `folder` under their own names."""
        found: dict[str, list[Path]] = {"main": [], "subagent": [], "earlier": []}
        for number, file in enumerate(files):
            place = folder / file["role"] / str(number)
            place.mkdir(parents=True)
            path = place / file["session_file"].rpartition("/")[2]
            self._download(file, path)
            found[file["role"]].append(path)
        return Files(found["main"][0], found["subagent"], found["earlier"])

    def _download(self, file: Json, path: Path) -> None:
        digest = hashlib.sha256()
        query = {"session_file": file["session_file"]}
        with self._client.stream("/api/jobs/files", query) as download, path.open("wb") as target:
            for chunk in download.chunks:
                digest.update(chunk)
                target.write(chunk)
        if digest.hexdigest() != file["sha256"]:
            raise Conflict(f"{file['session_file']} is not the file that was uploaded")

    def _commit(self, finished: Sequence[Finished]) -> None:
        try:
            content = pack(finished)
        except Exception:  # noqa: BLE001 (one has what no column takes; the others go on)
            finished = [_fitting(one) for one in finished]
            content = pack(finished)
        answer = self._client.request(
            "POST",
            "/api/jobs/commit",
            content=content,
            headers={"Content-Type": "application/vnd.apache.arrow.stream"},
            timeout=600,
        )
        committed = {row["session_file"] for row in answer["rows"] if row["status"] == "committed"}
        for done in finished:
            if done.session_file in committed:
                self._count(done)

    def _count(self, done: Finished) -> None:
        report = self.report
        bad = {name: one.error for name, one in done.outcomes.items() if one.error}
        report.processed += not bad
        report.errors += bool(bad)
        if bad:  # once a run: what went wrong may be over by the next
            self._tries[done.session_file] = TRIES
        report.items_extracted += sum(one.items for one in done.outcomes.values())
        for name, error in bad.items():
            if len(report.errors_detail) < _ERRORS:
                detail = {"session_file": done.session_file, "processor": name, "error": error}
                report.errors_detail.append(detail)

    def _tell(self, done: Finished, size: int, seconds: float) -> None:
        self.report.records += done.records
        self.report.problems += done.problems
        self.report.sessions.append(
            {
                "session_file": done.session_file,
                "bytes": size,
                "records": done.records,
                "problems": done.problems,
                "milliseconds": round(seconds * 1000, 2),
                "items": {name: one.items for name, one in done.outcomes.items()},
                "failed": any(one.error for one in done.outcomes.values()),
            }
        )


def _portions(rows: Sequence[Json]) -> Iterator[list[Json]]:
    """The rows in groups that fit into memory, and into one commit, together."""
    few: list[Json] = []
    size = 0
    for row in rows:
        few.append(row)
        size += row["bytes"]
        if size > _PORTION:
            yield few
            few, size = [], 0
    if few:
        yield few


def _fitting(done: Finished) -> Finished:
    """`done`; where the rows of a processor cannot travel, its failure instead of them."""
    outcomes = dict(done.outcomes)
    tables = dict(done.tables)
    for name, outcome in done.outcomes.items():
        own = {table: tables.pop(table, ()) for table in MAKES[name]} if not outcome.error else {}
        try:
            pack([replace(done, outcomes={}, tables=own)])
        except Exception as error:  # noqa: BLE001 (as above)
            outcomes[name] = replace(outcome, items=0, error=said(error))
        else:
            tables |= own
    return replace(done, outcomes=outcomes, tables=tables)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))


def main(
    processor: Annotated[list[str], typer.Option()],
    cap: int = CAP,
    seconds: float = SECONDS,
) -> None:
    """Work on what is pending; print the report as JSON."""
    with connect() as client:
        report: dict[str, Any] = asdict(Worker(client, processor).run(cap=cap, seconds=seconds))
    report.pop("sessions")
    sys.stdout.buffer.write(orjson.dumps(report) + b"\n")


if __name__ == "__main__":
    typer.run(main)
