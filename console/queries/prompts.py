"""Questions about the prompts of the instance."""

from __future__ import annotations

import ibis.expr.types as ir

from schema.table import rows_of
from schema.tables import INSTANCE_TEMPLATES


def kept() -> ir.Table:
    """The prompts that somebody has set."""
    rows = rows_of(INSTANCE_TEMPLATES)
    return rows.filter(rows.body.notnull())
