"""The database: its engine, its file, its form."""

from __future__ import annotations

import duckdb

from console.doctor.patient import Diagnosis, Patient
from schema import migrate
from schema.errors import AgnesError

DUCKDB = "1.5.5"  # the tested version, pinned in pyproject.toml


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
