"""Telegram's Bot API, as far as it is used: say something in a chat, hear what was said to the bot.

The token stands in the address of every request. So no address is logged, no text of an answer or
of an exception is repeated, and whatever goes wrong has a name and words of our own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import orjson

from console.credentials import is_this_machine
from console.settings import Settings
from schema.errors import AgnesError, Conflict

TOKEN = "AGNES_TELEGRAM_BOT_TOKEN"
SECONDS = 15.0  # for a whole answer
LISTEN = 25  # seconds that Telegram keeps a question for news open
_ANSWER = 4 << 20  # bytes of an answer at most; a hundred messages of 4 KB are less
_LONGEST = 86_400  # seconds that a `retry_after` is believed
_CHAT_WORDS = (
    ("blocked", "the bot is blocked in this chat"),
    ("deactivated", "the Telegram account is deleted"),
    ("kicked", "the bot was removed from this chat"),
    ("chat not found", "Telegram knows no such chat; its owner must write to the bot first"),
    ("upgraded", "the group has moved: link its new chat id"),
)


class TelegramError(AgnesError):
    """Telegram did not take it. `lasting`: trying again changes nothing."""

    status = 502
    title = "Telegram"
    lasting = False
    retry_after: int | None = None  # seconds that Telegram asks to wait


class NoBot(Conflict):
    title = "No Telegram bot"

    def __init__(self) -> None:
        super().__init__(
            "no Telegram bot is set up", detail=f"Set {TOKEN} and start the server again."
        )


class BadToken(TelegramError):
    lasting = True

    def __init__(self, status: int | None = None) -> None:
        shown = f" ({status})" if status else ""
        super().__init__(f"Telegram refuses the bot's token{shown}", detail=f"Check {TOKEN}.")


class BadChat(TelegramError):
    """This chat cannot be written to: blocked, unknown, gone."""

    lasting = True


class Refused(TelegramError):
    """Telegram does not take this request, whoever it is for."""

    lasting = True


class Busy(TelegramError):
    def __init__(self, retry_after: int | None) -> None:
        wait = f" for {retry_after} s" if retry_after else ""
        super().__init__(f"Telegram asks to wait{wait} (429)", detail="It is tried again.")
        self.retry_after = retry_after


class Unreachable(TelegramError):
    status = 503


class _NoAddresses(logging.Filter):
    """httpx logs the address of each request, and a bot's holds its token."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not any("/bot" in str(arg) for arg in record.args or ())


logging.getLogger("httpx").addFilter(_NoAddresses())


@dataclass(frozen=True)
class Bot:
    """The bot of `token` at the address `api`; `seconds`: how long a whole answer may take. Every
    method raises TelegramError."""

    token: str = field(repr=False)
    api: str
    seconds: float = SECONDS

    @classmethod
    def of(cls, settings: Settings) -> Bot | None:
        """The one that the settings name, if they do."""
        token = settings.telegram_bot_token.strip()
        return cls(token, settings.telegram_api) if token else None

    async def send(self, chat_id: str, text: str) -> int:
        """Say `text` in the chat, as it is; the id of the message, which says that it is there."""
        body = {
            "chat_id": int(chat_id) if chat_id.lstrip("-").isdecimal() else chat_id,
            "text": text,
            "link_preview_options": {"is_disabled": True},
        }
        answer = await self._call("sendMessage", body, self.seconds)
        return answer["message_id"] if isinstance(answer, dict) and "message_id" in answer else 0

    async def name(self) -> str:
        """How the bot is called, without its @."""
        answer = await self._call("getMe", {}, self.seconds)
        return str(answer.get("username") or "") if isinstance(answer, dict) else ""

    async def updates(self, offset: int | None, *, wait: int = LISTEN) -> list[dict[str, Any]]:
        """What was said to the bot from update `offset` on (those before it are done with); waits
        up to `wait` seconds for it."""
        body: dict[str, Any] = {"timeout": wait, "allowed_updates": ["message"]}
        if offset is not None:
            body["offset"] = offset
        answer = await self._call("getUpdates", body, self.seconds + wait)
        found = answer if isinstance(answer, list) else []
        return [one for one in found if isinstance(one, dict)]

    async def _call(self, method: str, body: Mapping[str, Any], seconds: float) -> Any:
        if not (self.token.isascii() and self.token.isprintable()) or " " in self.token:
            raise BadToken
        try:
            async with asyncio.timeout(seconds):
                status, content = await self._answer(method, body, seconds)
        except (TimeoutError, httpx.TimeoutException):
            raise Unreachable("Telegram did not answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Its own text may hold the address.
            raise Unreachable(f"Telegram cannot be reached ({type(error).__name__})") from None
        return _result(status, content)

    async def _answer(
        self, method: str, body: Mapping[str, Any], seconds: float
    ) -> tuple[int, bytes]:
        address = f"{self.api.rstrip('/')}/bot{quote(self.token, safe=':')}/{method}"
        here = is_this_machine(self.api)
        plain = here and urlsplit(self.api).scheme == "http"
        async with (
            httpx.AsyncClient(
                timeout=seconds, follow_redirects=False, trust_env=not here, verify=not plain
            ) as client,
            client.stream("POST", address, json=body) as response,
        ):
            content = b""
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > _ANSWER:
                    raise Unreachable(f"Telegram's answer is over {_ANSWER >> 20} MB")
            return response.status_code, content


def _result(status: int, content: bytes) -> Any:
    """What a successful answer holds; else the error that it stands for."""
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        answer = None
    said = answer if isinstance(answer, dict) else {}
    if httpx.codes.is_success(status):
        if said.get("ok") is not True:
            raise Unreachable("what answers in Telegram's place does not speak its language")
        return said.get("result")
    raise _error(status, said)


def _error(status: int, said: Mapping[str, Any]) -> TelegramError:
    if status in (401, 404):
        return BadToken(status)
    if status == 429:
        return Busy(_seconds(said.get("parameters")))
    if status in (400, 403):
        words = str(said.get("description") or "").lower()
        known = next((ours for theirs, ours in _CHAT_WORDS if theirs in words), None)
        return BadChat(f"{known or 'Telegram refuses to write to this chat'} ({status})")
    if status in (408, 409) or status >= 500:
        return Unreachable(f"Telegram is not available ({status})")
    return Refused(f"Telegram refuses the message ({status})")


def _seconds(parameters: object) -> int | None:
    given = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if isinstance(given, bool) or not isinstance(given, int) or given <= 0:
        return None
    return min(given, _LONGEST)
