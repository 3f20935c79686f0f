"""What the palette finds: pages, one's own saved views, people, groups, tables, reports, sessions,
by a part of the name; reports by their words and ids, sessions also by what was said in them.

Everything is as far as the reader may see it: pages by their right, people and groups for admins
only, reports and sessions by the policy of their rows. It blocks: call it through `store.offload`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

import ibis
import ibis.expr.types as ir

from console import links
from console.feedback import reading as feedback
from console.identity import groups
from console.identity.rights import ADMIN, FEEDBACK, SESSIONS, may
from console.instance import Instance
from console.queries.counted import with_total
from console.queries.feedback_filter import FeedbackFilter
from console.queries.sessions import SessionFilter, SessionsSeen
from console.sessions import Reader, Row, looked_up
from console.tables.offered import offered
from console.transcript import text_search
from schema.bind import Text
from schema.policy import Principal
from schema.table import rows_of
from schema.tables import USER_OBSERVABILITY_VIEWS as VIEWS

MOST = 40  # all pages, and what is newest beside them
KINDS = ("page", "view", "user", "group", "table", "report", "session")
_REPORTS, _LABEL = 5, 100  # reports that are listed; letters of one
_INSIDE = 3  # characters from which on it is looked for in what was said, too
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
    named = [*places, *views, *_people(instance, me), *_groups(instance, me)]
    named += _tables(instance, me)
    named += _reports(instance, me, wanted)
    rows = sorted(
        (one for one in named if _rank(one, wanted) is not None),
        key=lambda one: (_rank(one, wanted), KINDS.index(one.kind)),
    )
    # Sessions come last: their names are mostly ids, which rank nothing.
    listed, total = _sessions(instance, me, text.strip(), offset + limit)
    return Answer([*rows, *listed][offset : offset + limit], len(rows) + total)


def _rank(one: Found, wanted: str) -> int | None:
    """0 begins with it, 1 has a word that does, 2 holds it; None: does not match. A report was
    found by more than its name."""
    name = one.label.casefold()
    if name.startswith(wanted):
        return 0
    text = f"{name} {one.detail.casefold()}"
    if any(word.startswith(wanted) for word in text.replace("@", " ").replace(".", " ").split()):
        return 1
    return 2 if wanted in text or one.kind == "report" else None


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


def _groups(instance: Instance, me: Principal) -> Iterator[Found]:
    if not may(me, ADMIN):
        return
    for one in instance.store.rows(groups.listing):
        members = f"{one['members']} member{'' if one['members'] == 1 else 's'}"
        yield Found("group", one["name"], members, links.href("group", one["id"]))


def _reports(instance: Instance, me: Principal, wanted: str) -> Iterator[Found]:
    """Those that say it, or whose id begins so; the latest, of each group one. Everybody else's own
    lead to their own pages."""
    if len(wanted) < _INSIDE:
        return
    reader, own = feedback.Reader(instance, me), not may(me, FEEDBACK)
    filter = FeedbackFilter(terms={"q": wanted}, heads=not own)
    by = feedback.order(reader, None, None, None)
    for row in feedback.listing(reader, filter, by, _REPORTS).rows:
        words = (row["message"] or "")[: 2 * _LABEL].split()
        label = "".join(sign for sign in " ".join(words) if sign.isprintable())[:_LABEL]
        said = f"report {row['id'][:8]} · {row['status']}"
        href = links.report(row["id"], own=own)
        yield Found("report", label or row["id"], said, href, about=row["reporter"]["user_id"])


def _tables(instance: Instance, me: Principal) -> Iterator[Found]:
    """What they may question."""
    for one in offered(instance, me).values():
        yield Found("table", one.name, one.bucket, links.href("catalog", one.name))


def _matching_sessions(seen: SessionsSeen, filter: SessionFilter, limit: int) -> ir.Table:
    """The sessions that match, those first of which the name does (`named`), then the newest; each
    with the `total` of them."""
    rows = seen.rows()
    rows = filter.apply(rows, rows)
    text = filter.terms.get("q", "")
    named = rows.session_file.lower().contains(text)
    rows = with_total(rows.select("session_file", "user_id", "uploaded_at", named=named))
    newest = rows.uploaded_at.desc(nulls_first=False)
    return rows.order_by([rows.named.desc(), newest, rows.session_file]).limit(limit)


def _sessions(instance: Instance, me: Principal, text: str, most: int) -> tuple[list[Found], int]:
    """The sessions with `text` in their name, their person's or what was said in them, and how many
    there are."""
    reader, wanted = Reader(instance, me), text.lower()
    filter = SessionFilter(terms={"q": wanted} if wanted else {})
    if len(wanted) >= _INSIDE:
        filter = looked_up(reader, filter)
    whole = -(-most // MOST) * MOST  # few lengths, so that few questions are compiled
    rows = reader.ask(_matching_sessions, reader.seen_for(filter), filter, whole)
    inside = set(filter.files or ())
    unnamed = [row["session_file"] for row in rows if not row["named"]]
    turns = text_search.snippets(reader, wanted, inside.intersection(unnamed)) if inside else {}
    found = [_session(instance, me, row, wanted, turns) for row in rows[:most]]
    return found, rows[0]["total"] if rows else 0


def _session(
    instance: Instance, me: Principal, row: Row, text: str, turns: Mapping[str, Row]
) -> Found:
    """One that was found by what was said in it opens where that is."""
    key, person, at = row["session_file"], instance.people.get(row["user_id"]), row["uploaded_at"]
    hit = turns.get(key)
    said = (
        person.label if person else "",
        f"{at:%d %b %H:%M} UTC" if at else "",
        f"{hit['hits']:,} in its text" if hit else "",
    )
    own = not may(me, SESSIONS)
    query = urlencode({"find": text}) if hit else ""
    return Found(
        "session",
        key.rpartition("/")[2].removesuffix(".jsonl"),
        " · ".join(filter(None, said)),
        links.replay(key, hit["turn"] if hit else None, own=own, query=query),
        about=row["user_id"],
    )
