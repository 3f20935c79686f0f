"""Tables that are read at their source, over HTTP: who may, what is read, what the log says; and
scans of any table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pyarrow as pa
import pytest

from console.api.query import ARROW
from console.audit import new_id, now
from console.sources import sql
from console.sources.bounds import Bound
from console.tables.remote_tables import Remote, remote
from schema.tables import AUDIT_LOG, RESOURCE_GRANTS, TABLE_REGISTRY, USER_GROUP_MEMBERS
from schema.transaction import Rows
from tests.console.sources.shop import COLUMNS, NOBODYS, ORDERS, PASSWORD, Shop, shop
from tests.whole_server import WholeServer

_WRONG = [{**column, "type": "int32"} if column["name"] == "id" else column for column in COLUMNS]


@dataclass(frozen=True)
class Place:
    server: WholeServer
    shop: Shop
    ids: dict[str, str]
    clients: dict[str, httpx.Client]

    def ask(self, who: str, sql: str, path: str = "/api/query", **more: Any) -> httpx.Response:
        return self.clients[who].post(path, json={"sql": sql, **more})

    def scan(self, who: str, **body: Any) -> httpx.Response:
        return self.clients[who].post("/api/v2/scan", json=body)

    def log(self, who: str, action: str) -> dict[str, Any]:
        """The newest row of theirs."""
        params = {"action_prefix": action, "limit": "1"}
        answer = self.clients[who].get("/api/me/activity", params=params)
        (row,) = answer.json()["rows"]
        return {**row, "params": orjson.loads(row["params"])}


@pytest.fixture(scope="module")
def place(postgres: str | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("remote") / "data"
    with shop(postgres, "of_remote") as made:
        small = {"AGNES_QUERY_EXTRACT_MB": "1", "AGNES_QUERY_SECONDS": "5"}
        with WholeServer(folder, AGNES_SOURCES=made.setting, **small) as server:
            yield _peopled(server, made)


def _peopled(server: WholeServer, made: Shop) -> Place:
    ids = {
        "root": server.person("root", is_admin=True),
        "ana": server.person("ana"),
        "bob": server.person("bob"),
    }
    (server.instance.settings.folder / "tables").mkdir()
    (server.instance.settings.folder / "tables" / "names.csv").write_text(
        "customer,city\ncustomer 1,Brno\ncustomer 2,Praha\n"
    )
    tables = [
        _table("orders", "shop", "SELECT * FROM orders"),
        _table("elsewhere", "gone", "orders"),
        _table("unnamed", "nobody", "orders"),
        _table("retyped", "shop", "orders", columns=_WRONG),
        _table("lost", "shop", "nosuch"),
    ]
    store = server.instance.store
    groups = store.rows(lambda: _groups_of(ids["ana"]))
    grants = [
        {
            "id": new_id(),
            "group_id": groups[0]["group_id"],
            "resource_type": "table",
            "resource_id": id,
            "created_at": now(),
        }
        for id in ("orders", "names")
    ]
    store.write(Rows(TABLE_REGISTRY, tables), Rows(RESOURCE_GRANTS, grants)).result()
    clients = {name: server.client(server.token(id)) for name, id in ids.items()}
    answer = clients["root"].post(
        "/api/admin/tables", json={"name": "names", "location": "names.csv"}
    )
    assert answer.status_code == 201, answer.text
    return Place(server, made, ids, clients)


def _groups_of(user: str) -> Any:
    from schema.table import rows_of

    rows = rows_of(USER_GROUP_MEMBERS)
    return rows.filter(rows.user_id == user)


def _table(
    name: str, connection: str, statement: str, columns: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "source_type": "sql",
        "query_mode": "remote",
        "connection": connection,
        "statement": statement,
        "columns": orjson.dumps(columns or list(COLUMNS)).decode(),
        "created_at": now(),
    }


def test_a_table_is_questioned_at_its_source_and_the_log_says_so(place: Place) -> None:
    text = "SELECT customer, sum(amount) AS s FROM orders WHERE id < 100 GROUP BY ALL ORDER BY ALL"
    found = place.ask("ana", text).json()
    assert found["rows"][0] == ["customer 0", "452.50"]
    assert len(found["rows"]) == 10
    scope = found["row_scope"]["tables"]["orders"]
    assert (scope["visible"], scope["total"]) == (None, None)
    row = place.log("ana", "query.")
    assert (row["action"], row["result"], row["resource"]) == (
        "query.remote", "success", "table:orders",
    )  # fmt: skip
    assert row["params"]["rows_returned"] == 10


def test_it_looks_like_any_table(place: Place) -> None:
    ana = place.clients["ana"]
    listed = {one["name"]: one for one in ana.get("/api/v2/catalog").json()["tables"]}
    assert listed["orders"]["query_mode"] == "remote"
    columns = ana.get("/api/v2/schema/orders").json()["columns"]
    assert [(one["name"], one["type"]) for one in columns] == [
        (one["name"], one["type"]) for one in COLUMNS
    ]
    assert len(ana.get("/api/v2/sample/orders", params={"n": 3}).json()["rows"]) == 3
    why = ana.get("/api/v2/explain/orders").json()
    assert why["because"].startswith("You see all rows, because the table was granted")
    assert why["visible"] is None
    assert "read at its source" in ana.get("/catalog").text
    assert "read at its source" in ana.get("/catalog?table=orders").text


def test_who_was_not_granted_it_finds_nothing(place: Place) -> None:
    assert place.ask("bob", "SELECT 1 FROM orders").status_code == 400
    assert place.scan("bob", table="orders").status_code == 404
    for path in ("schema", "sample", "explain"):
        assert place.clients["bob"].get(f"/api/v2/{path}/orders").status_code == 404
    assert place.log("bob", "query.")["result"] == "denied"


def test_tables_of_several_sources_are_joined(place: Place) -> None:
    text = (
        "SELECT city, count(*) AS n, (SELECT count(*) >= 0 FROM agnes_audit) AS own FROM orders"
        " JOIN names USING (customer) GROUP BY ALL ORDER BY ALL"
    )
    wanted = [["Brno", ORDERS // 10, True], ["Praha", ORDERS // 10, True]]
    assert place.ask("ana", text).json()["rows"] == wanted
    assert place.log("ana", "query.")["action"] == "query.hybrid"
    named = ["orders", "names", "agnes_audit"]
    answer = place.ask("ana", text, "/api/query/hybrid", tables=[*named, "more"])
    assert answer.json()["rows"] == wanted
    only = place.ask("ana", "SELECT count(*) FROM names", "/api/query/hybrid")
    assert only.json()["rows"] == [[2]]
    assert place.log("ana", "query.")["action"] == "query.hybrid"


@pytest.mark.parametrize(
    ("tables", "said"),
    [(["names"], "orders"), ([], "names"), (["names", 3], "list of names"), ("orders", "list")],
)
def test_a_hybrid_question_uses_only_what_was_named(
    place: Place, tables: object, said: str
) -> None:
    text = "SELECT 1 FROM orders, names LIMIT 1"
    answer = place.ask("ana", text, "/api/query/hybrid", tables=tables)
    assert answer.status_code == 400
    assert "tables=" in answer.json()["error"]
    assert said in answer.json()["error"]


@pytest.mark.parametrize(
    ("table", "status", "said"),
    [
        ("elsewhere", 503, "the source gone cannot be reached"),
        ("lost", 502, "the source shop did not give"),
        ("unnamed", 503, "its connection is not there any more"),
        ("retyped", 503, "id was int32, is int64"),
    ],
)
def test_a_source_that_fails_is_named_and_its_password_is_not(
    place: Place, table: str, status: int, said: str
) -> None:
    for answer in (
        place.ask("root", f"SELECT id FROM {table}"),
        place.clients["root"].get(f"/api/v2/sample/{table}"),
        place.scan("root", table=table),
    ):
        assert answer.status_code == status
        assert f"the table {table} cannot be read" in answer.json()["error"]
        assert said in answer.json()["error"]
        assert not any(one in answer.text for one in (PASSWORD, NOBODYS, "127.0.0.1"))
    assert place.log("root", "query.remote")["result"] == f"error.{status}"
    assert place.log("root", "snapshot.create")["result"] == f"error.{status}"


def test_no_password_stands_in_the_log_or_the_settings(place: Place) -> None:
    from schema.table import rows_of

    rows = place.server.instance.store.rows(lambda: rows_of(AUDIT_LOG))
    config = place.clients["root"].get("/api/admin/config").text
    for secret in (PASSWORD, NOBODYS, place.shop.address):
        assert secret not in orjson.dumps(rows, default=str).decode()
        assert secret not in config
    assert "AGNES_SOURCES" in config


def test_what_is_too_much_for_a_question_is_said(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place.server.instance.settings, "query_extract_mb", 0)
    answer = place.ask("ana", "SELECT customer, made_at FROM orders")
    assert answer.status_code == 413, answer.text
    assert "customer, made_at of orders" in answer.json()["error"]


def test_only_what_a_question_can_use_is_asked_of_the_source(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    real = sql.batches

    def batches(*words: Any, **options: Any) -> Iterator[pa.RecordBatch]:
        asked.append(options)
        return real(*words, **options)

    monkeypatch.setattr(sql, "batches", batches)
    text = (
        "SELECT o.id FROM orders o JOIN names n USING (customer)"
        " WHERE o.made_at >= '2026-02-01' AND o.id <= 800"
    )
    found = place.ask("ana", text).json()
    assert place.ask("ana", "SELECT id, made_at FROM orders LIMIT 7").json()["row_count"] == 7
    first, second = asked
    assert list(first["columns"]) == ["id", "customer", "made_at"]
    bounds = {Bound("made_at", ">=", "2026-02-01"), Bound("id", "<=", 800)}
    assert set(first["where"]) == bounds
    assert first["limit"] is None
    assert second["limit"] == 7
    assert all(744 <= id <= 800 and id % 10 in (1, 2) for (id,) in found["rows"])
    assert found["row_count"] == 10


def test_a_source_that_hangs_does_not_take_every_thread(place: Place) -> None:
    instance = place.server.instance
    (about,) = [one for one in remote(instance.store) if one.name == "orders"]
    table = Remote(instance.settings, about)
    looking: list[Any] = [table.first(100), table.first(100)]
    assert all(next(one).num_rows for one in looking)
    answer = place.clients["ana"].get("/api/v2/sample/orders")
    assert answer.status_code == 503
    assert "looked at by others" in answer.json()["error"]
    assert place.ask("ana", "SELECT count(*) FROM orders").status_code == 200
    for one in looking:
        one.close()
    assert place.clients["ana"].get("/api/v2/sample/orders").status_code == 200


# -- scans


def arrived(answer: httpx.Response) -> tuple[pa.Table, bool]:
    """The rows, and whether the end says that there are more."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == ARROW
    reader, cut = pa.ipc.open_stream(answer.content), False
    batches: list[pa.RecordBatch] = []
    while True:
        try:
            batch, about = reader.read_next_batch_with_custom_metadata()
        except StopIteration:
            return pa.Table.from_batches(batches, reader.schema), cut
        cut |= b"truncated" in (about or {})
        batches.append(batch)


def test_a_part_of_a_table_is_taken_along(place: Place) -> None:
    body = {
        "table": "orders",
        "where": "customer = 'customer 3' -- mine",
        "columns": ["id", "MADE_AT"],
    }
    found, cut = arrived(place.scan("ana", **body))
    assert (found.num_rows, found.schema.names, cut) == (ORDERS // 10, ["id", "made_at"], False)
    row = place.log("ana", "snapshot.create")
    assert (row["result"], row["resource"]) == ("success", "table:orders")
    assert row["params"]["rows_returned"] == ORDERS // 10
    assert row["params"]["where"] == body["where"]
    whole, cut = arrived(place.scan("ana", table="orders", limit=50))
    assert (whole.num_rows, whole.num_columns, cut) == (50, 4, True)
    exactly, cut = arrived(place.scan("ana", table="orders", where="id < 50", limit=50))
    assert (exactly.num_rows, cut) == (50, False)
    names, _ = arrived(place.scan("ana", table="names"))
    assert names.to_pylist()[1] == {"customer": "customer 2", "city": "Praha"}
    inside = "customer IN (SELECT customer FROM names)"
    joined, _ = arrived(place.scan("ana", table="orders", where=inside))
    assert joined.num_rows == ORDERS // 5
    own, _ = arrived(place.scan("ana", table="agnes_audit", columns=["user_id"]))
    assert set(own["user_id"].to_pylist()) == {place.ids["ana"]}


def test_how_much_that_would_be_is_known_before(place: Place) -> None:
    body = {"table": "orders", "where": "id % 2 = 0", "columns": ["id"], "limit": 1000}
    answer = place.clients["ana"].post("/api/v2/scan/estimate", json=body)
    taken = place.scan("ana", **body)
    assert answer.json() == {"rows": 1000, "bytes": len(taken.content), "truncated": True}
    row = place.log("ana", "snapshot.estimate")
    assert (row["result"], row["params"]["rows"]) == ("success", 1000)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 400, "table"),
        ({"table": "nosuch"}, 404, "nosuch"),
        ({"table": "orders", "columns": []}, 400, "columns"),
        ({"table": "orders", "columns": ["idd"]}, 400, "did you mean id"),
        ({"table": "orders", "columns": ["id", "ID"]}, 400, "each column once"),
        ({"table": "orders", "columns": [1]}, 400, "columns='1'"),
        ({"table": "orders", "columns": "id"}, 400, "columns"),
        ({"table": "orders", "limit": 0}, 400, "limit='0'"),
        ({"table": "orders", "limit": 5_000_001}, 400, "limit="),
        ({"table": "orders", "order": "id"}, 400, "unknown key"),
        ({"table": "orders", "where": "id >"}, 400, "where='id >'"),
        ({"table": "orders", "where": "1=1) UNION SELECT (2"}, 400, "where="),
        ({"table": "orders", "where": "id IN (SELECT 1 FROM users)"}, 400, "users"),
        ({"table": "orders", "where": "EXISTS (FROM read_csv('/etc/passwd'))"}, 400, "read_csv"),
        ({"table": "orders", "where": "getenv('HOME') = ''"}, 400, "getenv"),
        ({"table": "orders", "where": "nothing = 1"}, 400, "nothing"),
    ],
)  # fmt: skip
def test_what_cannot_be_scanned_is_said_and_logged(
    place: Place, body: dict[str, Any], status: int, said: str
) -> None:
    for path, action in (("", "create"), ("/estimate", "estimate")):
        answer = place.clients["ana"].post(f"/api/v2/scan{path}", json=body)
        assert answer.status_code == status
        assert said in answer.json()["error"]
        row = place.log("ana", f"snapshot.{action}")
        assert row["result"] in (f"error.{status}", "error.sql")
        assert said in row["params"]["error"] or said == "table"


@pytest.mark.parametrize(
    "where",
    ["a) OR (b", "1), (2", "1) FROM orders WHERE (1", "id > 1 AS x", "id > 1 LIMIT 1", "id; id",
     "*", "DISTINCT id", "id > ?", "id > 1 FROM names", "id > 1 /*", "id > 1 USING SAMPLE 1",
     "id > 1 ORDER BY 1", "'", "1 UNION SELECT 2", "select 1", "id x", "1) GROUP BY (1"],
)  # fmt: skip
def test_a_condition_is_one_expression_or_nothing(place: Place, where: str) -> None:
    answer = place.scan("ana", table="orders", where=where)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("where=")
