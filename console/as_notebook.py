"""A filter as a notebook: the rows of its window over the API, and the same filter as an Ibis
expression that a person can read and change.

The expression is not written a second time: `Written` stands in for the rows while the terms of
`AuditFilter` say what they ask of them, and keeps their words as Python. No token and no row
stands in the notebook; whoever runs it signs in as themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from console.as_command import address
from console.masking import SHOWN
from console.queries import typed_words
from console.queries.audit_filter import NONE, NULLABLE, AuditFilter, Term
from console.queries.vocabulary import SELF_READS, by_people
from schema.tables import AUDIT_LOG

_NEVER_EMPTY = ("source", "result_class")  # besides the columns that the table says so of
_RESOURCE = ("resource", "resource_prefix", "resource_prefix_not")
# Terms that ask for whole values: several of them read better as one list.
_WHOLE = {
    "user_id": "user_id",
    "action_in": "action",
    "resource": "resource",
    "user_id_is": "user_id",
    "resource_is": "resource",
    "client_kind_is": "client_kind",
    "result_is": "result",
    "result_class": "result_class",
    "source": "source",
    "client_kind": "client_kind",
    "correlation_id": "correlation_id",
}
_FIELD = re.compile(r"-?([A-Za-z_]+):.", re.DOTALL)


class Written:
    """A table, a column of it or a condition on it, as the Python text of the Ibis expression.
    `sign` is the operator that joins its parts; `empty`: it may be null."""

    def __init__(self, code: str, *, sign: str = "", empty: bool = False) -> None:
        self._code, self._sign, self._empty = code, sign, empty

    def __str__(self) -> str:
        return self._code

    def __getitem__(self, column: str) -> Written:
        needed = column in _NEVER_EMPTY or AUDIT_LOG.columns[column].startswith("!")
        return Written(f"{self._code}.{column}", empty=not needed)

    def __getattr__(self, name: str) -> Any:
        """A column of a table; a method of all else."""
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name] if self._code.isidentifier() else self._method(name)

    def __eq__(self, other: object) -> Any:
        return self._joined("==", other)

    def __ne__(self, other: object) -> Any:
        return self._joined("!=", other)

    __hash__ = None  # type: ignore[assignment]  # equal ones are a condition, not the same key

    def __or__(self, other: Written) -> Written:
        return self._joined("|", other)

    def __and__(self, other: Written) -> Written:
        return self._joined("&", other)

    def __invert__(self) -> Written:
        return Written(f"~{self._closed()}", empty=self._empty)

    def fill_null(self, value: object) -> Written:
        """Nothing to fill where nothing can be null."""
        return Written(f"{self._closed()}.fill_null({value!r})") if self._empty else self

    def _method(self, name: str) -> Callable[..., Written]:
        def call(*values: Any) -> Written:
            given = ", ".join(map(repr, values))
            empty = self._empty and name not in ("isnull", "notnull")
            return Written(f"{self._closed()}.{name}({given})", empty=empty)

        return call

    def _closed(self, sign: str = "") -> str:
        """In brackets where something else joins its parts: in Python `|` binds before `==`."""
        return self._code if self._sign in ("", sign) else f"({self._code})"

    def _joined(self, sign: str, other: object) -> Written:
        inside = sign if sign in "|&" else ""
        right, empty = repr(other), self._empty
        if isinstance(other, Written):
            right, empty = other._closed(inside), empty or other._empty
        return Written(f"{self._closed(inside)} {sign} {right}", sign=sign, empty=empty)


def conditions(filter: AuditFilter, rows: str = "events") -> list[str]:
    """What `filter` asks of the rows of its window, as Python over a table named `rows`. What only
    the server can answer is not among it: `for_server` asks for that."""
    table: Any = Written(rows)
    found = [_condition(term, table) for term in filter.terms if not _is_masked(term)]
    if not filter.include_self_reads:
        found.append(~table.action.isin(SELF_READS))
    return [str(one) for one in found]


def _condition(term: Term, table: Any) -> Any:
    """As the term says it; several whole values as the list that a person would write."""
    column = _WHOLE.get(term.field)
    lists_empty = term.field in NULLABLE and NONE in term.values
    if column is None or len(term.values) == 1 or lists_empty:
        return term.condition(table)
    any_of = table[column].isin(list(term.values))
    return ~any_of.fill_null(False) if term.excluded else any_of


def _is_masked(term: Term) -> bool:
    """Whether other people's rows arrive without what this asks for: the mask has cut it out."""
    return term.field == "q" or (
        term.field in _RESOURCE and any(len(value) >= SHOWN - 1 for value in term.values)
    )


def for_server(held: Mapping[str, str]) -> dict[str, str]:
    """Of the parameters `held` those that the rows are asked for with: the window, and what cannot
    be found in masked rows. Self reads come along; leaving them out is part of the filter."""
    kept = {name: held[name] for name in ("since", "until", "q") if name in held}
    kept |= {name: held[name] for name in _RESOURCE if len(held.get(name, "")) >= SHOWN - 1}
    words = typed_words.words(held.get("query", ""))
    long = any(len(word) >= SHOWN - 1 for word in words)
    if typed := " ".join(word for word in words if _asks_server(word, long=long)):
        kept["query"] = typed
    return {**kept, "include_self_reads": "true"}


def _asks_server(word: str, *, long: bool) -> bool:
    field = _FIELD.match(word)
    return field is None or (long and field[1].lower() == "resource")


def notebook(
    filter: AuditFilter,
    held: Mapping[str, str],
    *,
    own: bool,
    server: str,
    path: str,
    names: Mapping[str, str],
    seconds: int,
) -> bytes:
    """The notebook as a file. `held` are the filter's parameters with their window as times,
    `server` and `path` the address of the page that shows the same, `names` are people's by their
    ids, `seconds` the length of a bar of the picture."""
    request = for_server(held)
    people = str(by_people(Written("found")))
    page = address(server + path, held)
    title = "My activity" if own else "Audit log"
    since, until = (_minute(held.get(end, "")) for end in ("since", "until"))
    whose = "my_activity" if own else "activity"
    cells = [
        _text(_TITLE.format(title=title, since=since, until=until, page=page, server=server)),
        _code(_FETCH.format(whose=whose, asked=_dict(request), server=server)),
        _text(_REST if any(map(_is_masked, filter.terms)) else _FILTER),
        _code(_filtered(filter, names)),
        _text("## The newest of them"),
        _code(_TABLE),
        _text("## The figures on the page's cards"),
        _code(_FIGURES.format(people=people)),
        _text("## When it happened\n\nErrors stand in red."),
        _code(_PICTURE.format(seconds=seconds)),
    ]
    content = {
        "cells": [{"id": f"cell-{place}", **cell} for place, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)


_TITLE = """\
# {title}, {since} to {until} UTC

The events that <{page}> shows, to go on with. Run `agnes login --server {server}` once: the
rows are read over the API as you, and you see what you may see. Reading them is written to the log,
like any export.

Needs `agnes-console` with its extras `server` and `lab` (Ibis, DuckDB, matplotlib)."""

_FETCH = """\
import io

import ibis
import pyarrow.parquet as pq

from console.client import connect

server = {server!r}
asked = {asked}
with connect(server) as agnes, agnes.{whose}.export("parquet", asked) as download:
    events = ibis.memtable(pq.read_table(io.BytesIO(b"".join(download.chunks))))
print(f"{{download.rows:,}} events in this window")"""

_FILTER = """\
## The filter of the page

Every event of the window is here: change this cell and run those below it again."""

_REST = """\
## The filter of the page

Other people's rows come masked, so the server has looked for the text already (above, in `asked`).
This is the rest of the filter: change this cell and run those below it again."""

_TABLE = """\
newest = found.order_by(ibis.desc("timestamp"), ibis.desc("id")).limit(50)
newest.drop("params_before", "user_id").to_pyarrow().to_pandas()"""

_FIGURES = """\
found.aggregate(
    events=found.count(),
    people=found.user_id.nunique(
        where={people}
    ),
    errors=found.count(where=found.result_class == "error"),
    p95_duration_ms=found.duration_ms.quantile(0.95),
    rows_with_duration=found.duration_ms.count(),
).to_pyarrow().to_pandas()"""

_PICTURE = """\
import matplotlib.pyplot as plt
import pandas as pd

bar = pd.Timedelta(seconds={seconds})
bars = found.group_by(at=found.timestamp.bucket(seconds={seconds})).aggregate(
    events=found.count(), errors=found.count(where=found.result_class == "error")
).to_pyarrow().to_pandas()
figure, axes = plt.subplots(figsize=(9, 2.8), layout="constrained")
axes.bar(bars["at"], bars["events"], width=bar, align="edge", color="#0f766e")
axes.bar(bars["at"], bars["errors"], width=bar, align="edge", color="#b91c1c")
axes.set_ylabel("events")
plt.show()"""


def _filtered(filter: AuditFilter, names: Mapping[str, str]) -> str:
    asked = dict.fromkeys(value for term in filter.terms for value in term.values)
    lines = [f"# {value} is {_one_line(names[value])}" for value in asked if value in names]
    found = [f"    {one}," for one in conditions(filter)]
    lines += ["found = events.filter(", *found, ")"] if found else ["found = events"]
    return "\n".join([*lines, 'print(f"{found.count().to_pyarrow().as_py():,} of them match")'])


def _dict(request: Mapping[str, str]) -> str:
    return "\n".join(["{", *(f"    {name!r}: {text!r}," for name, text in request.items()), "}"])


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")


def _one_line(text: str) -> str:
    """A name for a comment: nothing in it ends the line."""
    return re.sub(r"[^\w@.+' -]", "?", text)[:80]


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str) -> dict[str, Any]:
    kept: dict[str, Any] = {"execution_count": None, "outputs": [], "source": source}
    return {"cell_type": "code", "metadata": {}, **kept}
