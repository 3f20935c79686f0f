"""`agnes admin feedback` against a whole server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.console.access_world import World
from tests.console.cli.served import As, signed_in
from tests.console.cli.stand_in import Run, Terminal
from tests.console.feedback.reports_place import (
    FEEDBACK,
    INBOX,
    failed,
    lines,
    new_reporter,
    sent,
    word,
)

ESCAPE = "\x1b[31m"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("cli-feedback")) as world:
        yield world


@pytest.fixture(autouse=True)
def become(world: World, config: Path) -> Iterator[As]:
    with signed_in(world) as become:
        yield become


def made(world: World, message: str, **more: Any) -> str:
    with new_reporter(world) as me:
        return sent(me, message, **more)


def asked(run: Run, *words: str) -> Any:
    done = run("admin", "feedback", *words, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_the_list_is_the_servers_with_its_filters(run: Run, world: World) -> None:
    mark = word()
    first = made(world, f"{mark} hangs", category="sync", tags=["slow"])
    made(world, f"{mark} hangs")
    second = made(world, f"{mark} lies")
    groups = asked(run, "list", "-q", mark)
    assert [row["id"] for row in groups["rows"]] == [second, first]
    assert asked(run, "-q", mark) == groups
    assert asked(run, "list", "-q", mark, "--each")["total"] == 3
    for words in (["--tag", "slow"], ["--category", "sync"], ["--since", "1h", "--tag", "slow"]):
        assert [row["id"] for row in asked(run, "list", "-q", mark, *words)["rows"]] == [first]
    done = run("admin", "feedback", "list", "-q", mark, "--limit", "1", "--sort", "duplicates:desc")
    assert "open" in done.stdout
    assert f"{mark} hangs" in done.stdout
    assert "1 of 2 groups" in done.stderr
    more = done.stderr.splitlines()[-1].removeprefix("more: agnes ").split()
    assert second in run(*more).stdout
    nothing = run("admin", "feedback", "list", "-q", mark, "--status", "wontfix")
    assert f"no groups with --status wontfix --search {mark}" in nothing.stdout
    assert run("admin", "feedback", "list", "--status", "shut").exit_code == 1


def test_one_report_with_all_that_is_known_of_it(run: Run, world: World) -> None:
    mark = word()
    excerpt = lines(*failed("Bash", f"cannot {ESCAPE}open", "u1"))
    id = made(world, f"{mark}\nsecond {ESCAPE}line", session_excerpt=excerpt)
    made(world, f"{mark}\nsecond {ESCAPE}line", session_excerpt=excerpt)
    text = run("admin", "feedback", "show", id).stdout
    assert f"{mark}\nsecond [31mline" in text
    assert "1 others, 2 people in all" in text
    assert "Bash: cannot" in text
    assert "created" in text
    assert "\x1b" not in text
    part = run("admin", "feedback", "show", id, "--excerpt").stdout
    assert "tool_result" in part
    assert "\x1b" not in part
    assert asked(run, "show", id)["id"] == id
    nobody = run("admin", "feedback", "show", "zzzz")
    assert (nobody.exit_code, "no report begins with zzzz" in nobody.stderr) == (1, True)


def test_a_report_is_changed_and_its_reporter_sees_it(run: Run, world: World) -> None:
    with new_reporter(world) as me:
        id = sent(me, word(), category="sync")
        words = ["--status", "resolved", "--resolution", "mended", "--fixed-in", "0.3"]
        changed = asked(run, "set", id, *words, "--assignee", "me", "--tag", "a", "--tag", "b")
        assert (changed["status"], changed["tags"], changed["version"]) == (
            "resolved",
            ["a", "b"],
            2,
        )
        mine = me.get(f"{FEEDBACK}/{id}").json()
        assert (mine["resolution"], mine["fixed_in"]) == ("mended", "0.3")
    stale = run("admin", "feedback", "set", id, "--status", "open", "--version", "1")
    assert stale.exit_code == 1
    assert "version 1, it is 2" in stale.stderr
    words = ["--resolution", "", "--tag", "", "--assignee", "none", "--category", ""]
    cleared = asked(run, "set", id, *words)
    assert [cleared[name] for name in ("resolution", "tags", "assignee", "category")] == [
        None,
        [],
        None,
        None,
    ]
    assert run("admin", "feedback", "set", id).exit_code == 2
    table = run("admin", "feedback", "set", id, "--status", "open").stdout
    assert table.splitlines()[1].startswith("open")


def test_reports_are_merged_taken_apart_and_deleted(
    run: Run, world: World, terminal: Terminal
) -> None:
    one, two, three = (made(world, word()) for _ in range(3))
    done = run("admin", "feedback", "merge", two, three, "--into", one)
    assert done.stdout == f"2 reports are in the group of {one}\n"
    assert asked(run, "show", one)["duplicates"] == 2
    assert asked(run, "unmerge", three, "--version", "2")["kept_apart"] is True
    assert run("admin", "feedback", "unmerge", three).exit_code == 1
    unsaid = run("admin", "feedback", "delete", two)
    assert unsaid.exit_code == 2
    assert world.admin.get(f"{INBOX}/{two}").status_code == 200
    terminal("stdin")
    assert run("admin", "feedback", "delete", two, stdin="no\n").exit_code == 2
    assert run("admin", "feedback", "delete", two, stdin="delete\n").exit_code == 0
    assert asked(run, "delete", three, "--yes") == {"id": three, "deleted": True}
    for id in (two, three):
        assert world.admin.get(f"{INBOX}/{id}").status_code == 404


def test_who_may_not_is_told_why(run: Run, world: World, become: As) -> None:
    id = made(world, word())
    become(world.user())
    done = run("admin", "feedback", "show", id)
    assert done.exit_code == 3
    assert "grant feedback" in done.stderr
