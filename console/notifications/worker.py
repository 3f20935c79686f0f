"""Runs the outbox and the listening beside the server, in its event loop.

It looks at numbers in memory twice a second, and at the tables when one of those has changed or
when something is due. Whatever fails is tried again; no request ever waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import structlog

from console.audit import now
from console.notifications.bot import LISTEN, Bot, TelegramError
from console.notifications.linking import Linking
from console.notifications.outbox import TABLES, Outbox, backoff
from console.settings import Settings
from schema.store import Store
from schema.tables import INSTANCE_CONFIG

log = structlog.get_logger(__name__)

_BEAT = 0.5  # seconds between two looks at a number in memory
_PAUSE = timedelta(seconds=10)  # after what nobody thought of
_LAST = 5.0  # seconds that a message under way has to arrive when the server stops


class NotificationWorker:
    """`start` it in the event loop that it is to live in, and `stop` it there. `address`: where the
    console listens, for links where no setting names another one."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        address: str,
        clock: Callable[[], datetime] = now,
        swallowed: Callable[[BaseException], None] = lambda error: None,
    ) -> None:
        self._store = store
        self._clock, self._swallowed = clock, swallowed
        bot = Bot.of(settings)
        self._settings, self._address = settings, address
        hour = settings.telegram_digest_hour
        self._outbox = Outbox(store, bot, hour=hour, public=self._public, clock=clock)
        self._linking = Linking(store, bot, clock=clock) if bot else None
        self._tasks: list[asyncio.Task[None]] = []
        self._turn = asyncio.Lock()

    @property
    def _public(self) -> str:
        return str(self._settings.public_url or self._address)

    def start(self) -> None:
        work: list[Coroutine[Any, Any, None]] = [self._send()]
        if self._linking is not None:
            work.append(self._listen(self._linking))
        self._tasks = [asyncio.create_task(each) for each in work]

    async def stop(self) -> None:
        self._outbox.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._turn.acquire(), _LAST)
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _send(self) -> None:
        seen, due = -1, None
        while True:
            version = self._store.version(*TABLES, INSTANCE_CONFIG.name)
            if version != seen or (due is not None and self._clock() >= due):
                seen = version
                try:
                    hour, public = self._settings.telegram_digest_hour, self._public
                    self._outbox.set(hour=hour, public=public)
                    async with self._turn:
                        due = await self._outbox.turn()
                except Exception as error:  # noqa: BLE001 (whatever it is, it is tried again)
                    log.warning("messages are not sent for now", reason=repr(error))
                    self._swallowed(error)
                    due = self._clock() + _PAUSE
            await asyncio.sleep(_BEAT)

    async def _listen(self, linking: Linking) -> None:
        seen, failures, again = -1, 0, self._clock()
        waiting = False
        while True:
            version = self._store.version("telegram_codes")
            try:
                if (version != seen or waiting) and self._clock() >= again:
                    seen, waiting = version, await linking.is_waiting()
                    await (linking.listen(wait=LISTEN) if waiting else linking.done())
                    failures = 0
            except TelegramError as error:
                failures += 1
                waiting, again = True, self._clock() + backoff(failures, asked=error.retry_after)
                log.warning("telegram is not listened to for now", reason=error.message)
            except Exception as error:  # noqa: BLE001 (whatever it is, it is tried again)
                waiting, again = True, self._clock() + _PAUSE
                log.warning("telegram is not listened to for now", reason=repr(error))
                self._swallowed(error)
            await asyncio.sleep(_BEAT)
