"""A table of files over HTTP from its registration on: synced, looked at, downloaded, changed,
failed, removed and brought back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.console.access_world import World
from tests.console.audit_log import ACTIVITY, ask

TABLES = "/api/admin/tables"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[World]:
    data = tmp_path_factory.mktemp("data")
    with World(data, AGNES_TABLE_FOLDERS=str(folder)) as world:
        yield world
        world.instance.questions.close()


def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def synced(world: World, id: str) -> dict[str, Any]:
    (one,) = ok(world.admin.post("/api/sync/trigger", json={"tables": [id]}))["attempts"]
    found: dict[str, Any] = one
    return found


def test_a_folder_of_files_becomes_a_table_and_stays_one(world: World, folder: Path) -> None:
    admin, at = world.admin, f"{TABLES}/visits"
    (folder / "visits").mkdir()
    (folder / "visits" / "one.csv").write_text("day,shop,n\n2026-11-01,Brno,3\n2026-11-02,Brno,4\n")
    given = {"name": "visits", "source_type": "files", "location": "visits/*.csv"}
    given |= {"schedule": "every 1h", "description": "by day"}
    row = ok(admin.post(TABLES, json=given), 201)
    assert (row["source_type"], row["query_mode"], row["sync_mode"]) == ("files", "local", "full")
    assert (row["synced"], row["last_attempt"], row["columns"]) == (None, None, [])
    assert row["next_due"] is not None
    assert ok(admin.get(f"{at}/profile"), 404)["error"].endswith("it was not synced yet")
    assert ok(admin.get(f"{at}/syncs"))["rows"] == []

    one = synced(world, "visits")
    assert (one["status"], one["rows"], one["error"]) == ("ok", 2, None)
    row = ok(admin.get(at))
    assert row["synced"]["rows"] == 2
    assert (row["last_attempt"]["id"], row["last_attempt"]["status"]) == (one["id"], "ok")
    assert [column["name"] for column in row["columns"]] == ["day", "shop", "n"]
    assert row["next_due"] > row["last_attempt"]["synced_at"]
    shop = ok(admin.get(f"{at}/profile"))["columns"][1]
    assert (shop["name"], shop["nulls"], shop["top"]) == (
        "shop",
        0,
        [{"value": "Brno", "count": 2}],
    )
    (version,) = ok(admin.get(f"{at}/versions"))["rows"]
    file = admin.get("/api/data/visits/download")
    assert hashlib.sha256(file.content).hexdigest() == version["sha256"] == row["synced"]["sha256"]
    assert pq.read_table(pa.BufferReader(file.content)).column("n").to_pylist() == [3, 4]
    counted = ok(admin.post("/api/query", json={"sql": "SELECT max(n) AS n FROM visits"}))
    assert counted["rows"] == [[4]]

    (folder / "visits" / "two.csv").write_text("day,shop,n\n2026-11-03,Praha,many\n")
    drifted = synced(world, "visits")
    assert drifted["status"] == "ok"
    assert [one["name"] for one in drifted["drift"]["retyped"]] == ["n"]
    for path in (folder / "visits").iterdir():
        path.unlink()
    failed = synced(world, "visits")
    assert (failed["status"], bool(failed["error"])) == ("error", True)
    history = ok(admin.get(f"{at}/syncs", params={"limit": "2"}))
    assert [row["status"] for row in history["rows"]] == ["error", "ok"]
    assert (history["total"], history["next_offset"]) == (3, 2)
    assert history["rows"][1]["drift"]["retyped"][0]["before"] == "int64"
    assert ok(admin.get("/api/sync/manifest"))["tables"][0]["rows"] == 3
    assert ok(admin.get(at))["last_attempt"]["error"] == failed["error"]


def test_a_field_is_changed_taken_away_and_refused_by_name(world: World) -> None:
    admin, at = world.admin, f"{TABLES}/visits"
    row = ok(admin.patch(at, json={"schedule": "30 5 * * 1", "options": {"delimiter": ";"}}))
    assert (row["schedule"], row["options"]) == ("30 5 * * 1", {"delimiter": ";"})
    row = ok(admin.patch(at, json={"schedule": "", "options": {}, "sync_mode": "append"}))
    assert (row["schedule"], row["options"], row["sync_mode"]) == (None, {}, "append")
    assert row["next_due"] is None
    for given, said in {
        "schedule": ("hourly", "every <n>m"),
        "sync_mode": ("upsert", "full or append"),
        "source_type": ("url", "files, as it is"),
        "connection": ("shop", "only for source_type=sql"),
        "location": ("/etc/*.csv", "a file inside"),
        "format": ("xlsx", "csv or json or ndjson or parquet"),
    }.items():
        error = ok(admin.patch(at, json={given: said[0]}), 400)["error"]
        assert error.startswith(f"{given}=")
        assert said[1] in error
    ok(admin.patch(f"{TABLES}/nothing", json={"schedule": "every 1h"}), 404)
    world.store.write(lambda transaction: None).result()  # nobody waits for a refusal's row
    (event,) = ask(admin, ACTIVITY, {"action_in": "registry.update", "limit": "1"})["rows"]
    assert (event["resource"], event["result"]) == ("table:nothing", "error.not_found")


def test_a_removed_table_is_gone_from_everywhere_and_comes_back_whole(world: World) -> None:
    admin = world.admin
    ok(admin.delete(f"{TABLES}/visits"), 204)
    assert ok(admin.get("/api/sync/manifest"))["tables"] == []
    ok(admin.get("/api/data/visits/download"), 404)
    ok(admin.get(f"{TABLES}/visits/versions"), 404)
    ok(admin.post("/api/sync/trigger", json={"tables": ["visits"]}), 404)
    (event,) = ask(admin, ACTIVITY, {"action_in": "registry.delete", "limit": "1"})["rows"]
    ok(admin.post(f"{ACTIVITY}/{event['id']}/rollback", json={}))
    assert ok(admin.get("/api/sync/manifest"))["tables"][0]["rows"] == 3
    assert admin.get("/api/data/visits/download").status_code == 200
