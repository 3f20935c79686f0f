"""`/api/admin/feedback`: the inbox of reports. SPEC section 14."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from console.api.feedback import PAGING, FeedbackHandler, listed
from console.api.streamed import format_of, stream
from console.audit import now
from console.feedback import reading, reports
from console.feedback.asked import FILTERS, filter_of
from console.feedback.given import CHANGES
from console.feedback.reading import EXPORTED, READ, Row
from console.identity.rights import ADMIN, FEEDBACK, Right
from console.queries import feedback as queries
from console.queries.feedback_filter import FeedbackFilter
from schema.errors import BadParameter

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class InboxHandler(FeedbackHandler):
    rights: ClassVar[Mapping[str, Right]] = {"GET": FEEDBACK}
    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def asked(self, given: Mapping[str, str]) -> tuple[FeedbackFilter, dict[str, str]]:
        """The filter, and what tells two reads apart."""
        wanted = {name: text for name, text in given.items() if name in FILTERS}
        me, instance = self.caller.me, self.instance

        def found() -> FeedbackFilter:
            return filter_of(wanted, now=now(), instance=instance, me=me)

        return await instance.store.offload(found), wanted


class Inbox(InboxHandler):
    async def get(self) -> None:
        given = self.query((*FILTERS, *PAGING))
        filter, wanted = await self.asked(given)
        page = await listed(self, self.reader, given, filter)
        await self.was_read("list", wanted)
        self.send({**page, "filter": {**wanted, "heads": filter.heads}})


class Kpis(InboxHandler):
    """What is computed of a filter alone."""

    endpoint = "kpis"
    compute = staticmethod(reading.kpis)

    async def get(self) -> None:
        given = self.query(FILTERS)
        filter, wanted = await self.asked(given)
        found = await self.instance.store.offload(self.compute, self.reader, filter)
        await self.was_read(self.endpoint, wanted)
        self.send(found)


class Facets(Kpis):
    endpoint = "facets"
    compute = staticmethod(reading.facets)


class Export(InboxHandler):
    """All that a list shows, streamed. Excerpts stay: they are read one by one."""

    async def get(self) -> None:
        given = self.query((*FILTERS, "format"))
        format = format_of(given)
        filter, wanted = await self.asked(given)
        reader = self.reader
        await stream(
            self,
            queries.everything(reader.seen_for(filter), filter),
            EXPORTED,
            format=format,
            name="agnes-feedback",
            action=READ,
            params={"endpoint": "export", **wanted},
            dress=lambda rows: [reading.flat(reader, row) for row in rows],
        )


class Merge(InboxHandler):
    """`{ids, into}`: these reports are the same as that one."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": FEEDBACK}
    actions: ClassVar[Mapping[str, str]] = {"POST": "feedback.merge"}

    async def post(self) -> None:
        self.query(())
        given = self.body({"ids": list, "into": str}, need=("ids", "into"))
        ids = texts("ids", given["ids"])
        self.send(await self.instance.store.awrite(reports.merge(self.caller, ids, given["into"])))


class Unmerge(InboxHandler):
    """`{id, version?}`: this report is something else, and stays so."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": FEEDBACK}
    actions: ClassVar[Mapping[str, str]] = {"POST": "feedback.unmerge"}

    async def post(self) -> None:
        self.query(())
        given = self.body({"id": str, "version": int}, need=("id",))
        id = given["id"]
        step = reports.unmerge(self.caller, id, given.get("version"))
        await self.changed(id, step, {"merged_into": None})


class Bulk(InboxHandler):
    """`{reports: [{id, version}], change}` → `{changed: [report], conflicts: [{id, error, detail,
    current, yours}]}`."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": FEEDBACK}
    actions: ClassVar[Mapping[str, str]] = {"POST": "feedback.update"}

    async def post(self) -> None:
        self.query(())
        given = self.body({"reports": list, "change": dict}, need=("reports", "change"))
        seen, change = [versioned(one) for one in given["reports"]], given["change"]
        typed(change)
        done = await self.instance.store.awrite(reports.bulk(self.caller, seen, change))
        offload, reader = self.instance.store.offload, self.reader
        ids = [*done["changed"], *(conflict["id"] for conflict in done["conflicts"])]
        now_ = await offload(reading.several, reader, ids)
        conflicts = [
            {**conflict, "current": now_.get(conflict["id"]), "yours": change}
            for conflict in done["conflicts"]
        ]
        changed = [now_[id] for id in done["changed"] if id in now_]
        self.send({"changed": changed, "conflicts": conflicts})


class One(InboxHandler):
    rights: ClassVar[Mapping[str, Right]] = {"GET": FEEDBACK, "PATCH": FEEDBACK, "DELETE": ADMIN}
    actions: ClassVar[Mapping[str, str]] = {
        "GET": READ,
        "PATCH": "feedback.update",
        "DELETE": "feedback.delete",
    }

    async def get(self, id: str) -> None:
        self.query(())
        row = await self.report(id)
        await self.was_read("report", {"id": id})
        self.send(row)

    async def patch(self, id: str) -> None:
        self.query(())
        version, wanted = self.change(CHANGES)
        await self.changed(id, reports.change(self.caller, id, version, wanted), wanted)

    async def delete(self, id: str) -> None:
        self.query(())
        await self.instance.store.awrite(reports.delete(self.caller, id))
        self.nothing()


def texts(name: str, given: list[Any]) -> list[str]:
    """A list of texts. Raises BadParameter."""
    if any(not isinstance(one, str) or not _ID.fullmatch(one) for one in given):
        raise BadParameter(name, str(given), "a list of ids")
    return given


def versioned(given: Any) -> tuple[str, int]:
    """`{id, version}`. Raises BadParameter."""
    fine = isinstance(given, dict) and given.keys() == {"id", "version"}
    if not fine or type(given["version"]) is not int:
        raise BadParameter("reports", str(given), "a list of {id, version}")
    (id,) = texts("reports", [given["id"]])
    return id, given["version"]


def typed(change: Row) -> None:
    """Raises BadParameter for a key that cannot be changed, or of another type."""
    known = {name: kind for name, kind in CHANGES.items() if name != "version"}
    for name, value in change.items():
        if name not in known:
            raise BadParameter.unknown(str(name), known, what="key of change")
        kind = known[name]
        if value is not None and not isinstance(value, kind):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            raise BadParameter(name, value, "a " + " or ".join(one.__name__ for one in kinds))


INBOX = "/api/admin/feedback"
ROUTES = [
    (INBOX, Inbox),
    (rf"{INBOX}/kpis", Kpis),
    (rf"{INBOX}/facets", Facets),
    (rf"{INBOX}/export", Export),
    (rf"{INBOX}/merge", Merge),
    (rf"{INBOX}/unmerge", Unmerge),
    (rf"{INBOX}/bulk", Bulk),
    (rf"{INBOX}/([A-Za-z0-9-]{{1,64}})", One),
]
