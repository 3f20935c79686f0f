"""What a replay fetches of a conversation that is not part of its page: sections of events, and all
the words of one of them. Rights, reasons and the row in the log are those of the page, which is
written once a minute for whoever goes on reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console.handler import Handler, integer
from console.identity.rights import SESSIONS, SIGNED_IN, Right
from console.pages.render import render
from console.pages.replay import events
from console.pages.replay.words import cleaned, written
from console.sessions import Reader, Row
from console.transcript import transcript_looks, transcripts
from console.transcript.transcripts import Transcript
from schema.errors import NotFound

_FARTHEST = 10**9
_MOST = 500  # events


class Fragments(Handler):
    """What both share."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SESSIONS}
    actions: ClassVar[Mapping[str, str]] = {"GET": "session.transcript_view"}
    own = False

    async def opened(self, user: str, file: str) -> Transcript:
        """Raises Forbidden where the reader has not said within the hour why they look."""
        me = self.caller.me
        self.about = f"session:{transcripts.named(user, file)}"
        reader = Reader(self.instance, me.as_anybody() if self.own else me)
        found = await self.instance.store.offload(transcripts.opened, reader, user, file)
        transcript_looks.stated(self.instance, self.caller, user, None)
        return found

    async def answer(self, found: Transcript, turn: int, text: str, kind: str) -> None:
        await transcript_looks.seen(self.caller, found, turn=turn, via="web", paging=True)
        self.set_header("Content-Type", f"text/{kind}; charset=utf-8")
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.set_header("Cache-Control", "private, no-store")
        self.finish(text)


class Section(Fragments):
    """Events as `transcripts.events` counts them: with `kinds` the chosen ones."""

    async def get(self, user: str, file: str) -> None:
        given = self.query(("from", "limit", "kinds"))
        first = integer(given, "from", 0, 0, _FARTHEST)
        limit = integer(given, "limit", events.SIZE, 1, _MOST)
        kinds = transcripts.kinds_of(given.get("kinds"))
        found = await self.opened(user, file)

        def drawn() -> str:
            part = events.section(found, first, limit, kinds, own=self.own)
            return render("replay/section.html", section=part)

        await self.answer(found, first, await self.instance.store.offload(drawn), "html")


class Whole(Fragments):
    """All the words of one event; of a call its input as JSON."""

    async def get(self, user: str, file: str, turn: str) -> None:
        self.query(())
        number = int(turn)
        found = await self.opened(user, file)

        def words() -> str:
            rows: list[Row] = transcripts.part(found, number, 1)["events"]
            if not rows:
                raise NotFound(f"there is no event {number} in this transcript")
            (event,) = rows
            is_call = event["kind"] == "tool_use"
            return written(event["input"]) if is_call else cleaned(event["text"])

        await self.answer(found, number, await self.instance.store.offload(words), "plain")


class _Own(Fragments):
    """The reader's own, as anybody has them."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}
    own = True


class MySection(_Own, Section):
    async def get(self, file: str) -> None:  # type: ignore[override]
        await super().get(self.caller.me.user_id, file)


class MyWhole(_Own, Whole):
    async def get(self, file: str, turn: str) -> None:  # type: ignore[override]
        await super().get(self.caller.me.user_id, file, turn)


_ONE, _MINE = r"/admin/sessions/([^/]+)/([^/]+)/events", r"/me/sessions/([^/]+)/events"
ROUTES = [
    (_ONE, Section),
    (rf"{_ONE}/([0-9]{{1,9}})", Whole),
    (_MINE, MySection),
    (rf"{_MINE}/([0-9]{{1,9}})", MyWhole),
]
