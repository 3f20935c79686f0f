"""How the usage of tools, skills, subagents and MCP servers looks in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from console.cli.output import Column, Row, dash, field, note, say, show_table, time_field
from console.cli.session_tables import of_all, short, who
from console.cli.text import plain

BARS = " ▁▂▃▄▅▆▇█"


def rate(row: Row) -> str:
    """The error rate with the interval it lies in; `few`: so few calls that it decides nothing."""
    low, high = (100 * row[name] for name in ("error_low", "error_high"))
    told = f"{100 * row['error_rate']:.1f} % ({low:.1f}–{high:.1f})"
    return told if row.get("enough") else f"{told} few"


def _bad(row: Row) -> str:
    return "red" if row.get("errors") and row.get("enough") else ""


def _name(row: Row) -> str:
    return dash(row.get("label") if row.get("bucket") is not None else "(none)")


def groups(heading: str) -> tuple[Column, ...]:
    """Columns of calls by `heading`. Denied and rejected calls are no errors."""
    return (
        Column(heading, _name, floor=14),
        Column("CALLS", lambda row: f"{row['invocations']:,}", right=True),
        Column("PEOPLE", field("distinct_users"), right=True, drop=3),
        Column("SESSIONS", field("distinct_sessions"), right=True, drop=4),
        Column("ERRORS", lambda row: f"{row['errors']:,}", right=True),
        Column("ERROR RATE", rate, right=True, style=_bad),
        Column("DENIED", field("denied"), right=True, drop=2),
        Column("REJECTED", field("rejected"), right=True, drop=1),
        Column("LAST", time_field("last_at"), drop=5),
    )


def _what(row: Row) -> str:
    names = ("tool_name", "skill_name", "subagent_type", "command_name")
    return dash(": ".join(plain(row[name]) for name in names if row.get(name)))


EVENTS = (
    Column("TIME", time_field("occurred_at")),
    Column("USER", who, floor=10, drop=2),
    Column("CALL", _what, floor=14),
    Column(
        "OUTCOME",
        field("outcome"),
        style=lambda row: "red" if row.get("outcome") == "error" else "",
    ),
    Column("MODEL", field("model"), floor=8, drop=4),
    Column("SOURCE", field("source"), drop=5),
    Column("SESSION", lambda row: short(row.get("session_file")), floor=9, drop=3),
)


def _money(value: object, places: int = 2) -> str:
    return f"{value:,.{places}f}" if isinstance(value, int | float) else "no price"


def _tokens(name: str) -> Column:
    heading = name.removesuffix("_tokens").replace("_", " ").upper()
    return Column(heading, lambda row: f"{row[f'{name}']:,}", right=True)


COST = (
    Column("MODEL", field("model"), floor=18),
    Column("SESSIONS", lambda row: f"{row['sessions']:,}", right=True, drop=1),
    _tokens("input_tokens"),
    _tokens("output_tokens"),
    Column("CACHE READ", lambda row: f"{row['cache_read_tokens']:,}", right=True, drop=2),
    Column("CACHE WRITE", lambda row: f"{row['cache_creation_tokens']:,}", right=True, drop=3),
    Column("COST", lambda row: _money(row["cost"]), right=True),
)


def cost(answer: Row) -> None:
    show_table(COST, answer["rows"])
    day, currency = plain(answer["prices_as_of"]), plain(answer["currency"])
    sum_ = f"{_money(answer['total'])} {currency}"
    say(f"\n{sum_} for {answer['sessions']:,} sessions, at the prices of {day}")
    if answer["unknown_models"]:
        names = ", ".join(plain(name) for name in answer["unknown_models"])
        note(f"without a price, so not in the sum: {names}; set AGNES_PRICES")


def _item(row: Row) -> str:
    return ":".join(plain(row[name]) for name in ("plugin", "name") if row.get(name))


def _trend(row: Row) -> str:
    trend = row.get("trend_pct")
    return dash(None) if trend is None else f"{trend:+.1f} %"


POPULAR = (
    Column("NAME", _item, floor=14),
    Column("FROM", field("source"), drop=2),
    Column("USES", lambda row: f"{row['invocations_30d']:,}", right=True),
    Column("PEOPLE", field("distinct_users_30d"), right=True),
    Column("TREND", _trend, right=True),
    Column("ERRORS", lambda row: of_all(row["errors"], row["invocations_30d"]), right=True, drop=3),
    Column("LAST USED", field("last_used"), drop=1),
)
UNUSED = (
    Column("NEVER USED", _item, floor=14),
    Column("FROM", field("marketplace"), drop=1),
    Column("DESCRIPTION", field("description"), floor=12, drop=2),
)


def popularity(answer: Row) -> None:
    kind, days = plain(answer["kind"]), answer["days"]
    if answer["rows"]:
        show_table(POPULAR, answer["rows"])
        note(f"{len(answer['rows'])} of {answer['total']} {kind} used in {days} days")
        note("trend: the last 7 days against the 7 before, – under 3 uses then")
    else:
        say(f"no {kind} used in {days} days")
    if answer["unused"]:
        say()
        show_table(UNUSED, answer["unused"])


def pivot(answer: Row) -> None:
    """Rows against columns; where there is no room, the least used columns go first."""
    measure = answer["measure"]

    def column(place: int, one: Row) -> Column:
        key = one["key"]
        cell = lambda row: _cell(row["cells"].get(key), measure)  # noqa: E731 - one of many columns
        return Column(dash(one["label"]), cell, right=True, drop=place)

    total = {"label": "total", "cells": answer["totals"], "total": answer["grand_total"]}
    show_table(
        (
            Column(plain(answer["rows_by"]).upper(), field("label"), floor=14),
            *(column(place, one) for place, one in enumerate(answer["columns"], 1)),
            Column("TOTAL", lambda row: _cell(row["total"], measure), right=True),
        ),
        [*answer["rows"], total],
    )


def _cell(value: object, measure: str) -> str:
    if not isinstance(value, int | float):
        return "."
    return f"{100 * value:.1f} %" if measure == "error_rate" else f"{value:,}"


def kpis(answer: Row) -> None:
    calls = answer["events_total"]
    people, sessions = answer["distinct_users"], answer["sessions"]
    lines = {
        "calls": f"{calls:,} of {people:,} people, in {sessions:,} sessions",
        "tools": f"{answer['distinct_tools']:,}",
        "errors": f"{answer['errors']:,}: {rate(answer)}",
        "rejected": of_all(answer["rejected"], calls),
        "denied": of_all(answer["denied"], calls),
        "interrupted": of_all(answer["interrupted"], calls),
        "no result": of_all(answer["unresolved"], calls),
    }
    for name, text in lines.items():
        say(f"{name:<11} {text}")


def bars(counts: Sequence[int]) -> str:
    """Counts as a line of bars, the highest filling it."""
    most = max(counts, default=0)
    return "".join(BARS[-(-count * (len(BARS) - 1) // most)] if most else " " for count in counts)


def people(answer: Row) -> None:
    """Daily people as bars, with their mean."""
    series = answer["dau_series"]
    if not series:
        return
    counts = [day["users"] for day in series]
    say(f"people a day, {plain(series[0]['day'])} to {plain(series[-1]['day'])}:")
    say(f"{bars(counts[-60:])}  {answer['dau_avg']:.1f} on average, at most {max(counts)}")


SLOW = (
    Column("ACTION", field("action"), floor=14),
    Column("MEASURED", field("measured"), right=True),
    Column("P50 MS", field("p50_duration_ms"), right=True),
    Column("P95 MS", field("p95_duration_ms"), right=True),
    Column("P99 MS", field("p99_duration_ms"), right=True, drop=1),
)


def summary(answer: Row, limit: int) -> None:
    say(
        f"{of_all(answer['errors'], answer['events_total'])} calls failed in the window "
        f"{plain(answer['window'])}\n"
    )
    people(answer)
    for heading, name in (("TOOL", "top_tools"), ("USER", "top_users")):
        if rows := answer[name][:limit]:
            say()
            show_table(groups(heading), rows)
    if rows := answer["slow_actions"][:limit]:
        say("\nslowest actions of the log:")
        show_table(SLOW, rows)
    asked = answer["query_telemetry"]
    say(f"\n{of_all(asked['errors'], asked['queries'])} queries failed")


def pruned(answer: Row) -> None:
    """What was deleted for its age, or why nothing was."""
    if answer["status"] == "skipped":
        say(f"nothing deleted: {plain(answer['reason'])}")
        return
    say(
        f"{answer['deleted']:,} events older than {answer['retention_days']} days deleted, "
        f"{answer['remaining']:,} remain"
    )


def forgotten(deleted: Row) -> None:
    """How many rows of each table are to be made anew."""
    show_table(
        (Column("WHAT", field("table")), Column("DELETED", field("rows"), right=True)),
        [{"table": name, "rows": f"{count:,}"} for name, count in deleted.items()],
    )
