"""Registered files: who registers them, which files can be, who may question them, and what comes
of it when the file is hostile, broken or gone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from console.audit import new_id, now
from console.tables.agnes_tables import agnes_tables
from console.tables.internal_tables import keep_internal
from schema.tables import (
    RESOURCE_GRANTS,
    TABLE_REGISTRY,
    USAGE_EVENTS,
    USER_GROUP_MEMBERS,
    USER_GROUPS,
)
from schema.transaction import Rows
from tests.console.access_world import World

TABLES = "/api/admin/tables"
ORDERS = "id,customer,amount\n1,ana,10.5\n2,sol,\n3,ana,4\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files") / "allowed"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[World]:
    folder.mkdir()
    data = tmp_path_factory.mktemp("tables")
    given = {"AGNES_TABLE_FOLDERS": str(folder), "AGNES_QUERY_EXTRACT_MB": "2"}
    with World(data, **given) as world:
        yield world
        world.instance.questions.close()


@pytest.fixture(scope="module")
def people(world: World) -> Iterator[dict[str, httpx.Client]]:
    """`granted` and `other` have a row of telemetry each, and so has the admin."""
    ids = {"granted": world.user(), "other": world.user(), "admin": world.admin_id}
    rows = [
        {
            "id": new_id(),
            "session_file": f"{id}/s.jsonl",
            "user_id": id,
            "username": "ana" if name == "granted" else "sol",
            "event_type": "tool_use",
            "tool_name": "Bash",
            "is_error": False,
            "occurred_at": now(),
        }
        for name, id in ids.items()
    ]
    group = {"id": "readers", "name": "readers", "created_at": now()}
    member = {"group_id": "readers", "user_id": ids["granted"], "added_at": now()}
    world.store.write(
        Rows(USAGE_EVENTS, rows), Rows(USER_GROUPS, [group]), Rows(USER_GROUP_MEMBERS, [member])
    ).result()
    made = {name: world.client(world.token(id)) for name, id in ids.items()}
    yield made
    for client in made.values():
        client.close()


def registered(world: World, file: Path, content: str | bytes, **more: Any) -> dict[str, Any]:
    """A table of that file, under a name of its own."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    body = {"name": "t" + new_id().replace("-", "_"), "location": str(file), **more}
    answer = world.admin.post(TABLES, json=body)
    assert answer.status_code == 201, answer.text
    row: dict[str, Any] = answer.json()
    return row


def granted(world: World, table: str) -> str:
    body = {"group_id": "readers", "resource_type": "table", "resource_id": table}
    answer = world.admin.post("/api/admin/grants", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def ask(client: httpx.Client, sql: str) -> httpx.Response:
    return client.post("/api/query", json={"sql": sql}, timeout=60)


def rows_of(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def refusal(answer: httpx.Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["error"])


def test_a_file_is_registered_changed_and_removed(world: World, folder: Path) -> None:
    (folder / "new.csv").write_text("id,name\n7,x\n")
    row = registered(
        world,
        folder / "orders.csv",
        ORDERS,
        name="Orders",
        description="What was ordered.",
        meanings={"amount": "In euros."},
    )
    assert row["id"] == "orders"
    assert (row["source_type"], row["query_mode"], row["bucket"]) == ("local", "local", "Files")
    assert row["location"] == str(folder / "orders.csv")
    assert row["columns"] == [
        {"name": "id", "type": "int64", "meaning": ""},
        {"name": "customer", "type": "string", "meaning": ""},
        {"name": "amount", "type": "float64", "meaning": "In euros."},
    ]
    path = f"{TABLES}/orders"
    assert world.admin.get(path).json() == row
    listed = world.admin.get(TABLES, params={"q": "ORDERED", "source_type": "local"}).json()
    assert (listed["total"], listed["rows"]) == (1, [row])
    changed = world.admin.patch(path, json={"location": "new.csv", "meanings": {"id": "Number."}})
    told = changed.json()
    assert told["location"] == str(folder / "new.csv")
    assert [(one["name"], one["meaning"]) for one in told["columns"]] == [
        ("id", "Number."),
        ("name", ""),
    ]
    logged = world.last("registry.update")
    assert logged["resource"] == "table:orders"
    assert logged["params_before"]["location"] == row["location"]
    assert logged["params"]["changed"] == ["columns", "location"]
    assert world.admin.delete(path).status_code == 204
    assert world.last("registry.delete")["params_before"]["description"] == "What was ordered."
    assert refusal(world.admin.get(path), 404) == "no table 'orders'"
    assert world.admin.delete(path).status_code == 404
    assert (folder / "new.csv").exists()


def test_each_change_can_be_taken_back(
    world: World, folder: Path, people: dict[str, httpx.Client]
) -> None:
    row = registered(world, folder / "undo.csv", ORDERS, meanings={"id": "Number."})
    path = f"{TABLES}/{row['id']}"
    granted(world, row["id"])

    def undo(action: str) -> dict[str, Any]:
        id = world.last(action, resource=f"table:{row['id']}", result="success")["id"]
        answer = world.admin.post(f"/api/admin/activity/{id}/rollback")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    (folder / "less.csv").write_text("id\n1\n")
    world.admin.patch(path, json={"location": "less.csv", "description": "d"})
    undo("registry.update")
    back = world.admin.get(path).json()
    assert {**back, "updated_at": None} == {**row, "updated_at": None}
    sql = f"SELECT count(*) FROM {row['name']}"
    assert rows_of(ask(people["granted"], sql)) == [[3]]
    world.admin.delete(path)
    assert refusal(ask(people["granted"], sql)).startswith("only these can be asked")
    again = {"name": row["name"], "location": "less.csv"}
    assert world.admin.post(TABLES, json=again).status_code == 201
    assert refusal(ask(people["granted"], sql)), "a new table of that name has no old grants"
    world.admin.delete(path)
    removals = world.log("registry.delete", resource=f"table:{row['id']}")
    answer = world.admin.post(f"/api/admin/activity/{removals[0]['id']}/rollback")
    assert answer.status_code == 200, answer.text
    assert rows_of(ask(people["granted"], sql)) == [[3]]


def test_only_who_was_granted_a_table_knows_of_it(
    world: World, folder: Path, people: dict[str, httpx.Client]
) -> None:
    row = registered(world, folder / "secret.csv", ORDERS, description="All orders.")
    name, id = row["name"], row["id"]
    grant = granted(world, id)
    unknown = f"t{new_id().replace('-', '_')}"
    for spelt, sql in (
        (name, f"SELECT * FROM {name}"),
        (name.upper(), f"SELECT count(*) FROM agnes_audit, {name.upper()}"),
    ):
        here = refusal(ask(people["other"], sql))
        nowhere = refusal(ask(people["other"], sql.replace(spelt, unknown)))
        assert here.replace(spelt, unknown) == nowhere
        assert here.endswith(f"; not '{spelt}'")
        assert rows_of(ask(people["granted"], sql))
        assert rows_of(ask(people["admin"], sql))
    for part in ("schema", "sample"):
        here = refusal(people["other"].get(f"/api/v2/{part}/{id}"), 404)
        there = refusal(people["other"].get(f"/api/v2/{part}/{unknown}"), 404)
        assert here.replace(id, "") == there.replace(unknown, "")
    names = {
        who: {one["name"] for one in client.get("/api/v2/catalog").json()["tables"]}
        for who, client in people.items()
    }
    assert [name in names[who] for who in ("granted", "other", "admin")] == [True, False, True]
    assert people["granted"].post(TABLES, json={}).status_code == 403
    assert people["granted"].get(f"{TABLES}/{id}").status_code == 403
    world.admin.delete(f"/api/admin/grants/{grant}")
    here = refusal(ask(people["granted"], f"FROM {name}"))
    assert here.replace(name, unknown) == refusal(ask(people["granted"], f"FROM {unknown}"))


def test_a_granted_table_widens_nothing_of_ours(
    world: World, folder: Path, people: dict[str, httpx.Client]
) -> None:
    row = registered(world, folder / "join.csv", ORDERS)
    granted(world, row["id"])
    sql = f"""
        SELECT t.username, count(*) FROM agnes_telemetry t LEFT JOIN {row["name"]} o
        ON o.customer = t.username GROUP BY 1 ORDER BY 1
    """
    found = ask(people["granted"], sql)
    assert rows_of(found) == [["ana", 2]]
    assert rows_of(ask(people["admin"], sql)) == [["ana", 2], ["sol", 2]]
    scope = found.json()["row_scope"]["tables"]
    assert scope["agnes_telemetry"] == {"visible": 1, "total": None}
    assert (scope[row["name"]]["visible"], scope[row["name"]]["total"]) == (3, None)
    logged = world.last("query.hybrid")
    assert logged["params"]["tables"] == sorted(["agnes_telemetry", row["name"]])
    assert rows_of(ask(people["granted"], f"SELECT sum(amount) FROM {row['name']}")) == [[14.5]]
    assert world.last("query.local")["resource"] == f"table:{row['name']}"


def test_the_catalog_tells_what_the_file_holds(
    world: World, folder: Path, people: dict[str, httpx.Client]
) -> None:
    about = {"bucket": "Sales", "description": "All orders.", "meanings": {"id": "The number."}}
    row = registered(world, folder / "told.csv", ORDERS, **about)
    granted(world, row["id"])
    client = people["granted"]
    (card,) = (
        one
        for one in client.get("/api/v2/catalog").json()["tables"]
        if one["table_id"] == row["id"]
    )
    assert (card["bucket"], card["source_type"]) == ("Sales", "local")
    assert (card["description"], card["columns"]) == ("All orders.", 3)
    told = client.get(f"/api/v2/schema/{row['name']}").json()
    first = {"name": "id", "type": "int64", "nullable": True, "description": "The number."}
    assert told["columns"][0] == first
    assert told["row_scope"]["tables"][row["name"]]["visible"] == 3
    assert str(folder) not in str(told)
    sample = client.get(f"/api/v2/sample/{row['id']}", params={"n": "2"}).json()
    assert sample["source"] == "local"
    assert sample["rows"] == [
        {"id": 1, "customer": "ana", "amount": 10.5},
        {"id": 2, "customer": "sol", "amount": None},
    ]


def link(folder: Path) -> str:
    (folder.parent / "outside.csv").write_text(ORDERS)
    (folder / "link.csv").symlink_to(folder.parent / "outside.csv")
    return "link.csv"


def linked_folder(folder: Path) -> str:
    (folder.parent / "elsewhere").mkdir()
    (folder.parent / "elsewhere" / "a.csv").write_text(ORDERS)
    (folder / "door").symlink_to(folder.parent / "elsewhere")
    return "door/a.csv"


def pipe(folder: Path) -> str:
    os.mkfifo(folder / "pipe.csv")
    return "pipe.csv"


def folder_of_a_name(folder: Path) -> str:
    (folder / "folder.csv").mkdir()
    return "folder.csv"


def outside(folder: Path) -> str:
    (folder.parent / "out.csv").write_text(ORDERS)
    return str(folder.parent / "out.csv")


def neighbour(folder: Path) -> str:
    return f"{folder}-2/out.csv"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (link, "symlinks are not followed"),
        (linked_folder, "symlinks are not followed"),
        (pipe, "no plain file"),
        (folder_of_a_name, "no plain file"),
        (outside, "a file inside"),
        (neighbour, "a file inside"),
        (lambda folder: f"{folder}/../out.csv", "without `..`"),
        (lambda folder: "../out.csv", "without `..`"),
        (lambda folder: "nothing.csv", "there is no such file"),
        (lambda folder: "/etc/passwd", "ends in .csv or .parquet"),
        (lambda folder: "", "ends in .csv or .parquet"),
        (lambda folder: "a.csv/../../x.csv", "without `..`"),
        (lambda folder: "x" * 300 + ".csv", "cannot be opened"),
    ],
)
def test_nothing_outside_the_folders_is_read(
    world: World, folder: Path, made: Any, said: str
) -> None:
    answer = world.admin.post(TABLES, json={"name": "hostile", "location": made(folder)})
    error = refusal(answer)
    assert "location=" in error
    assert said in error
    assert world.last("registry.create")["result"] == "error.bad_parameter"


def test_a_link_put_in_place_later_is_not_followed(
    world: World, folder: Path, people: dict[str, httpx.Client]
) -> None:
    row = registered(world, folder / "swap.csv", ORDERS)
    (folder / "swap.csv").unlink()
    (folder.parent / "prey.csv").write_text("id,customer,amount\n9,prey,9\n")
    (folder / "swap.csv").symlink_to(folder.parent / "prey.csv")
    for answer in (
        ask(people["admin"], f"FROM {row['name']}"),
        people["admin"].get(f"/api/v2/sample/{row['id']}"),
        people["admin"].get(f"/api/v2/schema/{row['id']}"),
    ):
        assert refusal(answer, 503) == (
            f"the table {row['name']} cannot be read: symlinks are not followed"
        )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"name": "agnes_orders"}, "belong to the console"),
        ({"name": "AGNES_audit"}, "belong to the console"),
        ({"name": "duckdb_tables"}, "belong to the console"),
        ({"name": "a b"}, "a name as SQL has them"),
        ({"name": 'x"; DROP TABLE users; --'}, "a name as SQL has them"),
        ({"name": "main.users"}, "a name as SQL has them"),
        ({"name": "ok", "id": "agnes_x"}, "names tables of the console"),
        ({"name": "ok", "source_type": "bigquery"}, "local, files, url, sql"),
        ({"name": "ok", "meanings": {"nope": "x"}}, "unknown column 'nope'"),
        ({"name": "ok", "meanings": {"id": 7}}, "meanings.id='7' is not allowed"),
        ({"name": "ok", "columns": "x"}, "unknown key 'columns'"),
        ({}, "give name"),
    ],
)
def test_what_cannot_be_registered_says_why(
    world: World, folder: Path, body: dict[str, Any], said: str
) -> None:
    (folder / "named.csv").write_text(ORDERS)
    answer = world.admin.post(TABLES, json={"location": "named.csv", **body})
    assert said in refusal(answer)


def test_a_name_is_taken_whatever_its_case(world: World, folder: Path) -> None:
    row = registered(world, folder / "once.csv", ORDERS)
    body = {"id": "another", "name": row["name"].upper(), "location": "once.csv"}
    assert row["name"] in refusal(world.admin.post(TABLES, json=body), 409)
    again = refusal(world.admin.post(TABLES, json={**body, "id": row["id"]}), 409)
    assert again == f"a table with the id {row['id']} is registered already"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "it is broken: 'Empty CSV file'"),
        ("twice.csv", b"a,A\n1,2\n", "stands there twice"),
        ("noname.csv", b"a,\n1,2\n", "a text that can be seen"),
        ("hidden.csv", "a,b\u202eevil\n1,2\n".encode(), "control characters"),
        ("latin.csv", "name\nJos\u00e9\n".encode("latin-1"), "no UTF-8 text"),
        ("text.parquet", b"PAR1 is how it begins", "it is broken"),
        ("cut.parquet", b"PAR1" + b"\0" * 100 + b"PAR1", "it is broken"),
        ("nothing.parquet", b"", "it is broken"),
    ],
)
def test_a_file_that_is_no_table_is_refused(
    world: World, folder: Path, name: str, content: bytes, said: str
) -> None:
    (folder / name).write_bytes(content)
    error = refusal(world.admin.post(TABLES, json={"name": "broken", "location": name}))
    assert said in error
    assert "\u202e" not in error


def test_cells_are_values_and_nothing_else(
    world: World, folder: Path, people: dict[str, httpx.Client]
) -> None:
    """Formulas, HTML, SQL, escapes of terminals and line ends in a cell come out as they are."""
    cells = [
        "=cmd|' /C calc'!A0",
        "<script>alert(1)</script>",
        "'; DROP TABLE users",
        "a\nb\x1b[31m",
    ]
    lines = [f'{number},"{cell}"' for number, cell in enumerate(cells)]
    row = registered(world, folder / "cells.csv", "id,cell\n" + "\n".join(lines) + "\n")
    sql = f"SELECT cell FROM {row['name']} ORDER BY id"
    assert rows_of(ask(people["admin"], sql)) == [[cell] for cell in cells]
    sample = people["admin"].get(f"/api/v2/sample/{row['id']}")
    assert [one["cell"] for one in sample.json()["rows"]] == cells
    assert sample.headers["Content-Type"].startswith("application/json")


def test_parquet_columns_of_any_kind(
    world: World, folder: Path, people: dict[str, httpx.Client]
) -> None:
    table = pa.table(
        {
            "select": pa.array([1, None], pa.uint8()),
            "a.b": pa.array(["x", "y"]).dictionary_encode(),
            "at": pa.array([1, 2], pa.timestamp("ns")),
            "price": pa.array([None, "1.50"]).cast(pa.decimal128(9, 2)),
            "tags": pa.array([["a"], []], pa.list_(pa.large_string())),
            "made": pa.array([{"of": 1.5}, None], pa.struct([("of", pa.float32())])),
            "raw": pa.array([b"\xff", None]),
            "none": pa.nulls(2),
        }
    )
    pq.write_table(table, folder / "kinds.parquet")
    row = registered(world, folder / "kinds.parquet", (folder / "kinds.parquet").read_bytes())
    assert [one["name"] for one in row["columns"]] == table.column_names
    name = row["name"]
    assert rows_of(ask(people["admin"], f'SELECT "a.b", "select" FROM {name} ORDER BY 1')) == [
        ["x", 1],
        ["y", None],
    ]
    whole = rows_of(ask(people["admin"], f"FROM {name} ORDER BY 1 NULLS FIRST"))
    assert whole[0][3:] == ["1.50", [], None, None, None]
    (first, _) = people["admin"].get(f"/api/v2/sample/{row['id']}").json()["rows"]
    assert (first["tags"], first["made"], first["raw"]) == (["a"], {"of": 1.5}, "ff")


def test_a_file_that_changed_is_read_as_it_is_now(
    world: World, folder: Path, people: dict[str, httpx.Client]
) -> None:
    row = registered(world, folder / "grows.csv", "id,name\n1,a\n")
    name, file, client = row["name"], folder / "grows.csv", people["admin"]
    sql = f"SELECT max(id), count(name) FROM {name}"
    assert rows_of(ask(client, sql)) == [[1, 1]]
    file.write_text("id,name\n1,a\n22,b\n")
    answer = ask(client, sql)
    assert rows_of(answer) == [[22, 2]]
    assert answer.json()["row_scope"]["tables"][name]["visible"] == 2
    file.write_text("id,title\n1,a\n")
    assert f"the table {name} cannot be read: it is broken" in refusal(ask(client, sql), 503)
    file.write_text("id,name\nx,a\n")
    assert f"the table {name} cannot be read: it is broken" in refusal(ask(client, sql), 503)
    file.unlink()
    assert refusal(ask(client, sql), 503) == (
        f"the table {name} cannot be read: there is no such file"
    )
    assert world.last("query.local")["result"] == "error.503"
    assert client.get("/api/v2/catalog").status_code == 200


def test_a_parquet_file_without_its_column_any_more(
    world: World, folder: Path, people: dict[str, httpx.Client]
) -> None:
    file = folder / "less.parquet"
    pq.write_table(pa.table({"a": [1], "b": [2]}), file)
    row = registered(world, file, file.read_bytes())
    pq.write_table(pa.table({"a": [1]}), file)
    assert rows_of(ask(people["admin"], f"SELECT a FROM {row['name']}")) == [[1]]
    error = refusal(ask(people["admin"], f"SELECT b FROM {row['name']}"), 503)
    assert error.endswith("it has no column 'b' any more")


def test_a_file_that_is_too_large_names_the_columns(
    world: World, folder: Path, people: dict[str, httpx.Client]
) -> None:
    file = folder / "large.parquet"
    pq.write_table(pa.table({"id": range(2000), "text": ["x" * 4000] * 2000}), file)
    row = registered(world, file, file.read_bytes())
    assert rows_of(ask(people["admin"], f"SELECT count(id) FROM {row['name']}")) == [[2000]]
    error = refusal(ask(people["admin"], f"SELECT max(text) FROM {row['name']}"), 413)
    assert f"more than 2 MB: text of {row['name']}" in error


def test_what_is_no_file_of_ours_is_not_offered(
    world: World, people: dict[str, httpx.Client]
) -> None:
    """Rows of the registry for other sources are listed, and neither changed nor questioned."""
    id = new_id()
    row = {"id": id, "name": f"remote_{id}", "source_type": "bigquery", "created_at": now()}
    world.store.write(Rows(TABLE_REGISTRY, [row])).result()
    listed = world.admin.get(TABLES, params={"source_type": "bigquery"}).json()["rows"]
    assert [one["id"] for one in listed] == [id]
    assert "cannot be changed here" in refusal(
        world.admin.patch(f"{TABLES}/{id}", json={"description": "x"})
    )
    assert people["admin"].get(f"/api/v2/schema/{id}").status_code == 404


def test_a_grant_is_of_one_table(world: World) -> None:
    body = {"group_id": "readers", "resource_type": "table", "resource_id": "agnes_audit"}
    assert "cannot be granted" in refusal(world.admin.post("/api/admin/grants", json=body))
    assert not world.rows(RESOURCE_GRANTS, resource_id="agnes_audit")


def test_the_consoles_own_tables_are_listed_and_stay(world: World) -> None:
    stale = {"id": "agnes_old", "name": "agnes_old", "source_type": "internal"}
    world.store.write(Rows(TABLE_REGISTRY, [{**stale, "created_at": now()}])).result()
    keep_internal(world.store)
    rows = world.admin.get(TABLES, params={"source_type": "internal"}).json()["rows"]
    assert [row["id"] for row in rows] == sorted(agnes_tables())
    assert all(row["bucket"] == "Agnes Internal" for row in rows)
    assert [one["name"] for one in rows[0]["columns"]] == list(
        agnes_tables()[rows[0]["id"]].columns
    )
    version = world.store.version("table_registry")
    keep_internal(world.store)
    assert world.store.version("table_registry") == version
    path = f"{TABLES}/agnes_audit"
    assert "cannot be changed" in refusal(world.admin.patch(path, json={"description": "x"}))
    assert "cannot be removed" in refusal(world.admin.delete(path))
