"""How the report notebooks say what they found: sentences and tables as HTML, for kernels.

What the server answers goes through `Markup`, which escapes it: a name of a tool or an excerpt is
text, whatever it holds. Nothing here asks anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from importlib import import_module
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from console.figures import number, percent

Row = Mapping[str, Any]
_NONE = Markup("<p>{}</p>")
_MINUS = "\N{MINUS SIGN}"
_MOST = 8  # lines of a list that is only a hint
_LEAST = 3  # uses in one of two weeks, below which a change says nothing
_STUCK = ("struggled", "failed")


def show(*parts: Markup) -> Any:
    """The parts as the output of a cell."""
    display: Any = import_module("IPython.display")  # says nothing of its types
    return display.HTML("\n".join(parts))


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> Markup:
    """Numbers stand on the right; a float is an amount of money. `empty` is said without a row."""
    lines = [Markup("").join(_cell(value) for value in row) for row in rows]
    if not lines:
        return _NONE.format(empty)
    head = Markup("").join(Markup("<th>{}</th>").format(name) for name in heads)
    body = Markup("\n").join(Markup("<tr>{}</tr>").format(line) for line in lines)
    return Markup("<table><thead><tr>{}</tr></thead>\n<tbody>{}</tbody></table>").format(head, body)


def _cell(value: Any) -> Markup:
    if isinstance(value, int | float):
        shown = number(value) if isinstance(value, int) else f"{value:,.2f}"
        return Markup('<td style="text-align: right">{}</td>').format(shown)
    return Markup("<td>{}</td>").format("–" if value is None else value)


def head(report: Row) -> Markup:
    """Which week, of whom, and whether it is over."""
    first = date.fromisoformat(report["week"])
    group = report["group"]
    whom = "everybody" if group is None else f"{group['name']}, {_people(group['people'])}"
    text = Markup("<p><b>Week of {}</b> (Monday to Sunday, UTC) · {}").format(
        f"{first:%d %B %Y}", whom
    )
    if not report["is_over"]:
        text += Markup(" · <b>this week is not over</b>: more will come")
    return text + Markup("</p>")


# -- the weekly report


def summary(report: Row) -> Markup:
    """What changed, in a few sentences."""
    now, before = report["sessions"]["now"], report["sessions"]["before"]
    if not now["sessions_total"] and not report["tools"]["now"]["events_total"]:
        said = [f"Nothing was uploaded in this week; {_sessions(before)} the week before."]
    else:
        said = [_came(now, before), _went(now, before), _rate(report["tools"]), _anew(report)]
    lines = Markup("").join(Markup("<li>{}</li>").format(line) for line in said if line)
    return Markup("<ul>{}</ul>").format(lines)


def _came(now: Row, before: Row) -> str:
    return (
        f"{_sessions(now)} of {_people(now['distinct_users'])} came, after"
        f" {_sessions(before)} of {_people(before['distinct_users'])} the week before"
        f" ({change(now['sessions_total'], before['sessions_total'])})."
    )


def _went(now: Row, before: Row) -> str:
    """How many did not go well; those that nobody judged are not in the share."""
    here, then = _stuck(now), _stuck(before)
    waiting = now["by_verdict"]["none"]
    rest = f" {number(waiting)} not judged yet." if waiting else ""
    return f"{here} struggled or failed; the week before {then}.{rest}"


def _stuck(kpis: Row) -> str:
    judged = sum(count for name, count in kpis["by_verdict"].items() if name != "none")
    stuck = sum(kpis["by_verdict"][name] for name in _STUCK)
    share = f" ({percent(stuck / judged, 0)})" if judged else ""
    return f"{number(stuck)} of {number(judged)}{share}"


def _rate(tools: Row) -> str:
    now, before = tools["now"], tools["before"]
    if not now["events_total"]:
        return "No tool was called."
    text = f"{rate(now)} of {number(now['events_total'])} calls failed"
    if not now["enough"]:
        return f"{text}: too few calls for a rate that means anything."
    if not before["enough"]:
        return f"{text}; the week before has too few calls to compare with."
    apart = now["error_low"] > before["error_high"] or now["error_high"] < before["error_low"]
    judged = "more than chance" if apart else "a difference that chance may make"
    return f"{text}; {rate(before)} the week before: {judged}."


def _anew(report: Row) -> str:
    names = [row["name"] for row in report["failing"]]
    if not names:
        return "No tool failed that had not failed in the four weeks before."
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return f"Failed for the first time in four weeks: {', '.join(names[:_MOST])}{more}."


def figures(report: Row) -> Markup:
    """The figures of both weeks beside each other."""
    now, before = report["sessions"]["now"], report["sessions"]["before"]
    names = {
        "Sessions": "sessions_total",
        "People": "distinct_users",
        "Sessions with tool errors": "error_sessions",
        "Sessions with findings": "with_findings",
        "Findings": "findings_total",
        "Tool calls": "tool_calls_total",
        "Tool errors": "tool_errors_total",
        "Tokens in and out": "tokens_total",
    }
    pairs = [(name, now[key], before[key]) for name, key in names.items()]
    pairs += [
        (f"Verdict: {'not judged' if name == 'none' else name}", count, before["by_verdict"][name])
        for name, count in now["by_verdict"].items()
    ]
    rows = [(name, here, then, change(here, then)) for name, here, then in pairs]
    return table(("", "This week", "Week before", "Change"), rows, empty="")


def findings(report: Row) -> Markup:
    rows = [
        (
            row["finding_type"].replace("_", " "),
            row["findings"],
            row["sessions"],
            row["before"]["findings"],
            change(row["findings"], row["before"]["findings"]),
        )
        for row in report["findings"]
    ]
    heads = ("Kind", "Findings", "In sessions", "Week before", "Change")
    return table(heads, rows, empty="Nothing was found.")


def failing(report: Row) -> Markup:
    rows = [
        (row["name"], row["errors"], row["calls"], rate(row), "new" if row["is_new"] else "")
        for row in report["failing"]
    ]
    heads = ("Tool", "Errors", "Calls", "Rate (95 % interval)", "")
    nothing = "No tool failed that had not failed in the four weeks before."
    return table(heads, rows, empty=nothing)


def ups_and_downs(report: Row, kind: str) -> Markup:
    """Of one kind what gained and what lost most calls."""
    told = [row for row in report["used"][kind] if max(row["calls"], row["before"]) >= _LEAST]
    told = [row for row in told if row["calls"] != row["before"]]
    told.sort(key=lambda row: (-abs(row["calls"] - row["before"]), row["name"]))
    kept = sorted(told[:_MOST], key=lambda row: row["before"] - row["calls"])
    rows = [(row["name"], row["calls"], row["people"], row["before"], _moved(row)) for row in kept]
    heads = ("Name", "Calls", "People", "Week before", "Change")
    return table(heads, rows, empty=f"Nothing of note: fewer than {_LEAST} uses, or no change.")


def _moved(row: Row) -> str:
    if not row["before"]:
        return "new this week"
    return change(row["calls"], row["before"]) if row["calls"] else "not used any more"


def cost(report: Row) -> Markup:
    now, before = report["cost"]["now"], report["cost"]["before"]
    then = {row["model"]: row["cost"] for row in before["rows"]}
    rows = [
        (row["model"] or "no model", row["sessions"], row["cost"], then.get(row["model"]))
        for row in now["rows"]
    ]
    if rows:
        rows.append(("All that are priced", now["sessions"], now["total"], before["total"]))
    heads = ("Model", "Sessions", f"{now['currency']}, this week", "Week before")
    note = f"At list prices of {now['prices_as_of']}; sessions count in the week they began."
    if now["unknown_models"]:
        note += f" Without a price: {', '.join(map(str, now['unknown_models']))}."
    return table(heads, rows, empty="No tokens were used.") + _NONE.format(note)


# -- the review of failures


def failed(report: Row) -> Markup:
    """How many sessions there are to look at."""
    kpis = report["sessions"]
    if not kpis["sessions_total"]:
        return _NONE.format("Nothing was uploaded in this week.")
    waiting = kpis["by_verdict"]["none"]
    return _NONE.format(
        f"{_stuck(kpis)} judged sessions struggled or failed; {number(kpis['with_findings'])} of"
        f" {_sessions(kpis)} have findings, {number(kpis['findings_total'])} in all."
        + (f" {number(waiting)} not judged yet." if waiting else "")
    )


def repeated(report: Row, base: str = "") -> Markup:
    """What went wrong alike, with the newest examples."""
    rows = []
    for row in report["repeated"]:
        links = Markup(", ").join(_turn(base, one, text=f"{_who(one)}") for one in row["examples"])
        excerpt = next((one["excerpt"] for one in row["examples"] if one["excerpt"]), "")
        kind = f"{row['finding_type'].replace('_', ' ')} · {row['subtype']}"
        rows.append(
            (row["tool"], kind, row["findings"], row["sessions"], row["people"], excerpt, links)
        )
    heads = ("Tool", "Kind", "Findings", "Sessions", "People", "For example", "Newest")
    return table(heads, rows, empty="Nothing was found in this week.")


def worst(report: Row, base: str = "") -> Markup:
    """Each of the worst sessions with its findings, in the order of the conversation."""
    parts = []
    for row in report["worst"]:
        title = Markup("<h4>{} · {} · {}</h4>").format(
            _turn(base, {**row, "turn_index": None}, text=_name(row)),
            _who(row),
            row["verdict"] or "not judged",
        )
        calls = f"{number(row['tool_errors'])} of {number(row['tool_calls'])} calls failed."
        lines = [
            (
                _turn(base, one, text="open" if one["turn_index"] is None else one["turn_index"]),
                f"{one['finding_type'].replace('_', ' ')} · {one['subtype']}",
                one["severity"],
                f"{one['count']} times" if (one["count"] or 1) > 1 else "",
                one["excerpt"] or "",
            )
            for one in row["findings"]
        ]
        heads = ("Turn", "Kind", "Severity", "", "What it said")
        parts.append(title + _NONE.format(calls) + table(heads, lines, empty="No finding."))
    return Markup("\n").join(parts) or _NONE.format("No session of this week has a finding.")


def _turn(base: str, row: Row, *, text: object) -> Markup:
    """A link to the replay of a session, at the turn of the row."""
    user, _, file = row["session_file"].partition("/")
    path = f"{base}/admin/sessions/{quote(user, safe='')}/{quote(file, safe='')}"
    if row["turn_index"] is not None:
        path += f"#t{int(row['turn_index'])}"
    return Markup('<a href="{}" target="_blank" rel="noopener">{}</a>').format(path, text)


# -- words


def change(now: int, before: int) -> str:
    """`+12 (+4 %)`; without a share where there was nothing."""
    if now == before:
        return "±0"
    sign = "+" if now > before else _MINUS
    share = f" ({sign}{percent(abs(now - before) / before, 0)})" if before else ""
    return f"{sign}{number(abs(now - before))}{share}"


def rate(row: Row) -> str:
    """`5.0 % (4.6 to 5.5 %)`: an error rate with its 95 % interval."""
    low, high = percent(row["error_low"]).removesuffix(" %"), percent(row["error_high"])
    return f"{percent(row['error_rate'])} ({low} to {high})"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{number(count)} people"


def _sessions(kpis: Row) -> str:
    count = kpis["sessions_total"]
    return "1 session" if count == 1 else f"{number(count)} sessions"


def _who(row: Row) -> str:
    return str(row.get("user_name") or row.get("user_email") or row["user_id"])


def _name(row: Row) -> str:
    name: str = row["session_file"].partition("/")[2].removesuffix(".jsonl")
    return name if len(name) <= 40 else name[:39] + "…"
