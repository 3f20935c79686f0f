"""`/api/me/notifications`: one's own bell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console.handler import Handler, flag, integer
from console.identity.rights import SIGNED_IN, Right
from console.notifications import bell
from schema.errors import BadParameter, BadRequest

MOST, FARTHEST = 1000, 10**9


class Notifications(Handler):
    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}

    async def get(self) -> None:
        """It writes no row: pages ask by themselves, and nobody's rows but one's own are read."""
        given = self.query(("unread", "limit", "offset"))
        limit = integer(given, "limit", bell.LATEST, 1, MOST)
        offset = integer(given, "offset", 0, 0, FARTHEST)
        unread = flag(given, "unread")
        store, me = self.instance.store, self.caller.me
        found = await store.offload(
            lambda: bell.listing(store, me, unread=unread, limit=limit, offset=offset)
        )
        after = offset + limit
        self.send(
            {
                "rows": found.rows,
                "total": found.total,
                "unread": found.unread,
                "limit": limit,
                "offset": offset,
                "next_offset": after if after < found.total else None,
            }
        )


class Read(Handler):
    rights: ClassVar[Mapping[str, Right]] = {"POST": SIGNED_IN}

    async def post(self) -> None:
        """`{ids: […]}` or `{all: true}`; answers how many were `read` now, and how many remain
        `unread`."""
        self.query(())
        given = self.body({"ids": list, "all": bool})
        ids = given.get("ids")
        if (ids is None) == (given.get("all") is not True):
            raise BadRequest("say which", detail="Give either ids, or all: true.")
        if ids is not None and not (
            len(ids) <= bell.MOST_IDS and all(isinstance(one, str) for one in ids)
        ):
            raise BadParameter("ids", len(ids), f"a list of up to {bell.MOST_IDS} texts")
        read, unread = await self.instance.store.awrite(bell.read(self.caller.me, ids))
        self.send({"read": read, "unread": unread})


ROUTES = [
    ("/api/me/notifications", Notifications),
    ("/api/me/notifications/read", Read),
]
