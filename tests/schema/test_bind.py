from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.queries.audit import SORTS, Id, Order, by_id, facets, histogram, kpis, timeline
from console.queries.audit_filter import FIELDS, NONE, AuditFilter, Term
from console.queries.vocabulary import CLIENT_KINDS, RESULT_CLASSES, SELF_READS, SOURCES
from schema.bind import Value, point
from schema.policy import Principal, Seen
from schema.search import search_text
from schema.store import Store
from schema.tables import AUDIT_LOG
from schema.transaction import Rows

START = datetime(2025, 11, 2, 5, 59, 58)
ADMIN = Seen(AUDIT_LOG, Principal("u1", is_admin=True))
ANALYST = Seen(AUDIT_LOG, Principal("u1"))

# Few values, so that filters hit; texts that mean something to SQL or to LIKE among them.
USERS = ("u1", "u2", "none")
ACTIONS = ("sync.run", "run_job", "marketplace.sync_all", "user.create", *SELF_READS[:2])
RESOURCES = ("table:a", "table:b%", "it's", "")
RESULTS = ("success", "ok", "error.timeout", "error", "denied", "skipped", "odd_%")
PARAMS = ("""{"name": "Ž'x"}""", '{"rate": "50%"}', "{}")
MOMENTS = tuple(START + timedelta(seconds=seconds) for seconds in (0, 0.000001, 1, 2, 3600))

maybe = st.none


def texts(*values: str) -> st.SearchStrategy[str]:
    return st.sampled_from(values)


@st.composite
def logs(draw: st.DrawFn) -> list[dict[str, Any]]:
    row = st.fixed_dictionaries(
        {
            "timestamp": st.sampled_from(MOMENTS),
            "user_id": maybe() | texts(*USERS),
            "action": texts(*ACTIONS),
            "resource": maybe() | texts(*RESOURCES),
            "params": maybe() | texts(*PARAMS),
            "result": maybe() | texts(*RESULTS),
            "duration_ms": maybe() | st.integers(0, 3),
            "client_ip": maybe() | texts("::1"),
            "client_kind": maybe() | texts("", *CLIENT_KINDS),
            "correlation_id": maybe() | texts("c1", "c2"),
        }
    )
    rows: list[dict[str, Any]] = draw(st.lists(row, max_size=12))
    for number, some in enumerate(rows):
        some["id"] = f"id{number:02d}"
        some["search"] = search_text(some["action"], some["resource"], some["params"])
    return rows


VALUES: dict[str, st.SearchStrategy[str]] = {
    "user_id": texts(*USERS, NONE),
    "user_id_is": texts(*USERS, NONE, ""),
    "resource_is": texts(*RESOURCES, NONE, ""),
    "client_kind_is": texts(NONE, ""),
    "action_prefix": texts("sync.", "run_", "s", "", "%"),
    "action_in": texts(*ACTIONS),
    "resource": texts(*RESOURCES, NONE),
    "resource_prefix": texts("table:", "it'", "", "%"),
    "result": texts("error", "s", "odd_%", ""),
    "result_is": texts("success", "error.x", "odd_%", ""),
    "result_pattern": texts("error%", "%", "_k", "odd\\_%", "it's", ""),
    "result_class": texts(*RESULT_CLASSES),
    "source": texts(*SOURCES),
    "client_kind": texts(*CLIENT_KINDS, NONE, ""),
    "correlation_id": texts("c1", "x"),
    "q": texts("sync", "50%", "ž'x", "_", "a\nb", ""),
}


@st.composite
def terms(draw: st.DrawFn) -> Term:
    field = draw(st.sampled_from(sorted(FIELDS)))
    values = draw(st.lists(VALUES[field], min_size=1, max_size=3))
    return Term(field, tuple(values), draw(st.booleans()))


FILTERS = st.builds(
    AuditFilter,
    since=maybe() | st.sampled_from(MOMENTS),
    until=maybe() | st.sampled_from(MOMENTS),
    terms=st.lists(terms(), max_size=3).map(tuple),
    include_self_reads=st.booleans(),
)
SEEN = st.sampled_from((ADMIN, ANALYST))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("bind") / "a.duckdb", threads=1)
    yield store
    store.close()


def keep(store: Store, log: list[dict[str, Any]]) -> None:
    """Make `log` the whole audit log."""
    empty = "DELETE FROM audit_log WHERE TRUE"
    store.write(lambda transaction: transaction._con.execute(empty), Rows(AUDIT_LOG, log)).result()


def same(store: Store, question: Callable[..., ir.Table], *args: Any) -> list[dict[str, Any]]:
    """Both ways give the same rows; facets come in no order of their own."""
    bound = store.ask(question, *args)
    literal = store.read(question(*args))
    assert bound.schema.names == literal.schema.names
    if question is facets:
        keys = [(name, "ascending") for name in ("facet", "rank")]
        bound, literal = bound.sort_by(keys), literal.sort_by(keys)
    assert bound.to_pylist() == literal.to_pylist()
    rows: list[dict[str, Any]] = bound.to_pylist()
    return rows


def test_every_field_of_the_filter_is_tried_here() -> None:
    assert VALUES.keys() == FIELDS.keys()


@given(log=logs(), filter=FILTERS, seen=SEEN)
@settings(max_examples=40)
def test_a_bound_question_equals_its_literal_form(
    store: Store, log: list[dict[str, Any]], filter: AuditFilter, seen: Seen
) -> None:
    keep(store, log)
    (row,) = same(store, kpis, seen, filter)
    counted = same(store, facets, seen, filter)
    buckets = same(store, histogram, seen, filter, 60)
    shown = same(store, timeline, seen, filter, Order(), 200)
    assert row["events_total"] == len(shown) == sum(bucket["total"] for bucket in buckets)
    sums = {facet["facet"]: 0 for facet in counted}
    for facet in counted:
        sums[facet["facet"]] += facet["count"]
    assert all(total == len(shown) for total in sums.values())


@given(
    log=logs(), filter=FILTERS, seen=SEEN, column=st.sampled_from(SORTS), descending=st.booleans()
)
@settings(max_examples=40)
def test_bound_pages_in_every_order_are_the_whole_without_gap_or_repeat(
    store: Store,
    log: list[dict[str, Any]],
    filter: AuditFilter,
    seen: Seen,
    column: str,
    descending: bool,  # noqa: FBT001 (hypothesis passes it by name)
) -> None:
    keep(store, log)
    order = Order(column, descending)
    whole = same(store, timeline, seen, filter, order, 200)
    paged: list[dict[str, Any]] = []
    while page := same(store, timeline, seen, filter, order, 3):
        paged += page
        assert len(paged) <= len(whole)
        last = page[-1]
        value = None if column == "timestamp" else last[column]
        order = Order(column, descending, last["timestamp"], last["id"], value)
    assert paged == whole
    back: list[dict[str, Any]] = []
    while whole and len(back) < len(whole) - 1:
        first = (back or whole[-1:])[0]
        value = None if column == "timestamp" else first[column]
        order = Order(column, descending, first["timestamp"], first["id"], value, back=True)
        before = same(store, timeline, seen, filter, order, 3)
        assert before, "rows before this one are lost"
        back = [*reversed(before), *back]
    assert back == whole[:-1]


@given(log=logs(), seen=SEEN)
@settings(max_examples=15)
def test_an_id_finds_its_row_bound_and_literal(
    store: Store, log: list[dict[str, Any]], seen: Seen
) -> None:
    keep(store, log)
    for row in log:
        found = same(store, by_id, seen, Id(row["id"]))
        assert len(found) == (seen is ADMIN or row["user_id"] == "u1")
    assert same(store, by_id, seen, Id("' OR 1=1 --")) == []


def test_filters_of_one_shape_share_a_plan_and_others_do_not(store: Store) -> None:
    def of(*values: str, excluded: bool = False) -> AuditFilter:
        return AuditFilter(terms=(Term("user_id", values, excluded),))

    assert of("u1").shape() == of("u2").shape()
    shapes = [of("u1"), of(NONE), of("u1", "u2"), of("u1", excluded=True), AuditFilter()]
    for left, right in itertools.combinations(shapes, 2):
        assert left.shape() != right.shape()


def test_two_people_of_one_shape_see_their_own_rows(store: Store) -> None:
    rows = [
        {"id": user, "timestamp": START, "user_id": user, "action": "x"} for user in ("u1", "u2")
    ]
    keep(store, rows)
    for user in ("u1", "u2", "u1"):
        mine = Seen(AUDIT_LOG, Principal(user))
        found = store.ask(timeline, mine, AuditFilter(), Order(), 10)
        assert found["user_id"].to_pylist() == [user]


@dataclass(frozen=True)
class Some:
    """A list of texts as an argument."""

    texts: Any

    def shape(self) -> Hashable:
        return ()

    def values(self) -> Mapping[str, Value]:
        return {"texts": list(self.texts)}

    def bound(self, prefix: str) -> Some:
        return Some(point(prefix + "texts", list(self.texts)))


def among(seen: Seen, some: Some) -> ir.Table:
    texts = some.texts
    if isinstance(texts, tuple):
        texts = ibis.literal(list(texts), type="array<string>")
    rows = seen.rows()
    return rows.filter(texts.contains(rows.action)).order_by("id").select("id", "action")


@given(log=logs(), some=st.lists(texts(*ACTIONS, "it's", ""), max_size=4).map(tuple))
@settings(max_examples=15)
def test_a_list_of_texts_is_one_value_of_any_length(
    store: Store, log: list[dict[str, Any]], some: tuple[str, ...]
) -> None:
    keep(store, log)
    plans = len(store._plans)
    found = same(store, among, ADMIN, Some(some))
    assert [row["id"] for row in found] == [row["id"] for row in log if row["action"] in some]
    store.ask(among, ADMIN, Some(("another",)))
    assert len(store._plans) <= plans + 1
