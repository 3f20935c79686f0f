"""What one running console holds. Made by `console.app`, handed to every handler and page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import structlog

from console.asking.questions import Questions
from console.audit import Caller, LostWrites, RecentReads, entry, now
from console.claims import Claims
from console.configured import Configured
from console.health import Health
from console.identity import view_as
from console.identity.gate import Gate
from console.identity.oidc.flow import Oidc
from console.identity.people import People
from console.identity.sign_in import SignIn
from console.jobs.dispatcher import Dispatcher
from console.links import Place
from console.metrics import Metrics
from console.posthog import PostHog
from console.reasons import Reasons
from console.settings import Settings
from console.syncing.syncs import Syncs
from schema.errors import AgnesError
from schema.store import Store
from schema.transaction import Rows

log = structlog.get_logger(__name__)


@dataclass
class Instance:
    settings: Settings
    store: Store
    gate: Gate
    people: People
    metrics: Metrics
    sign_in: SignIn = field(default_factory=SignIn)
    claims: Claims = field(default_factory=Claims)
    waiting: dict[tuple[str, ...], tuple[object, int]] = field(default_factory=dict)
    processing: set[str] = field(default_factory=set)  # processors that were asked to run
    backing_up: bool = False  # one backup at a time
    windows_of: date | None = None  # the day whose windows were rolled up last
    recent_reads: RecentReads = field(default_factory=RecentReads)
    reasons: Reasons = field(default_factory=Reasons)
    lost_writes: LostWrites = field(default_factory=LostWrites)
    health: Health = field(default_factory=Health)
    started_at: datetime = field(default_factory=now)
    places: Sequence[Place] = ()  # the pages there are, as `console.app` put them together
    address: str = ""  # where it listens
    jobs: Dispatcher = field(init=False)
    oidc: Oidc = field(init=False)
    posthog: PostHog = field(init=False)
    questions: Questions = field(init=False)
    syncs: Syncs = field(init=False)
    pulse: tuple[float, dict[str, Any]] | None = (
        None  # when it was taken (monotonic), and what it said
    )

    def __post_init__(self) -> None:
        self.settings.follow(Configured(self.store))
        self.jobs = Dispatcher(self)
        self.oidc = Oidc(self.settings)
        self.posthog = PostHog(self.settings, self.metrics.posthog)
        self.questions = Questions(self.settings, self.store)
        self.syncs = Syncs(self)
        self.gate.views.ended = self._view_ended

    @property
    def public_address(self) -> str:
        """Where people reach it: as `AGNES_PUBLIC_URL` says, else where it listens."""
        return self.settings.public_url or self.address

    async def record(self, row: Rows) -> bool:
        """Write the audit row of a read. A failure never fails the read: it is logged, counted, and
        shown in the pulse. Changes hand their row to `store.write` themselves, with the change."""
        try:
            await self.store.awrite(row)
        except Exception as error:  # noqa: BLE001 (whatever it is, the read goes on)
            self.lost(error)
            return False
        return True

    async def was_read(self, caller: Caller, action: str, params: Mapping[str, Any]) -> None:
        """Write that something was read: one row a minute for the same read by the same person."""
        me = caller.me
        key = (me.reader, me.user_id, action, tuple(sorted(params.items())))
        first = self.recent_reads.first(*key)
        if first and not await self.record(entry(caller, action, params=params)):
            self.recent_reads.forget(*key)

    def _view_ended(self, held: view_as.Held, why: str) -> None:
        """An admin's view as somebody ended by itself."""

        def written(done: Future[Any]) -> None:
            if (error := done.exception()) is not None:
                self.lost(error)

        self.store.write(view_as.row(held, held.admin, why=why)).add_done_callback(written)

    def lost(self, error: BaseException) -> None:
        """An audit row could not be written: counted, shown in the pulse, logged."""
        self.lost_writes.add(error)
        self.metrics.lost.inc()
        self.posthog.swallowed(error)
        reason = error.message if isinstance(error, AgnesError) else str(error)
        log.error("audit row lost", reason=reason)
