"""What the analysts' notebooks stand on: the figures of the pages, asked of tables of Ibis.

The question and what is made of its rows are those of the pages (`console.telemetry`,
`console.sessions`); only the tables are others: those of `ibis.agnes`, in which everybody has
their own rows, narrowed as one likes. The same rows give the page's answer, and so its picture:

    calls = notebook.calls(con.table("agnes_telemetry"), *notebook.last(30))
    views.VIEWS["telemetry"].draw(calls)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any, cast

import ibis.expr.types as ir

from console import sessions, telemetry
from console.audit import now
from console.queries.sessions import SessionFilter, SessionsSeen
from console.queries.telemetry_filter import TelemetryFilter
from console.views import style

Row = dict[str, Any]
# How a session went -> the colour that pages give it.
VERDICTS = {
    "clean": "ok",
    "recovered": "info",
    "struggled": "warn",
    "failed": "err",
    "open": "muted",
    "not_judged": "line",
}


@dataclass(frozen=True)
class _Rows:
    """A table in the place of `schema.policy.Seen`: whose rows these are was decided before."""

    table: ir.Table

    def rows(self) -> ir.Table:
        return self.table


@dataclass(frozen=True)
class _Reader:
    """In the place of the pages' readers, as far as these figures need one."""

    seen: Any

    def ask(self, question: Any, *args: Any) -> list[Row]:
        found: list[Row] = question(*args).to_pyarrow().to_pylist()
        return found

    def seen_for(self, filter: SessionFilter) -> Any:
        return self.seen

    def label(self, group: str, value: str | None) -> str | None:
        return value


def last(days: float) -> tuple[datetime, datetime]:
    """The window of that many days up to now, in UTC."""
    until = now()
    return until - timedelta(days=days), until


def said(since: datetime, until: datetime) -> str:
    """A window in words."""
    return f"from {since:%d %B %Y %H:%M} to {until:%d %B %Y %H:%M} UTC"


def colours(**tokens: str) -> dict[str, str]:
    """A colour for each name, of the console's own: `colours(errors="err")`."""
    return {name.replace("_", " "): style.tokens()[token] for name, token in tokens.items()}


def look(height: int, **more: Any) -> Row:
    """Options that all charts of the notebooks have: as wide as the notebook, nothing to press."""
    plain = {"responsive": True, "height": height, "toolbar": None, "xlabel": "", "ylabel": ""}
    return {**plain, **more}


def table(rows: Any, *, link: str = "") -> Any:
    """A frame as a table to be read: times to the minute, what others wrote as text, the addresses
    in the column `link` as links."""
    formats: Row = {
        name: "{:%Y-%m-%d %H:%M}" for name, kind in rows.dtypes.items() if kind.kind == "M"
    }
    if link:
        formats[link] = _link
    left = [{"selector": "th, td", "props": "text-align: left; vertical-align: top"}]
    shown = rows.style.format(formats, escape="html", na_rep="–", precision=1, thousands=",")
    return shown.set_table_styles(left).hide(axis="index")


def _link(address: str) -> str:
    return f'<a href="{escape(address)}" target="_blank" rel="noopener">open</a>'


def calls(
    events: ir.Table, since: datetime, until: datetime, *, by: str | None = None, top: int = 8
) -> Row:
    """The answer of `/api/admin/telemetry/series` for rows of `agnes_telemetry`: calls over time
    with their errors or, with `by` (`tool_name`, `model`, `skill`, …), of the `top` most frequent
    values. Draw it as "telemetry"."""
    reader = cast("telemetry.Reader", _Reader(_Rows(events)))
    return telemetry.series(reader, TelemetryFilter(since, until), by, top)


def findings(found: ir.Table, of: ir.Table, since: datetime, until: datetime) -> Row:
    """The answer of `/api/admin/sessions/findings` for rows of `agnes_findings` and the sessions
    they are `of`, rows of `agnes_sessions`, by when these were uploaded. Draw it as "findings"."""
    summaries, kinds = cast("Any", _Rows(of)), cast("Any", _Rows(found))
    seen = SessionsSeen(summaries, summaries, kinds, unread=())
    reader = cast("sessions.Reader", _Reader(seen))
    return sessions.heatmap(reader, SessionFilter("uploaded", since, until))
