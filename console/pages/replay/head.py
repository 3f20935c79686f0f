"""Who, when and for how long; the sessions before and after this one in the list that the reader
came from."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from console import links, sessions
from console.identity.rights import ACTIVITY, ADMIN, may
from console.pages.replay.reading import Reading
from console.queries import replay as queries
from console.queries.sessions import SessionFilter
from console.session_filter import filter_of, sort_of
from console.sessions import Row
from schema.bind import Text

_NEWEST = "uploaded_at:desc"


@dataclass(frozen=True)
class Walk:
    """Addresses of the sessions around this one, None where there is none. `of_person`: in the list
    of all sessions of its person, because it stands in no other."""

    place: int
    total: int
    previous: str | None
    next: str | None
    found_before: str | None
    found_after: str | None
    of_person: bool


@dataclass(frozen=True)
class Head:
    """`row` is the session's row of the list; `walk` None where it stands in no list. Addresses
    that the reader may not open are None."""

    row: Row
    walk: Walk | None
    short: str
    download: str
    list: str
    person: str | None
    history: str | None
    command: str


def read(reading: Reading) -> Head:
    me, key = reading.reader.principal, reading.session_file
    of_admin = may(me, ADMIN) and not reading.own
    user, file = quote(reading.user), quote(reading.file)
    api = f"/api/me/sessions/{file}" if reading.own else f"/api/admin/sessions/{user}/{file}"
    kind = "sessions show" if reading.own else "admin sessions show"
    list = "/me/sessions" if reading.own else "/admin/sessions"
    return Head(
        row=reading.summary(),
        walk=walk(reading),
        short=short(reading.file),
        download=f"{api}/download",
        list=list + reading.state.back.rstrip("?"),
        person=links.href("user", reading.user) if of_admin else None,
        history=links.history("session", key) if may(me, ACTIVITY) and not reading.own else None,
        command=f"agnes {kind} {reading.file if reading.own else key}",
    )


def short(file: str) -> str:
    """A name that can be told from others at a glance; the whole one stands in its title."""
    name = file.removesuffix(".jsonl")
    return f"{name[:12]}….jsonl" if len(name) > 24 else file


def walk(reading: Reading) -> Walk | None:
    """In the list that the address asks for. Where it asks for none: in the list as it is without
    a filter; one's own session, and one that does not stand there, among all of its person."""
    state, at = reading.state, reading.at
    filter, sort = filter_of(state.given, now=at), sort_of(state.sort or None)
    if state.of_list or not reading.own:
        found = _around(reading, filter, sort)
        if found is not None or state.of_list:
            return _linked(reading, found, of_person=False) if found else None
    found = _around(reading, SessionFilter(terms={"user_id": reading.user}), _NEWEST)
    return _linked(reading, found, of_person=True) if found else None


def _around(reading: Reading, filter: SessionFilter, sort: str) -> Row | None:
    reader = reading.reader
    wanted, key = sessions.looked_up(reader, filter), Text(reading.session_file)
    (row,) = reader.ask(queries.walk, reader.seen, wanted, sort, key)
    return None if row["place"] is None else row


def _linked(reading: Reading, row: Row, *, of_person: bool) -> Walk:
    query = reading.state.other().removeprefix("?")

    def at(name: str, place: str = "") -> str | None:
        file = row[name]
        return file and links.replay(file, own=reading.own, query=query) + place

    return Walk(
        place=row["place"],
        total=row["total"],
        previous=at("previous"),
        next=at("next"),
        found_before=at("found_before", "#last-finding"),
        found_after=at("found_after", "#first-finding"),
        of_person=of_person,
    )
