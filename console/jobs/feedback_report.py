"""How the daily digest of reports says what it was told: sentences and tables as HTML, for kernels.

As in `report`, everything that people wrote is text: a message, a tag, an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from markupsafe import Markup

from console.figures import number
from console.jobs.report import table

Row = Mapping[str, Any]
Column = Callable[[Row], Any]


def head(digest: Row) -> Markup:
    """Which day, and whether it is over."""
    text = Markup("<p><b>{}</b> (UTC)").format(f"{date.fromisoformat(digest['day']):%A %d %B %Y}")
    if not digest["is_over"]:
        text += Markup(" · <b>this day is not over</b>: more will come")
    return text + Markup("</p>")


def summary(digest: Row) -> Markup:
    """What came, what became of others, how much waits; each figure of how many."""
    said = [_came(digest), _back(digest), _closed(digest), _waits(digest)]
    lines = Markup("").join(Markup("<li>{}</li>").format(line) for line in said)
    return Markup("<ul>{}</ul>").format(lines)


def _came(digest: Row) -> str:
    came = digest["came"]
    if not came["reports"]:
        return "Nothing was reported on this day."
    new = digest["new"]["total"]
    return (
        f"{_reports(came['reports'])} of {_people(came['reporters'])} came, about"
        f" {_problems(came['groups'])}: {number(new)} of them new,"
        f" {number(digest['again']['total'])} reported before."
    )


def _back(digest: Row) -> str:
    count = digest["reopened"]["total"]
    if not count:
        return "Nothing came back after it was resolved."
    return f"{_problems(count)} came back after being resolved."


def _closed(digest: Row) -> str:
    count = digest["closed"]["total"]
    if not count:
        return "Nothing was closed on this day."
    won = sum(row["status"] == "resolved" for row in digest["closed"]["rows"])
    listed = len(digest["closed"]["rows"])
    of = f"{number(count)} were closed" if count > 1 else "1 was closed"
    return f"{of}; {number(won)} of the {number(listed)} listed here as resolved."


def _waits(digest: Row) -> str:
    waits, kept = digest["open"], digest["all"]
    if not kept["groups"]:
        return "No report is kept here."
    text = f"{number(waits['groups'])} of {_problems(kept['groups'])} wait for an answer"
    if not waits["groups"]:
        return text + "."
    since = waits["oldest_open_at"]
    return (
        f"{text}, {number(waits['unassigned'])} of those with nobody who looks after them; the"
        f" oldest since {_at(since)}."
    )


def new(digest: Row, base: str = "") -> Markup:
    return _list(digest["new"], base, _CAME, empty="Nothing new was reported.")


def again(digest: Row, base: str = "") -> Markup:
    empty = "Nothing that was known before was reported again."
    return _list(digest["again"], base, _CAME, empty=empty)


def reopened(digest: Row, base: str = "") -> Markup:
    columns = {"Fixed in, it was said": lambda row: row["fixed_in"] or "", **_CAME}
    return _list(digest["reopened"], base, columns, empty="Nothing came back.")


def oldest(digest: Row, base: str = "") -> Markup:
    return _list(digest["oldest"], base, _WAITS, empty="Nothing waits for an answer.")


def closed(digest: Row, base: str = "") -> Markup:
    return _list(digest["closed"], base, _CLOSED, empty="Nothing was closed on this day.")


def by_status(digest: Row) -> Markup:
    """How the groups of the day stand, and all that are kept."""
    came, kept = digest["came"], digest["all"]
    rows = [
        (status, came["by_status"][status], count, kept["reports_by_status"][status])
        for status, count in kept["by_status"].items()
    ]
    heads = (
        "Status",
        f"Reported that day (of {number(came['groups'])})",
        f"Kept (of {number(kept['groups'])})",
        f"Reports of these (of {number(kept['reports'])})",
    )
    return table(heads, rows, empty="")


def by(digest: Row, facet: str, *, none: str) -> Markup:
    """How many groups have each value of a facet; `none`: what having none is called. A group may
    have several."""
    heads = (
        facet.capitalize(),
        *(
            f"{title} (of {number(digest[part]['groups'])})"
            for part, title in (("came", "Reported that day"), ("open", "Waiting"), ("all", "Kept"))
        ),
    )
    rows = [
        (
            none if row["value"] is None else str(row["value"]).replace("_", " "),
            row["came"],
            row["open"],
            row["all"],
        )
        for row in digest["by"][facet]
    ]
    return table(heads, rows, empty=f"No report has a {facet}.")


_CAME: Mapping[str, Column] = {
    "Category": lambda row: row["category"] or "",
    "Tags": lambda row: ", ".join(row["tags"]),
    "Status": lambda row: row["status"],
    "Reports": lambda row: row["reports"],
    "People": lambda row: row["reporters"],
}
_WAITS: Mapping[str, Column] = {
    "Since": lambda row: _at(row["first_at"]),
    "Status": lambda row: row["status"],
    "Looked after by": lambda row: row["assignee"] or "nobody",
    "Reports": lambda row: row["reports"],
    "People": lambda row: row["reporters"],
}
_CLOSED: Mapping[str, Column] = {
    "As": lambda row: row["status"],
    "Answer": lambda row: row["answer"],
    "Fixed in": lambda row: row["fixed_in"] or "",
    "Reports": lambda row: row["reports"],
}


def _list(listed: Row, base: str, columns: Mapping[str, Column], *, empty: str) -> Markup:
    """Reports as links to their page, with `columns` after them."""
    rows = [
        (_link(row, base), *(column(row) for column in columns.values())) for row in listed["rows"]
    ]
    shown = table(("Report", *columns), rows, empty=empty)
    if (more := listed["total"] - len(rows)) > 0:
        shown += Markup("<p>{} of {} are listed; {} more.</p>").format(
            number(len(rows)), number(listed["total"]), number(more)
        )
    return shown


def _link(row: Row, base: str) -> Markup:
    link = Markup('<a href="{}" target="_blank" rel="noopener">{}</a>')
    return link.format(base + row["href"], row["title"] or row["id"])


def _at(text: str) -> str:
    return f"{datetime.fromisoformat(text):%d %b %Y}".replace(" ", "\N{NO-BREAK SPACE}")


def _reports(count: int) -> str:
    return "1 report" if count == 1 else f"{number(count)} reports"


def _problems(count: int) -> str:
    return "1 problem" if count == 1 else f"{number(count)} problems"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{number(count)} people"
