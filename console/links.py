"""Where an object is shown: the one place that knows the address of each kind.

An object without a page of its own is shown by the log of what happened to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import quote, urlencode

from console.identity.rights import Right
from console.queries import typed_words

LOG, MINE = "/admin/activity", "/me"
_MONTH = "43200"  # minutes; the longest span there is


class Place(Protocol):
    """A page as it stands in the menu."""

    path: str
    title: str
    section: str | None
    right: Right


# Kinds with an address of their own. What gets a page is moved from the log to here.
_PAGES: Mapping[str, Callable[[str], str]] = {
    "event": lambda id: _with(LOG, row=id),
    "job": lambda id: _with("/admin/jobs", job=id),
    "run": lambda id: _with("/admin/jobs", run=id),
    "view": lambda id: _with(LOG, view=id),
}


def href(kind: str, id: str) -> str:
    """The address of an object: a `kind` as in an audit row's resource (`user`, `session`, `job`,
    …), or `run`, `event`."""
    if kind in _PAGES:
        return _PAGES[kind](id)
    if kind == "user":
        return _with(LOG, user_id=id, since_minutes=_MONTH)
    return history(kind, id)


def history(kind: str, id: str, *, own: bool = False) -> str:
    """What happened to an object in the last 30 days; `own`: as far as the reader did it."""
    word = typed_words.word("resource", f"{kind}:{id}")
    return _with(MINE if own else LOG, query=word, since_minutes=_MONTH)


def of_resource(resource: str | None) -> str | None:
    """The address of an audit row's resource; None for what names no object."""
    kind, _, id = (resource or "").partition(":")
    return href(kind, id) if kind and id else None


def replay(session_file: str, turn: int | None = None, *, own: bool = False) -> str:
    """Where a session is replayed, at event number `turn`; `own`: for the person whose it is."""
    user, _, file = session_file.partition("/")
    path = f"/me/sessions/{quote(file)}" if own else f"/admin/sessions/{quote(user)}/{quote(file)}"
    return path if turn is None else f"{path}#t{turn}"


def _with(path: str, **given: str) -> str:
    return f"{path}?{urlencode(sorted(given.items()))}"
