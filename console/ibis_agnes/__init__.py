"""`ibis.agnes`: the tables of an Agnes Console as a backend of Ibis, which reads and never writes.

    con = ibis.agnes.connect()        # as whom `agnes login` signed in
    con.table("agnes_telemetry").group_by("tool_name").agg(uses=lambda t: t.count()).execute()

Expressions become SQL here and are answered there, from the rows that the caller may see. Ibis
finds this package by its entry point and takes `Backend` from it.
"""

from __future__ import annotations

from console.ibis_agnes.backend import Backend

__all__ = ["Backend"]
