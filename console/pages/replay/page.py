"""The replay of a session: what its parts are, and what its address asks of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from console.audit import Caller, now
from console.identity.rights import SESSIONS, SIGNED_IN, Right
from console.instance import Instance
from console.pages.entry import Arrival
from console.pages.parts import Part, PartsPage
from console.pages.replay import (
    alike,
    events,
    facts,
    find,
    head,
    looks,
    reason,
    strip,
    tools,
    verdict,
)
from console.pages.replay.reading import Reading
from console.pages.replay.state import ReplayState
from console.sessions import Reader
from console.transcript import transcript_looks, transcripts

Read = Callable[[Reading], Any]


def _shown(read: Read) -> Read:
    """Nothing of a transcript is read before its reader has said why, where that is asked."""
    return lambda reading: None if reading.transcript is None else read(reading)


PARTS: tuple[Part[Reading], ...] = (
    Part("head", head.read, alone=True),
    Part("reason", reason.read),
    Part("strip", _shown(strip.read), beats=True),
    Part("tools", _shown(tools.read)),
    Part("find", _shown(find.read)),
    Part("verdict", _shown(verdict.read)),
    Part("alike", _shown(alike.read), beats=True, later=True),
    Part("events", _shown(events.read)),
    Part("facts", _shown(facts.read)),
    Part("looks", _shown(looks.read)),
)
_FILE = r"[^/]+\.jsonl"


class ReplayPage(PartsPage[Reading]):
    """Anybody's session, and, `own`, one of its reader. An object is made for each visit."""

    template = "replay.html"
    folder = "replay"
    parts = PARTS
    styles: Sequence[str] = ("replay/replay.css", "replay/events.css")
    scripts: Sequence[str] = ("replay/events.js", "replay/nav.js")
    title = "Session"
    about = ""
    section: str | None = None

    def __init__(self, path: str, right: Right, *, own: bool = False) -> None:
        self.path, self.right, self.own = path, right, own
        self.under = "/me/sessions" if own else "/admin/sessions"  # its entry in the menu
        self._user = self._file = ""
        self._looked = False  # the visit stands in the log

    def at(self, path: str) -> ReplayPage:
        page = ReplayPage(path, self.right, own=self.own)
        *_, user, file = path.split("/")
        page._user, page._file = unquote(user), unquote(file)
        return page

    async def arrive(self, instance: Instance, caller: Caller, query: str) -> Arrival:
        """What is not there, or not for this reader, is no page at all. Raises NotFound."""
        reading = self.begun(instance, caller, beat=False)
        await instance.store.offload(transcripts.opened, reading.reader, reading.user, self._file)
        self.title = f"{reading.person}, {head.short(self._file)}"
        return await super().arrive(instance, caller, query)

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        reader = Reader(instance, caller.me.as_anybody() if self.own else caller.me)
        user = caller.me.user_id if self.own else self._user
        return Reading(reader, caller, self.own, user, self._file, ReplayState(), now(), beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        return replace(reading, state=ReplayState.of(query))

    async def filtered(self, reading: Reading) -> Reading:
        instance, caller = reading.reader.instance, reading.caller
        if transcript_looks.is_reason_needed(instance, caller, reading.user):
            return replace(reading, asks_why=True)
        said = transcript_looks.stated(instance, caller, reading.user, None)
        return await instance.store.offload(self._open, replace(reading, reason=said))

    def unfiltered(self, reading: Reading) -> Reading:
        return replace(reading, state=ReplayState(), transcript=None, found={})

    @staticmethod
    def _open(reading: Reading) -> Reading:
        found = transcripts.opened(reading.reader, reading.user, reading.file)
        return replace(reading, transcript=found, found=transcripts.outline(found))

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        """A visit is one look, whatever its reader then does in it."""
        if reading.transcript is None or self._looked:
            return ()
        self._looked = True
        look = transcript_looks.seen(
            reading.caller, reading.transcript, via="web", reason=reading.reason
        )
        return (look,)


def replay_pages() -> tuple[ReplayPage, ReplayPage]:
    return (
        ReplayPage(f"/admin/sessions/[^/]+/{_FILE}", SESSIONS),
        ReplayPage(f"/me/sessions/{_FILE}", SIGNED_IN, own=True),
    )
