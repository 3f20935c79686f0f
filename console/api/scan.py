"""`POST /api/v2/scan`: a part of one table as an Arrow stream, for a snapshot of one's own; and
`/scan/estimate`: how much that would be.

SPEC section 18. It is a question like any other: the same tables, the same sandbox, the same
limits. A stream that was cut ends with a batch without rows whose metadata say `truncated`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from console.api.query import Asking
from console.asking.questions import Question
from console.audit import entry
from console.sandbox.pool import Stopped
from console.tables import scans
from console.tables.offered import offered, one_of
from schema.errors import AgnesError, BadParameter

_ROWS = 5_000_000  # that may be asked for
_PREVIEW = 200  # characters of the condition that the log keeps
_FIELDS = {"table": str, "where": str, "columns": list, "limit": int}


class Scan(Asking):
    """`{table, where, columns, limit}`: `where` is one condition, `columns` a list of names."""

    is_estimate = False

    async def post(self) -> None:
        started = time.perf_counter()
        told: dict[str, Any] = {}
        try:
            self.query(())
            given = self.body(_FIELDS, need=("table",))
            told = _told(given)
            question = await self._question(given)
            async with self.instance.questions.turn(self.caller.me):
                await self._answer(question, told, started)
        except AgnesError as error:
            await self._note(told, _result(error), error=error.message)
            raise

    async def _question(self, given: Mapping[str, Any]) -> Question:
        asking, me = self.instance.questions, self.caller.me
        rows, size = self.caps(arrow=True)
        limit = given.get("limit", min(rows, _ROWS))
        if not 1 <= limit <= _ROWS:
            raise BadParameter("limit", limit, f"1 to {_ROWS:,}")
        text = await self.instance.store.offload(self._text, given, min(limit, rows))
        return await asking.checked(text, me, rows=min(limit, rows), bytes=size)

    def _text(self, given: Mapping[str, Any], limit: int) -> str:
        table = one_of(offered(self.instance, self.caller.me), given["table"])
        columns, where = given.get("columns"), given.get("where")
        return scans.statement(table, columns=columns, where=where, limit=limit)

    async def _answer(self, question: Question, told: dict[str, Any], started: float) -> None:
        run, extract = await self.arrow(question)
        await self._note(
            told,
            "success",
            rows_returned=run.rows,
            truncated=run.truncated,
            bytes_scanned=extract.size,
            duration_ms=_took(started),
        )
        self.finish()

    async def _note(self, told: Mapping[str, Any], result: str, **more: Any) -> None:
        about = f"table:{told['table']}" if "table" in told else None
        params = {**told, "is_admin": self.caller.me.is_admin, **more}
        row = entry(
            self.caller,
            "snapshot.estimate" if self.is_estimate else "snapshot.create",
            resource=about,
            params=params,
            result=result,
        )
        await self.instance.record(row)


class Estimate(Scan):
    """`{rows, bytes, truncated}` of the same scan: counted, not guessed, so that it takes as long;
    nothing of it is sent."""

    is_estimate = True

    async def _answer(self, question: Question, told: dict[str, Any], started: float) -> None:
        asking, size = self.instance.questions, 0
        async with self.running(question) as (run, extract):
            pieces = run.pieces()
            while (piece := await asking.offload(next, pieces, None)) is not None:
                size += len(piece)
        found = {"rows": run.rows, "bytes": size, "truncated": run.truncated}
        scanned = extract.size
        await self._note(
            told, "success", **found, bytes_scanned=scanned, duration_ms=_took(started)
        )
        self.send(found)


def _told(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the log keeps of the body."""
    cut = {"where": given["where"][:_PREVIEW]} if given.get("where") else {}
    return {**{name: given[name] for name in ("table", "columns", "limit") if name in given}, **cut}


def _result(error: AgnesError) -> str:
    return error.result if isinstance(error, Stopped) else f"error.{error.status}"


def _took(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


ROUTES = [(r"/api/v2/scan", Scan), (r"/api/v2/scan/estimate", Estimate)]
