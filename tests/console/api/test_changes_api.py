"""Changes, diff, rollback and the raw row over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from console.audit import Caller, RecentReads, new_id
from console.changes import objects
from console.changes.undoing import ROLLBACKS
from schema.policy import Principal
from schema.tables import (
    AUDIT_LOG,
    INSTANCE_CONFIG,
    INSTANCE_TEMPLATES,
    RESOURCE_GRANTS,
    TABLE_REGISTRY,
    USER_GROUP_MEMBERS,
    USER_GROUPS,
)
from tests.console.access_world import World
from tests.console.audit_log import ACTIVITY, ask, bounds, event, window, write

Json = dict[str, Any]
CHANGES = f"{ACTIVITY}/changes"
HOSTILE = "<script>alert(1)</script>'; DROP TABLE users; -- \x1b[31m é{{7*7}}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("changes")) as world:
        yield world


def do(world: World, method: str, path: str, **body: Any) -> Json:
    answer = world.admin.request(method, f"/api/admin/{path}", json=body or None)
    assert answer.is_success, answer.text
    found: Json = answer.json() if answer.content else {}
    return found


def group(world: World, **more: Any) -> str:
    name = f"group {len(world.rows(USER_GROUPS))}"
    return str(do(world, "POST", "groups", name=name, **more)["id"])


def post(client: httpx.Client, id: str, verb: str, **body: Any) -> httpx.Response:
    return client.post(f"{ACTIVITY}/{id}/{verb}", json=body)


def undo(world: World, id: str, **body: Any) -> Json:
    answer = post(world.admin, id, "rollback", **body)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def granted(world: World, *surfaces: str) -> tuple[str, httpx.Client]:
    """Somebody whose group may open these, and their client."""
    user, id = world.user(), group(world)
    do(world, "POST", f"groups/{id}/members", user_id=user)
    for surface in surfaces:
        do(world, "POST", "grants", group_id=id, resource_type=surface)
    return user, world.client(world.token(user))


# Diff and list


def test_the_changes_are_the_rows_that_keep_what_was_before_and_what_was_made(
    world: World,
) -> None:
    within = window()
    kept = {"params": '{"id":"g","name":"b"}', "params_before": '{"id":"g","name":"a"}'}
    write(
        world,
        event(within[0], "user_groups.create", params=kept["params"]),
        event(within[0], "user_groups.create", params=kept["params"], result="error.400"),
        event(within[0], "session.upload", params=kept["params"]),
    )
    made = ask(world.admin, CHANGES, bounds(within))["rows"]
    assert [(row["action"], row["result"]) for row in made] == [("user_groups.create", "success")]
    within = window()
    write(world, *(event(within[0], "user_groups.update", **kept) for _ in range(3)))
    page = ask(world.admin, CHANGES, {**bounds(within), "limit": 2})
    field = {"name": "name", "before": "a", "after": "b"}
    assert [row["fields"] for row in page["rows"]] == [[field]] * 2
    cursor = {"cursor_ts": page["next_cursor"]["ts"], "cursor_id": page["next_cursor"]["id"]}
    rest = ask(world.admin, CHANGES, {**bounds(within), "limit": 2, **cursor})
    assert len({row["id"] for row in page["rows"] + rest["rows"]}) == 3
    assert rest["next_cursor"] is None
    assert ask(world.admin, CHANGES, {**bounds(within), "action_prefix": "user."})["rows"] == []
    for bad in ({"nonsense": "1"}, {"limit": "0"}, {"sort": "params"}, {"cursor_id": "x"}):
        assert world.admin.get(CHANGES, params=bad).status_code == 400


def test_a_diff_says_who_what_and_whether_it_can_be_undone(world: World) -> None:
    id = group(world, description="old")
    do(world, "PATCH", f"groups/{id}", description=HOSTILE.replace("\x1b", ""))
    row = world.last("user_groups.update")
    answer = ask(world.admin, f"{ACTIVITY}/{row['id']}/diff", {})
    assert answer["fields"] == [
        {"name": "description", "before": "old", "after": HOSTILE.replace("\x1b", "")}
    ]
    assert (answer["can_roll_back"], answer["why_not"]) == (True, None)
    assert (answer["action"], answer["resource"]) == ("user_groups.update", f"group:{id}")
    assert answer["user_email"] == "root@example.org"
    do(world, "PATCH", f"groups/{id}", description="else")
    answer = ask(world.admin, f"{ACTIVITY}/{row['id']}/diff", {})
    assert (answer["can_roll_back"], answer["why_not"]) == (False, "the group has changed since")
    assert world.admin.get(f"{ACTIVITY}/no-such-id/diff").status_code == 404


def test_a_grant_opens_the_diff_masked_and_no_rollback(world: World) -> None:
    long = "d" * 200
    id = group(world, description=long)
    do(world, "PATCH", f"groups/{id}", description="short")
    row = world.last("user_groups.update")
    _, reader = granted(world, "activity")
    with reader:
        answer = ask(reader, f"{ACTIVITY}/{row['id']}/diff", {})
        assert answer["fields"][0]["before"] == "d" * 127 + "…"
        assert answer["can_roll_back"] is False
        assert "admin" in answer["why_not"]
        rows = ask(reader, CHANGES, {"resource": f"group:{id}"})["rows"]
        assert rows[0]["fields"] == answer["fields"]
        for verb in ("rollback", "reveal"):
            assert post(reader, row["id"], verb, reason="let me").status_code == 403
        assert reader.post(f"{ACTIVITY}/{row['id']}/rollback?dry_run=1").status_code == 403
    with world.client(world.token(world.user())) as nobody:
        for path in (CHANGES, f"{ACTIVITY}/{row['id']}/diff"):
            assert nobody.get(path).status_code == 403
    assert world.last("audit.rollback")["result"] == "denied"
    assert world.last("audit.reveal_raw")["result"] == "denied"
    assert world.rows(USER_GROUPS, id=id)[0]["description"] == "short"


# Rollback


def test_a_deleted_group_comes_back_as_it_was(world: World) -> None:
    user, gone = world.user(), world.user("left@example.org")
    id = group(world, description="kept")
    for member in (user, gone):
        do(world, "POST", f"groups/{id}/members", user_id=member)
    do(world, "POST", "grants", group_id=id, resource_type="sessions")
    do(world, "DELETE", f"users/{gone}")
    tables = (USER_GROUPS, USER_GROUP_MEMBERS, RESOURCE_GRANTS)
    before = [sorted(map(str, world.rows(table))) for table in tables]
    do(world, "DELETE", f"groups/{id}")
    deletion = world.last("user_groups.delete")["id"]
    asked = {"resource_type": "sessions"}
    with world.client(world.token(user)) as they:
        assert they.post("/api/check-access", json=asked).json()["allowed"] is False
        foretold = world.admin.post(f"{ACTIVITY}/{deletion}/rollback?dry_run=1").json()
        assert (foretold["dry_run"], foretold["deactivated"]) == (True, ["left@example.org"])
        (gain,) = foretold["access"]["gains"]
        assert (gain["user_id"], gain["resource_type"]) == (user, "sessions")
        assert foretold["access"]["loses"] == []
        assert world.rows(USER_GROUPS, id=id) == []
        done = undo(world, deletion, reason="by mistake")
        found = they.post("/api/check-access", json=asked).json()
        assert found == {"allowed": True, "rule": gain["rule"]}
    assert done["deactivated"] == ["left@example.org"]
    assert [sorted(map(str, world.rows(table))) for table in tables] == before
    row = world.last("audit.rollback")
    assert row["id"] == done["audit_id"]
    assert row["resource"] == f"group:{id}"
    told = row["params"]
    assert (told["restored_from"], told["action"]) == (deletion, "user_groups.delete")
    assert told["reason"] == "by mistake"
    assert "description" in told["fields"]
    again = post(world.admin, deletion, "rollback")
    assert again.status_code == 409
    assert set(again.json()["values"]) == {"before", "after", "current"}
    assert again.json()["values"]["after"] is None
    assert len(world.log("user_groups.delete")) == 1
    assert len(world.log("audit.rollback", result="error.moved_on")) == 1
    assert world.admin.post(f"{ACTIVITY}/{deletion}/rollback?dry_run=1").status_code == 409
    assert len(world.log("audit.rollback", result="error.moved_on")) == 1


def test_a_rollback_is_rolled_back_in_its_turn(world: World) -> None:
    id = group(world)
    creation = world.last("user_groups.create")["id"]
    ids = [creation]
    for there in (False, True, False):
        ids.append(undo(world, ids[-1])["audit_id"])
        assert bool(world.rows(USER_GROUPS, id=id)) is there
        assert world.last("audit.rollback")["params"]["restored_from"] == ids[-2]
    diff = ask(world.admin, f"{ACTIVITY}/{ids[-1]}/diff", {})
    assert diff["can_roll_back"] is True
    assert [one["before"] for one in diff["fields"]] == [diff["fields"][0]["before"]]


def test_what_stands_in_the_way_is_named_and_nothing_changes(world: World) -> None:
    id, user = group(world), world.user()
    name = world.rows(USER_GROUPS, id=id)[0]["name"]
    do(world, "POST", f"groups/{id}/members", user_id=user)
    do(world, "DELETE", f"groups/{id}/members/{user}")
    removal = world.last("user_group_members.remove", result="success")["id"]
    made = do(world, "POST", "grants", group_id=id, resource_type="feedback")
    do(world, "DELETE", f"grants/{made['id']}")
    taken = world.last("resource_grants.remove")["id"]
    do(world, "POST", "grants", group_id=id, resource_type="feedback")
    twice = post(world.admin, taken, "rollback")
    assert (twice.status_code, "already" in twice.json()["error"]) == (409, True)
    do(world, "DELETE", f"groups/{id}")
    deletion = world.last("user_groups.delete")["id"]
    for orphan in (removal, taken):
        answer = post(world.admin, orphan, "rollback")
        assert (answer.status_code, "no more" in answer.json()["error"]) == (409, True)
    do(world, "POST", "groups", name=name.upper())
    answer = post(world.admin, deletion, "rollback")
    assert (answer.status_code, "exists already" in answer.json()["error"]) == (409, True)
    assert world.rows(USER_GROUPS, id=id) == []
    assert world.rows(RESOURCE_GRANTS, group_id=id) == []


def test_a_grant_comes_back_only_while_its_table_is_the_one_that_was_granted(world: World) -> None:
    id, table = group(world), new_id()
    world.table(table)
    of_it = {"group_id": id, "resource_type": "table", "resource_id": table}
    made = do(world, "POST", "grants", **of_it)
    do(world, "DELETE", f"grants/{made['id']}")
    taken = world.last("resource_grants.remove")["id"]
    do(world, "POST", "grants", **of_it)
    do(world, "DELETE", f"groups/{id}")
    deletion = world.last("user_groups.delete")["id"]
    world.store.write(lambda it: it.delete(TABLE_REGISTRY, {"id": table})).result()
    answer = post(world.admin, deletion, "rollback")
    assert (answer.status_code, answer.json()["error"]) == (409, f"the table '{table}' is no more")
    assert world.rows(USER_GROUPS, id=id) == []
    world.table(table)
    undo(world, deletion)
    (kept,) = world.rows(RESOURCE_GRANTS, group_id=id)
    do(world, "DELETE", f"grants/{kept['id']}")
    world.store.write(lambda it: it.delete(TABLE_REGISTRY, {"id": table})).result()
    answer = post(world.admin, taken, "rollback")
    assert (answer.status_code, answer.json()["error"]) == (409, f"the table '{table}' is no more")
    assert world.rows(RESOURCE_GRANTS, group_id=id) == []


def test_only_the_listed_actions_can_be_rolled_back(world: World) -> None:
    assert len(ROLLBACKS) == 12
    do(world, "POST", "users", email="made@example.org")
    answer = post(world.admin, world.last("user.create")["id"], "rollback")
    assert answer.status_code == 400
    for action in ROLLBACKS:
        assert action in answer.json()["detail"]
    failed = world.admin.delete("/api/admin/groups/nothing")
    assert failed.status_code == 404
    answer = post(world.admin, world.last("user_groups.delete")["id"], "rollback")
    assert (answer.status_code, "nothing to roll back" in answer.json()["error"]) == (400, True)
    assert post(world.admin, "no-such-id", "rollback").status_code == 404


AGNES = {"group_id": "g", "resource_type": "table", "resource_id": "agnes_audit"}


@pytest.mark.parametrize(
    ("action", "params", "before"),
    [
        ("user_groups.update", {"id": 7}, {"id": 7}),
        ("user_groups.update", "not an object", [1]),
        ("user_groups.update", {"id": "g", "name": "a"}, {"id": "g", "name": "a"}),
        ("user_groups.delete", {"id": "g"}, None),
        ("user_groups.delete", {"id": "g"}, {"id": "g", "members": [1]}),
        ("user_groups.delete", {"id": "g"}, {"id": "g", "name": "G", "grants": [{"id": 1}]}),
        ("resource_grants.remove", {"id": "g"}, {"id": "g", "resource_type": "x"}),
        ("resource_grants.remove", {"id": "g"}, AGNES),
        ("audit.rollback", {"id": "e", "restored_from": "resource_grants.remove"}, None),
        ("audit.rollback", {"id": "e", "action": "audit.rollback"}, None),
        ("audit.rollback", {"id": "e", "action": ["user_groups.create"]}, None),
        ("instance_templates.set", {"name": "i"}, {"name": "i", "body": "x" * 255 + "…"}),
    ],
)
def test_a_row_that_does_not_keep_enough_is_refused(
    world: World, action: str, params: Any, before: Any
) -> None:
    texts = {"params": json.dumps(params), "params_before": before and json.dumps(before)}
    (row,) = write(world, event(window()[0], action, **texts))
    answer = post(world.admin, row["id"], "rollback")
    assert answer.status_code == 400, answer.text
    diff = ask(world.admin, f"{ACTIVITY}/{row['id']}/diff", {})
    assert diff["can_roll_back"] is False
    assert diff["why_not"] == answer.json()["error"] != ""


def test_of_many_who_roll_back_at_once_one_does(world: World) -> None:
    group(world)
    id = world.last("user_groups.create")["id"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: post(world.admin, id, "rollback"), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    done = world.log("audit.rollback", result="success")
    assert [row["params"].get("restored_from") for row in done].count(id) == 1


def test_settings_prompts_and_tables_come_back_whole(world: World) -> None:
    caller = Caller(Principal(world.admin_id, is_admin=True), "cli")
    body = HOSTILE + "\n" + "é" * 5000
    steps = [
        objects.set_template(caller, "init", body),
        objects.set_template(caller, "init", "short"),
        objects.set_config(caller, "theme", body),
        objects.set_config(caller, "theme", None),
        objects.register(caller, {"id": "t1", "name": "orders", "location": body}),
        objects.unregister(caller, "t1"),
    ]
    for step in steps:
        world.store.write(step).result()
    for action in ("instance_templates.set", "instance_config.update", "registry.delete"):
        undo(world, world.last(action)["id"])
    (template,) = world.rows(INSTANCE_TEMPLATES)
    assert (template["body"], template["updated_by"]) == (body, world.admin_id)
    assert world.rows(INSTANCE_CONFIG)[0]["value"] == body
    assert world.rows(TABLE_REGISTRY)[0]["location"] == body


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("smtp_password", "hunter2"),
        ("mail", '{"password":"hunter2"}'),
        ("mail", '["a",{"api_key":"hunter2"}]'),
    ],
)
def test_a_secret_setting_is_kept_nowhere_and_shown_nowhere(
    world: World, key: str, value: str
) -> None:
    caller = Caller(Principal(world.admin_id, is_admin=True), "cli")
    for step in (value, value + " ", None):
        world.store.write(objects.set_config(caller, key, step)).result()
    assert "hunter2" not in str(world.rows(AUDIT_LOG, action="instance_config.update"))
    row = world.last("instance_config.update", resource=f"config:{key}")
    diff = ask(world.admin, f"{ACTIVITY}/{row['id']}/diff", {})
    assert diff["fields"] == [{"name": "value", "before": "(hidden)", "after": "(hidden)"}]
    assert "secret" in diff["why_not"]
    assert post(world.admin, row["id"], "rollback").status_code == 400


def test_a_rollback_takes_no_nonsense(world: World) -> None:
    group(world)
    id = world.last("user_groups.create")["id"]
    for path, body in (
        ("?dry_run=maybe", {}),
        ("?dryrun=1", {}),
        ("", {"reason": 5}),
        ("", {"reason": "x" * 501}),
        ("", {"force": True}),
        ("", [1]),
    ):
        answer = world.admin.post(f"{ACTIVITY}/{id}/rollback{path}", json=body)
        assert answer.status_code == 400, (path, body)


# The raw row


def test_an_admin_who_says_why_sees_the_raw_row(world: World) -> None:
    text = "select * from pay where name = 'Ann'"
    params = f'{{"sql_preview":"{text}"}}'
    (row,) = write(world, event(window()[0], "query.local", user_id="u-9", params=params))
    assert "Ann" not in ask(world.admin, f"{ACTIVITY}/{row['id']}", {})["params"]
    reason = "  support case 12 " + "é" * 400
    for _ in range(2):
        answer = post(world.admin, row["id"], "reveal", reason=reason)
        assert answer.status_code == 200
        assert answer.json()["params"] == params
        assert {"id", "action", "user_email", "result_class"} <= answer.json().keys()
    seen = world.log("audit.reveal_raw", resource=f"event:{row['id']}")
    assert len(seen) == 2
    assert seen[0]["user_id"] == world.admin_id
    assert seen[0]["params"] == {
        "id": row["id"],
        "action": "query.local",
        "reason": reason.strip(),
    }


@pytest.mark.parametrize(
    "body", [{}, {"reason": "ab"}, {"reason": "  a  "}, {"reason": "x" * 501}, {"reason": 7}]
)
def test_without_a_reason_nothing_is_revealed(world: World, body: Json) -> None:
    (row,) = write(world, event(window()[0], params='{"x":1}'))
    world.instance.recent_reads = RecentReads()
    assert post(world.admin, row["id"], "reveal", **body).status_code == 400
    assert world.last("audit.reveal_raw")["result"] == "error.bad_parameter"
    assert post(world.admin, "no-such-id", "reveal", reason="because").status_code == 404


def test_what_cannot_be_written_down_is_not_revealed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = write(world, event(window()[0], params='{"x":"raw"}'))

    async def broken(*steps: Any) -> None:
        raise OSError("no space")

    monkeypatch.setattr(world.store, "awrite", broken)
    answer = post(world.admin, row["id"], "reveal", reason="because")
    assert answer.status_code == 500
    assert "raw" not in answer.text
