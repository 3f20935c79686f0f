"""`agnes catalog`, `schema`, `sample`, `explain-access` against a whole server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.audit import new_id
from console.tables.agnes_tables import agnes_tables
from schema.tables import SESSION_FINDINGS
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.cli.served import As, signed_in
from tests.console.cli.stand_in import Run, Server, Terminal, seen
from tests.console.cli.test_cli_activity import ESCAPED, HOSTILE, OBEYED

START = datetime(2026, 3, 2, 9)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("catalog")) as world:
        yield world


@pytest.fixture(scope="module")
def ana(world: World) -> str:
    """Has 4 findings of 8; the others are the admin's."""
    user = world.user("ana@example.org")
    rows = [
        {
            "id": new_id(),
            "session_file": f"{number}.jsonl",
            "user_id": (user, world.admin_id)[number % 2],
            "finding_type": "loop",
            "severity": "error",
            "turn_index": number,
            "excerpt": f"excerpt {number}",
            "detected_at": START + timedelta(hours=number),
        }
        for number in range(8)
    ]
    world.store.write(Rows(SESSION_FINDINGS, rows)).result()
    return user


@pytest.fixture(autouse=True)
def become(world: World, ana: str, config: Path) -> Iterator[As]:
    with signed_in(world) as become:
        become(ana)
        yield become


def printed(run: Run, *words: str) -> str:
    done = run(*words)
    assert done.exit_code == 0, done.stderr
    return str(done.stdout)


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (["catalog"], "catalog"),
        (["schema", "agnes_findings"], "schema/agnes_findings"),
        (["sample", "agnes_findings", "-n", "2"], "sample/agnes_findings?n=2"),
    ],
)
def test_json_is_the_servers_answer(
    run: Run, world: World, ana: str, words: list[str], path: str
) -> None:
    with world.client(world.token(ana)) as client:
        answer = client.get(f"/api/v2/{path}").json()
    assert json.loads(printed(run, *words, "--json")) == answer


def test_the_catalog_names_every_table(run: Run) -> None:
    lines = printed(run, "catalog").splitlines()[1:]
    assert {line.split()[0] for line in lines} >= set(agnes_tables())


def test_a_table_is_called_as_in_a_question(run: Run, server: Server) -> None:
    other = {"table_id": "018f-9", "name": "orders", "bucket": None, "source_type": "local"}
    server.on("GET", "/api/v2/catalog", {"tables": [{**other, "columns": 3}]})
    assert printed(run, "catalog").splitlines()[1].split() == ["orders", "3", "local", "–"]
    server.on("GET", "/api/v2/catalog", {"tables": []})
    assert printed(run, "catalog") == "no tables\n"


def test_a_schema_says_what_columns_mean(run: Run, world: World, become: As) -> None:
    done = run("schema", "agnes_findings")
    for name, meaning in agnes_tables()["agnes_findings"].columns.items():
        assert any(line.startswith(name) and meaning in line for line in done.stdout.splitlines())
    assert done.stderr.endswith("columns; you see 4 rows\n")
    become(world.admin_id)
    assert run("schema", "agnes_findings").stderr.endswith("columns; you see 8 of 8 rows\n")


def test_a_sample_is_ones_own_newest_rows(run: Run, terminal: Terminal) -> None:
    lines = printed(run, "sample", "agnes_findings", "-n", "2").splitlines()
    assert lines[0].split() == list(agnes_tables()["agnes_findings"].columns)
    assert ["excerpt 6" in lines[1], "excerpt 4" in lines[2]] == [True, True]
    terminal(columns=80)
    text = seen(printed(run, "sample", "agnes_findings", "-n", "2"))
    assert [line.split() for line in text.splitlines() if line.startswith("turn_index")] == [
        ["turn_index", "6"],
        ["turn_index", "4"],
    ]


def test_nothing_to_see_says_where_to_ask_why(run: Run) -> None:
    done = run("sample", "agnes_feedback")
    assert done.exit_code == 0
    assert done.stdout == "no rows of agnes_feedback that you see\n"
    assert "agnes explain-access agnes_feedback" in done.stderr


@pytest.mark.parametrize("command", ["schema", "sample"])
def test_a_table_that_is_none_is_named(run: Run, command: str) -> None:
    for name in ("users", "../catalog", "a b\x1b"):
        done = run(command, name)
        assert (done.exit_code, done.stdout) == (1, "")
        assert "no table" in done.stderr
        assert not OBEYED & set(done.stderr)
    assert "agnes_audit" in run(command, "users").stderr


EXPLAINED: dict[str, Any] = {
    "table_id": "018f-9",
    "rule": "granted tables are seen whole",
    "principal": {"user_id": "u", "email": "ana@example.org", "is_admin": False},
    "grants": [{"resource_type": "table", "resource_id": "018f-9", "group_name": "sales"}],
    "visible": 1200,
    "total": None,
    "because": "you are in sales, which was granted orders",
}


def test_why_these_rows(run: Run, server: Server) -> None:
    server.on("GET", "/api/v2/explain/orders", EXPLAINED)
    assert printed(run, "explain-access", "orders").splitlines() == [
        "you are in sales, which was granted orders",
        "",
        "table   orders",
        "you     ana@example.org",
        "rule    granted tables are seen whole",
        "grants  table to sales",
        "rows    1,200",
    ]
    assert json.loads(printed(run, "explain-access", "orders", "--json")) == EXPLAINED
    admin = {"principal": {"user_id": "r", "email": "root@example.org", "is_admin": True}}
    other = {**EXPLAINED, **admin, "grants": [], "total": 5000}
    server.on("GET", "/api/v2/explain/orders", other)
    lines = printed(run, "explain-access", "orders").splitlines()
    assert lines[3] == "you     root@example.org, an admin"
    assert lines[5:] == ["grants  none", "rows    1,200 of 5,000"]
    server.says_no("GET", "/api/v2/explain/orders", 404, "no table orders here")
    done = run("explain-access", "orders")
    assert (done.exit_code, done.stderr) == (1, "error: no table orders here\n")


def test_what_one_sees_is_what_is_explained(run: Run, world: World, become: As) -> None:
    lines = printed(run, "explain-access", "agnes_findings").splitlines()
    assert "4 rows" in lines[0]
    assert [line.split()[0] for line in lines[2:]] == ["table", "you", "rule", "grants", "rows"]
    assert lines[-1].split() == ["rows", "4"]
    become(world.admin_id)
    lines = printed(run, "explain-access", "agnes_findings").splitlines()
    assert lines[-1].split() == ["rows", "8", "of", "8"]
    assert run("explain-access", "users").exit_code == 1


def test_hostile_names_are_shown_and_never_obeyed(run: Run, server: Server) -> None:
    texts = dict.fromkeys(("table_id", "name", "bucket", "description", "type"), HOSTILE)
    explained = {
        **EXPLAINED,
        **dict.fromkeys(("table_id", "rule", "because"), HOSTILE),
        "principal": {"email": HOSTILE, "is_admin": False},
        "grants": [dict.fromkeys(("resource_type", "resource_id", "group_name"), HOSTILE)],
    }
    for words, path, body in (
        (["catalog"], "catalog", {"tables": [{**texts, "columns": 1}]}),
        (["schema", "x"], "schema/x", {**texts, "columns": [texts]}),
        (["sample", "x"], "sample/x", {"rows": [{HOSTILE: HOSTILE}]}),
        (["explain-access", "x"], "explain/x", explained),
    ):
        content = json.dumps(body).encode()
        server.on("GET", f"/api/v2/{path}", httpx.Response(200, content=content))
        done = run(*words)
        assert done.exit_code == 0, done.stderr
        assert ESCAPED in done.stdout
        assert not OBEYED & set(done.stdout + done.stderr)
