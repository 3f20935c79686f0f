"""One report: what it says, what came with it, and what is done with it."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from console import links
from console.audit import Caller, now
from console.feedback import reading as feedback
from console.feedback.reading import READ, Reader
from console.identity.rights import ADMIN, FEEDBACK, SESSIONS, SIGNED_IN, Right, may
from console.instance import Instance
from console.pages.entry import Arrival
from console.pages.feedback import excerpt, issue
from console.pages.feedback.history import line
from console.pages.feedback.page import filtered
from console.pages.feedback.reading import Reading
from console.pages.feedback.state import ReportState
from console.pages.parts import Part, PartsPage
from console.pages.replay.words import brief
from console.sessions import Row

ID = r"[0-9a-f-]+"  # of a report; braces mean something else to Panel
_NEAR = 5  # other groups with the same error


def _shown(reading: Reading) -> Row:
    """The report, or NotFound would have ended the visit."""
    assert reading.report is not None
    return reading.report


def head(reading: Reading) -> dict[str, Any]:
    """`report`; `list`: where its reader comes from, with the reports `previous` and `next` there;
    `issue`: the address of a prefilled one."""
    report, state, own = _shown(reading), reading.state, reading.own
    assert isinstance(state, ReportState)
    place = links.report(report["id"])
    found: dict[str, Any] = {"report": report, "previous": None, "next": None, "issue": None}
    if own:
        return {**found, "list": "/me/reports"}
    repository = reading.reader.instance.settings.github_issues
    address = str(reading.reader.instance.settings.public_url).rstrip("/") + place
    around = _around(reading, report) if reading.is_known else {}
    return {
        **found,
        **around,
        "list": "/admin/feedback" + state.list.rstrip("?"),
        "issue": issue.link(repository, report, address),
    }


def _around(reading: Reading, report: Row) -> dict[str, str | None]:
    """The addresses of the reports beside this one in the list, also where it is no longer in
    that."""
    reader, at, id = reading.reader, report["created_at"], report["id"]

    def beside(*, newer: bool) -> str | None:
        by = feedback.order(reader, reading.sort, at, id, newer=newer)
        rows = feedback.listing(reader, reading.filter, by, 1).rows
        return links.report(rows[0]["id"]) + _query(reading) if rows else None

    return {"previous": beside(newer=True), "next": beside(newer=False)}


def _query(reading: Reading) -> str:
    assert isinstance(reading.state, ReportState)
    return reading.state.list.rstrip("?")


def about(reading: Reading) -> dict[str, Any]:
    """`report` with all that stands beside it: the `others` of its group and `near` ones, its
    `history` in words, `findings` with the address of each."""
    report, me, people = _shown(reading), reading.caller.me, reading.reader.instance.people
    own = reading.own
    head_id = None if own else report["merged_into"]  # that one may be somebody else's
    alone = own or report["merged_into"] or not report["error"]
    resolver = report["resolved_by"]
    reporter = report["reporter"]["user_id"]
    return {
        "report": report,
        "head_href": links.report(head_id) + _query(reading) if head_id else None,
        "head_message": feedback.one(reading.reader, head_id)["message"] if head_id else None,
        "others": [_other(reading, row) for row in report["duplicates_list"]],
        "near": [] if alone else _near(reading, report),
        "history": [line(change, people) for change in reversed(report["history"])],
        "findings": _findings(report, me),
        "people": _assignable(reading) if not own else (),
        "person_href": links.home("user", reporter, me) if reporter and not own else None,
        "resolved_by": resolver["email"] or resolver["user_id"] if resolver else None,
        "may_delete": may(me, ADMIN) and not own,
        "may_amend": own and report["status"] not in ("resolved", "wontfix"),
        "fingerprint_href": f"/admin/feedback?fingerprint={report['fingerprint']}",
    }


def _other(reading: Reading, row: Row) -> Row:
    return {**row, "href": links.report(row["id"], own=reading.own) + _query(reading)}


def _near(reading: Reading, report: Row) -> list[Row]:
    """Other groups of which the error reads the same: those that one may want to merge."""
    everything = reading.without(*reading.filter.terms)
    wanted = replace(everything, since=None, until=None, terms={"q": report["error"].lower()})
    by = feedback.order(reading.reader, None, None, None)
    rows = feedback.listing(reading.reader, wanted, by, _NEAR + 1).rows
    return [_other(reading, row) for row in rows if row["id"] != report["id"]][:_NEAR]


def _findings(report: Row, me: Any) -> list[Row]:
    """Each with `href`, where it stands in the session."""
    session = report["session"]
    opens = session and session["exists"]
    own = not may(me, SESSIONS)

    def at(turn: int | None) -> str | None:
        return links.replay(report["session_file"], turn, own=own) if opens and turn else None

    return [{**row, "href": at(row["turn_index"])} for row in report["findings"]]


def _assignable(reading: Reading) -> list[Any]:
    people = reading.reader.instance.people.all().values()
    return sorted((one for one in people if one.is_active), key=lambda one: one.label.casefold())


def came(reading: Reading) -> dict[str, Any]:
    """What came with it: the `found` turns, the `session` they are of, and how `person` is
    called."""
    report = _shown(reading)
    page = links.report(report["id"], own=reading.own)
    reporter = report["reporter"]
    called = str(reporter["name"] or reporter["email"] or "user")
    return {
        "found": excerpt.read(report["session_excerpt"], page, all="all" in reading.state.rest),
        "session": report["session"],
        "person": called.partition("@")[0].partition(" ")[0],
    }


PARTS: tuple[Part[Reading], ...] = (
    Part("report", about, template="feedback/nothing.html"),
    Part("head", head),
    *(Part(name, lambda reading: None) for name in ("message", "answer", "standing")),
    Part("excerpt", came),
    *(Part(name, lambda reading: None) for name in ("alike", "facts", "history")),
)


class ReportPage(PartsPage[Reading]):
    """`/admin/feedback/<id>`: an object is made for each visit."""

    path = rf"/admin/feedback/{ID}"
    title = "Report"
    about = ""
    section: str | None = None
    right: Right = FEEDBACK
    template = "report.html"
    folder = "feedback"
    parts = PARTS
    own = False
    styles: Sequence[str] = ("replay/replay.css", "replay/events.css", "feedback/report.css")
    scripts: Sequence[str] = ("feedback/acts.js", "feedback/report.js")

    def __init__(self) -> None:
        self.under = "/admin/feedback"  # its entry in the menu

    @property
    def id(self) -> str:
        return self.path.rpartition("/")[2]

    def at(self, path: str) -> ReportPage:
        page = type(self)()
        page.path = path
        return page

    async def arrive(self, instance: Instance, caller: Caller, query: str) -> Arrival:
        """What is not there, or not for this reader, is no page at all. Raises NotFound."""
        reading = self.begun(instance, caller, beat=False)
        row = await instance.store.offload(feedback.one, reading.reader, self.id)
        self.title = brief(row["message"] or "", 60) or "Report"
        return await super().arrive(instance, caller, query)

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        reader = Reader(instance, caller.me)
        reader = reader.own() if self.own else reader
        return Reading(reader, caller, ReportState(), now(), own=self.own, beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        return replace(reading, state=ReportState.of(query))

    async def filtered(self, reading: Reading) -> Reading:
        def read() -> Reading:
            report = feedback.one(reading.reader, self.id)
            return replace(filtered(reading), report=report)

        return await reading.reader.instance.store.offload(read)

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        params: Mapping[str, Any] = {"endpoint": "report", "id": self.id}
        return (reading.reader.instance.was_read(reading.caller, READ, params),)


class MyReportPage(ReportPage):
    """`/me/reports/<id>`: to whoever sent it."""

    path = rf"/me/reports/{ID}"
    right: Right = SIGNED_IN
    own = True

    def __init__(self) -> None:
        self.under = "/me/reports"

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        params = {"endpoint": "me/reports", "id": self.id}
        return (reading.reader.instance.was_read(reading.caller, READ, params),)
