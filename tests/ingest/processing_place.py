"""Everything that turns transcripts into rows, without a server around it: an instance, kernels
that speak to it directly, and a clock that a test sets."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
import pytest

from console import claims, processing, work
from console.audit import Caller
from console.client import Download
from console.identity.gate import Gate
from console.identity.people import People
from console.instance import Instance
from console.metrics import Metrics
from console.settings import Settings
from ingest import uploads
from ingest.session_files import target
from ingest.uploads import MB, Receiver, Stored
from ingest.wire import unpack
from schema import tables
from schema.policy import Principal
from schema.store import Store
from schema.table import Table, rows_of
from schema.transaction import Row, Rows, Transaction
from tests.transcripts import Transcript

NOON = datetime(2026, 6, 1, 12)
KERNEL = "kernel"
BOTH = ("usage", "failure_scan")
MADE = (
    tables.USAGE_EVENTS,
    tables.USAGE_SESSION_SUMMARY,
    tables.SESSION_FINDINGS,
    tables.SESSION_VERDICTS,
    tables.USAGE_TOOL_DAILY,
    tables.USAGE_MARKETPLACE_ITEM_DAILY,
    tables.USAGE_MARKETPLACE_ITEM_WINDOW,
    tables.SESSION_PROCESSOR_STATE,
    tables.SESSION_ROOTS,
    tables.ROLLUP_DAYS,
)
# When something was done, and how often it was tried, may differ; what came of it may not.
PASSING = ("extracted_at", "detected_at", "decided_at", "processed_at", "attempts")
ADMIN = Caller(Principal("admin", is_admin=True))
Hook = Callable[[str], None]


class Place:
    """An instance on a folder of its own. `now` is what it takes for the time."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.now = NOON
        self.settings = Settings({}, AGNES_DATA_DIR=str(folder), **settings)
        self.store = Store(folder / "agnes.duckdb", threads=1)
        self.instance = Instance(
            self.settings,
            self.store,
            Gate(self.store, b"key"),
            People(self.store),
            Metrics(self.store),
        )
        self._uploads = 0
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> Self:
        for module in (processing, claims):
            self._patch.setattr(module, "now", lambda: self.now)
        self._patch.setattr(uploads, "now", self._arrived)
        self._patch.setattr(work, "ThreadPoolExecutor", AtOnce)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._patch.undo()
        self.store.close()

    # What comes in

    def _arrived(self) -> datetime:
        """When an upload came: no two at the same moment."""
        self._uploads += 1
        return self.now + timedelta(microseconds=self._uploads)

    def user(self, email: str | None = None) -> str:
        """The id of somebody new: the same at each run, for those who order by it."""
        id = str(uuid.UUID(int=len(self.rows(tables.USERS)) + 1))
        row = {"id": id, "email": email or f"{id[-4:]}@example.org", "is_admin": False}
        self.write(Rows(tables.USERS, [{**row, "is_active": True, "created_at": NOON}]))
        return id

    def upload(
        self, user: str, name: str, what: Transcript | bytes, parent: str | None = None
    ) -> str:
        """The `session_file` it has now."""
        receiver = Receiver(self.folder, user, name, limit=MB)
        receiver.write(what if isinstance(what, bytes) else what.data)
        where = target(user, name, parent)
        receiver.commit(self.store, where, _noted)
        return where.session_file

    # What is done

    def write(self, *steps: Any) -> Any:
        return self.store.write(*steps).result()

    def kernel(self, *names: str, hook: Hook = lambda step: None) -> work.Worker:
        return work.Worker(Loopback(self, hook), names or BOTH)  # type: ignore[arg-type]

    def run(self, *names: str, **limits: Any) -> work.Report:
        """One kernel, until nothing waits; its claims end with it."""
        try:
            return self.kernel(*names).run(**limits)
        finally:
            self.instance.claims.end(KERNEL)

    def roll_up(self) -> list[str]:
        return [row["day"] for row in asyncio.run(processing.roll_up(self.instance))["days"]]

    def forget(self, session_file: str | None = None) -> dict[str, int]:
        return asyncio.run(processing.forget(self.instance, ADMIN, session_file=session_file))

    def due(self, name: str = "usage") -> list[str]:
        found = processing.claim(self.instance, [name], holder="looks", limit=200)
        self.instance.claims.end("looks")
        return [row["session_file"] for row in found["rows"]]

    # What stands

    def rows(self, table: Table, **equal: Any) -> list[dict[str, Any]]:
        found = self.store.read(rows_of(table)).to_pylist()
        return [row for row in found if all(row[name] == part for name, part in equal.items())]

    def made(self) -> dict[str, list[str]]:
        """All that was made of the transcripts, in an order of its own."""
        return {
            table.name: sorted(
                str({name: part for name, part in row.items() if name not in PASSING})
                for row in self.rows(table)
            )
            for table in MADE
        }

    def emptied(self) -> Self:
        """As on its first day, but for the people."""
        self.wipe(*MADE, tables.SESSION_FILES, tables.MARKETPLACE_ITEMS)
        self.now = NOON
        return self

    def wipe(self, *tables: Table) -> None:
        """As if nothing had ever been made; what was uploaded stays."""

        def empty(transaction: Transaction) -> None:
            for table in tables or MADE:
                values = [row[table.key[0]] for row in transaction.read(rows_of(table))]
                transaction.delete_among(table, table.key[0], values)

        self.write(empty)
        self.instance.windows_of = None
        self.instance.claims = claims.Claims()


class Loopback:
    """A client whose server is this process. `hook` is told each step before it is done, and may
    raise, or do something meanwhile."""

    def __init__(self, place: Place, hook: Hook) -> None:
        self._place = place
        self._hook = hook

    def request(self, method: str, path: str, **options: Any) -> Any:
        self._hook(path)
        if path == "/api/jobs/pending":
            asked = options["json"]
            answer = processing.claim(
                self._place.instance,
                asked["processors"],
                holder=KERNEL,
                limit=asked["limit"],
            )
        else:
            assert (method, path) == ("POST", "/api/jobs/commit")
            finished = unpack(options["content"])
            receipts = asyncio.run(processing.take_back(self._place.instance, finished))
            answer = {"rows": [vars(receipt) for receipt in receipts]}
            self._hook("committed")
        return orjson.loads(orjson.dumps(answer, option=orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z))

    @contextmanager
    def stream(self, path: str, params: dict[str, str]) -> Iterator[Download]:
        self._hook(path)
        data = (self._place.folder / "sessions" / params["session_file"]).read_bytes()
        yield Download(None, iter([data]))


class AtOnce:
    """An executor that does the work when it is handed over: what happens has one order."""

    def __init__(self, workers: int) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*args))
        except Exception as error:  # noqa: BLE001 (handed on, as executors do)
            done.set_exception(error)
        return done


def later(place: Place, **span: float) -> None:
    place.now += timedelta(**span)


def _noted(stored: Stored, before: Row | None) -> Rows:
    return Rows(tables.AUDIT_LOG, [])
