"""Reading what a marketplace offers: folders, listings, and everything that is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from ingest import marketplace
from ingest.marketplace import Item, checked, plain, read
from schema.errors import BadRequest

SKILL = "---\nname: {name}\ndescription: {told}\n---\n# Do it\n"


def write(path: Path, content: str | Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else orjson.dumps(content).decode()
    path.write_text(text, encoding="utf-8")
    return path


def keys(items: list[Item]) -> list[str]:
    return sorted(f"{item.type} {item.plugin}:{item.name}" for item in items)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two plugins, as people lay them out."""
    root = tmp_path / "market"
    write(root / "plugins/tools/.claude-plugin/plugin.json", {"name": "tools", "description": "T"})
    write(root / "plugins/tools/skills/mend-it/SKILL.md", SKILL.format(name="mend", told='"Mends"'))
    write(root / "plugins/tools/skills/bare/SKILL.md", "# no front matter\n")
    write(
        root / "plugins/tools/agents/looker.md",
        SKILL.format(name="looker", told=">\n  Looks\n  far"),
    )
    write(root / "plugins/tools/commands/go.md", "---\ndescription: Goes\n---\n")
    write(root / "plugins/tools/commands/notes.txt", "not a command")
    write(root / "plugins/plain/commands/stop.md", "stop")
    return root


TOOLS = [
    "agent tools:looker",
    "command tools:go",
    "plugin tools:tools",
    "skill tools:bare",
    "skill tools:mend",
]
PLAIN = ["command plain:stop", "plugin plain:plain"]


def test_a_folder_of_plugins_gives_their_parts_by_the_names_they_are_called(folder: Path) -> None:
    items = read(folder)
    assert keys(items) == sorted(TOOLS + PLAIN)
    told = {item.name: item.description for item in items}
    assert [told[name] for name in ("tools", "mend", "looker", "go", "stop")] == [
        "T", "Mends", "Looks far", "Goes", None
    ]  # fmt: skip


def test_one_plugin_is_a_marketplace_too(folder: Path) -> None:
    assert keys(read(folder / "plugins/tools")) == TOOLS


def test_a_manifest_names_the_plugins_and_where_they_are(folder: Path) -> None:
    entries = [
        {"name": "renamed", "source": "./plugins/tools", "description": "Told here"},
        {"name": "far", "source": {"source": "github", "repo": "somebody/far"}},
        {"name": "web", "source": "https://example.org/web.git"},
    ]
    write(folder / ".claude-plugin/marketplace.json", {"name": "m", "plugins": entries})
    items = read(folder)
    renamed = [line.replace("tools", "renamed") for line in TOOLS]
    assert keys(items) == sorted([*renamed, "plugin far:far", "plugin web:web"])
    assert next(item for item in items if item.name == "renamed").description == "Told here"


def test_a_manifest_can_pick_parts_of_one_folder(folder: Path) -> None:
    tools = {"source": "./plugins/tools", "commands": []}
    entries = [
        {**tools, "name": "one", "skills": ["./skills/bare"], "agents": "./agents/looker.md"},
        {**tools, "name": "two", "skills": ["./skills/"], "agents": []},
    ]
    write(folder / ".claude-plugin/marketplace.json", {"plugins": entries})
    assert keys(read(folder)) == [
        "agent one:looker", "plugin one:one", "plugin two:two",
        "skill one:bare", "skill two:bare", "skill two:mend",
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["list", "items", "plugins"])
def test_a_listing_has_one_of_three_forms(tmp_path: Path, form: str) -> None:
    rows = [
        {"plugin": "p", "type": "skill", "name": "x"},
        {"plugin": "p", "type": "command", "name": "/go"},
    ]
    plugins = [{"name": "p", "skills": ["x"], "commands": [{"name": "/go", "description": "Goes"}]}]
    data: Any = {"list": rows, "items": {"items": rows}, "plugins": {"plugins": plugins}}[form]
    items = read(write(tmp_path / "listing.json", data))
    assert keys(items) == ["command p:go", "plugin p:p", "skill p:x"]


def test_items_travel_and_come_back(folder: Path) -> None:
    items = read(folder)
    assert checked(orjson.loads(orjson.dumps(plain(items)))) == items


def test_each_item_is_there_once_and_the_first_counts() -> None:
    row = {"plugin": "p", "type": "skill", "name": "x"}
    items = checked([{**row, "description": " a\n b\0 "}, {**row, "description": "c"}])
    assert items == [Item("p", "skill", "x", "a b"), Item("p", "plugin", "p")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (3, "items[0]='3'"),
        ({}, "items[0].type"),
        ({"plugin": "p", "type": "tool", "name": "x"}, "one of plugin, skill, agent, command"),
        ({"plugin": "p", "type": "skill"}, "items[0].name"),
        ({"plugin": "p", "type": "skill", "name": " "}, "items[0].name"),
        ({"plugin": "p", "type": "skill", "name": "/"}, "items[0].name"),
        ({"plugin": "p", "type": "skill", "name": "x\ny"}, "one line"),
        ({"plugin": "p", "type": "skill", "name": "x" * 201}, "at most 200"),
        ({"plugin": "p", "type": "skill", "name": 3}, "items[0].name"),
        ({"plugin": "p:q", "type": "skill", "name": "x"}, "no colon"),
        ({"plugin": "p", "type": "plugin", "name": "q"}, "named as itself"),
        ({"plugin": "p", "type": "skill", "name": "x", "description": []}, "a text"),
        ({"plugin": "p", "type": "skill", "name": "x", "more": 1}, "unknown key"),
    ],
)  # fmt: skip
def test_a_wrong_item_is_named_with_what_is_allowed(row: Any, said: str) -> None:
    with pytest.raises(BadRequest) as error:
        checked([row])
    assert said in error.value.message


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "3",
        "[3]",
        '{"items": 3}',
        '{"plugins": [{}]}',
        '{"plugins": [{"name": "p", "skills": 3}]}',
        '[{"type": "x"}]',
        "[]",
        "[" * 100_000,
    ],
)
def test_a_wrong_listing_names_its_file(tmp_path: Path, content: str) -> None:
    path = write(tmp_path / "listing.json", content)
    with pytest.raises(BadRequest) as error:
        read(path)
    assert "listing.json" in error.value.message


@pytest.mark.parametrize(
    "manifest",
    [
        "{",
        "[]",
        {"plugins": 3},
        {"plugins": [3]},
        {"plugins": [{"source": "./plugins/tools"}]},
        {"plugins": [{"name": "p", "source": "./not/there"}]},
        {"plugins": [{"name": "p", "source": "../"}]},
        {"plugins": [{"name": "p", "source": "/etc"}]},
        {"plugins": [{"name": "p", "source": "./plugins/tools", "skills": 3}]},
        {"plugins": [{"name": "p", "source": "./plugins/tools", "agents": ["../../../x.md"]}]},
        {"plugins": []},
    ],
)
def test_a_wrong_folder_names_the_file(folder: Path, manifest: Any) -> None:
    write(folder / ".claude-plugin/marketplace.json", manifest)
    with pytest.raises(BadRequest) as error:
        read(folder)
    assert str(folder) in error.value.message


def test_a_file_with_a_bad_name_in_it_is_named(folder: Path) -> None:
    write(folder / "plugins/tools/skills/bad/SKILL.md", SKILL.format(name="x" * 300, told=""))
    with pytest.raises(BadRequest, match=r"skills.bad.SKILL\.md"):
        read(folder)


@pytest.mark.parametrize(
    "inner", ["skills/out/SKILL.md", "skills/out", "skills", "agents/out.md", "commands"]
)
def test_links_are_not_followed_out_of_the_folder(folder: Path, tmp_path: Path, inner: str) -> None:
    outside = tmp_path / "outside"
    write(outside / "skills/out/SKILL.md", "secret")
    write(outside / "agents/out.md", "secret")
    write(outside / "commands/out.md", "secret")
    link = folder / "plugins/linked" / inner
    link.parent.mkdir(parents=True)
    link.symlink_to(outside / inner)
    with pytest.raises(BadRequest, match="outside"):
        read(folder)


def test_links_that_stay_inside_are_as_good_as_files(folder: Path) -> None:
    (folder / "plugins/again").symlink_to(folder / "plugins/plain")
    assert "command again:stop" in keys(read(folder))


def test_sizes_and_counts_have_limits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ({"plugin": "p", "type": "skill", "name": str(number)} for number in range(30_000))
    with pytest.raises(BadRequest, match="at most 20,000"):
        checked(rows)
    monkeypatch.setattr(marketplace, "_FILE", 64)
    write(folder / "plugins/tools/commands/go.md", "x" * 65)
    with pytest.raises(BadRequest, match=r"go\.md"):
        read(folder)


@pytest.mark.parametrize(
    "text",
    ["", "---", "---\nname x", "---\n  deep\n---", "---\nname:\n---", "\ufeff---\nname: go\n---\n"],
)
def test_front_matter_of_any_kind_gives_a_name(folder: Path, text: str) -> None:
    write(folder / "plugins/tools/commands/go.md", text)
    assert "command tools:go" in keys(read(folder))


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.json")
    with pytest.raises(BadRequest, match="holds no plugins"):
        read(tmp_path)
