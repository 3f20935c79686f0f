"""`/api/admin/config`: settings that change while the server runs, and what never does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from console.audit import Caller, is_secret
from console.changes import objects
from console.configured import SECTIONS
from console.settings import SETTINGS
from schema.policy import Principal
from schema.tables import AUDIT_LOG, INSTANCE_CONFIG
from tests.console.access_world import World

PATH = "/api/admin/config"
JSON_ROWS, SECONDS = "AGNES_QUERY_JSON_ROWS", "AGNES_QUERY_SECONDS"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    given = {"AGNES_AUDIT_RETENTION_DAYS": "90", "ANTHROPIC_API_KEY": "sk-a-real-secret"}
    with World(tmp_path_factory.mktemp("config"), **given) as world:
        yield world


@pytest.fixture
def world(shared: World) -> World:
    """With nothing set."""
    caller = Caller(Principal(shared.admin_id, is_admin=True), "cli")
    for row in shared.rows(INSTANCE_CONFIG):
        shared.store.write(objects.set_config(caller, row["key"], None)).result()
    return shared


def put(world: World, status: int = 200, **body: Any) -> Any:
    answer = world.admin.put(PATH, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def one(world: World, key: str) -> Any:
    rows = world.admin.get(PATH, params={"q": key}).json()["rows"]
    return next(row for row in rows if row["key"] == key)


def undo(world: World, id: str, status: int) -> Any:
    answer = world.admin.post(f"/api/admin/activity/{id}/rollback")
    assert answer.status_code == status, answer.text
    return answer.json()


def test_every_setting_is_listed_with_where_its_value_comes_from(world: World) -> None:
    put(world, key=SECONDS, value=7)
    found = world.admin.get(PATH, params={"limit": 1000}).json()
    assert [row["key"] for row in found["rows"]] == [setting.name for setting in SETTINGS]
    assert found["total"] == len(SETTINGS)
    rows = {row["key"]: row for row in found["rows"]}
    assert (rows[SECONDS]["value"], rows[SECONDS]["source"]) == ("7", "instance")
    assert rows[SECONDS]["updated_by"] == world.admin_id
    assert rows["AGNES_AUDIT_RETENTION_DAYS"]["source"] == "environment"
    assert rows[JSON_ROWS] == rows[JSON_ROWS] | {
        "name": "Query JSON rows",
        "section": "Questions in SQL",
        "value": "100000",
        "default": "100000",
        "source": "default",
        "live": True,
        "secret": False,
        "refused": None,
    }
    key = rows["ANTHROPIC_API_KEY"]
    assert (key["value"], key["set"], key["secret"], key["live"]) == ("(hidden)", True, True, False)
    assert "real-secret" not in str(found)
    live = world.admin.get(PATH, params={"live": "true", "source": "instance"}).json()["rows"]
    assert [row["key"] for row in live] == [SECONDS]


def test_what_is_named_like_a_secret_is_one_and_every_section_begins() -> None:
    harmless = {"AGNES_ASK_TOKENS", "AGNES_SECURE_COOKIES", "AGNES_PASSWORD_SIGN_IN"}
    named = {one.name for one in SETTINGS if is_secret(one.name)} - harmless
    assert {one.name for one in SETTINGS if one.secret} >= named
    assert not [one.name for one in SETTINGS if one.secret and one.live]
    assert SECTIONS.keys() <= {one.name for one in SETTINGS}
    for setting in SETTINGS:
        setting.parse(setting.default)


def test_a_limit_of_questions_holds_with_the_next_question(world: World) -> None:
    body = {"sql": "SELECT action FROM agnes_audit", "limit": 100}
    assert len(world.admin.post("/api/query", json=body).json()["rows"]) > 1
    put(world, key=JSON_ROWS, value=1)
    cut = world.admin.post("/api/query", json=body).json()
    assert (len(cut["rows"]), cut["truncated"]) == (1, True)
    put(world, key=JSON_ROWS, value=None)
    assert len(world.admin.post("/api/query", json=body).json()["rows"]) > 1


def test_uploads_reasons_retention_and_intervals_read_the_setting_when_they_need_it(
    world: World,
) -> None:
    settings = world.instance.settings
    file = {"file": ("big.jsonl", b'{"type":"user"}\n' * 100_000)}
    put(world, values={"AGNES_UPLOAD_MAX_MB": 1, "AGNES_TRANSCRIPT_REASON": True})
    assert world.admin.post("/api/upload/sessions", files=file).status_code == 413
    assert settings.transcript_reason is True
    put(world, values={"USAGE_EVENTS_RETENTION_DAYS": "30", "SCHEDULER_PRUNE_INTERVAL": "77"})
    answer = world.admin.post("/api/admin/telemetry/prune", json={}).json()
    assert answer["retention_days"] == 30
    assert world.instance.jobs.jobs["prune"].every == 77
    put(world, key="SCHEDULER_PRUNE_INTERVAL", value="")
    assert world.instance.jobs.jobs["prune"].every != 77


def test_a_change_is_in_the_log_whole_and_can_be_undone(world: World) -> None:
    put(world, key="AGNES_ASK_TOKENS", value=2048)
    assert put(world, key="AGNES_ASK_TOKENS", value="2048")["changed"] == []
    put(world, key="AGNES_ASK_TOKENS", value=4096)
    row = world.last("instance_config.update", resource="config:AGNES_ASK_TOKENS")
    assert (row["params"]["value"], row["params_before"]["value"]) == ("4096", "2048")
    undo(world, row["id"], 200)
    assert (one(world, "AGNES_ASK_TOKENS")["value"], world.instance.settings.ask_tokens) == (
        "2048",
        2048,
    )
    moved = undo(world, row["id"], 409)
    assert {side: moved["values"][side]["value"] for side in ("before", "after", "current")} == {
        "before": "2048",
        "after": "4096",
        "current": "2048",
    }


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"key": SECONDS, "value": "soon"}, 400, "a whole number from 1"),
        ({"key": SECONDS, "value": 0}, 400, "a whole number from 1"),
        ({"key": "AGNES_SESSION_HOURS", "value": 10**9}, 400, "1 to 8760"),
        ({"key": "AGNES_QUERY_SECOND", "value": 3}, 400, "did you mean AGNES_QUERY_SECONDS"),
        ({"key": "AGNES_ENGINE", "value": "duckdb:///x"}, 400, "cannot change while"),
        ({"key": "ANTHROPIC_API_KEY", "value": "sk-new"}, 400, "environment"),
        ({"key": "AGNES_AUDIT_RETENTION_DAYS", "value": 3}, 409, "environment"),
        ({"key": SECONDS, "value": True}, 400, "a whole number from 1"),
        ({"key": SECONDS}, 400, "give key and value"),
        ({"key": SECONDS, "value": 3, "values": {}}, 400, "either"),
        ({"values": {}}, 400, "name one or more"),
        ({"values": {SECONDS: 3, JSON_ROWS: "x"}}, 400, JSON_ROWS),
        ({"values": {SECONDS: [3]}}, 400, SECONDS),
        ({"key": "AGNES_INSTANCE_NAME", "value": "x" * 1001}, 400, "at most"),
        ({"key": "AGNES_INSTANCE_NAME", "value": "one\ntwo"}, 400, "one line"),
        ({"key": "AGNES_PUBLIC_URL", "value": "https://u:hunter2hunter2@x"}, 400, ""),
        ({"key": "AGNES_PUBLIC_URL", "value": "https://a\nb.example"}, 400, "of http or https"),
        ({"key": "AGNES_PUBLIC_URL", "value": "https://a b.example"}, 400, "of http or https"),
        ({"key": "AGNES_PUBLIC_URL", "value": "https://a.example:99999"}, 400, "of http or https"),
        ({"values": {"AGNES_PUBLIC_URL": "https://a\0.example"}}, 400, "of http or https"),
        ({"key": "AGNES_GITHUB_ISSUES", "value": "https://h/<o>/r"}, 400, "https://host/owner"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_set(
    world: World, body: dict[str, Any], status: int, said: str
) -> None:
    answer = put(world, status, **body)
    assert said in f"{answer['error']} {answer['detail']}"
    assert world.rows(INSTANCE_CONFIG) == []
    log = str(world.rows(AUDIT_LOG, action="instance_config.update"))
    assert "sk-new" not in log
    assert "hunter2" not in log


def test_a_value_that_is_not_taken_any_more_is_said_and_never_comes_back(world: World) -> None:
    caller = Caller(Principal(world.admin_id, is_admin=True), "cli")
    world.store.write(objects.set_config(caller, JSON_ROWS, "5")).result()
    change = world.last("instance_config.update", resource=f"config:{JSON_ROWS}")
    world.store.write(objects.set_config(caller, "gone", "x")).result()
    broken = [{**row, "value": "many"} for row in world.rows(INSTANCE_CONFIG)]
    with pytest.raises(Exception, match="not allowed"):
        world.store.write(objects.set_config(caller, SECONDS, "soon")).result()
    assert change["params"]["value"] == "5"
    from schema.transaction import Rows, Transaction

    def worn(transaction: Transaction) -> None:
        for row in broken:
            transaction.delete(INSTANCE_CONFIG, {"key": row["key"]})
        transaction.insert(Rows(INSTANCE_CONFIG, broken))

    world.store.write(worn).result()
    found = one(world, JSON_ROWS)
    assert (found["value"], found["source"], found["refused"]) == ("100000", "default", "many")
    assert world.instance.settings.query_json_rows == 100_000
