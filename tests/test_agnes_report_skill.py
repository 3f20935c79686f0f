"""The plugin `skills/agnes-report` as Claude Code reads it: where its files lie, what they must say
(code.claude.com/docs/en/plugins-reference, agentskills.io/specification), and that every command in
it is one of ours that sends nothing."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import yaml

from tests.server_process import agnes

PLUGIN = Path(__file__).parents[1] / "skills" / "agnes-report"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MANIFEST = {"name", "version", "description", "author", "homepage", "repository", "license"}
PARTS = {"commands", "agents", "skills", "hooks", "mcpServers", "lspServers", "outputStyles"}
FIELDS = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}


def skills() -> list[Path]:
    return sorted((PLUGIN / "skills").iterdir())


def read(skill: Path) -> tuple[dict[str, Any], str]:
    _, head, body = (skill / "SKILL.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(head), body


def test_the_manifest_lies_where_it_is_looked_for_and_says_what_it_must() -> None:
    told = json.loads((PLUGIN / ".claude-plugin" / "plugin.json").read_text(encoding="utf-8"))
    assert set(told) <= MANIFEST | PARTS | {"keywords"}
    assert told["name"] == PLUGIN.name
    assert NAME.fullmatch(told["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", told["version"])
    assert told["description"]
    assert told["author"]["name"]
    assert told["license"] == "Apache-2.0"
    inside = {path.name for path in (PLUGIN / ".claude-plugin").iterdir()}
    assert inside == {"plugin.json"}, "parts of a plugin lie beside this folder, not in it"


def test_each_skill_has_the_name_of_its_folder_and_says_when_it_is_meant() -> None:
    assert [skill.name for skill in skills()] == ["agnes-report"]
    for skill in skills():
        head, body = read(skill)
        assert set(head) <= FIELDS
        assert head["name"] == skill.name
        assert NAME.fullmatch(head["name"])
        assert len(head["name"]) <= 64
        assert 1 <= len(head["description"]) <= 1024
        assert "Use when" in head["description"]
        assert len(body.splitlines()) < 500


def test_the_agent_may_run_the_dry_run_and_nothing_else() -> None:
    (skill,) = skills()
    head, body = read(skill)
    assert head["allowed-tools"] == "Bash(agnes report --dry-run:*)"
    commands = re.findall(r"```\n(.+)\n```", body)
    assert [shlex.split(one)[:2] for one in commands] == [["agnes", "report"]] * 2
    drafts, sent = commands
    assert shlex.split(drafts)[2] == "--dry-run"
    assert "--yes" not in drafts + sent
    assert "Never run that command yourself" in body


def test_every_option_that_it_names_exists() -> None:
    (skill,) = skills()
    named = set(re.findall(r"--[a-z-]+", read(skill)[1]))
    known = agnes("report", "--help").stdout
    assert named
    assert [option for option in sorted(named) if option not in known] == []
