"""What waits goes out, one message at a time, and what became of it is written down.

A message stands in its table until Telegram has confirmed it. So it is sent at least once, whatever
ends the server; and once only, but where that happened between Telegram's answer and the write that
follows it. Nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from tenacity import RetryCallState, wait_exponential_jitter

from console.audit import now
from console.notifications import policy
from console.notifications.bot import BadToken, Bot, TelegramError
from console.notifications.policy import Letter
from console.queries import notifications as questions
from schema.store import Store
from schema.tables import NOTIFICATIONS
from schema.transaction import Transaction

log = structlog.get_logger(__name__)

TABLES = ("notifications", "telegram_links", "users")  # a change of these is looked at
BACKOFF = wait_exponential_jitter(multiplier=5, max=900, jitter=5)  # seconds
TRIES = 300  # of what may pass; three days
Values = Mapping[str, Any]


def backoff(attempts: int, *, asked: int | None = None) -> timedelta:
    """How long to wait after so many attempts; at least as long as Telegram `asked`."""
    state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
    state.attempt_number = attempts
    return timedelta(seconds=max(BACKOFF(state), asked or 0))


class Outbox:
    """`hour` of the digest, UTC; `public`: the console's address for links."""

    def __init__(
        self,
        store: Store,
        bot: Bot | None,
        *,
        hour: int,
        public: str,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._bot = bot
        self.set(hour=hour, public=public)
        self._clock = clock
        self._quiet = datetime.min  # Telegram has asked the bot to be silent until then
        self._done: dict[str, Values] = {}  # what happened, by message, and is not written yet
        self._closing = False

    def set(self, *, hour: int, public: str) -> None:
        """From the next turn on."""
        self._hour, self._public = hour, public

    def close(self) -> None:
        """Begin nothing more: what is being sent is the last."""
        self._closing = True

    async def turn(self) -> datetime | None:
        """Everything that is to be done now; when there will be something again. Raises what a
        write raises: then nothing more is sent before that is written."""
        while True:
            await self._written()
            at = self._clock()
            plan = await self._plan(at)
            if plan.held or plan.stranded:
                self._note(plan.held, {"state": "held"})
                values = {"channel": questions.CONSOLE, "state": "new"}
                self._note(plan.stranded, {**values, "next_at": None})
                continue
            if not plan.letters or self._closing:
                return plan.due
            if at < self._quiet:
                plan.wait(self._quiet)
                return plan.due
            await self._send(plan.letters)

    async def _plan(self, at: datetime) -> policy.Plan:
        store = self._store
        rows = await store.offload(store.rows, questions.outbox)
        last = await store.offload(store.rows, questions.last_sent) if rows else []
        sent = {row["user_id"]: row["at"] for row in last}
        return policy.planned(rows, sent, at=at, hour=self._hour, bot=self._bot is not None)

    async def _send(self, letters: list[Letter]) -> None:
        """Each of them, until Telegram asks for silence. A token that is refused is refused for
        all."""
        assert self._bot is not None
        bad: BadToken | None = None
        for letter in letters:
            try:
                if bad is not None:
                    raise bad
                await self._bot.send(letter.chat_id, letter.text(self._public))
            except TelegramError as error:
                bad = error if isinstance(error, BadToken) else bad
                self._failed(letter, error)
            else:
                at = self._clock()
                state = "digested" if letter.is_digest else "sent"
                told = {"state": state, "sent_at": at, "read_at": at}
                done = {"attempts": letter.attempts + 1, "next_at": None, "error": None}
                self._note(letter.ids, {**told, **done})
            await self._written()
            if self._closing or self._clock() < self._quiet:
                return

    def _failed(self, letter: Letter, error: TelegramError) -> None:
        attempts = letter.attempts + 1
        lasting = error.lasting or attempts >= TRIES
        values: dict[str, Any] = {"attempts": attempts, "error": error.message, "next_at": None}
        if lasting:
            values["state"] = "failed"
        else:
            wait = backoff(attempts, asked=error.retry_after)
            values["next_at"] = self._clock() + wait
            if error.retry_after:
                self._quiet = values["next_at"]
        log.warning(
            "telegram message not sent",
            reason=error.message,
            messages=len(letter.rows),
            attempts=attempts,
            given_up=lasting,
        )
        self._note(letter.ids, values)

    def _note(self, ids: list[str], values: Values) -> None:
        self._done |= dict.fromkeys(ids, values)

    async def _written(self) -> None:
        """Write down what happened. Kept until it stands on disk, so that this server never says
        twice what Telegram has confirmed."""
        if not self._done:
            return
        done = dict(self._done)

        def step(transaction: Transaction) -> None:
            groups: dict[int, tuple[Values, list[str]]] = {}
            for id, values in done.items():
                groups.setdefault(id_of(values), (values, []))[1].append(id)
            for values, ids in groups.values():
                transaction.update_among(NOTIFICATIONS, "id", ids, values)

        await self._store.awrite(step)
        self._done.clear()


def id_of(values: Values) -> int:
    """What happened to several messages at once is one object."""
    return id(values)
