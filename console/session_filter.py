"""How sessions are asked for: the parameters of list, cards, facets, findings, export and page, as
the one filter that they share. SPEC section 13."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from console.queries import sessions
from console.queries.sessions import NONE, SessionFilter
from console.queries.window import FIRST_YEAR, LAST_YEAR, moment
from schema.errors import BadParameter

WEEK, YEAR = 10_080, 525_600  # minutes
WINDOW = ("since_minutes", "since", "until")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "anchor": tuple(sessions.ANCHORS),
    "has_finding": (*sessions.FINDING_TYPES, sessions.ANY),
    "finding_type": sessions.FINDING_TYPES,
    "verdict": (*sessions.VERDICTS, NONE),
    "severity": sessions.SEVERITIES,
    "only_errors": ("true", "false"),
    "processed": ("true", "false"),
}
FILTERS = (
    *WINDOW,
    *("anchor", "user_id", "username", "model", "only_errors", "has_finding", "verdict", "q"),
    *("severity", "processed", "week"),
)
_LONGEST = 512


def filter_of(given: Mapping[str, str], *, now: datetime) -> SessionFilter:
    """Parameters of a request -> filter. What `q` means beside a part of a name is not looked up
    yet (`console.sessions.looked_up`). Raises BadParameter."""
    for name, text in given.items():
        if name in _CHOICES and text not in _CHOICES[name]:
            raise BadParameter(name, text, "one of " + ", ".join(_CHOICES[name]))
        if len(text) > _LONGEST:
            raise BadParameter(name, text, f"at most {_LONGEST} characters")
    terms = {name: given[name] for name in FILTERS if name in given and name in sessions.TERMS}
    if terms.get("only_errors") == "false":
        del terms["only_errors"]
    if "q" in terms:
        terms["q"] = terms["q"].lower()
    since, until = window(given, now)
    week = monday(given["week"]) if "week" in given else None
    return SessionFilter(given.get("anchor", "uploaded"), since, until, terms, week)


def window(given: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    """`since` and `until`: `since_minutes` counts back from `until` when given, else from `now`;
    `since` wins over it. A week without any. Raises BadParameter."""
    until = moment("until", given["until"]) if "until" in given else now
    minutes = given.get("since_minutes", str(WEEK))
    plain = minutes.isascii() and minutes.isdigit() and len(minutes) < 20
    if not (plain and 1 <= int(minutes) <= YEAR):
        raise BadParameter("since_minutes", minutes, f"a whole number from 1 to {YEAR}")
    if "since" in given:
        since = moment("since", given["since"])
    else:
        since = until - timedelta(minutes=int(minutes))
    if since > until:
        raise BadParameter(
            "since", since.isoformat() + "Z", f"a time before until={until.isoformat()}Z"
        )
    return since, until


def monday(text: str) -> datetime:
    """`week`, named by its Monday. Raises BadParameter."""
    allowed = "the date of a Monday such as 2026-11-16"
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadParameter("week", text, allowed) from None
    if text != day.isoformat() or day.weekday() or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise BadParameter("week", text, allowed)
    return datetime(day.year, day.month, day.day)


def sort_of(text: str | None) -> str:
    """`<key>:asc|desc`, checked. Raises BadParameter."""
    key, _, direction = (text or "tool_errors:desc").partition(":")
    if key not in sessions.SORTS or direction not in ("", "asc", "desc"):
        raise BadParameter(
            "sort", text or "", "<key>:asc or :desc with one of " + ", ".join(sessions.SORTS)
        )
    return f"{key}:{direction or 'desc'}"


def without(filter: SessionFilter, name: str) -> SessionFilter:
    """The filter without one of its terms."""
    terms = {term: value for term, value in filter.terms.items() if term != name}
    if name == "q":
        return replace(filter, terms=terms, people=None, files=None)
    return replace(filter, terms=terms)


def window_minutes(filter: SessionFilter) -> int:
    since, until = ends(filter)
    return round((until - since).total_seconds() / 60)


def mondays(filter: SessionFilter) -> list[date]:
    """The weeks that the window touches, each by its Monday."""
    since, until = (at.date() for at in ends(filter))
    first = since - timedelta(days=since.weekday())
    return [first + timedelta(days=days) for days in range(0, (until - first).days + 1, 7)]


def ends(filter: SessionFilter) -> tuple[datetime, datetime]:
    if filter.since is None or filter.until is None:
        raise ValueError("this needs a window with both ends")
    return filter.since, filter.until
