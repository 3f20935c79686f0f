"""What the palette finds: pages, one's own saved views, people, sessions, by a part of the name.

Everything is as far as the reader may see it: pages by their right, people for admins only,
sessions by the policy of their rows. It blocks: call it through `store.offload`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import ibis
import ibis.expr.types as ir

from console import links, sessions
from console.identity.rights import ACTIVITY, ADMIN, may
from console.instance import Instance
from console.queries.sessions import SessionFilter
from schema.bind import Text
from schema.policy import Principal
from schema.table import rows_of
from schema.tables import USER_OBSERVABILITY_VIEWS as VIEWS

MOST = 20
KINDS = ("page", "view", "user", "session")
_NEWEST = 5  # of views and of sessions, while nothing has been typed yet
_OF_VIEWS = {"activity": links.LOG, "me": links.MINE}  # a view's page -> where it is


@dataclass(frozen=True)
class Found:
    """One line. `about`: the object's owner, for what is somebody else's."""

    kind: str
    label: str
    detail: str
    href: str
    about: str | None = None

    def as_dict(self) -> dict[str, Any]:
        row = asdict(self)
        del row["about"]
        return row


@dataclass(frozen=True)
class Answer:
    """One page of what was found, and how much there is of it."""

    rows: list[Found]
    total: int


def found(instance: Instance, me: Principal, text: str, limit: int, offset: int) -> Answer:
    """What has `text` in its name, whatever its case: first what begins with it, then what has a
    word that does. Without a text: the pages, the newest views and sessions."""
    wanted = text.strip().casefold()
    places, views = list(_places(instance, me)), list(_views(instance, me))
    if not wanted:
        newest, _ = _sessions(instance, me, "", _NEWEST)
        rows = [*places, *views[:_NEWEST], *newest]
        return Answer(rows[offset : offset + limit], len(rows))
    named = [*places, *views, *_people(instance, me)]
    rows = sorted(
        (one for one in named if _rank(one, wanted) is not None),
        key=lambda one: (_rank(one, wanted), KINDS.index(one.kind)),
    )
    # Sessions come last and newest first: their names are mostly ids, which rank nothing.
    listed, total = _sessions(instance, me, text.strip(), offset + limit)
    return Answer([*rows, *listed][offset : offset + limit], len(rows) + total)


def _rank(one: Found, wanted: str) -> int | None:
    """0 begins with it, 1 has a word that does, 2 holds it; None: does not match."""
    name = one.label.casefold()
    if name.startswith(wanted):
        return 0
    text = f"{name} {one.detail.casefold()}"
    if any(word.startswith(wanted) for word in text.replace("@", " ").replace(".", " ").split()):
        return 1
    return 2 if wanted in text else None


def _places(instance: Instance, me: Principal) -> Iterator[Found]:
    for page in instance.places:
        if may(me, page.right):
            yield Found("page", page.title, page.section or "", page.path)


def _views(instance: Instance, me: Principal) -> Iterator[Found]:
    """The newest first; those of pages that one may not open any more are left out."""
    open_ = {page.path: page.title for page in instance.places if may(me, page.right)}
    for row in instance.store.rows(_newest_views, Text(me.user_id)):
        path = _OF_VIEWS.get(row["page"])
        if path in open_:
            link = links.href("view", row["id"])
            href = link if path == links.LOG else link.replace(links.LOG, path, 1)
            yield Found("view", row["name"], open_[path], href)


def _newest_views(user_id: Text) -> ir.Table:
    """Somebody's own views, as a question that is compiled once for everybody."""
    rows = rows_of(VIEWS)
    mine = rows.filter(rows.user_id == user_id.text)
    return mine.order_by([ibis.desc("created_at"), ibis.desc("id")]).select("id", "page", "name")


def _people(instance: Instance, me: Principal) -> Iterator[Found]:
    if not may(me, ADMIN):
        return
    for one in sorted(instance.people.all().values(), key=lambda one: one.label.casefold()):
        detail = one.email if one.name else ""
        detail += "" if one.is_active else " (deactivated)"
        yield Found("user", one.label, detail.strip(), links.href("user", one.id), about=one.id)


def _sessions(
    instance: Instance, me: Principal, text: str, most: int
) -> tuple[Iterable[Found], int]:
    """The newest sessions with `text` in their name or their person's, and how many there are."""
    filter = SessionFilter(terms={"q": text.lower()} if text else {})
    reader = sessions.Reader(instance, me)
    rows = sessions.listed(reader, filter, sort="uploaded_at:desc", limit=most, offset=0)
    total = sessions.total(reader, filter) if text else len(rows)
    return [_session(row, me) for row in rows], total


def _session(row: dict[str, Any], me: Principal) -> Found:
    owner, _, name = row["session_file"].rpartition("/")
    own = not may(me, ACTIVITY)
    at = row["uploaded_at"]
    said = (row["user_name"] or row["user_email"], f"{at:%d %b %H:%M} UTC" if at else None)
    one = Found(
        "session",
        name.removesuffix(".jsonl"),
        " · ".join(filter(None, said)),
        links.history("session", row["session_file"], own=own),
    )
    return replace(one, about=row["user_id"] or owner)
