"""What the palette finds: pages, one's own saved views, people, sessions, by a part of the name.

Everything is as far as the reader may see it: pages by their right, people for admins only,
sessions by the policy of their rows. It blocks: call it through `store.offload`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from console import links
from console.identity.rights import ADMIN, SESSIONS, may
from console.instance import Instance
from console.queries.counted import with_total
from console.queries.sessions import SessionFilter, SessionsSeen
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


def _newest_sessions(seen: SessionsSeen, filter: SessionFilter, limit: int) -> ir.Table:
    """The newest sessions that match, each with the `total` of them."""
    rows = seen.rows()
    rows = filter.apply(rows, rows)
    rows = with_total(rows.select("session_file", "user_id", "uploaded_at"))
    return rows.order_by([rows.uploaded_at.desc(nulls_first=False), rows.session_file]).limit(limit)


def _sessions(instance: Instance, me: Principal, text: str, most: int) -> tuple[list[Found], int]:
    """The newest sessions with `text` in their name or their person's, and how many there are."""
    filter = SessionFilter(terms={"q": text.lower()} if text else {})
    whole = -(-most // MOST) * MOST  # few lengths, so that few questions are compiled
    seen = SessionsSeen.by(me)
    rows = instance.store.rows(_newest_sessions, seen, filter, whole)
    return [_session(instance, me, row) for row in rows[:most]], rows[0]["total"] if rows else 0


def _session(instance: Instance, me: Principal, row: dict[str, Any]) -> Found:
    person, at = instance.people.get(row["user_id"]), row["uploaded_at"]
    said = (person.label if person else "", f"{at:%d %b %H:%M} UTC" if at else "")
    name = row["session_file"].rpartition("/")[2]
    return Found(
        "session",
        name.removesuffix(".jsonl"),
        " · ".join(filter(None, said)),
        links.replay(row["session_file"], own=not may(me, SESSIONS)),
        about=row["user_id"],
    )
