"""What they did: the newest rows of the audit log, and the way to all of them."""

from __future__ import annotations

from typing import Any

from console import activity, links
from console.activity import Row
from console.pages import visits
from console.pages.person.reading import Reading
from console.pages.render import iso
from console.queries.audit_filter import AuditFilter
from console.queries.audit_grammar import ask

ROWS = 50


def asked(reading: Reading) -> dict[str, str]:
    """The window and the person, as parameters of the log."""
    since, until = reading.filter.since, reading.filter.until
    if since is None or until is None:
        raise ValueError("this needs a window with both ends")
    given = {"user_id": reading.owner, "since": iso(since)}
    return given if until == reading.at else {**given, "until": iso(until)}


def filter_of(reading: Reading) -> AuditFilter:
    people = reading.reader.instance.people
    return ask(asked(reading), now=reading.at, resolve=people.named).filter


def read(reading: Reading) -> dict[str, Any]:
    """`rows`, at most 50, each with what it is `about` and that one's address `href`; `log`: the
    address of all of them; `more`: there are."""
    reader = activity.Reader(reading.reader.instance, reading.reader.principal)
    by = activity.order(None, None, None, reader)
    page = activity.timeline(reader, filter_of(reading), by, ROWS)
    me = reading.reader.principal

    def shown(row: Row) -> Row:
        resource = row["resource"] or ""
        about = resource.replace(f":{reading.owner}/", ":")  # whose it is, the page says
        return {**row, "about": about, "href": links.of_resource(resource, me)}

    log = links.LOG + visits.url(asked(reading))
    rows = [shown(row) for row in page.rows]
    return {"rows": rows, "log": log, "more": page.next is not None}
