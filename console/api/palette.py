"""`/api/palette`: where one can go, by a part of its name.

What is typed is not kept: each key would be a row. That names of other people, or their sessions,
were shown is written once a minute, as for the lists of both; one's own menu leaves no row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console import palette
from console.api.lists import READ as ACCESS_READ
from console.feedback.reading import READ as REPORTS_READ
from console.handler import Handler, integer
from console.identity.rights import SIGNED_IN, Right
from console.sessions import READ as SESSIONS_READ
from schema.errors import BadParameter

_LONGEST = 200  # characters
_READS = {"user": ACCESS_READ, "report": REPORTS_READ, "session": SESSIONS_READ}


class Palette(Handler):
    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}

    async def get(self) -> None:
        given = self.query(("q", "limit", "offset"))
        limit = integer(given, "limit", palette.MOST, 1, palette.MOST)
        offset = integer(given, "offset", 0, 0, 1000)
        text = given.get("q", "")
        if len(text) > _LONGEST:
            raise BadParameter("q", text, f"at most {_LONGEST} characters")
        me = self.caller.me
        answer = await self.instance.store.offload(
            palette.found, self.instance, me, text, limit, offset
        )
        others = {one.kind for one in answer.rows if one.about not in (None, me.user_id)}
        for kind in sorted(others):
            await self.instance.was_read(self.caller, _READS[kind], {"endpoint": "palette"})
        after = offset + limit
        self.send(
            {
                "rows": [one.as_dict() for one in answer.rows],
                "total": answer.total,
                "limit": limit,
                "offset": offset,
                "next_offset": after if after < answer.total else None,
            }
        )


ROUTES = [(r"/api/palette", Palette)]
