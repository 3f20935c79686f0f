"""What an expression needs of the tables, as the server's own validator reads its SQL."""

from __future__ import annotations

from typing import Any

import ibis
import pytest

from console.ibis_agnes import Backend
from console.sandbox.validate import validate

T = ibis.table(
    {"a": "int64", "b": "string", "c": "timestamp", "d": "int64", "e": "string"}, name="t"
)
U = ibis.table({"f": "int64", "x": "string", "y": "string"}, name="u")
F = U.select(a=U.f)

# An expression -> the columns that it needs of `t`, and of `u`.
CASES: dict[str, tuple[Any, str, str]] = {
    "everything": (T, "abcde", ""),
    "chosen": (T.select("a", "b"), "ab", ""),
    "dropped": (T.drop("a"), "bcde", ""),
    "one of what was not dropped": (T.drop("a").b.max(), "b", ""),
    "counted": (T.count(), "a", ""),
    "filtered": (T.filter(T.a > 1).b.max(), "ab", ""),
    "filtered and grouped": (T.filter(T.a > 1).group_by("b").agg(n=lambda t: t.count()), "ab", ""),
    "derived": (T.mutate(z=T.a + 1).group_by("b").agg(z=lambda t: t.z.sum()), "ab", ""),
    "derived and not used": (T.mutate(z=T.a + 1).b.max(), "b", ""),
    "renamed": (T.rename(z="a").z.max(), "a", ""),
    "sorted and cut": (T.order_by("c").limit(3).select("a"), "ac", ""),
    "cut twice": (T.limit(5).limit(3).a.max(), "a", ""),
    "a window": (T.mutate(r=ibis.rank().over(group_by="b", order_by="c")).r.max(), "bc", ""),
    "compared with all": (T.filter(T.a == T.d.max()).b.max(), "abd", ""),
    "looked up": (T.filter(T.a.isin(U.f)).b.max(), "ab", "f"),
    "unnested": (T.mutate(z=T.b.split(",").unnest()).a.sum(), "ab", ""),
    "some distinct": (T.select("a", "b").distinct().a.max(), "ab", ""),
    "all distinct": (T.distinct().count(), "abcde", ""),
    "distinct rows counted": (T.nunique(), "abcde", ""),
    "without gaps": (T.drop_null().count(), "abcde", ""),
    "joined": (T.join(U, T.a == U.f).x.max(), "a", "fx"),
    "joined with itself": (T.join(T.view(), "a").count(), "a", ""),
    "joined in part": (T.semi_join(U, T.a == U.f).b.max(), "ab", "f"),
    "crossed": (T.cross_join(U).select("b", "y"), "b", "y"),
    "one after the other": (T.select("a").union(F), "a", "f"),
    "both whole": (T.union(T.filter(T.a > 1)).b.max(), "abcde", ""),
    "what both have": (T.select("a").intersect(F).a.max(), "a", "f"),
    "what one has": (T.select("a").difference(F.limit(2)).count(), "a", "f"),
}


@pytest.mark.parametrize("name", CASES)
def test_only_what_is_used_is_needed(name: str) -> None:
    expression, of_t, of_u = CASES[name]
    sql = Backend().compile(expression)
    needs = validate(sql, {"t": list(T.columns), "u": list(U.columns)}).needs
    wanted = {"t": list(of_t)} | ({"u": list(of_u)} if of_u else {})
    assert {table: list(columns) for table, columns in needs.items()} == wanted, sql


def test_columns_come_in_their_own_order_under_their_own_names() -> None:
    expression = T.select("d", "b", "a").mutate(z=1).relocate("z")
    assert expression.columns == ("z", "d", "b", "a")
    assert Backend().compile(expression).startswith('SELECT 1 AS "z", "t0"."d", "t0"."b"')
