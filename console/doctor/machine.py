"""The machine: its disk, its clock, who may read the data."""

from __future__ import annotations

import os
import shutil
import stat
from datetime import timedelta
from pathlib import Path

from console.doctor.patient import Diagnosis, Patient
from console.queries.pulse import events_after
from schema.bind import At

LEAST_FREE = 1 << 30  # bytes; a checkpoint may need as much as the database grows in a day
_AHEAD = timedelta(minutes=1)


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
    if patient.clock_jumps:
        jumped = max(patient.clock_jumps, key=abs)
        message = f"the clock was set {'forward' if jumped > 0 else 'back'} by {abs(jumped):,.0f} s"
        mend = "Let NTP keep it (timedatectl set-ntp true); windows and paging go by this clock."
        return Diagnosis("clock", "warning", f"{message} while the server ran", mend)
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


def _open_to_others(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
