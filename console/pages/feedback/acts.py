"""What the buttons of the inbox and of a report do: a form post each, with scripts and without.

Each report comes with the version that was seen. What somebody else changed meanwhile is not
written over: both stand in the answer, and the rest is done. What was before goes along with the
answer, as the form that brings it back: `Undo` is a change like any other, with its own versions.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson

from console import links
from console.audit import Caller, cut, now
from console.feedback import reading, reports, undone
from console.feedback.reading import Reader
from console.identity.people import People
from console.identity.rights import ADMIN, FEEDBACK, Right, require
from console.pages.act import Act
from console.pages.feedback import form
from console.pages.feedback.form import Step
from console.pages.render import render
from console.queries.feedback import by_id, history
from console.sessions import Row
from schema.bind import Text
from schema.errors import AgnesError, BadParameter, BadRequest, Conflict, NotFound, Outdated
from schema.policy import Seen
from schema.tables import FEEDBACK_HISTORY

PATH = "/admin/feedback"
_ACTIONS = {"merge": "feedback.merge", "unmerge": "feedback.unmerge", "delete": "feedback.delete"}
_DONE = {
    "open": "open again",
    "triage": "triaged",
    "resolve": "resolved",
    "wontfix": "closed: won't fix",
    "mine": "assigned to you",
    "nobody": "assigned to nobody",
    "assign": "assigned",
    "answer": "answered",
    "tags": "tagged",
    "tag": "tagged",
    "category": "put into another category",
    "undo": "as before",
    "again": "changed",
}


@dataclass
class Done:
    """`undo`: what brings back what was before. `left`: what was not changed, and why."""

    reports: int = 0
    undo: list[dict[str, Any]] = field(default_factory=list)
    left: list[tuple[Step, AgnesError]] = field(default_factory=list)


class FeedbackActs(Act):
    """`do=<what>`, `report=<id>:<version>` for each report it is done with, and the fields of what
    is done: see `console.pages.feedback.form`."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": FEEDBACK}

    async def prepare(self) -> None:
        """A refusal, too, stands in the log as what it would have been."""
        self.given = form.given(self.request.body_arguments)
        self.refused_as(_ACTIONS.get(self.given.text("do"), "feedback.update"))
        if len(self.given.reports) == 1:
            self.about = f"report:{cut(self.given.reports[0][0], 64)}"
        await super().prepare()

    async def post(self) -> None:
        do = self.given.do
        if do in ("undo", "again"):
            return await self._steps(do)
        if self.given.text("unmerged"):
            return await self._unmerge()
        if not self.given.reports:
            raise BadRequest("no report is chosen", detail="Tick one (x), or go to its row (j, k).")
        if do == "merge":
            return await self._merge()
        if do == "delete":
            return await self._delete()
        if do == "tag":
            return await self._change(do, await self._tagging())
        change = self.given.change()
        if change is None:
            raise BadParameter("do", do, "one of " + ", ".join((*_DONE, *_ACTIONS)))
        steps = [Step(id, version, change) for id, version in self.given.reports]
        return await self._change(do, steps)

    # -- what is done

    async def _steps(self, do: str) -> None:
        """What was before, or what somebody wants all the same."""
        places = self.given.places()
        if not places:
            return await self._change(do, self.given.steps())
        await self.instance.store.awrite(undone.unmerge(self.caller, places))
        self._say(f"{_reports(len(places))} {_DONE['undo']}: no longer merged.")

    async def _tagging(self) -> list[Step]:
        """One more tag for each report, beside those that it has."""
        tags = form.split(self.given.text("tag"))
        if not tags:
            raise BadParameter("tag", "", "a tag")
        rows = await asyncio.gather(*(self._row(id) for id, _ in self.given.reports))
        return [
            Step(id, version, {"tags": list(dict.fromkeys([*row["tags"], *tags]))})
            for (id, version), row in zip(self.given.reports, rows, strict=True)
        ]

    async def _change(self, do: str, steps: Sequence[Step]) -> None:
        done = Done()
        for step in steps:
            await self._step(step, done)
        if done.left:
            return await self._refuse(do, done)
        self._say(f"{_reports(done.reports)} {_DONE[do]}.", done.undo if do != "undo" else [])

    async def _step(self, step: Step, done: Done) -> None:
        change = undone.change(self.caller, step.id, step.version, step.change)
        try:
            changed = await self.instance.store.awrite(change)
        except (Conflict, NotFound) as error:
            done.left.append((step, error))
            return
        done.reports += 1
        if changed.after["version"] == changed.before["version"]:
            return  # it was so already
        before = {name: _value(changed.before, name) for name in step.change}
        done.undo.append(Step(step.id, changed.after["version"], before).as_dict())

    async def _merge(self) -> None:
        ids = [id for id, _ in self.given.reports]
        wanted = self.given.text("into") or self.given.text("near")
        into = wanted.partition("?")[0].rpartition("/")[2] or await self._oldest(ids)
        others = [id for id in ids if id != into]
        if not others:
            raise BadRequest("one report alone cannot be merged", detail="Tick two or more.")
        merged = await self.instance.store.awrite(undone.merge(self.caller, others, into))
        moved = _reports(len(merged.places))
        places = [vars(place) for place in merged.places]
        where = merged.head if wanted else None
        self._say(f"{moved} merged into another.", places, to=where)

    async def _unmerge(self) -> None:
        self.refused_as("feedback.unmerge")
        id, _, version = self.given.text("unmerged").partition(":")
        seen = int(version) if version.isdecimal() else None
        await self.instance.store.awrite(reports.unmerge(self.caller, id, seen))
        self._say("The report stands alone again, and stays so.")

    async def _delete(self) -> None:
        require(self.caller.principal, ADMIN, changes=True)
        if self.given.text("sure") != "yes":
            raise BadRequest("nothing is deleted without a second thought", detail="Tick the box.")
        for id, _ in self.given.reports:
            await self.instance.store.awrite(reports.delete(self.caller, id))
        self._say(f"{_reports(len(self.given.reports))} deleted.", to="")

    # -- what is answered

    async def _row(self, id: str) -> Row:
        """As it is now, without what stands beside it. Raises NotFound."""
        reader = Reader(self.instance, self.caller.me)

        def read() -> list[Row]:
            return reading.dressed(reader, reader.ask(by_id, reader.seen, Text(id)))

        rows = await self.instance.store.offload(read)
        if not rows:
            raise NotFound(f"no report {cut(id, 64)} here")
        return rows[0]

    def _last(self, id: str) -> str | None:
        """Who changed a report last, as people call them."""
        seen = Seen(FEEDBACK_HISTORY, self.caller.me)
        changes = self.instance.store.rows(history, seen, Text(id))
        person = self.instance.people.get(changes[-1]["actor"]) if changes else None
        return person.label if person else None

    async def _oldest(self, ids: Sequence[str]) -> str:
        rows = await asyncio.gather(*(self._row(id) for id in ids))
        oldest = min(rows, key=lambda row: (row["created_at"], row["id"]))
        return str(oldest["id"])

    def _say(
        self, text: str, undo: Sequence[Mapping[str, Any]] = (), *, to: str | None = None
    ) -> None:
        """`to`: the report to be shown next, "" for the list; else where the form stood."""
        where = self._back() if to is None else f"{PATH}/{to}" if to else PATH
        if self.is_live:
            if to is not None:
                self.set_header("X-Go", where)
            self.answer(render("feedback/said.html", text=text, undo=undo))
        else:
            self.lead(where)

    def _back(self) -> str:
        """The page of ours on which the form stood."""
        parts = urlsplit(self.request.headers.get("Referer", ""))
        path = parts.path if re.fullmatch(rf"{PATH}(/[0-9a-f-]+)?", parts.path) else PATH
        return f"{path}?{parts.query}" if parts.query else path

    async def _refuse(self, do: str, done: Done) -> None:
        left = [await self._left(step, error) for step, error in done.left]
        self.set_status(Conflict.status)
        template = f"feedback/{'conflicts' if self.is_live else 'conflict_page'}.html"
        xsrf = self.xsrf_token.decode()
        said = f"{_reports(done.reports)} {_DONE[do]}." if done.reports else ""
        about = {"left": left, "done": said, "now": now(), "xsrf": xsrf, "back": self._back()}
        self.answer(render(template, live=self.is_live, act=f"{PATH}/act", **about))

    async def _left(self, step: Step, error: AgnesError) -> dict[str, Any]:
        """What stands there now, and what was wanted instead."""
        try:
            row = await self._row(step.id)
        except NotFound as gone:
            return {"error": gone, "row": None, "fields": [], "steps": None}
        again = Step(step.id, row["version"], step.change).as_dict()
        people = self.instance.people
        fields = [
            (name, _shown(people, name, row[name]), _shown(people, name, wanted, self.caller))
            for name, wanted in step.change.items()
        ]
        return {
            "error": error,
            "row": row,
            "who": await self.instance.store.offload(self._last, step.id),
            "href": links.report(step.id),
            "fields": fields,
            "steps": [again] if isinstance(error, Outdated) else None,
        }


def _value(row: Row, name: str) -> Any:
    """A field as a change asks for it."""
    if name == "tags":
        return orjson.loads(row["tags"] or "[]")
    return row[name] or "open" if name == "status" else row[name]


def _shown(people: People, name: str, value: Any, caller: Caller | None = None) -> Any:
    """A field for people; `me` is the caller."""
    if name != "assignee":
        return value
    if isinstance(value, Mapping):
        return value["email"] or value["user_id"]
    id = caller.me.user_id if caller and value == "me" else value
    person = people.get(id)
    return person.email if person else id


def _reports(count: int) -> str:
    return f"{count:,} report{'' if count == 1 else 's'}"


ROUTES: list[Any] = [(rf"{PATH}/act", FeedbackActs)]
