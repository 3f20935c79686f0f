"""Is this machine fit to run the console? Each check says what it saw and how to mend it.

Run by `agnes doctor` and, inside the server, by the pulse. A check never changes anything. `CHECKS`
is the one list; what can only be seen from outside stands in `proxy`.
"""

from __future__ import annotations

from collections.abc import Callable

from console.doctor.backed_up import backups
from console.doctor.configured import configuration
from console.doctor.database import DUCKDB, engine
from console.doctor.machine import LEAST_FREE, clock, disk, rights
from console.doctor.messages import telegram
from console.doctor.openid import openid
from console.doctor.patient import LEVELS, OK, Diagnosis, Patient
from console.doctor.proxy import proxy
from console.doctor.scheduled import schedules
from console.doctor.sources import sources
from console.doctor.synced import tables

CHECKS: tuple[Callable[[Patient], Diagnosis], ...] = (
    configuration,
    disk,
    clock,
    rights,
    engine,
    telegram,
    backups,
    schedules,
    tables,
    sources,
    proxy,
    openid,
)


def examine(patient: Patient) -> list[Diagnosis]:
    return [check(patient) for check in CHECKS]


__all__ = [
    "CHECKS",
    "DUCKDB",
    "LEAST_FREE",
    "LEVELS",
    "OK",
    "Diagnosis",
    "Patient",
    "backups",
    "clock",
    "configuration",
    "disk",
    "engine",
    "examine",
    "openid",
    "proxy",
    "rights",
    "schedules",
    "sources",
    "tables",
    "telegram",
]
