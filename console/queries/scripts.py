"""Questions about scripts: what is registered, and how each ran last."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from console.queries import jobs
from schema.table import rows_of
from schema.tables import SCRIPTS, USERS

PREFIX = "script."  # and a script's name: what its runs are called among those of jobs


def listing(text: str | None = None) -> ir.Table:
    """Scripts by name, each with `owner_email`, `owner_active` and its newest run: `last_run,
    last_status, last_queued_at, last_finished_at, last_error`. `text` is looked for in name, path
    and description."""
    rows = rows_of(SCRIPTS)
    if text:
        wanted = text.lower()
        found = [rows[name].lower().contains(wanted) for name in ("name", "path", "description")]
        rows = rows.filter(found[0] | found[1] | found[2].fill_null(False))
    rows = rows.mutate(job_name=ibis.literal(PREFIX) + rows.name)
    users = rows_of(USERS).select(owner="id", owner_email="email", owner_active="is_active")
    rows = rows.left_join(users, "owner").drop("owner_right")
    rows = rows.left_join(_newest(), "job_name").drop("job_name_right")
    rows = rows.mutate(owner_active=rows.owner_active.fill_null(False))
    listed: ir.Table = rows.order_by(["name", "id"])
    return listed


def _newest() -> ir.Table:
    """The newest of each job's runs, or of its beats that were passed over."""
    found = jobs.latest()
    order = [ibis.desc(found.queued_at), ibis.desc(found.id)]
    place = ibis.row_number().over(group_by=found.job_name, order_by=order)
    rows = found.mutate(place=place).filter(ibis._.place == 0)
    return rows.select(
        "job_name",
        last_run="id",
        last_status="status",
        last_queued_at="queued_at",
        last_finished_at="finished_at",
        last_error="error",
    )
