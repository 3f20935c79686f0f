"""`/api/admin/templates`: the two prompts as admins write them; `/api/templates/<name>`: as an
agent is handed one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson

from console import prompts
from console.api.lists import READ, AccessHandler
from console.handler import Handler
from console.identity.gate import load_principal
from console.identity.rights import ADMIN, SIGNED_IN, Right
from console.prompts import PROMPTS
from schema.errors import BadParameter, NotFound, shorten


class Templates(AccessHandler):
    """Both, as they stand; and the `variables` that they can use."""

    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def get(self) -> None:
        self.query(())
        store, instance = self.instance.store, self.instance

        def found() -> list[dict[str, Any]]:
            return [prompts.read(instance, one) for one in PROMPTS.values()]

        rows = await store.offload(found)
        await self.was_read({})
        count = len(rows)
        page = {"rows": rows, "total": count, "limit": count, "offset": 0, "next_offset": None}
        self.send({**page, "variables": prompts.VARIABLES})


class Template(AccessHandler):
    """PUT takes `{body, version?}`, or the version as `If-Match`: then only while that is how it
    stands. A body of null is the default again."""

    actions: ClassVar[Mapping[str, str]] = {"GET": READ, "PUT": "instance_templates.set"}

    async def get(self, name: str) -> None:
        self.query(())
        prompt = prompts.named(name)
        row = await self.instance.store.offload(prompts.read, self.instance, prompt)
        await self.was_read({})
        self.answer(row)

    async def put(self, name: str) -> None:
        self.about = f"template:{name}"
        self.query(())
        prompt = prompts.named(name)
        given = self.body({"body": str, "version": str})
        if "body" not in orjson.loads(self.request.body or b"{}"):  # null counts here
            raise BadParameter("body", "", "a text, or null for the default")
        seen = given.get("version") or self._matched()

        def made() -> Any:
            return prompts.save(self.instance, self.caller, prompt, given.get("body"), seen=seen)

        step = await self.instance.store.offload(made)
        self.answer(await self.instance.store.awrite(step))

    def _matched(self) -> str | None:
        tag = self.request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
        return tag if tag not in ("", "*") else None

    def answer(self, row: Mapping[str, Any]) -> None:
        self.set_header("ETag", f'"{row["version"]}"')
        self.send({**row, "variables": prompts.VARIABLES})


class Preview(Handler):
    """`{body?, user_id?}` → `{name, version, text}`: the prompt as that person's agent would get
    it; nothing is saved."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": ADMIN}
    actions: ClassVar[Mapping[str, str]] = {"POST": READ}
    harmless = ("POST",)

    async def post(self, name: str) -> None:
        self.query(())
        prompt = prompts.named(name)
        given = self.body({"body": str, "user_id": str})
        store, user = self.instance.store, given.get("user_id", self.caller.me.user_id)
        me = await store.offload(load_principal, store, user, self.caller.me.kind)
        if me is None:
            raise NotFound(f"no active user {shorten(user)}", detail="List the users to see them.")
        row = await store.offload(prompts.told, self.instance, prompt, me, given.get("body"))
        params = {"endpoint": self.request.path, "user_id": user}
        await self.instance.was_read(self.caller, READ, params)
        self.send(row)


class Handed(Handler):
    """What an agent of the caller is told."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}

    async def get(self, name: str) -> None:
        self.query(())
        prompt = prompts.named(name)
        store = self.instance.store
        self.send(await store.offload(prompts.told, self.instance, prompt, self.caller.me))


ROUTES = [
    (r"/api/admin/templates", Templates),
    (r"/api/admin/templates/([^/]+)", Template),
    (r"/api/admin/templates/([^/]+)/preview", Preview),
    (r"/api/templates/([^/]+)", Handed),
]
