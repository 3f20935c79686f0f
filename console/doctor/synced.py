"""Tables that sync: what was published is there, and no column went or changed its type lately."""

from __future__ import annotations

from datetime import timedelta

import orjson

from console.doctor.patient import OK, WARNING, Diagnosis, Patient
from console.queries.syncing import drifted
from console.syncing.drift import told
from console.tables import registered
from schema.bind import At
from schema.store import Store

_LATELY = timedelta(hours=24)
_TOLD = 3  # tables


def tables(patient: Patient) -> Diagnosis:
    """A new column is no fault; one that went, or is of another type, breaks questions."""
    if patient.store is None:
        return Diagnosis("tables", OK, "synced tables are looked at where the console runs")
    found = registered.synced(patient.store)
    if gone := [table.name for table, version in found if not version.path.is_file()]:
        mend = "`agnes admin sync TABLE` reads it anew; one that appends needs its file back."
        return Diagnosis("tables", WARNING, f"published files are gone: {_few(gone)}", mend)
    differ = _differ(patient.store, At(patient.clock() - _LATELY))
    if differ:
        mend = "Look at the questions that use them; the table's history says what it was before."
        return Diagnosis("tables", WARNING, f"columns changed: {_few(differ)}", mend)
    return Diagnosis("tables", OK, f"{len(found)} synced tables are there")


def _differ(store: Store, since: At) -> list[str]:
    latest = {row["table_id"]: orjson.loads(row["drift"]) for row in store.rows(drifted, since)}
    return [
        f"{id} ({told({**drift, 'added': []})})"
        for id, drift in sorted(latest.items())
        if drift["removed"] or drift["retyped"]
    ]


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(names[:_TOLD]) + more
