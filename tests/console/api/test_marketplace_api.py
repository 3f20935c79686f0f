"""`/api/admin/marketplace` over HTTP: importing, listing, removing, and what follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from console.audit import now
from schema.tables import (
    MARKETPLACE_ITEMS,
    ROLLUP_DAYS,
    USAGE_EVENTS,
    USAGE_MARKETPLACE_ITEM_DAILY,
)
from schema.transaction import Rows, Transaction
from tests.console.access_world import World

PATH = "/api/admin/marketplace"
AT = datetime(2026, 5, 20, 9)
MEND: dict[str, Any] = {"plugin": "p", "type": "skill", "name": "mend", "description": "Mends"}
GO: dict[str, Any] = {"plugin": "p", "type": "command", "name": "/go"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("marketplace")) as world:
        row: dict[str, Any] = {"id": "1", "session_file": "u/a.jsonl", "user_id": "u"}
        row["skill_name"] = "p:mend"
        row |= {"tool_name": "Skill", "source": "builtin", "is_error": False, "occurred_at": AT}
        world.store.write(Rows(USAGE_EVENTS, [row])).result()
        yield world


@pytest.fixture
def world(shared: World) -> World:
    for name in {row["marketplace"] for row in shared.rows(MARKETPLACE_ITEMS)}:
        assert shared.admin.delete(f"{PATH}/{name}").status_code == 200
    return shared


def import_(world: World, *items: dict[str, Any], **more: Any) -> Any:
    body = {"marketplace": "team", "source": "curated", "items": items, **more}
    answer = world.admin.post(f"{PATH}/import", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_import_attributes_what_is_there_and_its_figures_are_right_at_once(world: World) -> None:
    assert import_(world, MEND, GO) == {
        "marketplace": "team",
        "source": "curated",
        "items": 3,
        "added": 3,
        "removed": 0,
        "changed_events": 1,
        "days": ["2026-05-20"],
        "dry_run": False,
    }
    (event,) = world.rows(USAGE_EVENTS)
    assert (event["source"], event["ref_id"]) == ("curated", "p")
    figures = world.rows(USAGE_MARKETPLACE_ITEM_DAILY)
    assert {row["type"] for row in figures} == {"plugin", "skill"}
    assert world.rows(ROLLUP_DAYS) == []


def test_an_import_replaces_one_marketplace_and_keeps_the_ids_of_what_stays(world: World) -> None:
    import_(world, MEND)
    import_(world, {**MEND, "plugin": "q"}, marketplace="other", source="flea")
    before = {row["name"]: row["id"] for row in world.rows(MARKETPLACE_ITEMS, plugin="p")}
    answer = import_(world, MEND, GO)
    assert (answer["added"], answer["removed"], answer["changed_events"]) == (1, 0, 0)
    after = {row["name"]: row["id"] for row in world.rows(MARKETPLACE_ITEMS, plugin="p")}
    assert after.items() > before.items()
    answer = import_(world, GO)
    assert (answer["added"], answer["removed"], answer["changed_events"]) == (0, 1, 0)
    assert len(world.rows(MARKETPLACE_ITEMS, marketplace="other")) == 2


def test_a_marketplace_that_changes_hands_changes_its_events(world: World) -> None:
    import_(world, MEND)
    answer = import_(world, MEND, source="flea")
    assert (answer["added"], answer["removed"], answer["changed_events"]) == (2, 2, 1)
    assert world.rows(USAGE_EVENTS)[0]["source"] == "flea"


def test_a_rehearsal_says_the_same_and_changes_nothing(world: World) -> None:
    import_(world, GO)
    before = [world.rows(table) for table in (MARKETPLACE_ITEMS, USAGE_EVENTS)]
    logged = len(world.log("marketplace.import"))
    tried = import_(world, MEND, dry_run=True)
    assert [world.rows(table) for table in (MARKETPLACE_ITEMS, USAGE_EVENTS)] == before
    assert len(world.log("marketplace.import")) == logged
    assert import_(world, MEND) == {**tried, "dry_run": False}


def test_a_removal_gives_everything_back(world: World) -> None:
    import_(world, MEND, marketplace="our own/team")
    answer = world.admin.delete(f"{PATH}/our%20own%2Fteam")
    assert answer.status_code == 200
    assert (answer.json()["removed"], answer.json()["days"]) == (2, ["2026-05-20"])
    assert world.rows(MARKETPLACE_ITEMS) == []
    assert world.rows(USAGE_EVENTS)[0]["source"] == "builtin"
    again = world.admin.delete(f"{PATH}/our%20own%2Fteam")
    assert (again.status_code, "our own/team" in again.json()["error"]) == (404, True)


def test_imports_and_removals_are_audited_with_counts_before_and_after(world: World) -> None:
    import_(world, MEND)
    row = world.last("marketplace.import")
    assert (row["resource"], row["user_id"]) == ("marketplace:team", world.admin_id)
    assert row["params"] == {
        "source": "curated",
        "items": 2,
        "added": 2,
        "removed": 0,
        "changed_events": 1,
        "days": 1,
    }
    import_(world, GO)
    assert world.last("marketplace.import")["params_before"] == {"plugin": 1, "skill": 1}
    world.admin.delete(f"{PATH}/team")
    row = world.last("marketplace.import")
    assert (row["params"]["items"], row["params"]["removed"]) == (0, 2)
    assert row["params_before"] == {"plugin": 1, "command": 1}


def test_items_are_listed_filtered_and_paged(world: World) -> None:
    import_(world, MEND, GO)
    import_(world, {**MEND, "plugin": "q"}, marketplace="other", source="flea")

    def listed(**params: str | int) -> list[str]:
        page = world.admin.get(PATH, params=params).raise_for_status().json()
        assert page.keys() == {"rows", "total", "limit", "offset", "next_offset"}
        return [f"{row['plugin']}:{row['type']}:{row['name']}" for row in page["rows"]]

    assert listed() == ["q:plugin:q", "q:skill:mend", "p:command:go", "p:plugin:p", "p:skill:mend"]
    assert listed(source="flea") == ["q:plugin:q", "q:skill:mend"]
    assert listed(marketplace="team", type="skill") == ["p:skill:mend"]
    assert listed(q="MENDS") == ["q:skill:mend", "p:skill:mend"]
    assert listed(limit=1, offset=1) == ["q:skill:mend"]
    assert listed(marketplace="none") == []
    assert world.last("access.read")["params"]["endpoint"] == PATH


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("?source=builtin", "one of curated, flea"),
        ("?type=tool", "one of plugin, skill, agent, command"),
        ("?kind=skill", "unknown parameter"),
        ("?limit=0", "limit"),
    ],
)
def test_a_wrong_filter_is_named(world: World, path: str, said: str) -> None:
    answer = world.admin.get(PATH + path)
    assert (answer.status_code, said in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": "builtin"}, "one of curated, flea"),
        ({"marketplace": ""}, "marketplace"),
        ({"marketplace": "import"}, "another name"),
        ({"marketplace": "a\nb"}, "one line"),
        ({"items": []}, "DELETE"),
        ({"items": {}}, "list"),
        ({"items": None}, "give items"),
        ({"items": [{**MEND, "type": "tool"}]}, "items[0].type"),
        ({"items": [MEND, 3]}, "items[1]"),
        ({"dry_run": "yes"}, "bool"),
        ({"more": 1}, "unknown key"),
    ],
)
def test_a_wrong_import_is_named_logged_and_changes_nothing(
    world: World, change: dict[str, Any], said: str
) -> None:
    import_(world, GO)
    before = world.rows(MARKETPLACE_ITEMS)
    body = {"marketplace": "team", "source": "curated", "items": [MEND], **change}
    answer = world.admin.post(f"{PATH}/import", json=body)
    assert (answer.status_code, said in answer.json()["error"]) == (400, True), answer.text
    assert world.rows(MARKETPLACE_ITEMS) == before
    assert str(world.last("marketplace.import")["result"]).startswith("error.")


def test_nobody_but_an_admin_sees_or_changes_them(world: World) -> None:
    with world.client(world.token(world.user())) as analyst:
        assert analyst.get(PATH).status_code == 403
        assert analyst.post(f"{PATH}/import", json={}).status_code == 403
        assert analyst.delete(f"{PATH}/team").status_code == 403


def test_a_refresh_says_anew_whose_work_the_events_are(world: World) -> None:
    import_(world, MEND, GO)
    import_(world, {**MEND, "plugin": "q"}, marketplace="other", source="flea")
    (event,) = world.rows(USAGE_EVENTS)
    astray = [{**event, "source": "builtin", "ref_id": None}]

    def worn(transaction: Transaction) -> None:
        transaction.delete(USAGE_EVENTS, {"id": event["id"]})
        transaction.insert(Rows(USAGE_EVENTS, astray))

    world.store.write(worn).result()
    path = f"{PATH}/refresh"
    tried = world.admin.post(path, json={"marketplace": "team", "dry_run": True}).json()["rows"]
    assert [(row["changed_events"], row["dry_run"]) for row in tried] == [(1, True)]
    assert world.rows(USAGE_EVENTS)[0]["source"] == "builtin"
    done = world.admin.post(path, json={}).json()["rows"]
    told = [
        (row["marketplace"], row["changed_events"], row["added"], row["removed"]) for row in done
    ]
    assert sorted(told) == [("other", 1, 0, 0), ("team", 0, 0, 0)]
    assert world.rows(USAGE_EVENTS)[0]["source"] == "curated"
    assert world.admin.post(path, json={"marketplace": "none"}).status_code == 404
    body = {"marketplace": "refresh", "source": "curated", "items": [MEND]}
    assert world.admin.post(f"{PATH}/import", json=body).status_code == 400


def test_use_has_its_denominator_and_what_nobody_uses(world: World) -> None:
    import_(world, MEND, {**MEND, "name": "idle"}, GO)
    days = now() - timedelta(days=1)
    rows = []
    for number, who in enumerate(("a", "a", "b", "c")):
        row: dict[str, Any] = {
            "id": f"new-{number}",
            "session_file": f"{who}/s.jsonl",
            "user_id": who,
        }
        skill = "p:mend" if who != "c" else None
        row |= {"tool_name": "Skill", "skill_name": skill, "source": "builtin", "is_error": False}
        rows.append({**row, "occurred_at": days, "outcome": "ok", "event_type": "tool_use"})
    world.store.write(Rows(USAGE_EVENTS, rows)).result()
    world.admin.post(f"{PATH}/refresh", json={}).raise_for_status()
    found = world.admin.get(f"{PATH}/use", params={"type": "skill"}).json()
    (row,) = found["rows"]
    assert (row["called"], row["marketplace"], row["description"]) == ("p:mend", "team", "Mends")
    assert (row["invocations_30d"], row["distinct_users_30d"], row["trend_pct"]) == (3, 2, None)
    assert row["telemetry"] == "/admin/telemetry?tab=skills&skill=p%3Amend&since_minutes=43200"
    assert found["active_people"] == 3
    assert [(item["type"], item["name"]) for item in found["unused"]] == [
        ("skill", "idle"),
        ("command", "go"),
    ]
    trending = world.admin.get(f"{PATH}/use", params={"sort": "trending"}).json()
    assert trending["rows"] == []
    for wrong in ({"sort": "best"}, {"type": "tool"}, {"source": "x"}):
        assert world.admin.get(f"{PATH}/use", params=wrong).status_code == 400
