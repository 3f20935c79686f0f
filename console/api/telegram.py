"""`/api/admin/telegram`: which chat reaches whom, codes that link one, a message to try it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console.api.lists import LIST_ARGUMENTS, READ, AccessHandler
from console.audit import now
from console.handler import Handler
from console.instance import Instance
from console.notifications import codes, links
from console.notifications.bot import Bot, NoBot, TelegramError
from schema.errors import NotFound, shorten

TEST = "Agnes: this chat is reached. Messages about reports come here."


class Links(AccessHandler):
    actions: ClassVar[Mapping[str, str]] = {"GET": READ, "POST": "telegram.link"}

    async def get(self) -> None:
        given = self.query(LIST_ARGUMENTS)
        await self.send_list(links.listing(given.get("q")), given)

    async def post(self) -> None:
        self.query(())
        given = self.body({"user_id": str, "chat_id": (int, str)}, need=("user_id", "chat_id"))
        step = links.link(self.caller, given["user_id"], given["chat_id"])
        self.send(await self.instance.store.awrite(step), 201)


class Link(AccessHandler):
    actions: ClassVar[Mapping[str, str]] = {"DELETE": "telegram.unlink"}

    async def delete(self, user_id: str) -> None:
        self.query(())
        await self.instance.store.awrite(links.unlink(self.caller, user_id))
        self.nothing()


class Codes(Handler):
    async def post(self) -> None:
        """A code for oneself, or for `user_id`, and the `bot` to send it to; null while Telegram
        cannot be asked for its name."""
        self.query(())
        given = self.body({"user_id": str})
        bot = _bot(self.instance)
        try:
            name = await bot.name()
        except TelegramError as error:
            if error.lasting:
                raise
            name = ""
        code = codes.new_code()
        step = codes.make(given.get("user_id") or self.caller.me.user_id, code, now())
        ends = await self.instance.store.awrite(step)
        self.send({"code": code, "bot": name or None, "expires_at": ends}, 201)


class Test(Handler):
    async def post(self) -> None:
        """Says one thing in the chat of oneself, or of `user_id`; an error says why not."""
        self.query(())
        given = self.body({"user_id": str})
        bot = _bot(self.instance)
        user_id = given.get("user_id") or self.caller.me.user_id
        store = self.instance.store
        found = await store.offload(lambda: store.read(links.of(user_id)).to_pylist())
        if not found:
            raise NotFound(
                f"no chat is linked to {shorten(user_id)}",
                detail="Link one: agnes admin telegram link.",
            )
        row = found[0]
        await bot.send(row["chat_id"], TEST)
        self.send({"sent": True, "user_id": row["user_id"], "chat_id": row["chat_id"]})


def _bot(instance: Instance) -> Bot:
    bot = Bot.of(instance.settings)
    if bot is None:
        raise NoBot
    return bot


ROUTES = [
    ("/api/admin/telegram/links", Links),
    ("/api/admin/telegram/links/([^/]+)", Link),
    ("/api/admin/telegram/codes", Codes),
    ("/api/admin/telegram/test", Test),
]
