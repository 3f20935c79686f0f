"""`agnes admin telemetry` against a whole server: what is counted there is what is printed here."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.audit import now
from console.cli.telemetry_tables import bars
from tests.console.access_world import World
from tests.console.cli.served import As, signed_in
from tests.console.cli.stand_in import Run, Server, Terminal, seen
from tests.console.cli.test_cli_activity import ESCAPED, HOSTILE, OBEYED
from tests.console.telemetry_place import BASE, ask, event, write

WEEK = {"since_minutes": 10_080}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("telemetry")) as world:
        people = [world.user(f"t{number}@example.org") for number in range(3)]
        at = now() - timedelta(hours=2)
        write(
            world,
            (
                event(
                    at - timedelta(minutes=number),
                    user_id=people[number % 3],
                    username=f"t{number % 3}@example.org",
                    tool_name=("Bash", "Read", "mcp__git__log", "Skill")[number % 4],
                    skill_name="a:b" if number % 4 == 3 else None,
                    outcome=("ok", "ok", "error", "user_rejected", "policy_denied")[number % 5],
                    model=("small", "large")[number % 2],
                    session_file=f"{people[number % 3]}/{number % 6}.jsonl",
                )
                for number in range(60)
            ),
        )
        yield world


@pytest.fixture(autouse=True)
def become(world: World, config: Path) -> Iterator[As]:
    with signed_in(world) as become:
        yield become


def printed(run: Run, *words: str) -> str:
    done = run("admin", "telemetry", *words)
    assert done.exit_code == 0, done.stderr
    return str(done.stdout)


@pytest.mark.parametrize(
    ("words", "params"),
    [
        (["kpis"], WEEK),
        (["kpis", "--tool", "Bash", "--errors"], {"tool_name": "Bash", "only_errors": "true"}),
        (["kpis", "--user", "t1@example.org"], {"username": "t1@example.org"}),
        (
            ["kpis", "--outcome", "policy_denied", "-q", "ba"],
            {"outcome": "policy_denied", "q": "ba"},
        ),
        (["facets", "--model", "small"], {"model": "small"}),
        (["query", "--group-by", "tool"], {"group_by": "tool", "limit": 50}),
        (
            [
                "query",
                "--group-by",
                "user",
                "--sort",
                "errors:asc",
                "--limit",
                "2",
                "--offset",
                "1",
            ],
            {"group_by": "user", "sort": "errors:asc", "limit": 2, "offset": 1},
        ),
        (["query", "--limit", "5", "--mcp-server", "git"], {"limit": 5, "mcp_server": "git"}),
        (["query", "--skill", "a:b", "--source", "builtin"], {"limit": 50, "skill": "a:b"}),
        (
            ["pivot", "--rows", "user", "--columns", "outcome"],
            {"rows": "user", "columns": "outcome"},
        ),
        (["pivot", "--measure", "errors", "--limit", "1"], {"measure": "errors", "limit": 1}),
        (["cost"], {}),
    ],
)
def test_json_is_the_servers_answer(
    run: Run, world: World, words: list[str], params: dict[str, Any]
) -> None:
    since = ["--since", "7d"]
    found = json.loads(printed(run, *words, *since, "--json"))
    assert {**found, "window_minutes": 0} == {
        **ask(world, words[0], {**WEEK, **params}),
        "window_minutes": 0,
    }


def test_figures_have_their_denominators(run: Run, world: World) -> None:
    figures = ask(world, "kpis", WEEK)
    assert figures["events_total"] == 60
    text = printed(run)
    assert "calls       60 of 3 people, in 6 sessions" in text
    assert "errors      12: 20.0 % (11.8–31.8)" in text
    assert "rejected    12 of 60 (20.0 %)" in text
    assert "denied      12 of 60 (20.0 %)" in text


def test_groups_say_how_sure_their_rates_are(run: Run, world: World) -> None:
    few = ask(world, "query", {**WEEK, "group_by": "tool", "outcome": "error"})["rows"]
    assert {row["enough"] for row in few} == {False}
    text = printed(run, "query", "--group-by", "tool", "--outcome", "error")
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [row["label"] for row in few]
    assert all(line.count("% (43") <= 1 and " few" in line for line in lines[1:])
    done = run("admin", "telemetry", "query", "--group-by", "tool", "--limit", "1")
    assert "1 of 4 groups; the next: --offset 1" in done.stderr


def test_calls_are_listed_the_newest_first(run: Run, world: World) -> None:
    rows = ask(world, "query", {**WEEK, "limit": 3})["rows"]
    lines = printed(run, "query", "--limit", "3").splitlines()[1:]
    assert [line.split()[3:4] for line in lines] == [[row["tool_name"]] for row in rows]
    assert [line.split()[2] for line in lines] == [row["user_email"] for row in rows]


@pytest.mark.parametrize("cut", [(), ("--limit", "1", "--columns-limit", "2")])
def test_a_pivot_and_its_export_say_the_same(
    run: Run, tmp_path: Path, cut: tuple[str, ...]
) -> None:
    text = printed(run, "pivot", "--rows", "username", "--columns", "outcome", *cut)
    shown = [line.split() for line in text.splitlines()]
    file = tmp_path / "pivot.csv"
    words = ("export", "--pivot", "username,outcome", "--since", "7d", *cut)
    printed(run, *words, "-o", str(file))
    rows = list(csv.reader(io.StringIO(file.read_text())))
    assert [[cell or "." for cell in row] for row in rows[1:]] == shown[1:]
    assert [name.lower() for name in shown[0]] == rows[0]


def test_exports_hold_every_call_of_the_filter(run: Run) -> None:
    words = ["export", "--since", "7d", "--format", "json", "--errors"]
    rows = [json.loads(line) for line in printed(run, *words).splitlines()]
    assert len(rows) == 12
    assert {row["outcome"] for row in rows} == {"error"}
    both = run("admin", "telemetry", "export", "--group-by", "tool", "--pivot", "tool,user")
    assert both.exit_code == 2


def test_the_overview_and_what_is_popular(run: Run) -> None:
    text = printed(run, "summary", "--limit", "2")
    assert "12 of 60 (20.0 %) calls failed in the window 7d" in text
    tools, people = text.partition("\nTOOL")[2].split("\nUSER")
    assert len([line for line in tools.splitlines() if "%" in line]) == 2
    assert "t0@example.org" in people
    assert "no skills used in 30 days" not in text
    assert "a:b" in printed(run, "popularity", "--kind", "tools") or "Skill" in printed(
        run, "popularity", "--kind", "tools"
    )
    assert printed(run, "popularity", "--kind", "plugins").startswith("no plugins used in 30 days")


def test_the_old_name_says_the_new_one(run: Run) -> None:
    old, new = run("admin", "usage", "kpis"), run("admin", "telemetry", "kpis")
    assert old.stdout == new.stdout
    assert "agnes admin telemetry" in old.stderr
    assert new.stderr == ""
    assert json.loads(run("admin", "usage", "--json").stdout)["events_total"] == 60


def test_nothing_found_says_what_was_asked(run: Run) -> None:
    for command in (["kpis"], ["query"], ["query", "--group-by", "tool"], ["pivot"]):
        done = run("admin", "telemetry", *command, "--tool", "None Such")
        assert "in the last 7 days with --tool 'None Such'" in done.stdout
        assert done.exit_code == 0


@pytest.mark.parametrize(
    ("words", "named", "code"),
    [
        (["query", "--group-by", "size"], "group_by='size'", 1),
        (["query", "--group-by", "tool", "--sort", "size"], "sort='size'", 1),
        (["kpis", "--outcome", "sad"], "outcome='sad'", 1),
        (["kpis", "--since", "2y"], "--since='2y'", 2),
        (["pivot", "--measure", "joy"], "measure='joy'", 1),
        (["export", "--pivot", "tool"], "pivot='tool'", 1),
        (["summary", "--window", "1d"], "'--window'", 2),
        (["popularity", "--kind", "people"], "'--kind'", 2),
        (["reprocess", "--session", "abc"], "abc", 2),
    ],
)
def test_a_wrong_value_is_named(run: Run, words: list[str], named: str, code: int) -> None:
    done = run("admin", "telemetry", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert named in done.stderr


def test_pruning_and_reprocessing_say_what_they_did(
    run: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "USAGE_EVENTS_RETENTION_DAYS is 0" in printed(run, "prune")
    old = event(now() - timedelta(days=40), tool_name="Old")
    write(world, [old])
    monkeypatch.setattr(world.instance.settings, "usage_events_retention_days", 30)
    text = printed(run, "prune")
    assert text.startswith("1 events older than 30 days deleted, 60 remain")
    assert json.loads(printed(run, "prune", "--json"))["deleted"] == 0
    done = run("admin", "telemetry", "reprocess")
    assert done.exit_code == 0
    assert "findings" in done.stdout
    assert world.last("usage.reprocess")


def test_who_may_not_is_told_so(run: Run, world: World, become: As) -> None:
    become(world.user("nobody@example.org"))
    for command in ("kpis", "query", "cost", "summary", "prune", "reprocess"):
        done = run("admin", "telemetry", command)
        assert (done.exit_code, done.stdout) == (3, "")


GROUP = {
    "bucket": HOSTILE,
    "label": HOSTILE,
    **dict.fromkeys(("invocations", "errors", "distinct_users", "denied"), 1),
    **dict.fromkeys(("error_rate", "error_low", "error_high"), 0.5),
}


def test_hostile_names_are_shown_and_never_obeyed(run: Run, server: Server) -> None:
    answer = {"rows": [GROUP], "total": 1, "limit": 1, "offset": 0, "next_offset": None, "least": 1}
    cells = {"key": HOSTILE, "label": HOSTILE}
    pivot = {
        "rows_by": HOSTILE,
        "measure": "errors",
        "columns": [cells],
        "totals": {},
        "rows": [{**cells, "total": 1, "cells": {HOSTILE: 1}}],
        "grand_total": 1,
    }
    for words, endpoint, body in (
        (["query", "--group-by", "tool"], "query", answer),
        (["pivot"], "pivot", pivot),
    ):
        content = json.dumps(body).encode()
        server.on("GET", f"{BASE}/{endpoint}", httpx.Response(200, content=content))
        done = run("admin", "telemetry", *words)
        assert ESCAPED in done.stdout
        assert not OBEYED & set(done.stdout + done.stderr)


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_tables_fit_the_terminal(run: Run, terminal: Terminal, columns: int) -> None:
    terminal(columns=columns)
    for words in (["query"], ["query", "--group-by", "user"], ["pivot"], ["summary"], ["facets"]):
        lines = [seen(line) for line in printed(run, *words).splitlines()]
        assert max(map(len, lines)) <= columns, words


def test_bars_fill_the_line_with_the_highest() -> None:
    assert bars([0, 1, 4, 8]) == " ▁▄█"
    assert bars([0, 0]) == "  "
    assert bars([]) == ""
