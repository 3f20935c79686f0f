"""Daily figures and windows, against an oracle that counts event by event."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console import marketplaces, processing, retention
from ingest.attribution import Attribution
from ingest.commit import mark
from ingest.marketplace import Item
from ingest.rollups import WINDOWS
from schema.table import Table
from schema.tables import (
    MARKETPLACE_ITEMS,
    ROLLUP_DAYS,
    USAGE_EVENTS,
    USAGE_MARKETPLACE_ITEM_DAILY,
    USAGE_MARKETPLACE_ITEM_WINDOW,
    USAGE_TOOL_DAILY,
)
from schema.transaction import Rows
from tests.ingest.processing_place import ADMIN, NOON, Place, later
from tests.transcripts import talk

Figures = dict[tuple[Any, ...], tuple[int, ...]]
TODAY = NOON.date()
CURATED = (Item("p", "skill", "x"), Item("p", "agent", "x"), Item("p", "command", "go"))
FIGURES = (USAGE_TOOL_DAILY, USAGE_MARKETPLACE_ITEM_DAILY, USAGE_MARKETPLACE_ITEM_WINDOW)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("rollups")) as place:
        yield place


@pytest.fixture
def place(shared: Place) -> Place:
    return shared.emptied()


def import_(place: Place, *items: Item, name: str = "one", source: str = "curated") -> Any:
    doing = marketplaces.import_(place.instance, ADMIN, name, source, items)
    return asyncio.run(doing)


def write(place: Place, *events: dict[str, Any]) -> None:
    """Events as a commit would leave them, with their days marked."""
    attribution = Attribution(place.rows(MARKETPLACE_ITEMS))
    rows = []
    for number, event in enumerate(events):
        row: dict[str, Any] = dict.fromkeys(USAGE_EVENTS.columns)
        row |= {"id": f"{number}", "is_error": False, **event}
        row["source"], row["ref_id"] = attribution.of(*_identifiers(row))
        rows.append(row)
    place.write(
        Rows(USAGE_EVENTS, rows),
        lambda transaction: mark(transaction, {row["occurred_at"].date() for row in rows}, None),
    )


def event(at: datetime, user: str = "u", session: str = "u/a.jsonl", **named: Any) -> Any:
    return {"occurred_at": at, "user_id": user, "session_file": session, **named}


def _identifiers(row: dict[str, Any]) -> list[Any]:
    return [row[name] for name in ("skill_name", "subagent_type", "command_name")]


def oracle(place: Place, first: date, last: date) -> tuple[Figures, Figures]:
    """Tools and items of these days together, counted event by event."""
    attribution = Attribution(place.rows(MARKETPLACE_ITEMS))
    tools: defaultdict[Any, list[Any]] = defaultdict(list)
    items: defaultdict[Any, list[Any]] = defaultdict(list)
    for row in place.rows(USAGE_EVENTS):
        if first <= row["occurred_at"].date() <= last:
            if row["tool_name"] is not None:
                tools[row["tool_name"], row["source"]].append(row)
            item = attribution.key(*_identifiers(row))
            if item is not None:
                items[tuple(item)].append(row)
                if item.parent_plugin:
                    items[item.source, "plugin", "", item.parent_plugin].append(row)
    return (
        {
            key: (*_counted(rows), len({row["session_file"] for row in rows}))
            for key, rows in tools.items()
        },
        {key: _counted(rows) for key, rows in items.items()},
    )


def _counted(rows: list[Any]) -> tuple[int, int, int]:
    errors = sum(row["is_error"] for row in rows)
    return len(rows), errors, len({row["user_id"] for row in rows})


def figures(place: Place, table: Table, **equal: Any) -> Figures:
    found: Figures = {}
    for row in place.rows(table, **equal):
        key = (
            tuple(row[name] for name in table.key[1:])
            if table is not USAGE_TOOL_DAILY
            else (row["tool_name"], row["source"])
        )
        assert key not in found, "one row a key"
        counts = [row["invocations"], row["error_count"], row["distinct_users"]]
        found[key] = (*counts, *([row["distinct_sessions"]] if table is USAGE_TOOL_DAILY else []))
    return found


def check(place: Place) -> None:
    """Every figure is what the oracle counts, and no day has figures that should not."""
    days = {row["occurred_at"].date() for row in place.rows(USAGE_EVENTS)}
    kept = {row["day"] for table in FIGURES[:2] for row in place.rows(table)}
    assert kept <= days
    for day in days:
        tools, items = oracle(place, day, day)
        assert figures(place, USAGE_TOOL_DAILY, day=day) == tools
        assert figures(place, USAGE_MARKETPLACE_ITEM_DAILY, day=day) == items
    for label, span in WINDOWS.items():
        _, items = oracle(place, place.now.date() - timedelta(days=span - 1), place.now.date())
        assert figures(place, USAGE_MARKETPLACE_ITEM_WINDOW, period_label=label) == items
    assert place.rows(ROLLUP_DAYS) == []


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32))
def test_the_figures_are_what_counting_event_by_event_gives(shared: Place, seed: int) -> None:
    place = shared.emptied()
    drawn = random.Random(seed)
    plugins, names = ("p", "q", "flea"), ("x", "go")
    kinds = [Item(p, t, n) for p in plugins for t in ("skill", "agent", "command") for n in names]
    for name, source in (("one", "curated"), ("two", "flea")):
        import_(place, *drawn.sample(kinds, 4), name=name, source=source)

    def drawn_event() -> Any:
        at = datetime.combine(TODAY, datetime.min.time()) - timedelta(
            days=drawn.choice([0, 1, 6, 7, 29, 30, 40])
        )
        edge = drawn.choice(
            [
                timedelta(),
                timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999),
                timedelta(hours=5),
            ]
        )
        local = f"{drawn.choice([*plugins, 'nobody'])}:{drawn.choice(names)}"
        named = drawn.choice([
            {"tool_name": drawn.choice(["Bash", "Read"])},
            {"tool_name": "Skill", "skill_name": local},
            {"tool_name": "Skill", "skill_name": "bare"},
            {"tool_name": "Task", "subagent_type": local},
            {"command_name": f"/{local}"},
        ])  # fmt: skip
        user = drawn.choice("uvw")
        session = f"{user}/{drawn.choice('ab')}.jsonl"
        return event(at + edge, user, session, is_error=drawn.random() < 0.3, **named)

    write(place, *(drawn_event() for _ in range(drawn.randrange(40))))
    place.roll_up()
    check(place)
    import_(place, *drawn.sample(kinds, 5), name="one")
    check(place)
    import_(place, *drawn.sample(kinds, 5), name="two", source="flea")
    check(place)
    import_(place, name="one", source="")
    check(place)


def test_somebody_who_came_on_three_days_is_one_person_in_a_window(place: Place) -> None:
    import_(place, *CURATED)
    at = [NOON - timedelta(days=day) for day in (0, 1, 2)]
    write(place, *(event(one, skill_name="p:x") for one in at))
    place.roll_up()
    rows = place.rows(USAGE_MARKETPLACE_ITEM_WINDOW, period_label="last_7d", type="skill")
    assert [(row["invocations"], row["distinct_users"]) for row in rows] == [(3, 1)]


def test_only_the_days_touched_are_made_anew(place: Place) -> None:
    old, new = NOON - timedelta(days=3), NOON
    write(place, event(old, tool_name="Bash"))
    place.roll_up()
    spoilt = {"day": old.date(), "tool_name": "a mark of an earlier time", "source": "builtin"}
    place.write(Rows(USAGE_TOOL_DAILY, [spoilt]))
    write(place, event(new, tool_name="Bash"))
    assert place.roll_up() == [new.date().isoformat()]
    assert [row["day"] for row in place.rows(USAGE_TOOL_DAILY, tool_name=spoilt["tool_name"])] == [
        old.date()
    ]


def test_a_transcript_that_comes_late_changes_its_own_days(place: Place) -> None:
    me = place.user()
    place.upload(me, "new.jsonl", talk("new", NOON - timedelta(days=1)).call())
    place.run()
    place.roll_up()
    late = NOON - timedelta(days=40)
    place.upload(me, "late.jsonl", talk("late", late).call())
    place.run()
    assert place.roll_up() == [late.date().isoformat()]
    check(place)


def test_a_day_without_events_any_more_has_no_figures(place: Place) -> None:
    me = place.user()
    place.upload(me, "moved.jsonl", talk("a", NOON - timedelta(days=2)).call().skill("p:x"))
    place.run()
    place.roll_up()
    place.upload(me, "moved.jsonl", talk("a", NOON - timedelta(days=5)).call())
    place.run()
    assert len(place.roll_up()) == 2
    check(place)
    assert {row["day"] for row in place.rows(USAGE_TOOL_DAILY)} == {TODAY - timedelta(days=5)}


def test_windows_move_with_the_day_though_nothing_happens(place: Place) -> None:
    import_(place, *CURATED)
    write(place, event(NOON - timedelta(days=6), skill_name="p:x"))
    place.roll_up()
    check(place)
    assert place.rows(USAGE_MARKETPLACE_ITEM_WINDOW, period_label="last_7d") != []
    later(place, days=1)
    assert place.roll_up() == []
    check(place)
    assert place.rows(USAGE_MARKETPLACE_ITEM_WINDOW, period_label="last_7d") == []


def test_windows_are_made_when_a_crash_came_between_them_and_their_days(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_(place, *CURATED)
    place.roll_up()
    write(place, event(NOON, skill_name="p:x"))

    def broken(*_: Any) -> None:
        raise OSError("the machine is going down")

    monkeypatch.setattr(processing, "rebuild_windows", broken)
    with pytest.raises(OSError, match="going down"):
        place.roll_up()
    monkeypatch.undo()
    place._patch.setattr(processing, "now", lambda: place.now)
    place.roll_up()
    check(place)


@pytest.mark.parametrize("day", ["1970-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_there_is_stop_no_other(place: Place, day: str) -> None:
    me = place.user()
    at = datetime.fromisoformat(f"{day}T23:59:50")
    place.upload(me, "broken.jsonl", talk("broken", at).call())
    place.upload(me, "fine.jsonl", talk("fine", NOON - timedelta(days=1)).call())
    place.run()
    assert sorted(place.roll_up()) == sorted([day, (TODAY - timedelta(days=1)).isoformat()])
    check(place)


# What an import changes


def test_an_import_a_rename_and_a_removal_attribute_anew_and_rebuild_the_days(place: Place) -> None:
    days = [NOON - timedelta(days=number) for number in (1, 3, 50)]
    write(
        place,
        *(event(at, tool_name="Skill", skill_name="p:x") for at in days),
        event(NOON, tool_name="Bash"),
    )
    place.roll_up()
    touched = sorted(at.date().isoformat() for at in days)

    def sources() -> set[tuple[str, str | None]]:
        rows = place.rows(USAGE_EVENTS, skill_name="p:x")
        return {(row["source"], row["ref_id"]) for row in rows}

    assert sources() == {("builtin", None)}
    answer = import_(place, *CURATED)
    assert (answer["changed_events"], answer["days"]) == (3, touched)
    assert sources() == {("curated", "p")}
    check(place)
    answer = import_(place, *CURATED)
    assert [answer[name] for name in ("added", "removed", "changed_events", "days")] == [
        0,
        0,
        0,
        [],
    ]
    answer = import_(place, Item("renamed", "skill", "x"))
    assert (answer["added"], answer["removed"], answer["days"]) == (1, 3, touched)
    assert sources() == {("builtin", None)}
    check(place)
    import_(place, Item("p", "skill", "x"), source="flea", name="two")
    assert sources() == {("flea", "p")}
    import_(place, name="two")
    assert sources() == {("builtin", None)}
    check(place)


def test_a_command_that_becomes_a_skill_is_counted_as_one_from_then_on(place: Place) -> None:
    import_(place, Item("p", "command", "go"))
    write(place, event(NOON, command_name="/p:go"))
    place.roll_up()

    def kinds() -> set[str]:
        return {row["type"] for row in place.rows(USAGE_MARKETPLACE_ITEM_DAILY)}

    assert kinds() == {"plugin", "command"}
    import_(place, Item("p", "command", "go"), Item("p", "skill", "go"))
    assert kinds() == {"plugin", "skill"}
    check(place)


def test_names_that_look_like_sql_are_names(place: Place) -> None:
    name = "p:x'; DROP TABLE usage_events; --\0 \" % _ é\u2028"
    write(place, event(NOON, skill_name=name), event(NOON, skill_name="p:y"))
    place.roll_up()
    assert import_(place, Item("p", "skill", "z"))["changed_events"] == 2
    assert {row["source"] for row in place.rows(USAGE_EVENTS)} == {"curated"}
    check(place)


# What has been pruned


def daily(place: Place) -> list[dict[str, Any]]:
    rows = [row for table in FIGURES[:2] for row in place.rows(table)]
    return sorted(rows, key=str)


def test_days_that_were_pruned_keep_their_figures(tmp_path: Path) -> None:
    with Place(tmp_path, USAGE_EVENTS_RETENTION_DAYS="10") as place:
        me = place.user()
        edge = NOON - timedelta(days=10)
        for name, at in (
            ("a", edge - timedelta(days=1)),
            ("b", edge - timedelta(hours=3)),
            ("c", NOON),
        ):
            # Its session began before the horizon.
            place.upload(me, f"{name}.jsonl", talk(name, at).call().skill("p:x"))
        later(place, days=-2)  # they came when nothing of them was old
        place.run()
        place.roll_up()
        later(place, days=2)
        before = daily(place)
        pruned = asyncio.run(retention.prune_usage(place.instance, ADMIN))
        assert (pruned["deleted"], pruned["remaining"]) == (2, 4)
        place.forget()
        place.run()
        place.roll_up()
        asyncio.run(processing.roll_up(place.instance, [edge.date() - timedelta(days=1)]))
        assert daily(place) == before
        assert len(place.rows(USAGE_EVENTS)) == 4
        answer = import_(place, *CURATED)
        assert answer["days"] == [edge.date().isoformat(), TODAY.isoformat()]
        assert [row for row in daily(place) if row["day"] < edge.date()] == [
            row for row in before if row["day"] < edge.date()
        ]


def test_a_refresh_keeps_what_is_imported_while_it_looks(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_(place, Item("p", "skill", "old"))
    store = place.instance.store
    rows = store.rows

    def late(question: Any, *given: Any) -> Any:
        found = rows(question, *given)
        if question is marketplaces.every:
            import_(place, Item("p", "skill", "new"))
        return found

    monkeypatch.setattr(store, "rows", late)
    asyncio.run(marketplaces.refresh(place.instance, ADMIN))
    assert [row["name"] for row in place.rows(MARKETPLACE_ITEMS)] == ["new"]
