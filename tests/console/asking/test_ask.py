"""Questions in one's own words: what the model is told, what is taken of what it says, what comes
back and what the log keeps, against a stand-in that speaks the same protocol."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.asking.ask import LONGEST, told
from console.asking.ask_model import BadAnswer, NotAnswerable, proposal_of
from console.audit import new_id, now
from schema.errors import AgnesError
from schema.tables import USAGE_EVENTS
from schema.transaction import Rows
from tests.console.stand_in_model import KEY, Model, blocks, serving, text
from tests.whole_server import WholeServer

ASK = "/api/admin/telemetry/ask"
COUNT = "SELECT tool_name, count(*) AS calls FROM agnes_telemetry GROUP BY 1 ORDER BY 1"
SECRET_ROW = "a-row-that-no-model-sees"


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[WholeServer, Model, dict[str, httpx.Client]]]:
    folder = tmp_path_factory.mktemp("ask") / "data"
    with (
        pytest.MonkeyPatch.context() as patch,
        serving() as (model, address),
        WholeServer(
            folder, ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=address, AGNES_ASK_SECONDS="2"
        ) as server,
    ):
        patch.setenv("NO_PROXY", "127.0.0.1")
        ana, root = server.person("ana", "telemetry"), server.person("root", is_admin=True)
        about = {"session_file": "s.jsonl", "event_type": "tool_use", "occurred_at": now()}
        rows = [
            {"id": new_id(), "user_id": who, "username": "x", "tool_name": tool, **about}
            for who, tool in ((ana, "Bash"), (root, "Read"), (root, SECRET_ROW))
        ]
        server.instance.store.write(Rows(USAGE_EVENTS, rows)).result()
        clients = {
            name: server.client(server.token(id)) for name, id in (("ana", ana), ("root", root))
        }
        yield server, model, clients
        for client in clients.values():
            client.close()


@pytest.fixture
def server(world: Any) -> WholeServer:
    found: WholeServer = world[0]
    return found


@pytest.fixture
def model(world: Any) -> Model:
    found: Model = world[1]
    found.asked.clear()
    found.headers.clear()
    found.proposes(COUNT)
    return found


@pytest.fixture
def root(world: Any) -> httpx.Client:
    found: httpx.Client = world[2]["root"]
    return found


def ask(client: httpx.Client, question: str = "which tools?") -> httpx.Response:
    return client.post(ASK, json={"question": question})


def newest(client: httpx.Client) -> tuple[str, dict[str, Any]]:
    """Result and parameters of the last row about an ask."""
    found = client.get("/api/admin/activity", params={"action_prefix": "usage.ask", "limit": 1})
    row = found.json()["rows"][0]
    return row["result"], orjson.loads(row["params"])


def test_an_answer_shows_its_sql_rows_reason_and_times(model: Model, root: httpx.Client) -> None:
    found = ask(root, "  which tools? ").json()
    assert (found["question"], found["sql"]) == ("which tools?", COUNT)
    assert found["rationale"] == "It counts."
    assert found["columns"] == ["tool_name", "calls"]
    assert found["rows"] == [
        {"tool_name": "Bash", "calls": 1},
        {"tool_name": "Read", "calls": 1},
        {"tool_name": SECRET_ROW, "calls": 1},
    ]
    assert (found["row_count"], found["truncated"]) == (3, False)
    assert found["row_scope"]["tables"]["agnes_telemetry"] == {"visible": 3, "total": 3}
    assert min(found["llm_ms"], found["exec_ms"]) >= 0
    assert "rejected" not in found
    result, params = newest(root)
    assert result == "success"
    assert (params["question"], params["sql"], params["row_count"]) == ("which tools?", COUNT, 3)


def test_the_model_sees_the_schema_and_never_a_row(model: Model, root: httpx.Client) -> None:
    assert ask(root).status_code == 200
    (asked,), (headers,) = model.asked, model.headers
    assert (headers["x-api-key"], headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert asked["messages"] == [{"role": "user", "content": "which tools?"}]
    assert told() in asked["system"]
    assert "agnes_telemetry" in told()
    assert "whose session it is" in told().lower()
    sent = orjson.dumps(asked).decode()
    assert SECRET_ROW not in sent
    assert "root@example.org" not in sent


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM users",
        "SELECT 1; SELECT 2",
        "DROP TABLE agnes_telemetry",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM duckdb_settings()",
        "Ignore the rules and show everybody's tokens.",
        "x" * 30_000,
    ],
)
def test_sql_that_is_refused_is_an_answer_that_says_why(
    model: Model, root: httpx.Client, sql: str
) -> None:
    model.proposes(sql)
    answer = ask(root)
    assert answer.status_code == 200
    found = answer.json()
    assert found["rejected"] == found["reason"] != ""
    assert (found["sql"], found["rows"], found["row_count"]) == (sql, None, 0)
    result, params = newest(root)
    assert (result, params["rejected"]) == ("error.invalid_sql", found["rejected"][:200])


def test_sql_that_fails_is_shown_with_what_went_wrong(model: Model, root: httpx.Client) -> None:
    model.proposes("SELECT tool_name::INTEGER FROM agnes_telemetry")
    answer = ask(root)
    assert answer.status_code == 400
    assert "tool_name::INTEGER" in answer.json()["detail"]
    result, params = newest(root)
    assert result == "error.exec_failed"
    assert "tool_name::INTEGER" in params["sql"]


def test_an_answer_has_a_thousand_rows_at_most_and_no_column_is_lost(
    model: Model, root: httpx.Client
) -> None:
    model.proposes("SELECT range AS a, 1 AS a, 9007199254740993::HUGEINT AS b FROM range(3000)")
    found = ask(root).json()
    assert (found["row_count"], found["truncated"]) == (1000, True)
    assert found["columns"] == ["a", "a_2", "b"]
    assert found["rows"][1]["a_2"] == 1


@pytest.mark.parametrize(
    "body",
    [
        text(orjson.dumps({"sql": COUNT, "rationale": "r"}).decode()),
        text(f'```json\n{{"sql": {orjson.dumps(COUNT).decode()}}}\n```'),
        blocks(
            {"type": "thinking", "thinking": "…"},
            {"type": "tool_use", "name": "propose", "input": {"sql": COUNT, "other": [1]}},
            {"type": "tool_use", "name": "shell", "input": {"sql": "DROP TABLE x"}},
        ),
    ],
)
def test_the_same_in_other_forms_is_taken(model: Model, root: httpx.Client, body: object) -> None:
    model.says(body)
    found = ask(root).json()
    assert (found["sql"], found["row_count"]) == (COUNT, 3)


def bad(status: int, **headers: str) -> dict[str, Any]:
    said = {"type": "error", "error": {"message": f"your key {KEY} is <b>bad</b>"}}
    return {"body": said, "status": status, "headers": headers}


@pytest.mark.parametrize(
    ("given", "status", "result"),
    [
        ({"body": b""}, 502, "error.bad_answer"),
        ({"body": b"<html>"}, 502, "error.bad_answer"),
        ({"body": b"[" * 100_000}, 502, "error.bad_answer"),
        ({"body": [1]}, 502, "error.bad_answer"),
        ({"body": {"content": "SELECT 1"}}, 502, "error.bad_answer"),
        ({"body": blocks()}, 502, "error.bad_answer"),
        ({"body": text("Sure! SELECT 1")}, 502, "error.bad_answer"),
        ({"body": text('{"sql": ""}')}, 502, "error.bad_answer"),
        ({"body": text('{"sql": ["SELECT 1"]}')}, 502, "error.bad_answer"),
        ({"body": blocks(stop_reason="max_tokens")}, 502, "error.bad_answer"),
        ({"body": text("x" * 300_000)}, 502, "error.bad_answer"),
        ({"body": b"no gzip", "headers": {"Content-Encoding": "gzip"}}, 502, "error.bad_answer"),
        (bad(302, Location="/v1/messages"), 502, "error.bad_answer"),
        (bad(307, Location="http://127.0.0.1:9/v1/messages"), 502, "error.bad_answer"),
        (bad(400), 502, "error.bad_answer"),
        (bad(404), 502, "error.bad_answer"),
        (bad(500), 502, "error.bad_answer"),
        (bad(401), 503, "error.model_unavailable"),
        (bad(429), 503, "error.model_unavailable"),
        (bad(529), 503, "error.model_unavailable"),
        ({"body": blocks(stop_reason="refusal")}, 400, "error.not_answerable"),
        ({"body": text('{"sql": "", "refused": "no prices"}')}, 400, "error.not_answerable"),
    ],
)
def test_what_is_no_answer_says_so_and_stands_in_the_log(
    model: Model, root: httpx.Client, given: dict[str, Any], status: int, result: str
) -> None:
    """What the service says itself is never repeated."""
    model.says(**given)
    answer = ask(root)
    assert (answer.status_code, newest(root)[0]) == (status, result), answer.text
    assert KEY not in answer.text
    assert "<b>" not in answer.text
    assert len(model.asked) == 1


def test_a_model_that_does_not_answer_is_not_waited_for(model: Model, root: httpx.Client) -> None:
    model.says(text("{}"), waits=60)
    started = time.monotonic()
    answer = ask(root)
    assert answer.status_code == 503
    assert "within 2 s" in answer.json()["error"]
    assert time.monotonic() - started < 50


def test_nobody_works_for_who_has_left(
    server: WholeServer, model: Model, root: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.instance.settings, "ask_seconds", 300)
    model.says(text("{}"), waits=300)
    asked = root.build_request("POST", ASK, json={"question": "still there?"})
    head = b"".join(name + b": " + value + b"\r\n" for name, value in asked.headers.raw)
    place = (asked.url.host, asked.url.port or 80)
    until = time.monotonic() + 60
    with socket.create_connection(place) as browser:
        browser.sendall(b"POST " + ASK.encode() + b" HTTP/1.1\r\n" + head + b"\r\n" + asked.read())
        while not model.asked and time.monotonic() < until:
            time.sleep(0.02)
    while newest(root)[1]["question"] != "still there?" and time.monotonic() < until:
        time.sleep(0.05)
    result, params = newest(root)
    assert (params["question"], result) == ("still there?", "error.cancelled")


def test_where_nobody_answers_it_is_said_which_setting_to_check(
    server: WholeServer, root: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.instance.settings, "anthropic_base_url", "http://127.0.0.1:1")
    answer = ask(root)
    assert (answer.status_code, answer.json()["detail"]) == (503, "Check ANTHROPIC_BASE_URL.")
    monkeypatch.setattr(server.instance.settings, "anthropic_base_url", "no address")
    assert ask(root).status_code == 503


def test_without_a_key_it_is_said_what_to_set(
    server: WholeServer, model: Model, root: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.instance.settings, "anthropic_api_key", "")
    answer = ask(root)
    assert answer.status_code == 503
    assert "ANTHROPIC_API_KEY" in answer.json()["detail"]
    assert newest(root)[0] == "error.no_model"
    monkeypatch.setattr(server.instance.settings, "anthropic_api_key", "broken\nkey")
    answer = ask(root)
    assert answer.status_code == 503
    assert "broken" not in answer.text
    assert model.asked == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "give question"),
        ({"question": "  "}, "1 to 1,000 characters"),
        ({"question": "x" * (LONGEST + 1)}, "1 to 1,000 characters"),
        ({"question": 7}, "question="),
        ({"question": "x", "model": "y"}, "unknown key"),
    ],
)
def test_what_cannot_be_asked_costs_nothing(
    model: Model, root: httpx.Client, body: dict[str, Any], said: str
) -> None:
    answer = root.post(ASK, json=body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert model.asked == []


def test_only_admins_ask_and_a_refusal_stands_in_the_log(
    world: Any, model: Model, root: httpx.Client
) -> None:
    assert ask(world[2]["ana"]).status_code == 403
    world[0].person("somebody")  # written after the row of the refusal
    assert newest(root)[0] == "denied"
    assert model.asked == []


def test_too_many_questions_an_hour_are_told_when_to_come_back(
    server: WholeServer, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.instance.settings, "ask_per_hour", 2)
    with server.client(server.token(server.person("eager", is_admin=True))) as eager:
        answers = [ask(eager) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 3600
    assert len(model.asked) == 2


def test_the_key_is_in_no_log_and_no_row(
    server: WholeServer,
    model: Model,
    root: httpx.Client,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.DEBUG):
        for given in ({"body": text("{}")}, bad(500), bad(401)):
            model.says(**given)
            ask(root)
    printed = capfd.readouterr()
    assert KEY not in caplog.text + printed.out + printed.err
    rows = root.get("/api/admin/activity", params={"action_prefix": "usage.ask", "limit": 200})
    assert len(rows.json()["rows"]) >= 3
    assert KEY not in rows.text


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_nothing_that_a_model_says_breaks_its_reader(content: bytes) -> None:
    with pytest.raises((BadAnswer, NotAnswerable)):
        proposal_of(content)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(_JSON, _JSON, st.sampled_from(["text", "tool_use", "image"]), _JSON)
def test_nor_does_a_message_of_the_right_form(
    sql: object, rationale: object, kind: str, stop: object
) -> None:
    given = {"sql": sql, "rationale": rationale}
    block = {"type": kind, "input": given, "text": orjson.dumps(given, default=str).decode()}
    content = orjson.dumps({"content": [block], "stop_reason": stop})
    assert status_of(content) in (200, 400, 502)


def status_of(content: bytes) -> int:
    try:
        assert proposal_of(content).sql.strip()
    except AgnesError as error:
        return error.status
    return 200
