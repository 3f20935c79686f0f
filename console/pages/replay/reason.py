"""Saying why one looks at somebody's transcripts, where the instance asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console.handler import text_of
from console.identity.rights import SESSIONS, Right
from console.pages.act import Act
from console.pages.replay.reading import Reading
from console.reasons import LONGEST
from console.sessions import Reader
from console.transcript import transcript_looks, transcripts
from schema.errors import BadParameter


def read(reading: Reading) -> Mapping[str, int] | None:
    """What the form needs; None where nothing is asked."""
    return {"longest": LONGEST} if reading.asks_why else None


class Why(Act):
    """`reason=…`: the session is shown next, as `query` asks for it."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SESSIONS}
    actions: ClassVar[Mapping[str, str]] = {"POST": "session.transcript_view"}

    async def post(self, user: str, file: str) -> None:
        self.about = f"session:{transcripts.named(user, file)}"
        given = {
            name: text_of(name, values[-1]) for name, values in self.request.body_arguments.items()
        }
        reason = (given.get("reason") or "").strip()
        if not reason:
            raise BadParameter("reason", "", f"a few words, at most {LONGEST} characters")
        reader = Reader(self.instance, self.caller.me)
        found = await self.instance.store.offload(transcripts.opened, reader, user, file)
        transcript_looks.stated(self.instance, self.caller, found.owner, reason)
        if self.is_live:
            self.answer(self.said("Thank you. The session is shown."))
        else:
            self.lead("?".join(filter(None, (f"/admin/sessions/{user}/{file}", _kept(given)))))


def _kept(given: Mapping[str, str]) -> str:
    """The query that the form came from, in one line: it goes into a header."""
    return "".join(given.get("query", "").removeprefix("?").splitlines())


ROUTES = [(r"/admin/sessions/([^/]+)/([^/]+\.jsonl)/reason", Why)]
