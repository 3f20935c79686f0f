"""What PostHog is told of how the console is used, where a key is set; else nothing, and nothing of
this is begun. SPEC section 19.

An event waits in a queue of bounded length for a thread of its own, so nobody ever waits for the
receiver: what does not fit is dropped and counted. It holds names and numbers of ours, never a
value that somebody typed, an e-mail, or the words of an error. A person is a hash of key and id.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any

import structlog

from console.audit import RecentReads, new_id, now
from console.credentials import is_this_machine
from schema.errors import AgnesError

if TYPE_CHECKING:
    import httpx
    from prometheus_client import Counter
    from tenacity import Retrying

    from console.settings import Settings

log = structlog.get_logger(__name__)

WAITING = 1000  # events at most
LAST = 2.0  # seconds that are left to what waits when the server stops
AGAIN = timedelta(minutes=10)  # until the same is told again
_BATCH = 50
_SECONDS = 5.0  # for one answer
_TRIES = 4
_FRAMES = 12
_NOBODY = "console"
Event = dict[str, Any]


class _Again(Exception):
    """The receiver is not there for now."""


class PostHog:
    """`capture` from any thread. `counted` counts events by what became of them."""

    def __init__(
        self, settings: Settings, counted: Counter | None = None, *, waiting: int = WAITING
    ) -> None:
        self._key = settings.posthog_api_key.strip()
        self._host = settings.posthog_host
        self._counted = counted
        self._queue: queue.Queue[Event | None] = queue.Queue(waiting)
        self._recent = RecentReads(memory=AGAIN)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def on(self) -> bool:
        return bool(self._key) and not self._closing.is_set()

    def capture(self, event: str, user_id: str | None = None, **properties: Any) -> None:
        """Something happened. Never raises, never waits."""
        if not self.on:
            return
        made = {
            "event": event,
            "uuid": new_id(),
            "timestamp": now().isoformat(timespec="milliseconds") + "Z",
            "distinct_id": self._hash(user_id) if user_id else _NOBODY,
            "properties": {
                **properties,
                "$lib": "agnes-console",
                "$process_person_profile": False,
                "$geoip_disable": True,
            },
        }
        try:
            self._queue.put_nowait(made)
        except queue.Full:
            self._count("dropped", 1)
            return
        self._begin()

    def once(self, event: str, user_id: str, about: object = None, **properties: Any) -> None:
        """The same, once in ten minutes for the same `about`, which is told to nobody."""
        if self.on and self._first(event, user_id, about):
            self.capture(event, user_id, **properties)

    def swallowed(self, error: BaseException, *, handled: bool = True) -> None:
        """An error that is answered or tried again, so that nobody would see it: its type and the
        places it came through, never its words. Errors with a name of ours are no surprise."""
        if not self.on or (isinstance(error, AgnesError) and error.status < 500):
            return
        self._exception(type(error).__qualname__, _places(error.__traceback__), handled=handled)

    def swallowed_elsewhere(self, said: str, *, place: str) -> None:
        """The same of another process, whose words begin with the type of the error."""
        kind = said.partition(" ")[0]
        known = kind.isidentifier() and kind.endswith(("Error", "Exception"))
        if self.on:
            self._exception(kind if known else "Error", (_Place(place, "", 0),), handled=True)

    def _exception(self, kind: str, frames: tuple[_Place, ...], *, handled: bool) -> None:
        if not self._first(kind, frames[-1] if frames else None):
            return
        told = {
            "type": kind,
            "value": kind,
            "mechanism": {"handled": handled, "type": "generic"},
            "stacktrace": {"type": "raw", "frames": [place.told() for place in frames]},
        }
        properties: dict[str, Any] = {"$exception_list": [told], "$exception_level": "error"}
        self.capture("$exception", **properties)

    def close(self) -> None:
        """What waits may still go, for two seconds. Blocks."""
        self._closing.set()
        if self._thread is None:
            return
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            pass  # it looks at `_closing` after each batch
        self._thread.join(LAST)
        if self._thread.is_alive():
            log.warning("posthog did not take the last events", waiting=self._queue.qsize())

    # -- in a thread of its own

    def _begin(self) -> None:
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                # A daemon: a receiver that hangs does not keep the process.
                self._thread = threading.Thread(target=self._work, name="posthog", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        import httpx

        here = is_this_machine(self._host)
        plain = here and self._host.startswith("http:")
        with httpx.Client(timeout=_SECONDS, trust_env=not here, verify=not plain) as client:
            while not (self._closing.is_set() and self._queue.empty()):
                batch, ends = self._some()
                if batch:
                    self._send(client, batch)
                if ends:
                    return

    def _some(self) -> tuple[list[Event], bool]:
        """What waits, at most a batch of it; whether that was the end. Waits for the first."""
        batch, one = [], self._queue.get()
        while one is not None:
            batch.append(one)
            if len(batch) == _BATCH:
                break
            try:
                one = self._queue.get_nowait()
            except queue.Empty:
                break
        return batch, one is None

    def _send(self, client: httpx.Client, batch: list[Event]) -> None:
        from tenacity import RetryError

        try:
            taken = self._tries()(self._posted, client, batch)
        except RetryError:
            taken = False
        except Exception as error:  # noqa: BLE001 (whatever it is, the thread goes on)
            log.warning("posthog cannot be told", reason=type(error).__name__)
            taken = False
        self._count("sent" if taken else "failed", len(batch))

    def _tries(self) -> Retrying:
        """Again while the receiver is not there, at most four times, and not once it is to end."""
        from tenacity import (
            Retrying,
            retry_if_exception_type,
            sleep_using_event,
            stop_after_attempt,
            stop_when_event_set,
            wait_exponential_jitter,
        )

        return Retrying(
            retry=retry_if_exception_type(_Again),
            stop=stop_after_attempt(_TRIES) | stop_when_event_set(self._closing),
            wait=wait_exponential_jitter(multiplier=0.5, max=30),
            sleep=sleep_using_event(self._closing),
        )

    def _posted(self, client: httpx.Client, batch: list[Event]) -> bool:
        """Whether it was taken. Raises _Again where another try may help."""
        import httpx

        body = {"api_key": self._key, "batch": batch}
        try:
            status = client.post(self._host + "/batch/", json=body).status_code
        except httpx.TransportError as error:
            raise _Again(type(error).__name__) from None
        if status in (408, 429) or status >= 500:
            raise _Again(str(status))
        return httpx.codes.is_success(status)

    # --

    def _first(self, *key: object) -> bool:
        with self._lock:
            return self._recent.first(*key)

    def _hash(self, user_id: str) -> str:
        return hashlib.sha256(f"{self._key} {user_id}".encode()).hexdigest()[:32]

    def _count(self, what: str, number: int) -> None:
        if self._counted is not None:
            self._counted.labels(what).inc(number)


@dataclass(frozen=True)
class _Place:
    file: str
    function: str
    line: int

    def told(self) -> dict[str, Any]:
        return {
            "platform": "python",
            "filename": self.file,
            "function": self.function,
            "lineno": self.line,
        }


def _places(trace: TracebackType | None) -> tuple[_Place, ...]:
    """The last lines that it came through, the innermost at the end; files by the end of their
    names, which tells nothing of the machine."""
    found: list[_Place] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        parts = code.co_filename.replace("\\", "/").split("/")
        found.append(_Place("/".join(parts[-3:]), code.co_name, trace.tb_lineno))
        trace = trace.tb_next
    return tuple(found[-_FRAMES:])


def counted(rows: Collection[Mapping[str, Any]], column: str) -> dict[str, int]:
    """How many rows have each value of a column whose values are words of ours."""
    values = [str(row.get(column)) for row in rows]
    return {value: values.count(value) for value in sorted(set(values))}
