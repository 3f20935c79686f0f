from __future__ import annotations

import pytest

from ingest.attribution import Attribution, Item


def row(source: str, plugin: str | None, kind: str, name: str) -> dict[str, str | None]:
    return {"source": source, "marketplace": "m", "plugin": plugin, "type": kind, "name": name}


MARKETPLACE = Attribution(
    [
        row("flea", "charts", "skill", "bar"),
        row("flea", "reporting", "skill", "weekly"),
        row("flea", None, "skill", "tidy"),
        row("flea", "flea", "skill", "neat"),
        row("curated", "reporting", "skill", "weekly"),
        row("curated", "reporting", "command", "weekly"),
        row("curated", "reporting", "command", "/month-end"),
        row("curated", None, "plugin", "checks"),
    ]
)


@pytest.mark.parametrize(
    ("skill", "subagent", "command", "item"),
    [
        ("reporting:weekly", None, None, Item("curated", "skill", "reporting", "weekly")),
        ("reporting:brand-new", None, None, Item("curated", "skill", "reporting", "brand-new")),
        ("checks:rounding", None, None, Item("curated", "skill", "checks", "rounding")),
        ("charts:bar", None, None, Item("flea", "skill", "charts", "bar")),
        ("flea:tidy", None, None, Item("flea", "skill", "", "tidy")),
        ("flea:neat", None, None, Item("flea", "skill", "", "neat")),
        ("flea:unknown", None, None, None),
        (None, "reporting:editor", None, Item("curated", "agent", "reporting", "editor")),
        (None, None, "/reporting:weekly", Item("curated", "skill", "reporting", "weekly")),
        (None, None, "/reporting:month-end", Item("curated", "command", "reporting", "month-end")),
        (None, None, "/charts:bar", Item("flea", "skill", "charts", "bar")),
        ("charts:a:b", None, None, Item("flea", "skill", "charts", "a:b")),
        ("weekly", None, None, None),
        ("other:weekly", None, None, None),
        ("reporting:", None, None, None),
        (":weekly", None, None, None),
        (None, "general-purpose", None, None),
        (None, None, "/clear", None),
        (None, None, None, None),
    ],
)
def test_an_identifier_belongs_to_the_plugin_before_its_first_colon(
    skill: str | None, subagent: str | None, command: str | None, item: Item | None
) -> None:
    assert MARKETPLACE.key(skill, subagent, command) == item
    expected = (item.source, item.parent_plugin or None) if item else ("builtin", None)
    assert MARKETPLACE.of(skill, subagent, command) == expected


def test_without_marketplaces_all_is_built_in() -> None:
    assert Attribution().of("reporting:weekly", None, None) == ("builtin", None)


def test_a_plugin_that_was_removed_is_built_in_again() -> None:
    assert Attribution([row("flea", "charts", "skill", "bar")]).of(
        "reporting:weekly", None, None
    ) == ("builtin", None)


def test_an_item_without_a_name_still_tells_of_its_plugin() -> None:
    listed = Attribution([{"source": "curated", "plugin": "p", "type": "plugin", "name": None}])
    assert listed.of("p:x", None, None) == ("curated", "p")
