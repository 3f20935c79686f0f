"""Asking in SQL: whose turn it is, and the way of a question from its text to its answer.

One object a server. Rights are those of the rows that a question is given
(`console.tables.agnes_rows`); which tables there are says `console.tables.offered`; what may be
asked decides `console.sandbox.validate`; where it runs, `console.sandbox.pool`.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from console.sandbox.pool import Limits, Nursery, Run
from console.sandbox.validate import Checked, validate
from console.settings import Settings
from console.tables.agnes_rows import Extract
from console.tables.offered import Offer, offered
from console.tables.remote_tables import Remote
from schema.errors import TooMany, Unavailable
from schema.policy import Principal
from schema.store import Store

T = TypeVar("T")
_MINUTE = 60.0
_LONG = 512  # bits


class NoTurn(Unavailable):
    """Too many questions run already; in `retry_after` seconds, those of now have ended."""

    title = "No turn"

    def __init__(self, message: str, *, retry_after: int, detail: str) -> None:
        super().__init__(message, detail=detail)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Question:
    """A text that may run, for one person. `offers`: the tables that it uses; `rows` and `bytes`:
    the most of its answer."""

    checked: Checked
    principal: Principal
    offers: Mapping[str, Offer]
    rows: int
    bytes: int

    @property
    def tables(self) -> list[str]:
        return sorted(self.checked.needs)

    @property
    def kinds(self) -> frozenset[str]:
        """Of its tables."""
        return frozenset(offer.kind for offer in self.offers.values())

    def offer(self, name: str) -> Offer:
        """A table that it uses; one that is read at its source, with the rows that are enough."""
        found = self.offers[name]
        return found.narrowed(self.checked.within.get(name)) if isinstance(found, Remote) else found

    def standings(self) -> dict[str, dict[str, Any]]:
        """By table how many rows are seen. Blocks."""
        return {name: self.offers[name].standing() for name in self.tables}


class Questions:
    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        self._nursery = Nursery()
        self._closed = False
        self.waiting = 0  # questions that have not had their turn yet
        self._threads = ThreadPoolExecutor(settings.query_children, "agnes-question")
        self._children = asyncio.Semaphore(settings.query_children)
        self._mine: dict[tuple[str, int], asyncio.Semaphore] = {}
        self._starts: dict[str, deque[float]] = defaultdict(deque)

    async def checked(self, sql: str, principal: Principal, *, rows: int, bytes: int) -> Question:
        """Raises Refused."""
        found, offers = await self.store.offload(self._checked, sql, principal)
        return Question(found, principal, offers, rows, bytes)

    def _checked(self, sql: str, principal: Principal) -> tuple[Checked, dict[str, Offer]]:
        offers = offered(self, principal)
        columns = {name: tuple(offer.columns) for name, offer in offers.items()}
        found = validate(sql, columns, cheapest=lambda name: _cheapest(offers[name].schema()))
        return found, {name: offers[name] for name in found.needs}

    @asynccontextmanager
    async def turn(self, principal: Principal) -> AsyncIterator[None]:
        """Wait until this person, and the server, may start one more. Raises TooMany, NoTurn."""
        self._count(principal.reader)
        most = self.settings.query_at_once
        mine = self._mine.setdefault((principal.reader, most), asyncio.Semaphore(most))
        wait = self.settings.query_wait
        came = False
        self.waiting += 1
        try:
            async with asyncio.timeout(wait) as patience, mine, self._children:
                patience.reschedule(None)
                came = True
                self.waiting -= 1
                yield
        except TimeoutError:
            if not patience.expired():
                raise
            raise NoTurn(
                f"no turn within {wait} s: too many questions run already",
                retry_after=self.settings.query_seconds,
                detail=f"One person has {most} at the same time; wait for one to end.",
            ) from None
        finally:
            self.waiting -= not came

    def _count(self, user: str) -> None:
        starts, at, most = self._starts[user], time.monotonic(), self.settings.query_per_minute
        while starts and starts[0] <= at - _MINUTE:
            starts.popleft()
        if len(starts) >= most:
            wait = max(1, round(starts[0] + _MINUTE - at))
            raise TooMany(f"more than {most} questions in a minute", retry_after=wait)
        starts.append(at)

    def run(self, question: Question) -> tuple[Run, Extract]:
        """The run of a question, not begun yet, and what it reads."""
        settings = self.settings
        limits = Limits(
            seconds=settings.query_seconds,
            memory=settings.query_memory_mb << 20,
            rows=question.rows,
            bytes=question.bytes,
        )
        extract = Extract(self.store, question.principal, most=settings.query_extract_mb << 20)
        tables = {
            name: question.offer(name).pieces(extract, columns)
            for name, columns in question.checked.needs.items()
        }
        return Run(self._nursery, question.checked.sql, tables, limits), extract

    async def offload(self, work: Callable[..., T], *args: Any) -> T:
        """Blocking work of a question, in a thread that is there for it. Raises Unavailable once
        the server stops."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        except RuntimeError:
            if not self._closed:
                raise
            raise Unavailable("the server is stopping; try again") from None

    def close(self) -> None:
        self._closed = True
        self._nursery.close()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _cheapest(schema: pa.Schema) -> str:
    """The column whose values are smallest."""

    def size(field: pa.Field) -> int:
        try:
            return int(field.type.bit_width)
        except ValueError:  # as long as each value
            return _LONG

    return str(min(schema, key=size).name)


def scope(standings: Mapping[str, Mapping[str, Any]], principal: Principal) -> dict[str, Any]:
    """Why these rows: the rule, who asks, and how many rows they see of how many."""
    everybody = principal.is_admin
    rule = "admins see all rows" if everybody else "everybody else sees their own rows"
    who = {"user_id": principal.user_id, "email": principal.email, "is_admin": everybody}
    return {"rule": rule, "principal": who, "tables": dict(standings)}
