"""Who may see which rows. The only place that decides it, for pages, API, exports, SQL and
notebooks alike."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

import ibis
import ibis.expr.types as ir

from schema.bind import Value, point
from schema.table import Table, rows_of

SURFACES = ("activity", "telemetry", "sessions", "feedback")
RESOURCE_TYPES = (*SURFACES, "table")


@dataclass(frozen=True)
class View:
    """An admin sees what somebody else sees: who the admin is, and until when (naive UTC)."""

    by: str
    by_name: str
    until: datetime


@dataclass(frozen=True)
class Principal:
    """Who is asking. `surfaces` are the pages a group of theirs was granted. A `service` is a job:
    it has no user id, owns nothing, and may do only what jobs do. With a `view` an admin looks
    through this person's eyes, and changes nothing."""

    user_id: str
    is_admin: bool = False
    surfaces: frozenset[str] = field(default_factory=frozenset)
    tables: frozenset[str] = field(default_factory=frozenset)
    groups: tuple[str, ...] = ()
    email: str = ""
    name: str = ""
    kind: str = "web"  # web | cli | agent | external | scheduler
    service: bool = False
    view: View | None = None

    @property
    def reader(self) -> str:
        """The id of who really reads: whose own rows are shown raw, who says why they open a
        transcript, and whom the log names."""
        return self.view.by if self.view else self.user_id

    def sees_all(self, table: Table) -> bool:
        return self.is_admin or (table.surface is not None and table.surface in self.surfaces)

    def may_read(self, table_id: str) -> bool:
        """A registered table: all of its rows, or none."""
        return self.is_admin or table_id in self.tables

    def own_rows_only(self) -> Principal:
        """The same person in the `agnes_*` tables, where a grant does not widen what they see."""
        return replace(self, surfaces=frozenset())

    def as_anybody(self) -> Principal:
        """The same person without what being an admin or a grant adds: they see their own rows."""
        return replace(self, is_admin=False, surfaces=frozenset(), tables=frozenset())

    def reporting(self) -> Principal:
        """A job that writes a report for the admins: it sees the sessions, the telemetry and the
        reports of everybody, and no other table. Anybody else is who they are."""
        surfaces = frozenset(("sessions", "telemetry", "feedback"))
        return replace(self, surfaces=surfaces) if self.service else self


def visible(table: Table, principal: Principal) -> ir.Table:
    """The rows of `table` that `principal` may see: all for admins and for holders of the table's
    surface, else their own; none where no column names an owner."""
    rows = rows_of(table)
    if principal.sees_all(table):
        return rows
    if table.owner is None:
        return rows.filter(ibis.literal(False))
    return rows.filter(rows[table.owner] == principal.user_id)


@dataclass(frozen=True)
class Seen:
    """`visible(table, principal)` as an argument of `Store.ask`: compiled once, whoever asks."""

    table: Table
    principal: Principal

    def shape(self) -> Hashable:
        return (self.table.name, self.principal.sees_all(self.table))

    def values(self) -> Mapping[str, Value]:
        if self.table.owner is None or self.principal.sees_all(self.table):
            return {}  # the query has no place for it
        return {"me": self.principal.user_id}

    def bound(self, prefix: str) -> Self:
        me = {key: point(prefix + key, value) for key, value in self.values().items()}
        return replace(self, principal=replace(self.principal, user_id=me.get("me", "")))

    def rows(self) -> ir.Table:
        return visible(self.table, self.principal)


# What looking at somebody's transcripts is called in the audit log.
LOOKS = ("session.transcript_view", "session_download", "session_bulk_download")


@dataclass(frozen=True)
class SeenLooks(Seen):
    """The rows of the audit log that say who looked at transcripts: all for those who see the whole
    log, else one's own looks and those at one's own transcripts, by whomever. The one exception to
    own rows; only `console.queries.transcripts` asks, and shows no more than when, who and why."""

    def shape(self) -> Hashable:
        return ("looks", super().shape())

    def rows(self) -> ir.Table:
        rows = rows_of(self.table)
        looks = rows.filter(rows.action.isin(LOOKS), rows.result == "success")
        if self.principal.sees_all(self.table):
            return looks
        me = _text(self.principal.user_id)
        mine = looks.resource.startswith("session:" + me + "/") | (looks.resource == "user:" + me)
        return looks.filter(mine.fill_null(False) | (looks.user_id == me).fill_null(False))


# What everybody may know of a report that is not theirs: in which group it is, how that stands.
STANDING = (
    *("id", "created_at", "reporter_user", "fingerprint", "merged_into", "kept_apart", "status"),
    *("assignee", "tags", "resolution", "fixed_in", "resolved_at", "resolved_by", "reopened"),
)


@dataclass(frozen=True)
class SeenGroups(Seen):
    """How groups of reports stand, everybody's: no message, excerpt or environment. A report that
    joined another one shows that one's status and answer to its own reporter, and who is about to
    send one hears how many others did. Only `console.queries.feedback` asks: of others' reports it
    shows counts, times, and that status and answer."""

    def shape(self) -> Hashable:
        return ("groups", self.table.name)

    def values(self) -> Mapping[str, Value]:
        return {}

    def rows(self) -> ir.Table:
        return rows_of(self.table).select(*STANDING)


# What a report has from the head of its group, where it is not the head itself.
_OF_HEAD = STANDING[STANDING.index("status") :]


@dataclass(frozen=True)
class SeenReports(Seen):
    """The reports that one may see, each with the status and answer of its group's head, whoever
    sent that one: nobody asks what became of a report and hears of its row only."""

    def shape(self) -> Hashable:
        return ("reports", super().shape())

    def rows(self) -> ir.Table:
        own = super().rows()
        own = own.mutate(head=ibis.coalesce(own.merged_into, own.id)).drop(*_OF_HEAD)
        heads = rows_of(self.table).select("id", *_OF_HEAD).rename(head="id")
        rows = own.left_join(heads, "head").drop("head_right")
        rows = rows.mutate(status=rows.status.fill_null("open"))
        return rows.select(*self.table.columns)


def _text(value: Any) -> Any:
    return ibis.literal(value) if isinstance(value, str) else value
