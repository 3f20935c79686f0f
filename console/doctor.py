"""Is this machine fit to run the console? Each check says what it saw and how to mend it.

Run by `agnes doctor` and, inside the server, by the pulse. A check never changes anything.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from console.audit import now
from console.queries.notifications import undelivered
from console.queries.pulse import events_after
from schema import migrate
from schema.bind import At
from schema.errors import AgnesError
from schema.store import Store

DUCKDB = "1.5.5"  # the tested version, pinned in pyproject.toml
LEAST_FREE = 1 << 30  # bytes; a checkpoint may need as much as the database grows in a day
_AHEAD = timedelta(minutes=1)
_DAY = timedelta(days=1)
_LATE = timedelta(minutes=30)  # a message that is tried again for longer is worth a look


@dataclass(frozen=True)
class Patient:
    """What is examined: the data folder, the database file, and the open store when a server runs
    here."""

    folder: Path
    database: Path
    store: Store | None = None
    clock: Callable[[], datetime] = now


@dataclass(frozen=True)
class Diagnosis:
    check: str
    level: str  # ok | warning | severe
    message: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def disk(patient: Patient) -> Diagnosis:
    """Free space, and whether the folder can be written."""
    folder = _existing(patient.folder)
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        return Diagnosis(
            "disk", "severe", f"{folder} cannot be written", "Give this user the folder."
        )
    if free < LEAST_FREE:
        shown = f"{free / (1 << 20):,.0f} MiB free at {folder}"
        return Diagnosis("disk", "warning", shown, "Free space, or move AGNES_DATA_DIR.")
    return Diagnosis("disk", "ok", f"{free / (1 << 30):,.1f} GiB free at {folder}")


def clock(patient: Patient) -> Diagnosis:
    """The clock must not have gone back behind rows already written: paging and windows rely on
    time."""
    if patient.store is None:
        return Diagnosis("clock", "ok", f"{patient.clock():%Y-%m-%d %H:%M:%S} UTC")
    (found,) = patient.store.rows(events_after, At(patient.clock() + _AHEAD))
    ahead = found["events"]
    if ahead:
        message = f"{ahead} events lie in the future of {patient.clock():%Y-%m-%d %H:%M:%S} UTC"
        return Diagnosis(
            "clock", "warning", message, "Set the clock (NTP); the rows stay as they are."
        )
    return Diagnosis(
        "clock", "ok", f"{patient.clock():%Y-%m-%d %H:%M:%S} UTC, no event ahead of it"
    )


def rights(patient: Patient) -> Diagnosis:
    """Nobody but the server's user may read the database, the transcripts and the cookie key."""
    private = (patient.folder, patient.database, patient.folder / "cookie.key")
    loose = [path for path in private if _open_to_others(path)]
    if loose and _open_to_others(private[0]):  # a closed folder closes what is in it
        names = ", ".join(str(path) for path in loose)
        mend = "chmod go-rwx " + " ".join(str(path) for path in loose)
        return Diagnosis("rights", "warning", f"others on this machine may read {names}", mend)
    return Diagnosis("rights", "ok", "only this user can read the data")


def engine(patient: Patient) -> Diagnosis:
    """The database opens, is in its newest form, and is run by the tested engine."""
    if duckdb.__version__ != DUCKDB:
        message = f"DuckDB {duckdb.__version__} runs here, {DUCKDB} is tested"
        return Diagnosis("engine", "warning", message, "Install from requirements.lock.")
    if patient.store is not None or not patient.database.exists():
        state = "open" if patient.store is not None else "no database yet"
        return Diagnosis("engine", "ok", f"DuckDB {DUCKDB}, {state}")
    try:
        with duckdb.connect(str(patient.database), read_only=True) as con:
            waiting = migrate.pending(con)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            return Diagnosis(
                "engine", "ok", f"DuckDB {DUCKDB}, the file is in use by a running server"
            )
        mend = "Restore the newest backup copy beside it."
        return Diagnosis("engine", "severe", f"cannot open {patient.database}: {error}", mend)
    except AgnesError as error:
        return Diagnosis("engine", "severe", error.message, error.detail)
    if waiting:
        message = f"{len(waiting)} migrations are waiting"
        return Diagnosis("engine", "warning", message, "Run `agnes migrate`, or start the server.")
    return Diagnosis("engine", "ok", f"DuckDB {DUCKDB}, the database is in its newest form")


def telegram(patient: Patient) -> Diagnosis:
    """Messages to admins that Telegram did not take; who was to have them finds them in the
    console."""
    if patient.store is None:
        return Diagnosis("telegram", "ok", "messages are looked at in a running server")
    at = patient.clock()
    (found,) = patient.store.rows(undelivered, At(at - _DAY), At(at - _LATE))
    mend = "`agnes admin telegram test` says what comes of a message now."
    if found["failed"]:
        plural = "" if found["failed"] == 1 else "s"
        message = f"{found['failed']} message{plural} not sent in 24h: {found['why']}"
        return Diagnosis("telegram", "warning", message, mend)
    if found["late"]:
        message = f"messages wait for Telegram: {found['still']}"
        return Diagnosis("telegram", "warning", message, mend)
    return Diagnosis("telegram", "ok", "no message failed or is late")


CHECKS: tuple[Callable[[Patient], Diagnosis], ...] = (disk, clock, rights, engine, telegram)


def examine(patient: Patient) -> list[Diagnosis]:
    return [check(patient) for check in CHECKS]


def _open_to_others(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
