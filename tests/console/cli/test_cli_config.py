"""`agnes admin config`, `agnes admin templates` and `agnes prompt`: what each asks and shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.console.cli.stand_in import Run, Server, list_of

CONFIG, TEMPLATE = "/api/admin/config", "/api/admin/templates/agent"
ROW = {
    "key": "AGNES_QUERY_SECONDS",
    "value": "7",
    "default": "30",
    "source": "instance",
    "live": True,
    "help": "Seconds\x1b[31m",
}
PROMPT = {
    "name": "agent",
    "title": "Init prompt",
    "body": "new\n\x1b[31mline\n",
    "default": "old\n",
    "is_default": False,
    "version": "abc",
    "updated_at": "2026-01-31T09:05:00Z",
}


@pytest.fixture(autouse=True)
def _everything(server: Server) -> None:
    page = {"total": 1, "limit": 1, "offset": 0, "next_offset": None}
    server.answers |= {
        ("GET", CONFIG): list_of([ROW]),
        ("PUT", CONFIG): {**page, "rows": [ROW], "changed": [ROW["key"]]},
        ("GET", "/api/admin/templates"): {**page, "rows": [PROMPT], "variables": {}},
        ("GET", TEMPLATE): PROMPT,
        ("PUT", TEMPLATE): PROMPT,
        ("GET", "/api/templates/agent"): {"name": "agent", "version": "abc", "text": "Hi\n"},
    }


def test_settings_are_listed_and_one_is_shown(server: Server, run: Run) -> None:
    done = run("admin", "config", "list", "--live", "--source", "instance")
    assert server.params["live"] == "true"
    assert server.params["source"] == "instance"
    assert "AGNES_QUERY_SECONDS" in done.stdout
    assert "\x1b" not in done.stdout
    one = run("admin", "config", "get", "agnes_query_seconds", "--json")
    assert json.loads(one.stdout)["value"] == "7"
    assert run("admin", "config", "get", "AGNES_NOTHING").exit_code == 1


def test_settings_are_set_together_and_unset(server: Server, run: Run) -> None:
    done = run("admin", "config", "set", "agnes_query_seconds=7", "AGNES_PUBLIC_URL=https://a=b")
    assert done.exit_code == 0, done.output
    values = {"AGNES_QUERY_SECONDS": "7", "AGNES_PUBLIC_URL": "https://a=b"}
    assert server.body == {"values": values}
    assert "AGNES_QUERY_SECONDS is now 7" in done.stdout
    run("admin", "config", "unset", "AGNES_QUERY_SECONDS")
    assert server.body == {"values": {"AGNES_QUERY_SECONDS": None}}
    assert run("admin", "config", "set", "AGNES_QUERY_SECONDS").exit_code == 2


def test_a_prompt_is_shown_compared_and_handed_out(server: Server, run: Run) -> None:
    assert run("admin", "templates", "show", "agent").stdout == "new\n\\x1b[31mline\n"
    assert run("admin", "templates", "show", "agent", "--default").stdout == "old\n"
    diff = run("admin", "templates", "diff", "agent").stdout.splitlines()
    assert diff[3:] == ["-old", "+new", "+\\x1b[31mline"]
    assert "agent" in run("admin", "templates").stdout
    assert run("prompt").stdout == "Hi\n"
    assert json.loads(run("prompt", "agent", "--json").stdout)["version"] == "abc"


def test_a_prompt_is_set_from_a_file_or_a_pipe(server: Server, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "prompt.md"
    file.write_text("from a file")
    done = run("admin", "templates", "set", "agent", str(file), "--version", "abc")
    assert server.body == {"body": "from a file", "version": "abc"}
    assert "version abc" in done.stdout
    run("admin", "templates", "set", "agent", "-", stdin="from a pipe")
    assert server.body == {"body": "from a pipe"}
    run("admin", "templates", "set", "agent", "--default", "--json")
    assert server.body == {"body": None}
    server.says_no("PUT", TEMPLATE, 409, "the init prompt was changed meanwhile")
    late = run("admin", "templates", "set", "agent", str(file))
    assert late.exit_code == 1
    assert "changed meanwhile" in late.stderr
    assert run("admin", "templates", "set", "agent", str(tmp_path / "no")).exit_code == 1
