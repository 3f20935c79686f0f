"""Groups of reports stay well-formed, whatever is done to them in whatever order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import ibis.expr.types as ir
import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from console.audit import Caller, new_id
from console.feedback import groups, record, reports, undone
from console.feedback.given import Given
from console.queries import feedback as queries
from console.queries.feedback_filter import FeedbackFilter
from schema.bind import At
from schema.errors import AgnesError, Conflict, NotFound, Outdated
from schema.policy import Principal
from schema.store import Store
from schema.table import rows_of
from schema.tables import FEEDBACK_HISTORY, FEEDBACK_REPORTS, NOTIFICATIONS, USERS
from schema.transaction import Rows, Transaction

ADMIN = Caller(Principal("admin", is_admin=True), "web")
PEOPLE = tuple(Caller(Principal(name), "cli") for name in ("ana", "bo", "cy"))
WORDS = ("it hangs", "it crashes", "it lies")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("groups") / "agnes.duckdb", threads=1)
    people = [{"id": "admin", "email": "root@example.org", "is_admin": True}]
    people += [{"id": one.me.user_id, "email": one.me.user_id, "is_admin": False} for one in PEOPLE]
    now = datetime(2026, 1, 1)
    rows = [{**person, "is_active": True, "created_at": now} for person in people]
    store.write(Rows(USERS, rows)).result()
    yield store
    store.close()


def create(store: Store, message: str, caller: Caller | None = None) -> str:
    who = caller or Caller(Principal(new_id()), "cli")
    given = Given(message, new_id(), environment={"agnes": "0.2.0"})
    return str(store.write(reports.create(who, given)).result().body["report_id"])


def kept(store: Store) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in store.rows(everything)}


def everything() -> ir.Table:
    return rows_of(FEEDBACK_REPORTS).select(*queries.KEPT)


def joins(store: Store, message: str) -> Any:
    """The head that a new report joins."""
    id = create(store, message)
    return kept(store)[id]["merged_into"]


def change(store: Store, id: str, wanted: dict[str, Any]) -> None:
    store.write(reports.change(ADMIN, id, 1, wanted)).result()


def aged(id: str, at: datetime) -> Callable[[Transaction], None]:
    return lambda transaction: transaction.update(FEEDBACK_REPORTS, {"id": id}, {"created_at": at})


def clear(store: Store) -> None:
    ids = list(kept(store))
    store.write(
        lambda transaction: [
            transaction.delete_among(table, column, ids)
            for table, column in ((FEEDBACK_REPORTS, "id"), (FEEDBACK_HISTORY, "report_id"))
        ]
    ).result()


def history(store: Store, id: str) -> list[dict[str, Any]]:
    rows = rows_of(FEEDBACK_HISTORY)
    found = store.read(rows.filter(rows.report_id == id).order_by(["at", "id"])).to_pylist()
    return [orjson.loads(row["change"]) for row in found]


class Groups(RuleBasedStateMachine):
    """What an inbox can go through, beside a model of which report belongs to which."""

    store: Store

    @initialize()
    def begin(self) -> None:
        clear(self.store)
        self.head: dict[str, str] = {}  # report -> head of its group
        self.fingerprint: dict[str, str] = {}
        self.apart: set[str] = set()
        self.order: list[str] = []

    @rule(word=st.sampled_from(WORDS))
    def create(self, word: str) -> None:
        wanted = self._joined(word)
        id = create(self.store, word)
        self.fingerprint[id], self.head[id] = word, wanted or id
        self.order.append(id)

    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        if not self.order:
            return
        ids = data.draw(st.lists(st.sampled_from(self.order), min_size=1, max_size=3))
        into = data.draw(st.sampled_from(self.order))
        head = self.head[into]
        moved = {id for id in ids if self.head[id] != head}
        moved |= {id for id in self.order if self.head[id] in moved}
        self._tries(groups.merge(ADMIN, ids, into), works=bool(moved))
        for id in moved:
            self.head[id] = head
            self.apart.discard(id)

    @rule(data=st.data())
    def unmerge(self, data: st.DataObject) -> None:
        if not self.order:
            return
        id = data.draw(st.sampled_from(self.order))
        works = self.head[id] != id
        self._tries(groups.unmerge(ADMIN, id), works=works)
        if works:
            self.head[id] = id
            self.apart.add(id)

    @rule(data=st.data())
    def merge_and_take_back(self, data: st.DataObject) -> None:
        if not self.order:
            return
        ids = data.draw(st.lists(st.sampled_from(self.order), min_size=1, max_size=3))
        into = data.draw(st.sampled_from(self.order))
        if all(self.head[id] == self.head[into] for id in ids):
            return
        done = self.store.write(undone.merge(ADMIN, ids, into)).result()
        self.store.write(undone.unmerge(ADMIN, done.places)).result()

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.order:
            self._forget([data.draw(st.sampled_from(self.order))])

    @rule(data=st.data(), status=st.sampled_from(("open", "triaged", "resolved", "wontfix")))
    def change(self, data: st.DataObject, status: str) -> None:
        if not self.order:
            return
        id = data.draw(st.sampled_from(self.order))
        version = kept(self.store)[id]["version"]
        works = self.head[id] == id
        self._tries(reports.change(ADMIN, id, version, {"status": status}), works=works)

    def _forget(self, gone: list[str]) -> None:
        for id in gone:
            self.store.write(groups.delete(ADMIN, id)).result()
            self.order.remove(id)
            rest = [other for other in self.order if self.head[other] == id]
            for other in rest:
                self.head[other] = rest[0]
            del self.head[id]
            self.apart.discard(id)

    def _joined(self, word: str) -> str | None:
        same = [id for id in self.order if self.fingerprint[id] == word and id not in self.apart]
        heads = [id for id in same if self.head[id] == id]
        return next((self.head[id] for id in heads or same), None)

    def _tries(self, step: Any, *, works: bool) -> None:
        if works:
            self.store.write(step).result()
            return
        with pytest.raises(AgnesError):
            self.store.write(step).result()

    @invariant()
    def groups_are_as_they_should(self) -> None:
        rows = kept(self.store)
        assert {id: row["merged_into"] or id for id, row in rows.items()} == self.head
        assert {id for id, row in rows.items() if row["kept_apart"]} == self.apart
        for row in rows.values():
            if row["merged_into"]:
                assert rows[row["merged_into"]]["merged_into"] is None, "a head is no duplicate"

    @invariant()
    def everybody_counts_alike(self) -> None:
        seen = queries.ReportsSeen.by(Principal("admin", is_admin=True), findings=True)
        for row in self.store.rows(queries.everything, seen, FeedbackFilter()):
            mine = [id for id, head in self.head.items() if head == row["id"]]
            assert row["members"] == len(mine)
        filter = FeedbackFilter()
        facets = self.store.rows(queries.facets, seen, filter)
        statuses = sum(row["count"] for row in facets if row["facet"] == "status")
        figures = self.store.rows(queries.kpis, seen, filter)
        whole = next(row for row in figures if row["status"] is None)
        assert whole["groups"] == statuses == len(set(self.head.values()))
        assert whole["reports"] == len(self.head)


def test_groups_stay_well_formed_under_any_order_of_changes(store: Store) -> None:
    Groups.store = store
    checks = list(HealthCheck)
    few = settings(
        max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=checks
    )
    run_state_machine_as_test(Groups, settings=few)


def test_what_was_taken_out_is_joined_by_nothing_until_it_is_merged(store: Store) -> None:
    clear(store)
    first, second = create(store, "it hangs"), create(store, "it hangs")
    store.write(groups.unmerge(ADMIN, second)).result()
    assert joins(store, "it hangs") == first
    store.write(groups.delete(ADMIN, first)).result()
    third = next(id for id, row in kept(store).items() if not row["kept_apart"])
    assert joins(store, "it hangs") == third
    store.write(groups.merge(ADMIN, [second], third)).result()
    assert kept(store)[second]["merged_into"] == third
    assert not kept(store)[second]["kept_apart"]
    with pytest.raises(Conflict):
        store.write(groups.unmerge(ADMIN, third)).result()


def test_reports_merged_by_hand_are_joined_by_later_ones_of_their_kind(store: Store) -> None:
    clear(store)
    head, other = create(store, "it hangs"), create(store, "it crashes")
    store.write(groups.merge(ADMIN, [other], head)).result()
    assert joins(store, "it crashes") == head
    changes = history(store, head)
    assert [change["what"] for change in changes] == ["created", "merged", "duplicate"]
    assert history(store, other)[-1] == {"what": "merged", "from": None, "to": head}


def test_what_was_decided_stays_with_the_group_when_its_head_is_deleted(store: Store) -> None:
    clear(store)
    head, second, third = (create(store, "it hangs", person) for person in PEOPLE)
    wanted = {"status": "resolved", "resolution": "mended", "tags": ["sync"], "assignee": "me"}
    store.write(reports.change(ADMIN, head, 1, wanted)).result()
    store.write(groups.delete(PEOPLE[0], head, own=True)).result()
    rows = kept(store)
    assert rows.keys() == {second, third}
    assert rows[third]["merged_into"] == second
    new = rows[second]
    assert (new["status"], new["resolution"], new["tags"]) == ("resolved", "mended", '["sync"]')
    assert (new["assignee"], new["resolved_by"]) == ("admin", "admin")
    assert history(store, second)[-1] == {"what": "head", "from": head}
    assert history(store, head) == []
    told = rows_of(NOTIFICATIONS)
    about = told.filter(told.about == record.resource(head), told.read_at.isnull())
    assert store.read(about).to_pylist() == []


def test_only_whose_it_is_deletes_their_own(store: Store) -> None:
    clear(store)
    id = create(store, "it hangs", PEOPLE[0])
    with pytest.raises(NotFound):
        store.write(groups.delete(PEOPLE[1], id, own=True)).result()
    store.write(groups.delete(PEOPLE[0], id, own=True)).result()
    assert kept(store) == {}


def test_retention_takes_heads_and_leaves_what_was_decided(store: Store) -> None:
    clear(store)
    head, young = create(store, "it hangs"), create(store, "it hangs")
    alone = create(store, "it lies")
    store.write(reports.change(ADMIN, head, 1, {"status": "wontfix"})).result()
    old = datetime(2001, 2, 3)
    for id in (head, alone):
        store.write(aged(id, old)).result()
    before = At(old + timedelta(days=1))
    store.write(
        lambda transaction: groups.forget(transaction, transaction.ask(queries.sent_before, before))
    ).result()
    rows = kept(store)
    assert rows.keys() == {young}
    assert (rows[young]["merged_into"], rows[young]["status"]) == (None, "wontfix")


def test_the_second_of_two_editors_hears_of_it_and_nothing_is_lost(store: Store) -> None:
    clear(store)
    id = create(store, "it hangs")
    first = store.write(reports.change(ADMIN, id, 1, {"resolution": "one"}))
    second = store.write(reports.change(ADMIN, id, 1, {"resolution": "two"}))
    first.result()
    with pytest.raises(Outdated) as caught:
        second.result()
    assert caught.value.id == id
    row = kept(store)[id]
    assert (row["resolution"], row["version"]) == ("one", 2)
    assert [change["what"] for change in history(store, id)] == ["created", "resolution"]
    store.write(reports.change(ADMIN, id, 2, {"resolution": "one"})).result()
    assert kept(store)[id]["version"] == 2, "what changes nothing is no change"


def test_many_at_once_each_by_its_version(store: Store) -> None:
    clear(store)
    one, two, joined = (create(store, word) for word in ("it hangs", "it lies", "it hangs"))
    store.write(reports.change(ADMIN, two, 1, {"status": "triaged"})).result()
    seen = [(one, 1), (two, 1), (joined, 1), ("nobody", 1)]
    done = store.write(reports.bulk(ADMIN, seen, {"status": "resolved"})).result()
    assert done["changed"] == [one]
    assert [conflict["id"] for conflict in done["conflicts"]] == [two, joined, "nobody"]
    rows = kept(store)
    assert [rows[id]["status"] for id in (one, two, joined)] == ["resolved", "triaged", "open"]


def test_a_change_of_nothing_or_by_nobody_known_is_refused(store: Store) -> None:
    clear(store)
    id = create(store, "it hangs")
    for wanted in ({}, {"assignee": "ana"}, {"assignee": "nobody@example.org"}):
        with pytest.raises(AgnesError):
            change(store, id, wanted)
    store.write(reports.change(ADMIN, id, 1, {"assignee": "ROOT@example.org"})).result()
    assert kept(store)[id]["assignee"] == "admin"
    store.write(reports.change(ADMIN, id, 2, {"assignee": None})).result()
    assert kept(store)[id]["assignee"] is None
