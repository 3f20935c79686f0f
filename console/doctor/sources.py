"""Other databases: do they answer, and may their roles do no more than read.

They are asked by `agnes doctor` only: the pulse, which looks every half minute, asks nobody.
"""

from __future__ import annotations

from console.doctor.patient import OK, WARNING, Diagnosis, Patient
from console.sources.errors import SourceDown, SourceFailed
from console.tables.connections import Connection

_NAME = "sources"
_SECONDS = 5
_MIGHTY = (
    "SELECT rolsuper OR pg_has_role(current_user, 'pg_read_server_files', 'MEMBER')"
    " OR pg_has_role(current_user, 'pg_execute_server_program', 'MEMBER')"
    " FROM pg_roles WHERE rolname = current_user"
)


def sources(patient: Patient) -> Diagnosis:
    """A role that may read files of its server, or run programs there, lends that to whoever
    registers a table."""
    if patient.settings is None:
        return Diagnosis(_NAME, OK, "databases are looked at where settings are known")
    named: tuple[Connection, ...] = patient.settings.sources
    if not named:
        return Diagnosis(_NAME, OK, "no other databases are named")
    if patient.store is not None:
        return Diagnosis(_NAME, OK, f"named: {', '.join(one.name for one in named)}")
    failed, mighty = [], []
    for one in named:
        try:
            mighty += [one.name] if _is_mighty(one) else []
        except (SourceDown, SourceFailed) as error:
            failed.append(f"{error.message}: {error.reason}")
    if failed:
        mend = "Look at AGNES_SOURCES, and whether the database lets this machine in."
        return Diagnosis(_NAME, WARNING, "; ".join(failed), mend)
    if mighty:
        mend = "Name a role that has only SELECT on what is meant."
        message = f"the role of {', '.join(mighty)} may read files or run programs there"
        return Diagnosis(_NAME, WARNING, message, mend)
    return Diagnosis(_NAME, OK, f"{', '.join(one.name for one in named)} can be read")


def _is_mighty(connection: Connection) -> bool:
    from console.sources.postgres import reading  # its driver is only loaded where it is used

    with reading(connection, seconds=_SECONDS) as asked:
        return any(row[0] for row in asked.rows(_MIGHTY))
