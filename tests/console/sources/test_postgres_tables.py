"""From a database to an answer, with everything between: a table registered over HTTP, read at its
source or synced whole and piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.doctor import Patient, sources
from console.settings import Settings
from tests.console.sources.shop import NOBODYS, ORDERS, PASSWORD, Shop, shop
from tests.console.syncing.place import Place, in_this_process
from tests.whole_server import WholeServer


@pytest.fixture(scope="module")
def source(postgres: str) -> Iterator[Shop]:
    with shop(postgres, "of_tables") as made:
        yield made


@pytest.fixture(scope="module")
def admin(source: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("tables") / "data"
    with (
        WholeServer(folder, AGNES_SOURCES=source.setting) as server,
        server.client(server.token(server.person("root", is_admin=True))) as client,
    ):
        yield client


def registered(admin: httpx.Client, name: str, **given: Any) -> httpx.Response:
    body = {"name": name, "source_type": "sql", "connection": "shop", **given}
    return admin.post("/api/admin/tables", json=body)


def ask(admin: httpx.Client, sql: str) -> Any:
    answer = admin.post("/api/query", json={"sql": sql})
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def test_a_remote_table_is_registered_with_what_it_is_now(admin: httpx.Client) -> None:
    answer = registered(admin, "now", statement="orders", query_mode="remote")
    assert answer.status_code == 201, answer.text
    row = answer.json()
    assert [(one["name"], one["type"]) for one in row["columns"]] == [
        ("id", "int64"),
        ("customer", "string"),
        ("amount", "decimal(10, 2)"),
        ("made_at", "timestamp(6)"),
    ]
    assert row["columns"][0]["meaning"] == "its number"
    text = "SELECT count(*), sum(amount), max(made_at) FROM now"
    assert ask(admin, text) == [[ORDERS, "248750.00", "2026-07-28T07:00:00Z"]]


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"statement": "nosuch"}, 400, 'relation "nosuch" does not exist'),
        ({"statement": "SELECT 1; SELECT 2"}, 400, "multiple commands"),
        ({"statement": "DROP TABLE orders"}, 400, "syntax error"),
        ({"statement": "orders", "connection": "nobody"}, 400, "unknown connection"),
        ({"statement": "orders", "connection": "gone"}, 503, "the source gone"),
    ],
)
def test_what_cannot_be_registered_says_why(
    admin: httpx.Client, given: dict[str, str], status: int, said: str
) -> None:
    answer = registered(admin, "bad", query_mode="remote", **given)
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert not any(secret in answer.text for secret in (PASSWORD, NOBODYS))


@pytest.fixture
def place(source: Shop, tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path / "data", AGNES_SOURCES=source.setting)
    yield found
    found.close()


def test_a_table_is_synced_and_its_drift_is_told(
    place: Place, source: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.do("CREATE TABLE goods AS SELECT n AS id, 'good' AS name FROM generate_series(1, 3) n")
    place.register("goods", source_type="sql", connection="shop", statement="SELECT * FROM goods")
    assert place.one("goods").rows == 3  # in a process of its own, as ever
    in_this_process(monkeypatch)
    source.do("ALTER TABLE goods ADD price numeric(6, 2) DEFAULT 1.5, ALTER id TYPE text")
    attempt = place.one("goods")
    assert (attempt.status, attempt.rows) == ("ok", 3)
    assert attempt.drift["added"] == ["price"]
    assert place.rows("goods")[0] == {"id": "1", "name": "good", "price": Decimal("1.50")}
    source.do("DROP TABLE goods")
    attempt = place.one("goods")
    assert attempt.status == "error"
    assert "does not exist" in str(attempt.error)
    assert len(place.rows("goods")) == 3
    assert PASSWORD not in str([place.history(), place.log()])


@pytest.mark.parametrize("cursor", ["id", "at"])
def test_only_new_rows_are_appended(
    place: Place, source: Shop, monkeypatch: pytest.MonkeyPatch, cursor: str
) -> None:
    in_this_process(monkeypatch)
    source.do(
        "CREATE TABLE events AS SELECT n AS id,"
        " timestamptz '2026-01-01 00:00:00.000001Z' + n * interval '1 s' AS at"
        " FROM generate_series(1, 1000) n"
    )
    given = {"statement": "events", "sync_mode": "append", "cursor_column": cursor}
    place.register("events", source_type="sql", connection="shop", **given)
    assert place.one("events").rows == 1000
    more = (
        "INSERT INTO events SELECT {} + n, timestamptz '2026-02-0{}Z' FROM generate_series(1, 5) n"
    )
    source.do(more.format(1000, 1))
    assert (place.one("events").rows, place.one("events").status) == (5, "unchanged")
    source.do(more.format(1005, 2))
    assert place.one("events").rows == 5
    assert [row["id"] for row in place.rows("events")] == list(range(1, 1011))
    source.do("DROP TABLE events")


def test_doctor_says_which_database_is_down_and_whose_role_may_too_much(
    source: Shop, tmp_path: Path
) -> None:
    def found(setting: str) -> tuple[str, str]:
        settings = Settings({}, AGNES_DATA_DIR=str(tmp_path), AGNES_SOURCES=setting)
        told = sources(Patient(tmp_path, tmp_path / "agnes.duckdb", settings=settings))
        assert bool(told.mend) == (told.level != "ok")
        assert not any(secret in told.message for secret in (PASSWORD, NOBODYS))
        return told.level, told.message

    assert found("") == ("ok", "no other databases are named")
    assert found(f"shop={source.address}") == ("ok", "shop can be read")
    level, said = found(source.setting)
    assert (level, "the source gone cannot be reached" in said, "refused" in said) == (
        "warning", True, True,
    )  # fmt: skip
    level, said = found(f"mine={source.owner}")
    assert (level, said) == ("warning", "the role of mine may read files or run programs there")
