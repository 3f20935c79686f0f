"""The audit log beside the telemetry: what actions cost and what was asked of the data, in the same
window and by the same person. A transcript says when a call began, not how long it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from console import telemetry
from console.activity import Reader
from console.identity.rights import ACTIVITY, may
from console.links import LOG, MINE
from console.pages import visits
from console.pages.render import iso
from console.pages.telemetry.reading import Reading as OfTelemetry
from console.queries import typed_words
from console.queries.audit_filter import AuditFilter, Term
from console.queries.telemetry_filter import ANY
from console.queries.window import MAX_MINUTES
from console.session_filter import WINDOW
from schema.tables import AUDIT_LOG

_ALIKE = ("user_id",)  # terms that mean the same in both


@dataclass(frozen=True)
class Log:
    """`whole`: the reader sees everybody's events. `left_out`: what of the filter means nothing in
    the log. `shortened`: the log is read over fewer days than were asked for."""

    reader: Reader
    filter: AuditFilter
    whole: bool
    left_out: Mapping[str, str]
    shortened: bool
    path: str

    def url(self, **asked: str | None) -> str:
        """The same window and person on the page of the log, with what else is `asked`."""
        since, until = self.filter.since, self.filter.until
        ends = {"since": iso(since) if since else None, "until": iso(until) if until else None}
        people = [
            value for term in self.filter.terms for value in term.values if term.field in _ALIKE
        ]
        return self.path + visits.url({**ends, "user_id": people[0] if people else None, **asked})

    def events(self, action: str, text: str | None = None) -> str:
        """The list of the events of an action, or of all that begin like one that ends in a dot,
        and contain `text`."""
        word = f"action:{action}" if action.endswith(".") else typed_words.word("action", action)
        return self.url(query=" ".join(filter(None, (word, f'"{text}"' if text else ""))))


def of_log(reading: OfTelemetry, *terms: Term) -> Log:
    principal, given = reading.reader.principal, reading.filter.terms
    since, until = telemetry.ends(reading.filter)
    first = max(since, until - timedelta(minutes=MAX_MINUTES))
    alike = [Term(name, (given[name],)) for name in _ALIKE if given.get(name, ANY) != ANY]
    known = (*(term.field for term in alike), *WINDOW)
    return Log(
        Reader(reading.reader.instance, principal),
        AuditFilter(first, until, (*alike, *terms)),
        whole=principal.sees_all(AUDIT_LOG),
        left_out={name: text for name, text in reading.given.items() if name not in known},
        shortened=first > since,
        path=LOG if may(principal, ACTIVITY) else MINE,
    )
