"""`POST /api/query`: a question in SQL over the tables that one can question; `/api/query/hybrid`
the same, where the caller says which tables it is to join.

SPEC sections 15 and 18. An answer in Arrow that was cut ends with a batch without rows whose
metadata say `truncated`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar, cast

import orjson
import pyarrow as pa
from tornado.iostream import StreamClosedError

from console.asking import questions
from console.asking.query_values import JSON, said, values
from console.asking.questions import Question
from console.audit import entry
from console.handler import Handler
from console.identity.grants import OWN_ROWS
from console.identity.rights import SIGNED_IN, Right
from console.sandbox.measure import Refused
from console.sandbox.pool import Run, Stopped
from console.tables.offered import INTERNAL
from console.tables.remote_tables import REMOTE
from schema.errors import AgnesError, BadParameter, Unavailable

ARROW = "application/vnd.apache.arrow.stream"
_ROWS, _ROWS_ARROW = 100_000, 5_000_000  # that may be asked for
_PREVIEW = 200  # characters of the text that the log keeps
_IN_MEMORY = 4 << 20  # bytes of an answer; more lie in a file until they are sent


class Asking(Handler):
    """What every answer from the sandbox has in common."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SIGNED_IN}
    harmless = ("POST",)
    _run: Run | None = None
    _left = False

    def caps(self, *, arrow: bool) -> tuple[int, int]:
        """Rows and bytes beyond which an answer is cut, as the settings say."""
        settings = self.instance.settings
        if arrow:
            return settings.query_arrow_rows, settings.query_arrow_mb << 20
        return settings.query_json_rows, settings.query_json_mb << 20

    def on_connection_close(self) -> None:
        """Who left waits for nothing: the child ends, or does not begin."""
        self._left = True
        if self._run is not None:
            self._run.cancel()

    @asynccontextmanager
    async def running(self, question: Question) -> AsyncIterator[tuple[Run, Any]]:
        asking = self.instance.questions
        run, extract = asking.run(question)
        await asking.offload(run.__enter__)
        self._run = run
        if self._left:
            run.cancel()
        try:
            yield run, extract
        finally:
            self._run = None
            run.cancel()
            with suppress(Unavailable):
                await asking.offload(run.__exit__, None, None, None)

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """An error after the first piece ends the connection, so that nobody takes a part for the
        whole."""
        if not self._headers_written:
            super().send_error(status_code, **kwargs)
            return
        self._log()
        self.detach().close()

    async def arrow(self, question: Question) -> tuple[Run, Any]:
        """The answer as an Arrow stream, sent as it comes; the run, and what it has read."""
        asking = self.instance.questions
        async with self.running(question) as (run, extract):
            pieces = run.pieces()
            piece = await asking.offload(next, pieces, None)
            self.set_header("Content-Type", ARROW)
            while piece is not None:
                await self._sent(piece)
                piece = await asking.offload(next, pieces, None)
        return run, extract

    async def _sent(self, piece: bytes) -> None:
        """Raises Stopped when nobody is there any more."""
        try:
            self.write(piece)
            await self.flush()
        except StreamClosedError:
            said = "who asked has left"
            raise Stopped(said, result="error.cancelled") from None


class Query(Asking):
    """`{sql, limit}`: JSON, or, where the caller accepts one, an Arrow stream."""

    fields: ClassVar[Mapping[str, type]] = {"sql": str, "limit": int}
    is_hybrid = False  # the log calls it so whatever it uses

    async def post(self) -> None:
        self.query(())
        given = self.body(self.fields, need=("sql",))
        arrow = ARROW in self.request.headers.get("Accept", "")
        most = _ROWS_ARROW if arrow else _ROWS
        limit = given.get("limit", 1000)
        if not 1 <= limit <= most:
            raise BadParameter("limit", limit, f"1 to {most:,}")
        started = time.perf_counter()
        question: Question | None = None
        try:
            asking, me = self.instance.questions, self.caller.me
            rows, size = self.caps(arrow=arrow)
            question = await asking.checked(given["sql"], me, rows=min(limit, rows), bytes=size)
            self.agreed(question, given)
            async with asking.turn(me):
                if arrow:
                    run, extract = await self.arrow(question)
                    await self._noted(question, run, extract.size, started)
                    self.finish()
                else:
                    await self._json(question, started)
        except AgnesError as error:
            await self._note(given["sql"], question, result_of(error), error=error.message)
            raise

    def agreed(self, question: Question, given: Mapping[str, Any]) -> None:
        """Nothing more is asked of it."""

    async def _json(self, question: Question, started: float) -> None:
        asking = self.instance.questions
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as answer:
            async with self.running(question) as (run, extract):
                pieces = run.pieces()
                while (piece := await asking.offload(next, pieces, None)) is not None:
                    answer.write(piece)
            answer.seek(0)
            await self._noted(question, run, extract.size, started)
            about = {
                "row_count": run.rows,
                "truncated": run.truncated,
                "bytes_scanned": extract.size,
                "row_scope": await asking.offload(self._scope, question),
            }
            self.set_header("Content-Type", "application/json; charset=utf-8")
            written = _written(cast("Any", answer), about)
            with suppress(Stopped):  # it was answered, whoever reads it
                while (text := await asking.offload(next, written, None)) is not None:
                    await self._sent(text)
        self.finish()

    def _scope(self, question: Question) -> dict[str, Any]:
        return questions.scope(question.standings(), question.principal)

    async def _noted(self, question: Question, run: Run, size: int, started: float) -> None:
        took = round((time.perf_counter() - started) * 1000)
        more = {"rows_returned": run.rows, "truncated": run.truncated, "bytes_scanned": size}
        await self._note(question.checked.sql, question, "success", **more, duration_ms=took)

    async def _note(self, sql: str, question: Question | None, result: str, **more: Any) -> None:
        tables = question.tables if question else []
        params = {
            "sql_preview": sql[:_PREVIEW],
            "tables": tables,
            "internal_tables": [name for name in tables if name.startswith(OWN_ROWS)],
            "is_admin": self.caller.me.is_admin,
            **more,
        }
        about = "table:" + ",".join(tables) if tables else None
        kinds = question.kinds if question else ()
        row = entry(
            self.caller,
            "query.hybrid"
            if self.is_hybrid or len(kinds) > 1
            else ("query.remote" if REMOTE in kinds else "query.local")
            if kinds and INTERNAL not in kinds
            else "query.internal",
            resource=about,
            params=params,
            result=result,
        )
        await self.instance.record(row)


class Hybrid(Query):
    """`{sql, tables, limit}`: the same over tables of several sources. `tables`: those that it may
    use; one that is not among them is refused."""

    fields: ClassVar[Mapping[str, type]] = {"sql": str, "tables": list, "limit": int}
    is_hybrid = True

    def agreed(self, question: Question, given: Mapping[str, Any]) -> None:
        """Raises BadParameter where the question uses what the caller has not named."""
        named = given.get("tables")
        if named is None:
            return
        for one in named:
            if not isinstance(one, str):
                raise BadParameter("tables", one, "a list of names of tables")
        known = {name.casefold() for name in named}
        for name, offer in question.offers.items():
            if not known & {name.casefold(), offer.id.casefold()}:
                raise BadParameter("tables", ", ".join(named), f"the question uses {name} too")


def result_of(error: AgnesError) -> str:
    """What the log says of a question that was not answered."""
    if isinstance(error, Refused):
        return "denied"
    if isinstance(error, Stopped):
        return error.result
    return f"error.{error.status}"


def _written(answer: Any, about: Mapping[str, Any]) -> Iterator[bytes]:
    """The answer as JSON, batch by batch: columns, rows as lists in their order, and `about` it."""
    reader = pa.ipc.open_stream(answer)
    yield b'{"columns":' + orjson.dumps(reader.schema.names) + b',"rows":['
    first = True
    for batch in reader:
        if batch.num_rows:
            columns = [values(column) for column in batch.columns]
            rows = orjson.dumps(list(zip(*columns, strict=True)), default=said, option=JSON)
            yield (b"" if first else b",") + rows[1:-1]
            first = False
    yield b"]," + orjson.dumps(about)[1:]


ROUTES = [(r"/api/query", Query), (r"/api/query/hybrid", Hybrid)]
