"""`/api/admin/config`: the server's settings, and those that change while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson

from console import configured
from console.api.lists import DEFAULT, FARTHEST, LIST_ARGUMENTS, MOST, READ, AccessHandler
from console.configured import Row
from console.handler import flag, integer
from console.live import DEFAULT as UNSET
from console.live import ENVIRONMENT, INSTANCE
from schema.errors import BadParameter, BadRequest

_SOURCES = (UNSET, ENVIRONMENT, INSTANCE)


class Config(AccessHandler):
    """PUT takes `{key, value}` or `{values: {key: value}}`; a value of null is the default again.
    All of them are set, or none."""

    actions: ClassVar[Mapping[str, str]] = {"GET": READ, "PUT": "instance_config.update"}

    async def get(self) -> None:
        given = self.query((*LIST_ARGUMENTS, "source", "live"))
        limit = integer(given, "limit", DEFAULT, 1, MOST)
        offset = integer(given, "offset", 0, 0, FARTHEST)
        if given.get("source", UNSET) not in _SOURCES:
            raise BadParameter("source", given["source"], "one of " + ", ".join(_SOURCES))
        live = flag(given, "live") if "live" in given else None
        rows = [
            row
            for row in await self._rows()
            if given.get("source") in (None, row["source"])
            and live in (None, row["live"])
            and given.get("q", "").casefold()
            in f"{row['key']} {row['name']} {row['help']}".casefold()
        ]
        asked = {name: given[name] for name in given if name not in ("limit", "offset")}
        await self.was_read(asked)
        self._answer(rows, limit, offset)

    async def put(self) -> None:
        """→ the rows of the settings that were named, as they stand now, and which `changed`."""
        self.query(())
        values = self._values()
        self.about = "config:" + ",".join(values)[:200]
        step = configured.change(self.instance.settings, self.caller, values)
        changed = await self.instance.store.awrite(step)
        rows = [row for row in await self._rows() if row["key"] in values]
        self._answer(rows, MOST, 0, changed=changed)

    def _values(self) -> dict[str, Any]:
        given = self.body({"key": str, "value": (str, int, bool), "values": dict})
        named = orjson.loads(self.request.body or b"{}")  # `body` leaves out what is null
        if "values" in given:
            if "key" in named or "value" in named:
                raise BadRequest("give either key and value, or values")
            values = dict(given["values"])
        elif "key" in given and "value" in named:
            values = {given["key"]: given.get("value")}
        else:
            raise BadRequest("give key and value, or values", detail="null is the default again.")
        if not 1 <= len(values) <= MOST:
            raise BadParameter("values", f"{len(values)} settings", "name one or more")
        return values

    async def _rows(self) -> list[Row]:
        store, settings = self.instance.store, self.instance.settings
        return await store.offload(configured.of, store, settings)

    def _answer(self, rows: Sequence[Row], limit: int, offset: int, **more: Any) -> None:
        after = offset + limit
        self.send(
            {
                "rows": rows[offset:after],
                "total": len(rows),
                "limit": limit,
                "offset": offset,
                "next_offset": after if after < len(rows) else None,
                **more,
            }
        )


ROUTES = [(r"/api/admin/config", Config)]
