"""Whatever is changed and rolled back in whatever order: a rollback restores exactly the old values
of what its change changed and touches nothing else, or it changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.changes import objects
from console.changes.rollback import MovedOn
from console.identity import grants, groups
from console.identity.lookup import pick
from schema.errors import Conflict
from schema.tables import AUDIT_LOG, RESOURCE_GRANTS, TABLE_REGISTRY, USER_GROUPS
from tests.console.changes.place import Cells, Place, error_of

texts = st.sampled_from(["a", "b", "C", "", "x" * 300, "ä…", "<b>'\"", "line\nline"])
small = st.integers(0, 2)
acts = st.one_of(
    st.tuples(st.just("group"), small, texts),
    st.tuples(st.just("rename"), small, st.sampled_from("abC"), st.none() | st.sampled_from("xy")),
    st.tuples(st.just("drop"), small),
    st.tuples(st.just("join"), small, small),
    st.tuples(st.just("leave"), small, small),
    st.tuples(st.just("grant"), small, st.sampled_from(["activity", "table"])),
    st.tuples(st.just("ungrant"), small),
    st.tuples(st.just("config"), st.sampled_from("kl"), st.none() | texts),
    st.tuples(st.just("template"), st.just("init"), st.none() | texts),
    st.tuples(st.just("register"), st.sampled_from("tu"), texts),
    st.tuples(st.just("alter"), small, texts, st.sampled_from(["schedule", "location"])),
    st.tuples(st.just("unregister"), small),
)
TIMES = ("added_at", "created_at")
# Where a play begins; then changes, and rollbacks of the change that stands so many rows back.
OPENING: list[tuple[Any, ...]] = [
    ("group", 0, "a"),
    ("join", 0, 0),
    ("register", "t", "a"),
    ("grant", 0, "table"),
    ("config", "k", "a"),
]
backs = st.tuples(st.just("back"), st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 5]))
plays = st.lists(st.booleans().flatmap(lambda again: backs if again else acts), max_size=8)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("place"))
    yield made
    made.store.close()


def act(place: Place, what: str, *given: Any) -> None:
    """One change; what cannot be is left alone, as people leave it."""
    caller = place.caller

    def nth(table: Any, number: int) -> str:
        ids = sorted(row["id"] for row in place.rows(table))
        return str(ids[number % len(ids)]) if ids else "none"

    number = given[0] if isinstance(given[0], int) else 0
    group = nth(USER_GROUPS, number)
    user = place.people[given[1]] if len(given) > 1 and isinstance(given[1], int) else ""
    if what == "group":
        about = None if "\n" in given[1] or len(given[1]) > 250 else given[1]
        step: Any = groups.create(caller, name="abC"[number], description=about)
    elif what == "rename":
        step = groups.update(caller, group, {"name": given[1], "description": given[2]})
    elif what == "grant":
        resource = nth(TABLE_REGISTRY, number) if given[1] == "table" else None
        step = grants.create(caller, group_id=group, resource_type=given[1], resource_id=resource)
    elif what == "register":
        step = objects.register(caller, {"id": given[0], "name": given[0], "location": given[1]})
    elif what == "alter":
        step = objects.change_table(caller, nth(TABLE_REGISTRY, number), {given[2]: given[1]})
    else:
        others: dict[str, Callable[[], Any]] = {
            "drop": lambda: groups.delete(caller, group),
            "join": lambda: groups.add_member(caller, group, user),
            "leave": lambda: groups.remove_member(caller, group, user),
            "ungrant": lambda: grants.remove(caller, nth(RESOURCE_GRANTS, number)),
            "config": lambda: objects.set_config(caller, *given),
            "template": lambda: objects.set_template(caller, *given),
            "unregister": lambda: objects.unregister(caller, nth(TABLE_REGISTRY, number)),
        }
        step = others[what]()
    place.do(step)


def changed(before: Cells, after: Cells) -> dict[tuple[str, ...], tuple[Any, Any]]:
    """Cell -> its value before and after, "–" for none."""
    return {
        cell: (before.get(cell, "–"), after.get(cell, "–"))
        for cell in before.keys() | after.keys()
        if before.get(cell, "–") != after.get(cell, "–")
    }


def timeless(cells: dict[tuple[str, ...], Any]) -> dict[tuple[str, ...], Any]:
    """What was made again since is as good as what was made then: of what goes, no time counts."""
    return {
        cell: ("some time", new) if new == "–" and cell[-1] in TIMES else (old, new)
        for cell, (old, new) in cells.items()
    }


def back(place: Place, id: str, did: Any, after: Cells) -> bool:
    """Roll back the row `id`, whose change `did` left `after` behind; whether that was possible."""
    there, opened, rows = place.cells(), place.opened(), len(place.rows(AUDIT_LOG))
    if error_of(place.dry_run, id) is not None:
        assert there != after, "nobody has touched it since"
        assert isinstance(place.refusal(id), Conflict)
        return False
    foretold = place.dry_run(id)
    assert (place.cells(), len(place.rows(AUDIT_LOG))) == (there, rows)
    told = place.rollback(id)
    now = place.cells()
    assert timeless(changed(there, now)) == timeless(
        {cell: (new, old) for cell, (old, new) in did.items()}
    )
    same = ("fields", "deactivated", "action", "resource", "id")
    assert pick(told, same) == pick(foretold, same)
    opens = place.opened()
    for side, expected in (("gains", opens - opened), ("loses", opened - opens)):
        names = ("user_id", "resource_type", "resource_id")
        assert {tuple(row[name] for name in names) for row in foretold["access"][side]} == expected
        assert len(foretold["access"][side]) == len(expected)
    return True


@settings(max_examples=20)
@given(plays)
@example([("drop", 0)] + [("back", 0)] * 3)
@example([("rename", 0, "b", None), ("rename", 0, "C", "x"), ("back", 1)])
@example([("drop", 0), ("group", 0, "b"), ("back", 1), ("back", 0)])
@example([("config", "k", "x" * 300), ("config", "k", None)] + [("back", 0)] * 4)
@example([("alter", 0, "b", "location"), ("back", 0), ("back", 0)])
@example([("unregister", 0), ("back", 0), ("unregister", 0), ("back", 1)])
@example([("drop", 0), ("unregister", 0), ("back", 1), ("back", 0), ("back", 2)])
def test_a_rollback_restores_exactly_what_was_or_changes_nothing(
    place: Place, play: list[tuple[Any, ...]]
) -> None:
    place.clear()
    done: list[tuple[str, Any, Cells]] = []  # row of the log, cells it changed, all cells after it
    for what, *rest in OPENING + play:
        before = place.cells()
        if what == "back":
            if rest[0] >= len(done) or not back(place, *done[-1 - rest[0]]):
                continue
        else:
            error_of(act, place, what, *rest)
        after = place.cells()
        if after != before:
            done.append((place.newest(), changed(before, after), after))


def test_the_three_values_name_what_stands_in_the_way(place: Place) -> None:
    place.clear()
    for value in ("one", "two", "three"):
        place.do(objects.set_config(place.caller, "k", value))
        if value == "two":
            id = place.newest()
    error = place.refusal(id)
    assert isinstance(error, MovedOn)
    assert error.values == {
        "before": {"value": "one"},
        "after": {"value": "two"},
        "current": {"value": "three"},
    }
    assert error.detail == ("Nothing was changed; value was 'one', became 'two', is now 'three'.")
