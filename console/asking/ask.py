"""A question in one's own words: a language model writes SQL, the sandbox runs it, and the SQL is
shown with its answer.

The model's SQL is checked, and runs, as if the caller had typed it. Every ask stands in the log,
also those that come to nothing; the text of the model's service never does. SPEC section 15.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import orjson
import pyarrow as pa

from console.asking import questions
from console.asking.ask_model import Proposal, provider
from console.asking.query_values import JSON, said, values
from console.asking.questions import Question, Questions
from console.audit import Caller, entry
from console.handler import Handler, failure
from console.identity.rights import ADMIN, Right
from console.instance import Instance
from console.sandbox.measure import Refused
from console.sandbox.pool import Stopped
from console.tables.agnes_tables import agnes_tables
from schema.errors import AgnesError, BadParameter, TooMany
from schema.policy import Principal

LONGEST = 1000  # characters of a question
_ROWS, _BYTES = 1000, 8 << 20
_HOUR = 3600.0


class Asking(Handler):
    """What the API and the page share: who may, and that who leaves waits for nothing."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": ADMIN}
    actions: ClassVar[Mapping[str, str]] = {"POST": "usage.ask"}
    _work: asyncio.Task[dict[str, Any]] | None = None
    _left = False

    async def asked(self, text: str) -> dict[str, Any] | None:
        """The answer; None where nobody waits for it any more."""
        question = worded(text)
        self.actions = {}  # type: ignore[misc]  # from here on `answer` writes the rows
        self._work = asyncio.ensure_future(answer(self.instance, self.caller, question))
        if self._left:
            self._work.cancel()
        try:
            return await self._work
        except asyncio.CancelledError:
            if not self._left:
                raise
            return None

    def on_connection_close(self) -> None:
        self._left = True
        if self._work is not None:
            self._work.cancel()


def worded(text: str) -> str:
    """The question without blanks around it. Raises BadParameter."""
    question = text.strip()
    if not 1 <= len(question) <= LONGEST:
        raise BadParameter("question", question, f"1 to {LONGEST:,} characters")
    return question


async def answer(instance: Instance, caller: Caller, question: str) -> dict[str, Any]:
    """`question, sql, rationale, columns, rows, row_count, truncated, row_scope, llm_ms, exec_ms`,
    rows by name; for SQL that is refused `rejected`, which says why, and no rows. Raises errors of
    console/asking/ask_model.py, Stopped, TooMany, Unavailable."""
    found: dict[str, Any] = {"question": question}
    result, error = "error.cancelled", None
    try:
        await _answered(instance, caller.me, found)
        result = "error.invalid_sql" if "rejected" in found else "success"
        return found
    except AgnesError as failed:
        result = "error.exec_failed" if isinstance(failed, Stopped) else failure(failed)
        error = failed.message
        if "sql" in found and not failed.detail:
            failed.detail = f"The SQL was: {found['sql']}"
        raise
    except Exception:
        result = "error.internal"
        raise
    finally:
        names = ("question", "sql", "rejected", "row_count", "truncated", "llm_ms", "exec_ms")
        params = {name: found.get(name) for name in names}
        await instance.record(
            entry(caller, "usage.ask", params={**params, "error": error}, result=result)
        )


async def _answered(instance: Instance, me: Principal, found: dict[str, Any]) -> None:
    """Fill `found` as far as it comes."""
    model = provider(instance.settings)
    _count(instance, me.reader)
    started = time.perf_counter()
    proposal = await model.answer(found["question"], told())
    found |= {
        "sql": proposal.sql,
        "rationale": proposal.rationale,
        "llm_ms": _ms(started),
        "exec_ms": 0,
    }
    asking, started = instance.questions, time.perf_counter()
    try:
        question = await _checked(asking, proposal, me)
    except Refused as refused:
        no_rows: dict[str, Any] = {"columns": [], "rows": None, "row_count": 0, "truncated": False}
        reason = refused.message
        found |= {"rejected": reason, "reason": reason, **no_rows, "row_scope": None}
        return
    async with asking.turn(me):
        try:
            found |= await _rows_of(asking, question)
        finally:
            found["exec_ms"] = _ms(started)
    standings = await asking.offload(question.standings)
    found["row_scope"] = questions.scope(standings, me)


async def _checked(asking: Questions, proposal: Proposal, me: Principal) -> Question:
    return await asking.checked(proposal.sql, me, rows=_ROWS, bytes=_BYTES)


async def _rows_of(asking: Questions, question: Question) -> dict[str, Any]:
    run, _ = asking.run(question)
    begun, left = threading.Event(), threading.Event()

    def work() -> tuple[list[str], list[dict[str, Any]]]:
        with run:
            begun.set()
            if left.is_set():
                run.cancel()
            return _by_name(b"".join(run.pieces()))

    try:
        columns, rows = await asking.offload(work)
    except asyncio.CancelledError:
        left.set()
        if begun.is_set():
            run.cancel()
        raise
    about = {"row_count": run.rows, "truncated": run.truncated}
    return {"columns": columns, "rows": rows, **about}


def _by_name(stream: bytes) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns and rows. A name that stands twice gets a number, so that no value is lost."""
    reader = pa.ipc.open_stream(stream)
    names: list[str] = []
    for name in reader.schema.names:
        one, number = name, 1
        while one in names:
            number += 1
            one = f"{name}_{number}"
        names.append(one)
    rows: list[dict[str, Any]] = []
    for batch in reader:
        columns = [values(column) for column in batch.columns]
        rows += [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
    shown: list[dict[str, Any]] = orjson.loads(orjson.dumps(rows, default=said, option=JSON))
    return names, shown


def told() -> str:
    """The tables as the model is told of them: names, types, meanings; never a row."""
    lines = []
    for table in agnes_tables().values():
        lines.append(f"{table.name}: {table.meaning}")
        kinds = table.schema()
        lines += [
            f"  {name} {kinds.field(name).type}: {meaning}"
            for name, meaning in table.columns.items()
        ]
    return "\n".join(lines)


_STARTS: WeakKeyDictionary[Questions, dict[str, deque[float]]] = WeakKeyDictionary()


def _count(instance: Instance, user: str) -> None:
    """Each ask costs money, also the one that is refused. Raises TooMany."""
    most, at = instance.settings.ask_per_hour, time.monotonic()
    starts = _STARTS.setdefault(instance.questions, {}).setdefault(user, deque())
    while starts and starts[0] <= at - _HOUR:
        starts.popleft()
    if len(starts) >= most:
        wait = max(1, round(starts[0] + _HOUR - at))
        raise TooMany(
            f"more than {most} questions to the language model in an hour", retry_after=wait
        )
    starts.append(at)


def _ms(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
