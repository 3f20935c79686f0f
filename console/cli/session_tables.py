"""How sessions, their findings and what is counted of them look in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.cli.output import Column, Row, dash, field, say, show_table, time_field
from console.cli.text import plain

VERDICT_STYLES = {"failed": "red", "struggled": "yellow", "recovered": "cyan", "clean": "green"}
SEVERITY_STYLES = {"error": "red", "warning": "yellow", "info": "dim"}


def who(row: Row) -> str:
    return dash(row.get("user_email") or row.get("username") or row.get("user_id"))


def short(session_file: object) -> str:
    """The file without its ending: its beginning is enough to name it."""
    return plain(session_file).partition("/")[2].removesuffix(".jsonl")


def of_all(part: int, whole: int) -> str:
    """A count with what it is out of, and the share."""
    share = f" ({100 * part / whole:.1f} %)" if whole else ""
    return f"{part:,} of {whole:,}{share}"


def span(seconds: object) -> str:
    """A length of time, as long as a person says it."""
    if not isinstance(seconds, int | float):
        return dash(None)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def _waits(row: Row) -> bool:
    return row.get("processed") is False


def _verdict(row: Row) -> str:
    return "waiting" if _waits(row) and not row.get("verdict") else dash(row.get("verdict"))


def _failed(row: Row) -> str:
    if _waits(row):
        return dash(None)
    return f"{row.get('tool_errors')}/{row.get('tool_calls')}"


def _count(name: str) -> Any:
    return lambda row: dash(None) if _waits(row) else f"{row.get(name) or 0:,}"


def _bad(row: Row) -> str:
    return "red" if row.get("tool_errors") else ""


def _line(row: Row) -> str:
    """The line that a search found."""
    found = "".join(text for text, _ in row.get("snippet") or ())
    return dash(" ".join(found.split()))


def listed(anchor: str = "uploaded") -> tuple[Column, ...]:
    """Columns of the list. With failed calls a row begins with `!`."""
    return (
        Column("", lambda row: "!" if row.get("tool_errors") else " ", style=_bad),
        Column(anchor.upper(), time_field(f"{anchor}_at"), drop=1),
        Column("USER", who, floor=10, drop=2),
        Column(
            "VERDICT", _verdict, style=lambda row: VERDICT_STYLES.get(str(row.get("verdict")), "")
        ),
        Column("FOUND", field("findings"), right=True, drop=3),
        Column("FAILED", _failed, right=True, style=_bad),
        Column("ACTIVE", lambda row: span(row.get("active_seconds")), right=True, drop=4),
        Column("TOKENS", _count("tokens"), right=True, drop=5),
        Column("MODEL", field("primary_model"), floor=8, drop=6),
        Column("SESSION", lambda row: short(row.get("session_file")), floor=14),
    )


def found(rows: Sequence[Row]) -> tuple[Column, ...]:
    """Columns of a list that a text was searched in: also how often it stands there."""
    if not any("hits" in row for row in rows):
        return ()
    return (
        Column("HITS", field("hits"), right=True),
        Column("FIRST", _line, floor=16),
    )


FINDINGS = (
    Column("SESSION OF", time_field("at"), drop=3),
    Column("USER", who, floor=10, drop=2),
    Column("FINDING", field("finding_type")),
    Column(
        "SEVERITY",
        field("severity"),
        drop=4,
        style=lambda row: SEVERITY_STYLES.get(str(row.get("severity")), ""),
    ),
    Column("TIMES", field("count"), right=True, drop=5),
    Column("TURN", field("turn_index"), right=True),
    Column("SESSION", lambda row: short(row.get("session_file")), floor=9),
    Column("EXCERPT", field("excerpt"), floor=30),
)
HITS = (
    Column("SESSION", lambda row: short(row.get("session_file")), floor=9),
    Column("TURN", field("turn"), right=True),
    Column("USER", who, floor=10, drop=1),
    Column("KIND", lambda row: plain(f"{row.get('role')} {row.get('kind')}"), drop=3),
    Column("SAID", time_field("ts"), drop=2),
    Column("LINE", lambda row: _line({"snippet": row.get("parts")}), floor=30),
)
LOOKS = (
    Column("WHEN", time_field("at")),
    Column("WHO", lambda row: dash(row.get("user_name") or row.get("user_id")), floor=10),
    Column("DID", field("action"), floor=8, drop=2),
    Column("THROUGH", field("via"), drop=3),
    Column("REASON", field("reason"), floor=12, drop=1),
)


def weeks(answer: Row) -> None:
    """The heatmap as a table: findings of each kind by week, and in how many sessions."""
    kinds, cells = answer["finding_types"], {}
    for cell in answer["cells"]:
        cells[cell["week"], cell["finding_type"]] = cell

    def column(kind: str) -> Column:
        def text(row: Row) -> str:
            cell = cells.get((row["week"], kind))
            return f"{cell['findings']:,} ({cell['sessions']:,})" if cell else "."

        return Column(plain(kind).upper(), text, right=True)

    show_table(
        (Column("WEEK", field("week")), *map(column, kinds)),
        [{"week": week} for week in answer["weeks"]],
    )
    say(
        f"\n{answer['total_findings']:,} findings in {answer['total_sessions']:,} sessions; "
        "in brackets: sessions"
    )


def facets(answer: Row, *, counted: str) -> None:
    """Each facet as a table of its values. `counted` is what they count, in the plural."""
    first = True
    for name, values in answer.items():
        if not isinstance(values, list) or not values:
            continue
        if not first:
            say()
        first = False
        more = any("findings" in value for value in values)
        columns = [
            Column(plain(name).upper(), _value, floor=12),
            Column(counted.upper(), field("count"), right=True),
        ]
        columns += [Column("FINDINGS", field("findings"), right=True)] if more else []
        show_table(columns, values)
        _say_others((answer.get("other") or {}).get(name) or {}, counted)
    if first:
        say(f"nothing to count in these {plain(answer.get('window_minutes'))} minutes")


def _value(row: Row) -> str:
    return dash(row.get("label") or row.get("value"))


def _say_others(other: Mapping[str, Any], counted: str) -> None:
    if other.get("values"):
        say(f"and {other['values']:,} more: {other['count']:,} {counted}")
