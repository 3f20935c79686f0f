"""How reports look in a terminal: in a list, and one with what was done with it."""

from __future__ import annotations

from typing import Any

from console.cli.fields import show_fields
from console.cli.output import Column, Row, dash, field, moment, say, show_table, time_field
from console.cli.text import plain, plain_lines

STYLES = {"open": "yellow", "triaged": "cyan", "resolved": "green", "wontfix": "dim"}
_FIELDS = (
    *("id", "created_at", "status", "version", "category", "tags", "error", "session_file"),
    *("resolution", "fixed_in", "resolved_at", "reopened", "merged_into", "kept_apart"),
    *("fingerprint", "environment", "excerpt_turns"),
)


def who(row: Row, name: str) -> str:
    person = row.get(name) or {}
    return dash(person.get("email") or person.get("user_id"))


def _message(row: Row) -> str:
    again = " (reopened)" if row.get("reopened") else ""
    return dash(" ".join(str(row.get("message") or "").split())) + again


def _tags(row: Row) -> str:
    return dash(", ".join(row.get("tags") or ()))


def _style(row: Row) -> str:
    return STYLES.get(str(row.get("status")), "")


LISTED = (
    Column("STATUS", field("status"), style=_style),
    Column("LAST", time_field("last_at"), drop=3),
    Column("OTHERS", field("duplicates"), right=True),
    Column("PEOPLE", field("reporters"), right=True, drop=4),
    Column("MESSAGE", _message, floor=16),
    Column("REPORTER", lambda row: who(row, "reporter"), floor=10, drop=2),
    Column("ASSIGNEE", lambda row: who(row, "assignee"), floor=10, drop=5),
    Column("TAGS", _tags, floor=8, drop=6),
    Column("ID", field("id"), drop=1),
)
DUPLICATES = (
    Column("SENT", time_field("created_at"), drop=1),
    Column("REPORTER", lambda row: who(row, "reporter"), floor=10),
    Column("MESSAGE", _message, floor=16),
    Column("ID", field("id")),
)


def show(report: dict[str, Any]) -> None:
    """One report: fields, what was written, history, the others of its group."""
    row = {name: report[name] for name in _FIELDS}
    row["reporter"], row["assignee"] = who(report, "reporter"), who(report, "assignee")
    row["duplicates"] = f"{report['duplicates']} others, {report['reporters']} people in all"
    row["last_30_days"] = f"{sum(report['trend'])} reports"
    show_fields(row)
    session = report["session"]
    if session is not None:
        turn = "" if session["turn"] is None else f" --from-turn {session['turn']}"
        open_it = f"agnes admin sessions show {plain(session['session_file'])}{turn}"
        gone = "the transcript is gone: the excerpt is all there is (--excerpt)"
        say(f"\n{open_it if session['exists'] else gone}")
    for finding in report["findings"]:
        kind, turn = plain(finding["finding_type"]), dash(finding["turn_index"])
        say(f"found: {kind} at turn {turn}: {dash(finding['excerpt'])}")
    say("\n" + plain_lines(report["message"]) + "\n")
    for change in report["history"]:
        say(f"{moment(change['at'])}  {who(change, 'actor')}  {_said(change)}")
    if report["duplicates_list"]:
        say()
        show_table(DUPLICATES, report["duplicates_list"])


def _said(change: Row) -> str:
    """A change in words: `status: open -> resolved`."""
    text = plain(change["what"])
    if "from" in change or "to" in change:
        text += f": {_value(change.get('from'))} -> {_value(change.get('to'))}"
    if change.get("report"):
        text += f" ({plain(change['report'])})"
    return text


def _value(value: Any) -> str:
    return dash(", ".join(map(str, value)) if isinstance(value, list) else value)
