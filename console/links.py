"""Where an object is shown: the one place that knows the address of each kind.

An object without a page of its own, or with one that its reader may not open, is shown by the log
of what happened to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlencode

from console.identity.rights import ACTIVITY, ADMIN, FEEDBACK, SESSIONS, SIGNED_IN, Right, may
from console.queries import typed_words
from schema.policy import Principal

LOG, MINE = "/admin/activity", "/me"
_MONTH = "43200"  # minutes; the longest span there is
_PATTERN = re.compile(r"[][(){}*+?\\^$|]")
_SESSION = re.compile(r"[^/]+/[^/]+\.jsonl")
_TABLE = re.compile(r"agnes_[a-z]+")  # those that are always there, and one at a time
_SETTING, _PROMPT = re.compile(r"[A-Z][A-Z0-9_]+"), re.compile(r"agent|workspace")
_NAMES = {"config": _SETTING, "template": _PROMPT, "session": _SESSION, "table": _TABLE}


class Place(Protocol):
    """A page as it stands in the menu."""

    path: str
    title: str
    section: str | None
    right: Right


@dataclass(frozen=True)
class _Shown:
    """Where a kind of object is shown, and the right that opens it."""

    right: Right
    at: Callable[[str], str]


# Kinds with an address of their own. What gets a page is moved from the log to here.
_PAGES: Mapping[str, _Shown] = {
    "catalog": _Shown(SIGNED_IN, lambda id: _with("/catalog", table=id)),
    "grant": _Shown(ADMIN, lambda id: _with("/admin/access", grant=id)),
    "group": _Shown(ADMIN, lambda id: _with("/admin/groups", group=id)),
    "token": _Shown(ADMIN, lambda id: _with("/admin/tokens", q=id)),
    "config": _Shown(ADMIN, lambda id: _with("/admin/server-config", setting=id)),
    "event": _Shown(ACTIVITY, lambda id: _with(LOG, row=id)),
    "job": _Shown(ADMIN, lambda id: _with("/admin/jobs", job=id)),
    "marketplace": _Shown(ADMIN, lambda id: "/admin/marketplace?tab=marketplaces"),
    "report": _Shown(FEEDBACK, lambda id: f"/admin/feedback/{quote(id, safe='')}"),
    "registered": _Shown(ADMIN, lambda id: _with("/admin/tables", table=id)),
    "run": _Shown(ADMIN, lambda id: _with("/admin/jobs", run=id)),
    "session": _Shown(SESSIONS, lambda id: replay(id)),  # noqa: PLW0108 (it stands below)
    "template": _Shown(ADMIN, lambda id: f"/admin/{id}-prompt"),
    "table": _Shown(SIGNED_IN, lambda id: _with("/catalog", table=id)),
    "user": _Shown(ADMIN, lambda id: f"/admin/users/{quote(id, safe='')}"),
    "view": _Shown(ACTIVITY, lambda id: _with(LOG, view=id)),
}


def href(kind: str, id: str) -> str:
    """The address of an object: a `kind` as in an audit row's resource (`user`, `session`, `job`,
    …), or `run`, `event`, `catalog`, `registered` (a table,
    for who asks it and for who changes it)."""
    return _PAGES[kind].at(id) if _has_page(kind, id) else history(kind, id)


def home(kind: str, id: str, me: Principal) -> str | None:
    """The page of an object itself, as far as this reader may open it: their own session's replay
    also without any right. None where there is none."""
    if not _has_page(kind, id):
        return None
    if may(me, _PAGES[kind].right):
        return _PAGES[kind].at(id)
    mine = kind == "session" and id.partition("/")[0] == me.user_id
    return replay(id, own=True) if mine else None


def history(kind: str, id: str, *, own: bool = False) -> str:
    """What happened to an object in the last 30 days; `own`: as far as the reader did it."""
    word = typed_words.word("resource", f"{kind}:{id}")
    return _with(MINE if own else LOG, query=word, since_minutes=_MONTH)


def changes_of(resource: str) -> str:
    """The log of what was changed in the last 30 days of an object, and of what names it: of a
    group also its members and its grants."""
    id = resource.partition(":")[2] or resource
    return _with(LOG, q=id, since_minutes=_MONTH, tab="changes")


def grants_of(resource: str) -> str:
    """The log of who was granted a page or a table, and from whom it was taken back."""
    words = {"q": resource, "action_prefix": "resource_grants."}
    return _with(LOG, **words, since_minutes=_MONTH, tab="changes")


def of_resource(resource: str | None, me: Principal) -> str | None:
    """`home` of what an audit row is about; None for what names no object."""
    kind, _, id = (resource or "").partition(":")
    return home(kind, id, me) if kind and id else None


def replay(
    session_file: str, turn: int | None = None, *, own: bool = False, query: str = ""
) -> str:
    """Where a session is replayed, at event number `turn`; `own`: for the person whose it is.
    `query`: of the list that the reader comes from, without its `?`."""
    user, _, file = session_file.partition("/")
    path = f"/me/sessions/{quote(file)}" if own else f"/admin/sessions/{quote(user)}/{quote(file)}"
    if query:
        path += f"?{query}"
    return path if turn is None else f"{path}#t{turn}"


def report(id: str, *, own: bool = False) -> str:
    """Where a report is shown; `own`: to whoever sent it."""
    return f"/me/reports/{quote(id, safe='')}" if own else href("report", id)


def one_place(path: str) -> bool:
    """Whether a page's path is an address: a page about one of many things has a pattern."""
    return not _PATTERN.search(path)


def _has_page(kind: str, id: str) -> bool:
    """An event may be about a session whose name never was one, or about several tables."""
    name = _NAMES.get(kind)
    return kind in _PAGES and (name is None or name.fullmatch(id) is not None)


def _with(path: str, **given: str) -> str:
    return f"{path}?{urlencode(sorted(given.items()))}"
