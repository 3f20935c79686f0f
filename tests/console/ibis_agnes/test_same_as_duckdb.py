"""Whatever is asked of `ibis.agnes` is what Ibis's own DuckDB backend answers over the rows that
the asker should see, filtered by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ibis
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from console.sandbox.measure import LENGTH
from tests.console.ibis_agnes.conftest import START, Place

Step = Callable[[Any, str, str, int], Any]


def _test(column: Any, number: int) -> Any:
    """Something that is true of some values of a column."""
    kind = column.type()
    if number % 3 == 0:
        return column.notnull() if number % 2 else column.isnull()
    if kind.is_string():
        return column.contains("a") if number % 2 else column == "Bash"
    if kind.is_timestamp():
        return column > START if number % 2 else column.hour() > 12
    if kind.is_boolean():
        return column if number % 2 else ~column
    return column % 2 == number % 2


def _derived(column: Any, number: int) -> Any:
    kind = column.type()
    if kind.is_string():
        return column.upper() if number % 2 else column.length()
    if kind.is_timestamp():
        return column.truncate("D") if number % 2 else column.epoch_seconds()
    if kind.is_boolean():
        return column.ifelse(1, 0) if number % 2 else column.fill_null(False)
    return column + number if number % 2 else ibis.cases((column > 1, "many"), else_="few")


def _grouped(table: Any, name: str, other: str, number: int) -> Any:
    metrics = {
        f"rows{number}": lambda t: t.count(),
        f"low{number}": lambda t: t[other].min(),
        f"kinds{number}": lambda t: t[other].nunique(),
        f"some{number}": lambda t: t.count(where=_test(t[other], number)),
    }
    return table.group_by(name).agg(**metrics)


def _joined(table: Any, name: str, other: str, number: int) -> Any:
    right = table.filter(_test(table[other], number)).view()
    few = right.group_by(name).agg(**{f"more{number}": lambda t: t.count()})
    how = ("inner", "left", "semi", "anti")[number % 4]
    return table.join(few, name, how=how, rname=f"{{name}}_of{number}")


STEPS: Mapping[str, Step] = {
    "filter": lambda t, name, other, n: t.filter(_test(t[name], n)),
    "both": lambda t, name, other, n: t.filter(_test(t[name], n) | _test(t[other], n + 1)),
    "choose": lambda t, name, other, n: t.select(list(dict.fromkeys((other, name)))),
    "drop": lambda t, name, other, n: t.drop(name) if len(t.columns) > 1 else t,
    "derive": lambda t, name, other, n: t.mutate(**{f"new{n}": _derived(t[name], n)}),
    "replace": lambda t, name, other, n: t.mutate(**{name: _derived(t[name], n)}),
    "rename": lambda t, name, other, n: t.rename({f"was{n}": name}),
    "group": _grouped,
    "having": lambda t, name, other, n: _grouped(t, name, other, n).filter(
        lambda grouped: grouped[f"rows{n}"] > 1
    ),
    "rank": lambda t, name, other, n: t.mutate(
        **{f"rank{n}": ibis.rank().over(group_by=name, order_by=other)}
    ),
    "of the group": lambda t, name, other, n: t.mutate(
        **{f"of{n}": t.count().over(ibis.window(group_by=name))}
    ),
    "the highest": lambda t, name, other, n: t.filter(t[name] == t[name].max()),
    "found again": lambda t, name, other, n: t.filter(
        t[name].isin(t.filter(_test(t[other], n)).view()[name])
    ),
    "distinct": lambda t, name, other, n: t.distinct(),
    "join": _joined,
    "union": lambda t, name, other, n: t.union(t.filter(_test(t[name], n)), distinct=bool(n % 2)),
    "difference": lambda t, name, other, n: t.difference(t.filter(_test(t[name], n))),
    "top": lambda t, name, other, n: t.order_by(list(t.columns)).limit(5 + n % 20, offset=n % 3),
    "no gaps": lambda t, name, other, n: t.drop_null(name),
}


@st.composite
def _questions(draw: Any) -> list[tuple[str, int, int, int]]:
    """Steps: what is done, with which column, with which other, and a number for its details."""
    number = st.integers(0, 20)
    step = st.tuples(st.sampled_from(sorted(STEPS)), number, number, number)
    found: list[tuple[str, int, int, int]] = draw(st.lists(step, min_size=1, max_size=4))
    return found


def asked(table: Any, question: list[tuple[str, int, int, int]]) -> Any:
    for position, (what, one, other, number) in enumerate(question):
        names = table.columns  # their number is in the name of a new one
        name, another = names[one % len(names)], names[other % len(names)]
        table = STEPS[what](table, name, another, number + 100 * position)
    return table


# Each example asks a server: no shrinking, the steps say enough.
@settings(max_examples=30, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(who=st.sampled_from(["ana", "sol", "root"]), question=_questions())
def test_an_expression_gives_what_duckdb_gives(
    place: Place, who: str, question: list[tuple[str, int, int, int]]
) -> None:
    ours = asked(place.connections[who].table("agnes_telemetry"), question)
    assume(len(place.connections[who].compile(ours)) <= LENGTH)  # a longer text is refused
    theirs = asked(place.by_hand(who), question)
    found, wanted = ours.to_pyarrow(), ibis.duckdb.connect().to_pyarrow(theirs)
    assert found.schema.names == wanted.schema.names
    assert found.schema.types == wanted.schema.types
    assert sorted(map(repr, found.to_pylist())) == sorted(map(repr, wanted.to_pylist()))
