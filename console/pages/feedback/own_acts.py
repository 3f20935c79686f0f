"""What the buttons of one's own report do, and all the words of one of its turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console.audit import cut
from console.feedback import reading, reports
from console.feedback.reading import READ, Reader
from console.handler import Handler
from console.identity.rights import FEEDBACK, SIGNED_IN, Right
from console.pages.act import Act
from console.pages.feedback import form
from console.pages.feedback.excerpt import event
from console.pages.feedback.one import ID
from console.pages.render import render
from console.pages.replay.words import cleaned, written
from schema.errors import BadParameter, BadRequest, NotFound

PATH = "/me/reports"


class MyReportActs(Act):
    """`do=amend` with `message` and `category`, or `do=delete` with `sure=yes`; `report` is the
    one, as `<id>:<version>`."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": SIGNED_IN}

    async def prepare(self) -> None:
        """A refusal, too, stands in the log as what it would have been."""
        self.given = form.given(self.request.body_arguments)
        is_delete = self.given.text("do") == "delete"
        self.refused_as("feedback.delete" if is_delete else "feedback.update")
        if self.given.reports:
            self.about = f"report:{cut(self.given.reports[0][0], 64)}"
        await super().prepare()

    async def post(self) -> None:
        if len(self.given.reports) != 1:
            raise BadRequest("the form names no report", detail="Give one report.")
        ((id, version),) = self.given.reports
        do, store = self.given.text("do"), self.instance.store
        if do == "amend":
            wanted = {"message": self.given.fields.get("message", "")}
            wanted["category"] = self.given.text("category")
            await store.awrite(reports.amend(self.caller, id, version, wanted))
            self._say("The report is changed.", f"{PATH}/{id}")
        elif do == "delete":
            if self.given.text("sure") != "yes":
                raise BadRequest("nothing is deleted without a second thought")
            await store.awrite(reports.delete(self.caller, id, own=True))
            self._say("The report is deleted.", PATH)
        else:
            raise BadParameter("do", do, "amend or delete")

    def _say(self, text: str, to: str) -> None:
        if not self.is_live:
            return self.lead(to)
        self.set_header("X-Go", to)
        self.answer(render("feedback/said.html", text=text, undo=()))


class Words(Handler):
    """All the words of one event of an excerpt, as plain text; of a call its input as JSON."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": FEEDBACK}
    own = False

    async def get(self, id: str, turn: str) -> None:
        self.query(())
        reader = Reader(self.instance, self.caller.me)
        reader = reader.own() if self.own else reader

        def words() -> str:
            row = event(reading.one(reader, id)["session_excerpt"], int(turn))
            if row is None:
                raise NotFound(f"there is no event {int(turn)} in this report")
            is_call = row["kind"] == "tool_use"
            return written(row["input"]) if is_call else cleaned(row["text"])

        text = await self.instance.store.offload(words)
        await self.instance.was_read(self.caller, READ, {"endpoint": "report", "id": id})
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.set_header("Cache-Control", "private, no-store")
        self.finish(text)


class MyWords(Words):
    """Of one's own report."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}
    own = True


_TURN = rf"({ID})/excerpt/([0-9]{{1,9}})"
ROUTES: list[Any] = [
    (rf"{PATH}/act", MyReportActs),
    (rf"/admin/feedback/{_TURN}", Words),
    (rf"{PATH}/{_TURN}", MyWords),
]
