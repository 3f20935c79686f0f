"""Writing the audit log: one row for each thing that happened, and the rules for what may stand in
it.

`entry` makes the row; the caller hands it to `Store.write` together with the change it records, so
that both happen or neither. Nothing else writes to `audit_log`. SPEC section 4.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict, deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import uuid_utils

from schema.policy import Principal
from schema.search import search_text
from schema.tables import AUDIT_LOG
from schema.transaction import Rows

SECRET_KEY = re.compile(
    r"passw(or)?d|passphrase|token|secret|(api|private|signing|access)[-_. ]?key|bearer|credential"
    r"|authorization|cookie",
    re.IGNORECASE,
)
# Keys that match but hold no secret.
HARMLESS_KEYS = frozenset(
    {
        "token_id",
        "tokens",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_creation_tokens",
        "AGNES_ASK_TOKENS",
    }
)
HIDDEN = "(hidden)"
TEXT_LIMIT = 256
ERROR_LIMIT = 200
_DEPTH = 8
READ_MEMORY = timedelta(seconds=60)
_READS_KEPT = 10_000


def now() -> datetime:
    """The moment, naive UTC, as stored."""
    return datetime.now(UTC).replace(tzinfo=None)


def new_id() -> str:
    """A time-ordered UUID (v7)."""
    return str(uuid_utils.uuid7())


@dataclass(frozen=True)
class Caller:
    """Who did it and how they came. `started` is `time.perf_counter()` at the request's start;
    `credential`: what they came with, by its id."""

    principal: Principal | None = None
    client_kind: str | None = None
    client_ip: str | None = None
    correlation_id: str = field(default_factory=new_id)
    started: float | None = field(default_factory=time.perf_counter)
    credential: str | None = None

    def as_(self, principal: Principal) -> Caller:
        return replace(self, principal=principal)

    @property
    def me(self) -> Principal:
        """The principal of a caller known to be signed in."""
        if self.principal is None:
            raise LookupError("an anonymous caller has no principal")
        return self.principal


def entry(
    caller: Caller,
    action: str,
    *,
    resource: str | None = None,
    params: Mapping[str, Any] | None = None,
    before: Mapping[str, Any] | None = None,
    result: str | None = "success",
) -> Rows:
    """One audit row, ready to be written. `params` and `before` (the state before a change) lose
    their secrets and their length here; keys whose value is None are left out of `params`. What an
    admin does while they view as somebody is theirs; `params` says as whom."""
    given = {key: value for key, value in (params or {}).items() if value is not None}
    who = caller.principal
    if who is not None and who.view is not None:
        given["view_as"] = who.user_id
    text = dumps(given) if given else None
    took = None if caller.started is None else round((time.perf_counter() - caller.started) * 1000)
    resource = None if resource is None else cut(resource)
    return Rows(
        AUDIT_LOG,
        [
            {
                "id": new_id(),
                "timestamp": now(),
                "user_id": (who.reader or None) if who else None,
                "action": action,
                "resource": resource,
                "params": text,
                "params_before": dumps(before) if before else None,
                "result": result,
                "duration_ms": took,
                "client_ip": caller.client_ip,
                "client_kind": caller.client_kind,
                "correlation_id": caller.correlation_id,
                "search": search_text(action, resource, text),
            }
        ],
    )


def dumps(value: Mapping[str, Any]) -> str:
    return orjson.dumps(clean(value), option=orjson.OPT_NON_STR_KEYS).decode()


def clean(value: Any, key: str = "", depth: int = 0) -> Any:
    """`value` without secrets (judged by key), with long texts cut: safe to keep and to show."""
    if depth > _DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {
            printable(str(name)): clean(part, str(name), depth + 1)
            for name, part in value.items()
            if not is_secret(str(name))
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(part, key, depth + 1) for part in value]
    if isinstance(value, str):
        return cut(value, ERROR_LIMIT if key in ("error", "reason", "detail") else TEXT_LIMIT)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return cut(str(value))  # more than JSON's writer takes
    if value is None or isinstance(value, bool | int | float | datetime):
        return value
    return cut(str(value))


def is_secret(key: str) -> bool:
    return key not in HARMLESS_KEYS and SECRET_KEY.search(key) is not None


def cut(text: str, limit: int = TEXT_LIMIT) -> str:
    text = printable(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def printable(text: str) -> str:
    """Text that every encoder takes: lone surrogates and NUL become the replacement character."""
    return text.encode("utf-8", "replace").decode().replace("\0", "�")


class RecentReads:
    """Which reads were audited in the last minute, so that paging and polling do not flood the log.
    Bounded; one for the whole server. A changed filter is a new read; the cursor and the limit are
    not part of it."""

    def __init__(self, *, memory: timedelta = READ_MEMORY, kept: int = _READS_KEPT) -> None:
        self._seen: OrderedDict[Hashable, float] = OrderedDict()
        self._memory = memory.total_seconds()
        self._kept = kept

    def first(self, *key: Hashable, at: float | None = None) -> bool:
        """True when this read is to be written; remembers it."""
        moment = time.monotonic() if at is None else at
        last = self._seen.get(key)
        if last is not None and moment - last < self._memory:
            return False
        self._seen[key] = moment
        self._seen.move_to_end(key)
        while len(self._seen) > self._kept:
            self._seen.popitem(last=False)
        return True

    def forget(self, *key: Hashable) -> None:
        """The row could not be written: the next read tries again."""
        self._seen.pop(key, None)


class LostWrites:
    """Audit rows that could not be written in the last 24 h: when, and why. Shown in the pulse."""

    def __init__(self, kept: int = 10_000) -> None:
        self._lost: deque[tuple[datetime, str]] = deque(maxlen=kept)

    def add(self, error: BaseException) -> None:
        self._lost.append((now(), cut(str(error), ERROR_LIMIT)))

    def since(self, moment: datetime) -> int:
        return sum(at >= moment for at, _ in self._lost)
