"""`POST /api/scripts/run-due`: run what is due; `/api/admin/scripts`: the notebooks and files of
Python that can be. SPEC section 18."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console.api.lists import LIST_ARGUMENTS, AccessHandler
from console.audit import cut, entry, now
from console.handler import Handler
from console.identity.lookup import Row, where_id
from console.identity.rights import SERVICE, Right
from console.jobs import scripts
from console.jobs.due import run_due
from console.queries.scripts import PREFIX, listing
from schema.errors import BadParameter, BadRequest

WAIT, LONGEST = 60, 3600  # seconds
FIELDS: dict[str, type | tuple[type, ...]] = {
    "owner": str,
    "path": str,
    "schedule": str,
    "description": str,
    "timeout_seconds": int,
    "memory_mb": int,
    "enabled": bool,
}


class RunDue(Handler):
    """It answers when all of it is over, or `wait_seconds` are: what still goes on then is in `ran`
    and has the status `queued` or `running`."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SERVICE}
    actions: ClassVar[Mapping[str, str]] = {"POST": "script_runner.tick"}

    async def post(self) -> None:
        self.query(())
        wait = self.body({"wait_seconds": int}).get("wait_seconds", WAIT)
        if not 0 <= wait <= LONGEST:
            raise BadParameter("wait_seconds", wait, f"a whole number from 0 to {LONGEST}")
        found = await run_due(self.instance, wait=wait)
        row = entry(self.caller, "script_runner.tick", params=found.told)
        await self.instance.record(row)
        self.send(
            {
                "ok": not found.failed,
                "ran": found.ran,
                "skipped": found.skipped,
                "failed": found.failed,
            }
        )


class _Scripts(AccessHandler):
    def shown(self, row: Row) -> Row:
        return scripts.shown(row, now())

    async def located(self, path: str) -> str:
        work = scripts.located
        return await self.instance.store.offload(work, self.instance.settings, path)

    async def written(self, step: Any) -> Row:
        store = self.instance.store
        id = (await store.awrite(step))["id"]
        (row,) = (await store.offload(store.read, where_id(listing(), id))).to_pylist()
        return self.shown(row)


class Scripts(_Scripts):
    actions: ClassVar[Mapping[str, str]] = {"GET": "access.read", "POST": "scripts.create"}

    async def get(self) -> None:
        given = self.query(LIST_ARGUMENTS)
        await self.send_list(listing(given.get("q")), given)

    async def post(self) -> None:
        """Without an `owner` it runs as who registers it."""
        self.query(())
        given = self.body({**FIELDS, "name": str}, need=("name", "path"))
        path = await self.located(given["path"])
        given.setdefault("owner", self.caller.me.user_id)
        self.send(await self.written(scripts.create(self.caller, given, path)), 201)


class Script(_Scripts):
    actions: ClassVar[Mapping[str, str]] = {
        "GET": "access.read",
        "PATCH": "scripts.update",
        "DELETE": "scripts.delete",
    }

    async def prepare(self) -> None:
        self.about = f"script:{cut(self.path_args[0], 64)}"
        await super().prepare()

    async def get(self, id: str) -> None:
        self.query(())
        await self.send_one(where_id(listing(), id), "script", id)

    async def patch(self, id: str) -> None:
        self.query(())
        given = self.body(FIELDS)
        if not given:
            raise BadRequest("nothing to change", detail="Give one of: " + ", ".join(FIELDS) + ".")
        path = await self.located(given["path"]) if "path" in given else None
        self.send(await self.written(scripts.change(self.caller, id, given, path)))

    async def delete(self, id: str) -> None:
        """Its file stays, and so do its runs."""
        self.query(())
        await self.instance.store.awrite(scripts.remove(self.caller, id))
        self.nothing()


class Run(_Scripts):
    """Run one now, whatever its schedule says."""

    actions: ClassVar[Mapping[str, str]] = {"POST": "script_runner.tick"}

    async def post(self, id: str) -> None:
        self.query(())
        self.body({})
        self.about = f"script:{cut(id, 64)}"
        store = self.instance.store
        row: Any = await store.offload(scripts.of_id, store, id)
        run = await self.instance.jobs.ask(self.caller, PREFIX + row["name"], {})
        self.send({"run_id": run.id, "job": run.job}, 202)


ROUTES = [
    (r"/api/scripts/run-due", RunDue),
    (r"/api/admin/scripts", Scripts),
    (r"/api/admin/scripts/([^/]+)", Script),
    (r"/api/admin/scripts/([^/]+)/run", Run),
]
