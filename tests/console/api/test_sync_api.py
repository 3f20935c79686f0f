"""Syncing over HTTP, the manifest, and downloads: who may what, parts of files, conditions."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from console.api.data import BeyondEnd, part_of
from console.audit import Caller, new_id, now
from console.syncing.published import folder
from console.syncing.syncs import Attempt, InProgress
from schema.tables import RESOURCE_GRANTS, TABLE_REGISTRY, TABLE_VERSIONS, USER_GROUP_MEMBERS
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.audit_log import ACTIVITY, ask

TRIGGER, MANIFEST = "/api/sync/trigger", "/api/sync/manifest"


class Stand:
    """In the place of the syncs: each table is done at once, `bad` ones fail."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, str]] = []
        self.running = False
        self.free = asyncio.Event()
        self.free.set()

    async def sync(
        self, caller: Caller, ids: Sequence[str] | None, *, trigger: str
    ) -> list[Attempt]:
        if self.running:
            raise InProgress("a sync is running", detail="Wait until it is over.")
        self.running = True
        try:
            await self.free.wait()
        finally:
            self.running = False
        self.asked.append((ids, trigger))
        return [
            Attempt(new_id(), id, "error" if id == "bad" else "ok", 1, 2, None, {})
            for id in (ids if ids is not None else ("orders",))
        ]

    def due(self, at: Any) -> list[str]:
        return ["orders", "bad"]

    def close(self) -> None:
        self.free.set()


def publish(world: World, id: str, rows: int = 3) -> bytes:
    """A table with a version; the bytes of its file."""
    place = folder(world.store)
    place.mkdir(exist_ok=True)
    version = new_id()
    path = place / f"{version}.parquet"
    pq.write_table(pa.table({"n": list(range(rows))}), path)
    content = path.read_bytes()
    row = {
        "id": version,
        "table_id": id,
        "synced_at": now(),
        "path": path.name,
        "rows": rows,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "columns": orjson.dumps([{"name": "n", "type": "int64"}]).decode(),
        "source": "test",
        "profile": orjson.dumps([{"name": "n", "type": "int64", "nulls": 0, "top": []}]).decode(),
    }
    world.store.write(Rows(TABLE_VERSIONS, [row])).result()
    return content


@pytest.fixture(scope="module")
def stand() -> Stand:
    return Stand()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, stand: Stand) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("sync")) as world:
        stands: Any = stand
        world.instance.syncs = stands
        rows = [
            {"id": id, "name": id.title(), "source_type": kind, "query_mode": kind, "bucket": "b"}
            for id, kind in {
                "orders": "files",
                "secret": "files",
                "fresh": "url",
                "place": "local",
                "agnes_audit": "internal",
            }.items()
        ]
        made = {"created_at": now()}
        world.store.write(Rows(TABLE_REGISTRY, [{**row, **made} for row in rows])).result()
        publish(world, "orders")
        publish(world, "secret", 100)
        publish(world, "removed")
        yield world


@pytest.fixture(scope="module")
def ana(world: World) -> Iterator[httpx.Client]:
    """She was granted `orders`, `fresh` and `place`."""
    user, at = world.user(), now()
    grants = [
        {"id": new_id(), "group_id": "g", "resource_type": "table", "resource_id": id}
        for id in ("orders", "fresh", "place")
    ]
    world.store.write(
        Rows(USER_GROUP_MEMBERS, [{"group_id": "g", "user_id": user, "added_at": at}]),
        Rows(RESOURCE_GRANTS, [{**grant, "created_at": at} for grant in grants]),
    ).result()
    with world.client(world.token(user)) as client:
        yield client


def audited(world: World, action: str) -> dict[str, Any]:
    world.store.write(lambda transaction: None).result()  # nobody waits for a refusal's row
    (row,) = ask(world.admin, ACTIVITY, {"action_in": action, "limit": "1"})["rows"]
    return {**row, "params": orjson.loads(row["params"] or "{}")}


# -- the trigger


def test_a_trigger_tells_every_attempt_and_counts_the_failed(world: World, stand: Stand) -> None:
    answer = world.admin.post(TRIGGER, json={"tables": ["orders", "bad", "orders"]})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [(one["table_id"], one["status"]) for one in told["attempts"]] == [
        ("orders", "ok"),
        ("bad", "error"),
    ]
    assert (told["ok"], told["failed"]) == (False, 1)
    assert stand.asked[-1] == (["orders", "bad"], "cli")
    row = audited(world, "sync.trigger")
    assert row["result"] == "success"
    assert row["params"]["sync_ids"] == [one["id"] for one in told["attempts"]]
    assert row["duration_ms"] is not None


def test_without_names_all_are_synced_and_due_asks_the_schedules(
    world: World, stand: Stand
) -> None:
    assert world.admin.post(TRIGGER).json()["ok"]
    assert stand.asked[-1][0] is None
    assert world.admin.post(TRIGGER, json={"due": True}).json()["failed"] == 1
    assert stand.asked[-1][0] == ["orders", "bad"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"tables": []}, "tables=0 ids"),
        ({"tables": [1]}, "tables=1"),
        ({"tables": "orders"}, "tables=orders"),
        ({"tables": ["a"], "due": True}, "exclude"),
        ({"table": "a"}, "did you mean tables"),
    ],
)
def test_what_cannot_be_triggered_is_named(world: World, body: Any, says: str) -> None:
    answer = world.admin.post(TRIGGER, json=body)
    assert answer.status_code == 400
    assert says in answer.json()["error"].replace("'", "")


def test_a_second_trigger_is_told_that_one_runs(world: World, stand: Stand) -> None:
    async def both() -> list[httpx.Response]:
        headers = dict(world.admin.headers)
        async with httpx.AsyncClient(base_url=world.address, headers=headers) as client:
            first = asyncio.ensure_future(client.post(TRIGGER))
            async with asyncio.timeout(10):
                while not stand.running:  # noqa: ASYNC110 (it begins in the server's thread)
                    await asyncio.sleep(0.01)
            second = await client.post(TRIGGER)
            world._loop.call_soon_threadsafe(stand.free.set)
            return [await first, second]

    world._loop.call_soon_threadsafe(stand.free.clear)
    first, second = asyncio.run(both())
    assert (first.status_code, second.status_code) == (200, 409)
    assert "running" in second.json()["error"]
    rows = ask(world.admin, ACTIVITY, {"action_in": "sync.trigger", "limit": "2"})["rows"]
    assert {row["result"] for row in rows} == {"success", "error.in_progress"}


def test_a_job_may_trigger_and_an_analyst_may_not(
    world: World, stand: Stand, ana: httpx.Client
) -> None:
    assert ana.post(TRIGGER).status_code == 403
    secret = world.gate.passes.issue("a run", lifetime=timedelta(minutes=1))
    with world.client(secret) as job:
        assert job.post(TRIGGER, json={"due": True}).status_code == 200
    assert stand.asked[-1][1] == "schedule"


# -- the manifest


def test_the_manifest_has_what_one_may_read_and_no_more(world: World, ana: httpx.Client) -> None:
    everything = world.admin.get(MANIFEST).json()["tables"]
    assert [one["id"] for one in everything] == ["orders", "secret"]
    mine = ana.get(MANIFEST)
    (one,) = mine.json()["tables"]
    assert one.keys() == {"id", "rows", "bytes", "sha256", "synced_at"}
    assert (one["id"], one["rows"]) == ("orders", 3)
    assert one["synced_at"].endswith("Z")
    assert audited(world, "manifest.fetch")["params"] == {"tables": 1}
    again = ana.get(MANIFEST, headers={"If-None-Match": mine.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""


# -- downloads


def path(id: str) -> str:
    return f"/api/data/{id}/download"


def test_a_download_is_the_file_byte_by_byte(world: World, ana: httpx.Client) -> None:
    whole = ana.get(path("orders"))
    assert whole.status_code == 200
    (one,) = ana.get(MANIFEST).json()["tables"]
    assert hashlib.sha256(whole.content).hexdigest() == one["sha256"]
    assert whole.headers["Content-Length"] == str(one["bytes"])
    assert whole.headers["ETag"] == f'"{one["sha256"]}"'
    assert pq.read_table(pa.BufferReader(whole.content)).to_pydict() == {"n": [0, 1, 2]}
    row = audited(world, "data.download")
    assert (row["resource"], row["result"]) == ("table:orders", "success")
    head = ana.head(path("orders"))
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "ETag", "Accept-Ranges", "Last-Modified"):
        assert head.headers[name] == whole.headers[name]
    by_name = ana.get(path("Orders"))
    assert by_name.content == whole.content


def test_parts_are_sent_only_of_the_file_that_was_begun(ana: httpx.Client) -> None:
    whole = ana.get(path("orders"))
    size, etag = len(whole.content), whole.headers["ETag"]

    def part(range: str, **more: str) -> httpx.Response:
        headers = {"Range": range, **{name.replace("_", "-"): text for name, text in more.items()}}
        return ana.get(path("orders"), headers=headers)

    for range, first, last in (
        ("bytes=0-3", 0, 4),
        ("bytes=10-", 10, size),
        ("bytes=-8", size - 8, size),
        (f"bytes=5-{size * 9}", 5, size),
    ):
        got = part(range, If_Range=etag)
        assert got.status_code == 206
        assert got.content == whole.content[first:last]
        assert got.headers["Content-Range"] == f"bytes {first}-{last - 1}/{size}"
    assert part("bytes=0-3", If_Range='"of another file"').content == whole.content
    assert part("bytes=0-3", If_Range=whole.headers["Last-Modified"]).status_code == 206
    for range in ("bytes=0-1,4-5", "lines=0-1", "bytes=9-2", "bytes=-", "bytes=a-b"):
        assert part(range).content == whole.content
    beyond = part(f"bytes={size}-")
    assert beyond.status_code == 416
    assert beyond.headers["Content-Range"] == f"bytes */{size}"
    assert beyond.json()["title"] == "Range not satisfiable"
    assert part("bytes=-0").status_code == 416
    same = part("bytes=0-3", If_None_Match=etag)
    assert (same.status_code, same.content) == (304, b"")
    assert ana.get(path("orders"), headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    ("id", "status", "says"),
    [
        ("secret", 404, "no table secret here"),
        ("nothing", 404, "no table nothing here"),
        ("removed", 404, "no table removed here"),
        ("fresh", 404, "not synced yet"),
        ("agnes_audit", 400, "a table of the console"),
        ("place", 400, "read where it lies"),
    ],
)
def test_what_is_no_file_of_theirs_is_not_sent(
    world: World, ana: httpx.Client, id: str, status: int, says: str
) -> None:
    answer = ana.get(path(id))
    assert answer.status_code == status
    assert says in answer.json()["error"].replace("'", "")
    assert ana.head(path(id)).status_code == status
    assert audited(world, "data.download")["result"].startswith("error.")


def test_a_file_that_was_begun_is_read_to_its_end(world: World) -> None:
    """Newer versions push it out of the folder meanwhile."""
    content = publish(world, "secret", 400_000)
    with world.admin.stream("GET", path("secret")) as answer:
        pieces = answer.iter_raw(4096)
        got = next(pieces)
        for file in Path(folder(world.store)).glob("*.parquet"):
            if file.stat().st_size == len(content):
                file.unlink()
        got += b"".join(pieces)
    assert got == content
    gone = world.admin.get(path("secret"))
    assert gone.status_code == 503
    assert "gone or broken" in gone.json()["error"]
    publish(world, "secret", 7)
    assert world.admin.get(path("secret")).headers["X-Row-Count"] == "7"


def test_a_range_means_bytes_of_the_file() -> None:
    assert part_of("", 10) is None
    assert part_of("bytes=2-4", 10) == (2, 5)
    assert part_of("bytes=-20", 10) == (0, 10)
    with pytest.raises(BeyondEnd):
        part_of("bytes=0-", 0)
