"""Sessions and their findings as people read them. All of it blocks: call it through
`store.offload`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from console.instance import Instance
from console.queries import sessions
from console.queries.sessions import After, FindingFilter, SessionFilter, SessionsSeen
from schema.bind import Text
from schema.errors import BadParameter
from schema.policy import Principal, Seen
from schema.tables import SESSION_FINDINGS

Row = dict[str, Any]
READ = "sessions.read"
WEEK, YEAR = 10_080, 525_600  # minutes
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "anchor": tuple(sessions.ANCHORS),
    "has_finding": sessions.FINDING_TYPES,
    "finding_type": sessions.FINDING_TYPES,
    "verdict": sessions.VERDICTS,
    "severity": sessions.SEVERITIES,
    "only_errors": ("true", "false"),
}
FILTERS = (
    *("since_minutes", "anchor", "user_id", "username", "model", "only_errors", "has_finding"),
    *("verdict", "q"),
)
_LONGEST = 512


@dataclass(frozen=True)
class Reader:
    """Who reads the sessions of which instance."""

    instance: Instance
    principal: Principal

    @property
    def seen(self) -> SessionsSeen:
        return SessionsSeen.by(self.principal)

    @property
    def found(self) -> Seen:
        return Seen(SESSION_FINDINGS, self.principal)

    def ask(self, question: Any, *args: Any) -> list[Row]:
        return self.instance.store.rows(question, *args)


def filter_of(given: Mapping[str, str], *, minutes: int, now: datetime) -> SessionFilter:
    """Parameters of a request -> filter. Raises BadParameter."""
    for name, text in given.items():
        if name in _CHOICES and text not in _CHOICES[name]:
            raise BadParameter(name, text, "one of " + ", ".join(_CHOICES[name]))
        if len(text) > _LONGEST:
            raise BadParameter(name, text, f"at most {_LONGEST} characters")
    terms = {name: given[name] for name in sessions.TERMS if name in given}
    if terms.get("only_errors") == "false":
        del terms["only_errors"]
    if "q" in terms:
        terms["q"] = terms["q"].lower()
    since = now - timedelta(minutes=minutes)
    return SessionFilter(given.get("anchor", "uploaded"), since, now, terms)


def sort_of(text: str | None) -> str:
    """`<key>:asc|desc`, checked. Raises BadParameter."""
    key, _, direction = (text or "tool_errors:desc").partition(":")
    if key not in sessions.SORTS or direction not in ("", "asc", "desc"):
        raise BadParameter(
            "sort", text or "", "<key>:asc or :desc with one of " + ", ".join(sessions.SORTS)
        )
    return f"{key}:{direction or 'desc'}"


def listed(
    reader: Reader, filter: SessionFilter, *, sort: str, limit: int, offset: int
) -> list[Row]:
    """One page of sessions, with names."""
    seen, found = reader.seen, reader.found
    rows = reader.ask(sessions.listed, seen, found, filter, sort, limit, offset)
    return [_named(reader, row) for row in rows]


def total(reader: Reader, filter: SessionFilter) -> int:
    """How many sessions there are on all pages."""
    (counted,) = reader.ask(sessions.counted, reader.seen, reader.found, filter)
    return int(counted["total"])


def of_session(reader: Reader, session_file: str) -> list[Row]:
    """All findings of one session, in the order of its conversation."""
    return reader.ask(sessions.of_session, reader.found, Text(session_file))


def findings(reader: Reader, filter: FindingFilter, after: After, limit: int) -> Row:
    """One page of findings, newest sessions first, and where the next one begins."""
    rows = reader.ask(sessions.findings, reader.seen, reader.found, filter, after, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    following = {"ts": rows[-1]["at"], "id": rows[-1]["id"]} if more else None
    return {"rows": [_named(reader, row) for row in rows], "next_cursor": following}


def heatmap(reader: Reader, filter: FindingFilter) -> list[Row]:
    """`{week, finding_type, findings, sessions}`; a week is named by its Monday, UTC."""
    return reader.ask(sessions.per_week, reader.seen, reader.found, filter)


def _named(reader: Reader, row: Row) -> Row:
    """With the name and e-mail that its person has today."""
    person = reader.instance.people.all().get(row["user_id"])
    names = {"user_name": person.name, "user_email": person.email} if person else {}
    return {"user_name": None, "user_email": None, **row, **names}
