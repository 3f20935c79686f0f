"""`/catalog` as it is sent: whose rows it counts and shows, what it writes, hostile words."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from console.audit import RecentReads, new_id, now
from console.pages.catalog.snippets import question, snippets
from console.tables.agnes_tables import agnes_tables
from schema.table import rows_of
from schema.tables import AUDIT_LOG
from schema.transaction import Rows
from tests.whole_server import WholeServer

HOSTILE = "<script>alert(1)</script>"
ROW = re.compile(r"<tbody>(.*?)</tbody>", re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("catalog") / "data") as server:
        yield server


@pytest.fixture(autouse=True)
def a_minute_later(server: WholeServer) -> None:
    server.instance.recent_reads = RecentReads()


@pytest.fixture(scope="module")
def people(server: WholeServer) -> dict[str, str]:
    return {
        "boss": server.person("boss", is_admin=True),
        "ana": server.person("ana"),
        "ben": server.person("ben", "activity"),
    }


def wrote(server: WholeServer, user: str, action: str, **values: Any) -> None:
    row = {"id": new_id(), "timestamp": now(), "user_id": user, "action": action, **values}
    server.instance.store.write(Rows(AUDIT_LOG, [row])).result()


def page(server: WholeServer, user: str, **query: str) -> httpx.Response:
    with server.client(server.token(user)) as client:
        return client.get("/catalog", params=query)


def log(server: WholeServer, user: str, action: str) -> list[dict[str, Any]]:
    server.instance.store.write(lambda transaction: None).result()
    rows = rows_of(AUDIT_LOG)
    found = rows.filter(rows.user_id == user, rows.action == action)
    read: list[dict[str, Any]] = server.instance.store.read(found).to_pylist()
    return read


def test_every_table_has_a_card_with_a_line_that_runs(
    server: WholeServer, people: dict[str, str]
) -> None:
    shown = html.unescape(page(server, people["ana"]).text)
    for title in ("Agnes sessions", "Agnes telemetry events", "Agnes audit log"):
        assert f">{title}</a>" in shown
    assert "Agnes Internal" in shown
    with server.client(server.token(people["ana"])) as client:
        for name in agnes_tables():
            answer = client.post("/api/query", json={"sql": question(name)})
            assert answer.status_code == 200, answer.text
            assert f"agnes query '{question(name)}'" in shown
            assert question(name) in [one.text for one in snippets(name)]


def test_somebody_sees_their_own_rows_and_no_total(
    server: WholeServer, people: dict[str, str]
) -> None:
    """Also whom a grant shows the whole log: it adds nothing to the table."""
    secret = f"action.{new_id()}"
    wrote(server, people["ana"], secret)
    for who in ("boss", "ana", "ben"):  # a sample is of the newest rows, and each look is a row
        shown = page(server, people[who], table="agnes_audit").text
        assert (secret in shown) == (who in ("ana", "boss"))
        assert ("admins see all rows" in shown) == (who == "boss")
    assert "those that are yours" in page(server, people["ben"], table="agnes_audit").text


def test_other_peoples_rows_are_masked_in_the_sample(
    server: WholeServer, people: dict[str, str]
) -> None:
    secret = new_id()
    wrote(server, people["ana"], "query.local", params=f'{{"sql":"SELECT \'{secret}\'"}}')
    shown = page(server, people["boss"], table="agnes_audit").text
    assert "query.local" in shown
    assert secret not in shown
    assert secret in page(server, people["ana"], table="agnes_audit").text


def test_words_find_columns_by_name_and_meaning(
    server: WholeServer, people: dict[str, str]
) -> None:
    shown = page(server, people["ana"], q="is_err").text
    assert ">is_error</a>" in shown
    assert "Agnes feedback" not in shown
    one = page(server, people["ana"], table="agnes_telemetry", q="is_error").text
    columns = ROW.findall(one)[0]
    assert columns.count("<tr>") == 1
    assert "1 of 22" in one
    assert "No table or column has these words" in page(server, people["ana"], q="zzz").text


def test_what_cannot_be_shown_is_said(server: WholeServer, people: dict[str, str]) -> None:
    unknown = page(server, people["ana"], table=HOSTILE)
    assert unknown.status_code == 404
    assert HOSTILE not in unknown.text
    assert "There are: agnes_sessions" in unknown.text
    assert page(server, people["ana"], other="x").status_code == 400
    searched = page(server, people["ana"], q=HOSTILE)
    assert searched.status_code == 200
    assert HOSTILE not in searched.text


def test_hostile_values_stay_texts(server: WholeServer, people: dict[str, str]) -> None:
    eve = server.person("eve")
    wrote(server, eve, "x", resource=HOSTILE)
    shown = page(server, eve, table="agnes_audit").text
    assert HOSTILE not in shown
    assert html.escape(HOSTILE) in shown


def test_reading_is_written(server: WholeServer, people: dict[str, str]) -> None:
    reader = server.person("reader")
    page(server, reader)
    page(server, reader, table="agnes_findings")
    (listed,) = log(server, reader, "catalog.list")
    assert '"endpoint":"page"' in listed["params"]
    for action in ("catalog.schema", "catalog.sample"):
        (row,) = log(server, reader, action)
        assert '"table":"agnes_findings"' in row["params"]
