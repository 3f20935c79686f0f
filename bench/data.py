"""The data that is measured: seeded once, kept in `.bench/`, copied for each run, moved to the
present.

The copy's newest row must be of now, because pages ask for the last 24 hours. So its times are
moved forward by as much as it has aged; ids stay. `python -m bench.data FOLDER ROWS` seeds, in a
process of its own so that the measuring process stays small.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

Say = Callable[[str], None]
ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".bench"
SESSIONS, FILES, USERS, SEED = 20_000, 200, 200, 1
_ANALYSTS = 65
# What decides the rows: a change of any of these seeds anew.
_SOURCES = ("ingest/seed", "schema/tables.py", "schema/migrations", "schema/search.py")
_TIMES = {
    "audit_log": ("timestamp",),
    "sync_history": ("synced_at",),
    "job_runs": ("queued_at", "started_at", "finished_at"),
    "session_files": ("uploaded_at", "first_uploaded_at"),
    "session_processor_state": ("processed_at",),
    "session_findings": ("detected_at",),
    "usage_events": ("occurred_at", "extracted_at"),
    "usage_session_summary": ("started_at", "ended_at", "uploaded_at", "extracted_at"),
}
_STALE = timedelta(minutes=2)


@dataclass(frozen=True)
class Data:
    """A folder to measure, and what opens it: an admin's token, a signed-in browser's cookie, and
    the tokens of those who are no admins, who has most usage events first."""

    folder: Path
    rows: int
    token: str
    analysts: tuple[str, ...]
    cookie_name: str
    cookie: str

    @property
    def database(self) -> Path:
        return self.folder / "agnes.duckdb"


@contextmanager
def prepared(rows: int, say: Say) -> Iterator[Data]:
    """A copy of the cached data for the time of the block; seeded first where there is none of this
    kind. The server's log stays, as `.bench/server.log`.
    """
    kept = _cached(rows, say)
    folder = CACHE / f"run-{os.getpid()}"
    try:
        # A copy on write where the file system can; never a hard link, the cache must stay clean.
        subprocess.run(["cp", "-a", "--reflink=auto", str(kept), str(folder)], check=True)
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        say("moving the data to the present")
        move(folder / "agnes.duckdb", _now() - datetime.fromisoformat(about["until"]))
        yield _opened(folder, rows)
    finally:
        if (log := folder / "server.log").exists():
            log.replace(CACHE / "server.log")
        shutil.rmtree(folder, ignore_errors=True)


def move(database: Path, by: timedelta) -> None:
    """Add `by` to every time of the made-up rows; little is not worth the writing."""
    if by < _STALE:
        return
    with closing(duckdb.connect(str(database))) as con:
        for table, columns in _TIMES.items():
            moved = ", ".join(f'"{name}" = "{name}" + $by' for name in columns)
            con.execute(f"UPDATE {table} SET {moved}", {"by": by})  # noqa: S608 (names of ours)
        con.execute("CHECKPOINT")


def key() -> str:
    """Changes with whatever decides the rows."""
    digest = hashlib.sha256(f"{SESSIONS} {FILES} {USERS} {SEED}".encode())
    for name in _SOURCES:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in (".py", ".sql"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _cached(rows: int, say: Say) -> Path:
    kept = CACHE / f"data-{rows}-{key()}"
    if not kept.exists():
        CACHE.mkdir(exist_ok=True)
        for old in CACHE.glob(f"data-{rows}-*"):
            shutil.rmtree(old)
        say(f"seeding {rows:,} audit rows and as many usage events; kept for the next run")
        command = [sys.executable, "-m", "bench.data", str(kept), str(rows)]
        subprocess.run(command, cwd=ROOT, check=True)
    return kept


def _seed(kept: Path, rows: int) -> None:
    from ingest.seed import seed
    from schema.store import Store

    os.umask(0o077)  # as a server would have it: nobody else may read the data
    made = kept.with_name(f"new-{kept.name}")
    shutil.rmtree(made, ignore_errors=True)
    until = _now()
    with closing(Store(made / "agnes.duckdb", memory_limit="200MB")) as store:
        seed(
            store,
            made,
            audit_rows=rows,
            sessions=SESSIONS,
            usage_events=rows,
            users=USERS,
            seed=SEED,
            until=until,
            files=FILES,
        )
    (made / "about.json").write_text(json.dumps({"until": until.isoformat()}), encoding="utf-8")
    made.rename(kept)  # only a whole one has this name


def _opened(folder: Path, rows: int) -> Data:
    """Give the first admin a token and a signed-in browser, and others tokens, as the console
    itself would."""
    from console.audit import new_id
    from console.identity.gate import COOKIE, Gate, cookie_key, digest
    from schema.store import Store
    from schema.tables import PERSONAL_ACCESS_TOKENS, WEB_SESSIONS
    from schema.transaction import Rows

    token, secret = "agnes_" + secrets.token_hex(32), secrets.token_hex(32)
    until = _now() + timedelta(days=1)
    with closing(Store(folder / "agnes.duckdb", memory_limit="200MB")) as store:
        admin, others = _people(store)
        common = {"name": "bench", "kind": "cli", "created_at": _now(), "expires_at": until}
        tokens = [
            {**common, "id": new_id(), "user_id": id, "token_hash": digest(text)}
            for id, text in [(admin, token), *others.items()]
        ]
        web = {
            "id": new_id(),
            "user_id": admin,
            "created_at": _now(),
            "expires_at": until,
            "secret_hash": digest(secret),
            "client_ip": "127.0.0.1",
        }
        store.write(Rows(PERSONAL_ACCESS_TOKENS, tokens), Rows(WEB_SESSIONS, [web])).result()
        cookie = Gate(store, cookie_key(folder)).signed(secret)
    return Data(folder, rows, token, tuple(others.values()), COOKIE, cookie)


def _people(store: Any) -> tuple[str, dict[str, str]]:
    """The id of an admin; the ids of analysts and what is to be their token."""
    import ibis
    from ibis import _

    from schema.table import rows_of
    from schema.tables import USAGE_EVENTS, USERS

    active: Any = rows_of(USERS).filter(_.is_active)
    events: Any = rows_of(USAGE_EVENTS).group_by("user_id").agg(events=_.count())
    analysts = active.filter(~_.is_admin).join(events, active.id == events.user_id)
    ordered = analysts.order_by(ibis.desc("events"), "id").limit(_ANALYSTS).select("id")
    (admin,) = store.read(active.filter(_.is_admin).order_by("id").limit(1)).to_pylist()
    found = store.read(ordered).to_pylist()
    return admin["id"], {row["id"]: "agnes_" + secrets.token_hex(32) for row in found}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


if __name__ == "__main__":
    _seed(Path(sys.argv[1]), int(sys.argv[2]))
