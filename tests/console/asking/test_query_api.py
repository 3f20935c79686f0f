"""Questions in SQL over HTTP: whose rows, what comes back, what is refused, what the log says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
import pyarrow as pa
import pytest

from console.api.query import ARROW
from console.audit import new_id
from console.tables.agnes_tables import agnes_tables
from schema.tables import AUDIT_LOG, SESSION_FINDINGS, USAGE_EVENTS
from schema.transaction import Rows
from tests.whole_server import WholeServer

START = datetime(2026, 3, 2, 9)
TOOLS = ("Bash", "Read", "Edit", None)
LONG = "x" * 500


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    folder = tmp_path_factory.mktemp("query") / "data"
    with WholeServer(folder, AGNES_QUERY_SECONDS="2", AGNES_QUERY_EXTRACT_MB="4") as server:
        yield server


@pytest.fixture(scope="module")
def ids(server: WholeServer) -> dict[str, str]:
    found = {
        "ana": server.person("ana"),
        "sol": server.person("sol", "telemetry", "activity", "sessions"),
        "root": server.person("root", is_admin=True),
    }
    server.instance.store.write(
        Rows(USAGE_EVENTS, [event(found, n) for n in range(300)]),
        Rows(SESSION_FINDINGS, [finding(found, n) for n in range(30)]),
        Rows(AUDIT_LOG, [action(found, n) for n in range(30)]),
    ).result()
    return found


def event(ids: dict[str, str], number: int) -> dict[str, Any]:
    who = sorted(ids)[number % 3]
    return {
        "id": new_id(),
        "session_file": f"{ids[who]}/s{number % 5}.jsonl",
        "user_id": ids[who],
        "username": who,
        "event_type": "tool_use",
        "tool_name": TOOLS[number % 4],
        "is_error": number % 7 == 0,
        "occurred_at": START + timedelta(hours=number),
    }


def finding(ids: dict[str, str], number: int) -> dict[str, Any]:
    who = sorted(ids)[number % 3]
    about = {"finding_type": "loop", "severity": "error", "turn_index": number}
    return {
        "id": new_id(),
        "session_file": f"{ids[who]}/s.jsonl",
        "user_id": ids[who],
        **about,
    }


def action(ids: dict[str, str], number: int) -> dict[str, Any]:
    params = {"sql": "SELECT 'secret' FROM t", "note": LONG}
    return {
        "id": new_id(),
        "timestamp": START + timedelta(minutes=number),
        "user_id": ids[sorted(ids)[number % 3]],
        "action": "query.local",
        "resource": "table:" + "r" * 300,
        "params": orjson.dumps(params).decode(),
        "result": "success",
    }


@pytest.fixture(scope="module")
def clients(server: WholeServer, ids: dict[str, str]) -> Iterator[dict[str, httpx.Client]]:
    made = {name: server.client(server.token(id)) for name, id in ids.items()}
    yield made
    for client in made.values():
        client.close()


def ask(client: httpx.Client, sql: str, **more: Any) -> Any:
    answer = client.post("/api/query", json={"sql": sql, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def of_log(client: httpx.Client) -> dict[str, Any]:
    """The newest row of the log about a question of theirs, as they see it: whole."""
    found = client.get("/api/me/activity", params={"action_prefix": "query.internal"})
    row: dict[str, Any] = found.json()["rows"][0]
    return row


@pytest.mark.parametrize(
    ("who", "rows", "people"), [("ana", 100, 1), ("sol", 100, 1), ("root", 300, 3)]
)
def test_everybody_sees_their_own_and_admins_all(
    clients: dict[str, httpx.Client], who: str, rows: int, people: int
) -> None:
    """A grant on the page of telemetry widens nothing here."""
    found = ask(clients[who], "SELECT count(*), count(DISTINCT user_id) FROM agnes_telemetry")
    assert found["rows"] == [[rows, people]]
    scope = found["row_scope"]["tables"]["agnes_telemetry"]
    assert scope == {"visible": rows, "total": rows if who == "root" else None}
    (findings,) = ask(clients[who], "SELECT count(*) FROM agnes_findings")["rows"]
    assert findings == [10 * people]


def test_other_peoples_rows_of_the_log_are_masked_also_for_admins(
    clients: dict[str, httpx.Client], ids: dict[str, str]
) -> None:
    sql = "SELECT user_id, params, resource FROM agnes_audit WHERE action = 'query.local'"
    rows = ask(clients["root"], sql)["rows"]
    assert len(rows) == 30
    for user, params, resource in rows:
        own = user == ids["root"]
        assert ("secret" in params) == own
        assert (LONG in params) == own
        assert (len(resource) > 200) == own
    mine = ask(clients["ana"], sql)["rows"]
    assert len(mine) == 10
    assert all("secret" in params for _, params, _ in mine)


def test_rows_come_as_lists_and_everything_has_a_form(clients: dict[str, httpx.Client]) -> None:
    sql = """
        SELECT 1 AS one, 1.50::DECIMAL(5,2), 'nan'::DOUBLE, NULL, [1, 2], {'a': 'b'}, 'é"\u2028',
            TIMESTAMP '2026-01-02 03:04:05.678', DATE '2026-01-02', TIME '03:04', true,
            '\\xAA'::BLOB, 170141183460469231731687303715884105727, INTERVAL 2 DAY,
            TIMESTAMP_NS '2026-01-02 03:04:05.123456789', TIMESTAMPTZ '2026-01-02 03:04:05+02'
    """
    found = ask(clients["ana"], sql)
    assert found["columns"][0] == "one"
    (row,) = found["rows"]
    assert row[:7] == [1, "1.50", None, None, [1, 2], {"a": "b"}, 'é"\u2028']
    assert row[7:11] == ["2026-01-02T03:04:05.678000Z", "2026-01-02", "03:04:00", True]
    assert row[11:13] == ["aa", "170141183460469231731687303715884105727"]
    assert row[14:] == ["2026-01-02T03:04:05.123456Z", "2026-01-02T01:04:05Z"]


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_what_is_cut_says_so(clients: dict[str, httpx.Client], limit: int) -> None:
    found = ask(clients["ana"], "FROM agnes_telemetry", limit=limit)
    assert (len(found["rows"]), found["row_count"]) == (limit, limit)
    assert found["truncated"] == (limit < 100)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "give sql"),
        ({"sql": ""}, "there is no question"),
        ({"sql": 7}, "sql=.7. is not allowed"),
        ({"sql": "SELECT 1", "limit": 0}, "limit=.0. is not allowed: 1 to 100,000"),
        ({"sql": "SELECT 1", "limit": 100_001}, "1 to 100,000"),
        ({"sql": "SELECT 1", "limits": 1}, "unknown key .limits.; did you mean limit"),
        ({"sql": "SELECT * FROM users"}, "only these can be asked: agnes_audit"),
        ({"sql": "SELECT nope FROM agnes_audit"}, "nope"),
        ({"sql": "SELECT count(*) FROM range(1000000000000)"}, "stopped after 2 s"),
    ],
)
def test_what_cannot_be_asked_says_why(
    clients: dict[str, httpx.Client], body: dict[str, Any], said: str
) -> None:
    answer = clients["ana"].post("/api/query", json=body)
    assert answer.status_code == 400
    assert re.search(said, answer.json()["error"]), answer.text


def test_arrow_comes_as_a_stream(clients: dict[str, httpx.Client]) -> None:
    answer = clients["root"].post(
        "/api/query", json={"sql": "FROM agnes_telemetry"}, headers={"Accept": ARROW}
    )
    assert answer.headers["Content-Type"] == ARROW
    rows = pa.ipc.open_stream(answer.content).read_all()
    assert rows.num_rows == 300
    assert rows.schema == agnes_tables()["agnes_telemetry"].schema()


def test_every_question_stands_in_the_log(clients: dict[str, httpx.Client]) -> None:
    ask(clients["ana"], "SELECT tool_name FROM agnes_telemetry LIMIT 3")
    row = of_log(clients["ana"])
    params = orjson.loads(row["params"])
    assert (row["result"], row["resource"]) == ("success", "table:agnes_telemetry")
    assert (params["rows_returned"], params["is_admin"]) == (3, False)
    for sql, result in (
        ("SELECT * FROM users", "denied"),
        ("SELECT 'x'::INTEGER", "error.sql"),
        ("SELECT count(*) FROM range(1000000000000)", "error.timeout"),
    ):
        clients["ana"].post("/api/query", json={"sql": sql})
        row = of_log(clients["ana"])
        assert row["result"] == result
        assert orjson.loads(row["params"])["sql_preview"] == sql


def test_a_question_that_reads_too_much_names_its_columns(
    server: WholeServer, clients: dict[str, httpx.Client]
) -> None:
    user = server.person("big")
    rows = [
        {"id": new_id(), "timestamp": START, "user_id": user, "action": "a", "params": "y" * 4000}
        for _ in range(1500)
    ]
    server.instance.store.write(Rows(AUDIT_LOG, rows)).result()
    with server.client(server.token(user)) as client:
        refused = client.post("/api/query", json={"sql": "SELECT max(params) FROM agnes_audit"})
        assert refused.status_code == 413
        assert "more than 4 MB: params of agnes_audit" in refused.json()["error"]
        assert ask(client, "SELECT count(*) FROM agnes_audit")["rows"][0][0] >= 1500


def test_one_person_waits_for_their_turn_and_others_do_not(
    server: WholeServer, clients: dict[str, httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = server.instance.settings
    monkeypatch.setattr(settings, "query_wait", 0.5)
    user = server.person("busy")
    monkeypatch.setattr(settings, "query_at_once", 1)
    with server.client(server.token(user)) as client:
        headers = dict(client.headers)

        async def both() -> list[int]:
            async with httpx.AsyncClient(
                base_url=server.address, headers=headers, trust_env=False, timeout=60
            ) as many:
                body = {"sql": "SELECT count(*) FROM range(1000000000000)"}
                asked = [many.post("/api/query", json=body) for _ in range(2)]
                return sorted([one.status_code for one in await asyncio.gather(*asked)])

        assert asyncio.run(both()) == [400, 503]
    assert ask(clients["ana"], "SELECT 1")["rows"] == [[1]]


def test_too_many_questions_are_told_when_to_come_back(
    server: WholeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.instance.settings, "query_per_minute", 2)
    with server.client(server.token(server.person("eager"))) as client:
        answers = [client.post("/api/query", json={"sql": "SELECT 1"}) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 60
