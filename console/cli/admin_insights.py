"""`agnes admin activity queries|performance|usage`: what was asked, how long things take, who was
here. They ask and print; the server filters and counts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from console.cli.filters import Chosen, filtered
from console.cli.output import (
    Column,
    JsonOption,
    Row,
    dash,
    field,
    note,
    say,
    show_json,
    show_table,
    time_field,
)
from console.cli.text import plain

_OBSERVED = "/api/admin/observability"
NOTHING = "next: a longer window (--since 7d), or fewer filters"


class By(StrEnum):
    MOST = "most"
    SLOWEST = "slowest"
    FAILING = "failing"


SortOption = Annotated[By, typer.Option("--sort", help="What comes first.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1000, help="Rows.")]


def _failed(row: Row) -> str:
    """Failures with their denominator: a rate alone hides how few there were."""
    return f"{row['errors']} of {row['count']}"


def _bad(row: Row) -> str:
    return "red" if row.get("errors") else ""


def _p95(row: Row) -> str:
    return dash(row.get("p95_duration_ms")) + (f" ({row['measured']})" if row.get("few") else "")


QUERIES = (
    Column("QUERY", lambda row: dash(row.get("query")), floor=24),
    Column("ASKED", field("count"), right=True),
    Column("PEOPLE", field("people"), drop=3, right=True),
    Column("P50 MS", field("p50_duration_ms"), drop=2, right=True),
    Column("P95 MS", _p95, right=True),
    Column("FAILED", _failed, right=True, style=_bad),
    Column("REFUSED", field("denied"), drop=4, right=True),
    Column("LAST ASKED", time_field("last_at"), drop=5),
    Column("EXAMPLE", field("example"), drop=6),
)
ACTIONS = (
    Column("ACTION", field("action"), floor=16),
    Column("EVENTS", field("count"), right=True),
    Column("MEASURED", field("measured"), drop=2, right=True),
    Column("P50 MS", field("p50_duration_ms"), right=True),
    Column("P95 MS", _p95, right=True),
    Column("P99 MS", field("p99_duration_ms"), drop=1, right=True),
    Column("ERRORS", _failed, right=True, style=_bad),
)
BUCKETS = (
    Column("FROM", time_field("ts")),
    Column("PEOPLE", field("people"), right=True),
    Column("IN 7 DAYS", field("people_7d"), right=True),
    Column("NEW", field("new_people"), right=True),
    Column("EVENTS", field("events"), drop=2, right=True),
    Column("THROUGH", lambda row: _kinds(row.get("kinds")), floor=12, drop=1),
    Column("", lambda row: "partial" if row.get("partial") else ""),
)


def _kinds(kinds: Any) -> str:
    return ", ".join(f"{plain(kind)} {count}" for kind, count in sorted((kinds or {}).items()))


@filtered
def queries(
    chosen: Chosen, sort: SortOption = By.MOST, limit: LimitOption = 20, as_json: JsonOption = False
) -> None:
    """The queries that were asked: most often, most slowly, with most failures."""
    answer = _asked("queries", chosen, sort=sort.value, limit=str(limit))
    if as_json:
        show_json(answer)
        return
    if not answer["rows"]:
        say(f"no query in this window; {NOTHING}")
        return
    show_table(QUERIES, answer["rows"])
    covered = f"{answer['covered']:,} of {answer['events_total']:,} queries"
    cut = f", from the {answer['most_texts']:,} most frequent" if answer["cut"] else ""
    note(f"{len(answer['rows']):,} of {answer['texts']:,} different texts, {covered}{cut}")


@filtered
def performance(chosen: Chosen, sort: SortOption = By.MOST, as_json: JsonOption = False) -> None:
    """How long each action takes, and how often it fails."""
    answer = _asked("performance", chosen, sort=sort.value)
    if as_json:
        show_json(answer)
        return
    if not answer["actions"]:
        say(f"no activity in this window; {NOTHING}")
        return
    show_table(ACTIONS, answer["actions"])
    other = answer["other"]
    if other["actions"]:
        note(f"{other['actions']:,} more actions: {_failed(other)} failed")
    note(f"{answer['measured']:,} of {answer['events_total']:,} events carry a duration")
    note(f"a number after a p95: so few durations (under {answer['least']}) decide no order")


@filtered
def usage(chosen: Chosen, as_json: JsonOption = False) -> None:
    """How many people were here: by hour, day or week, and over seven days."""
    answer = _asked("usage", chosen)
    if as_json:
        show_json(answer)
        return
    if not answer["people"]:
        say(f"nobody in this window; {NOTHING}")
        return
    kinds = ", ".join(f"{plain(kind['client_kind'])} {kind['people']}" for kind in answer["kinds"])
    say(f"{answer['people']:,} people, {answer['new_people']:,} of them new; through {kinds}")
    say(f"{answer['people_7d']:,} in the seven days up to the end\n")
    show_table(BUCKETS, answer["buckets"])
    note("who used two kinds of client counts in both; times are UTC")


def _asked(name: str, chosen: Chosen, **more: str) -> dict[str, Any]:
    from console.client import connect

    with connect() as client:
        return client.request("GET", f"{_OBSERVED}/{name}", params={**chosen.params(), **more})
