"""Listening for one-time codes: while some wait, the bot is asked what was said to it.

What it is told is a stranger's. A code of ours links the chat; nothing else is looked at, kept or
repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from console.audit import now
from console.notifications import codes
from console.notifications.bot import Bot, TelegramError
from console.notifications.codes import CodeRefused, Guesses
from console.queries import notifications as questions
from schema.bind import At
from schema.errors import NotFound
from schema.store import Store

log = structlog.get_logger(__name__)

HOW = "Send me the code that the console shows: /start CODE."
ALONE = "Send it in a private chat with me, not in a group."


@dataclass(frozen=True)
class Message:
    chat_id: str
    is_private: bool
    text: str


def message_of(update: Mapping[str, Any]) -> Message | None:
    """The text that somebody said to the bot, if this is one."""
    found = update.get("message")
    chat = found.get("chat") if isinstance(found, dict) else None
    text = found.get("text") if isinstance(found, dict) else None
    if not isinstance(chat, dict) or not isinstance(text, str) or "\0" in text:
        return None
    if not isinstance(chat.get("id"), int) or isinstance(chat["id"], bool):
        return None
    return Message(str(chat["id"]), chat.get("type") == "private", text)


class Linking:
    """`clock` is the server's."""

    def __init__(self, store: Store, bot: Bot, *, clock: Callable[[], datetime] = now) -> None:
        self._store = store
        self._bot = bot
        self._clock = clock
        self._guesses = Guesses(clock=clock)
        self._offset: int | None = None  # the first update that was not looked at
        self._told = True  # whether Telegram knows that

    async def is_waiting(self) -> bool:
        """Whether there is a code to wait for."""
        store = self._store
        (found,) = await store.offload(store.rows, questions.codes_waiting, At(self._clock()))
        return bool(found["waiting"])

    async def listen(self, *, wait: int) -> None:
        """Hear what was said, for up to `wait` seconds. Raises TelegramError."""
        updates = await self._bot.updates(self._offset, wait=wait)
        self._told = True
        for update in updates:
            number = update.get("update_id")
            if isinstance(number, int) and not isinstance(number, bool):
                self._offset, self._told = max(self._offset or 0, number + 1), False
            message = message_of(update)
            if message is not None:
                await self._heard(message)

    async def done(self) -> None:
        """Nothing is waited for any more: Telegram may forget what was heard."""
        if not self._told:
            await self.listen(wait=0)

    async def _heard(self, message: Message) -> None:
        code = codes.said(message.text)
        is_start = message.text.strip().split("@")[0] == "/start"
        if (code is None and not is_start) or not self._guesses.open(message.chat_id):
            return
        if not message.is_private:
            self._guesses.wrong(message.chat_id)
            return await self._say(message, ALONE)
        if code is None:
            self._guesses.wrong(message.chat_id)
            return await self._say(message, HOW)
        try:
            linked = await self._store.awrite(codes.use(code, message.chat_id, self._clock()))
        except (CodeRefused, NotFound) as refused:
            self._guesses.wrong(message.chat_id)
            return await self._say(message, refused.message)
        await self._say(message, f"This chat is linked to {linked.email} on the Agnes Console.")

    async def _say(self, message: Message, text: str) -> None:
        try:
            await self._bot.send(message.chat_id, text)
        except TelegramError as error:
            log.warning("telegram answer not sent", reason=error.message)
