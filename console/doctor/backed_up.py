"""Backups: where they go, and how old the last one is."""

from __future__ import annotations

import os
from datetime import timedelta

from console.backups import shelf
from console.doctor.patient import Diagnosis, Patient

LATE = timedelta(hours=26)  # one a day, and two hours to take it


def backups(patient: Patient) -> Diagnosis:
    """With AGNES_BACKUP_DIR a whole one is never older than a day; without, none is expected."""
    settings = patient.settings
    if settings is None:
        return Diagnosis("backups", "ok", "backups are looked at where the settings are known")
    place = shelf.folder(settings)
    found = shelf.backups(place)
    loose = [one.name for one in found if one.loose]
    if loose:
        mend = f"chmod go-rwx {place}/agnes-*.tar: who reads one can sign in as anybody."
        message = f"others on this machine may read {len(loose)} of {len(found)} backups"
        return Diagnosis("backups", "severe", message, mend)
    if not settings.backup_dir:
        newest = f"; the newest by hand is {found[0].name}" if found else ""
        text = f"none is scheduled: AGNES_BACKUP_DIR would take one a day{newest}"
        return Diagnosis("backups", "ok", text)
    if place.exists() and not os.access(place, os.W_OK):
        mend = "Give this user the folder, or name another with AGNES_BACKUP_DIR."
        return Diagnosis("backups", "severe", f"{place} cannot be written", mend)
    mend = "`agnes backup` takes one now and says what is wrong; see the runs of the job `backup`."
    key = patient.folder / "cookie.key"
    at = patient.clock()
    if not found:
        young = not key.exists() or at.timestamp() - key.stat().st_mtime < LATE.total_seconds()
        if young:
            return Diagnosis("backups", "ok", f"none yet in {place}; the first comes within a day")
        return Diagnosis("backups", "warning", f"there is no backup in {place}", mend)
    age = at - found[0].made_at
    if age > LATE:
        hours = age.total_seconds() / 3600
        message = f"the newest backup in {place} is {hours:,.0f} h old"
        return Diagnosis("backups", "warning", message, mend)
    return Diagnosis("backups", "ok", f"{len(found)} in {place}, the newest {found[0].name}")
