"""Whose work a skill, an agent or a command is: of a curated plugin, of the community ("flea"), or
built in.

The one path for events as they come in, for those stored before a marketplace changed, and for the
rollups. Identifiers are `plugin:name`; a bare name belongs to nobody's plugin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

BUILTIN = "builtin"
FLEA = "flea"
_RANK = {"curated": 0, FLEA: 1}  # who wins where two marketplaces have a plugin of one name


class Item(NamedTuple):
    """What rollups group by. `parent_plugin` is empty for an entity of the community itself."""

    source: str
    type: str
    parent_plugin: str
    name: str


class Attribution:
    """Rows of `marketplace_items`, ready to be asked.

    `items`: mappings with `source` (curated | flea), `plugin`, `type` (skill | agent | command |
    plugin) and `name`; the plugin itself is a row of type `plugin` and need not have others.
    """

    def __init__(self, items: Iterable[Mapping[str, str | None]] = ()) -> None:
        self._plugins: dict[str, str] = {}
        self._entities: set[str] = set()
        self._types: set[tuple[str, str, str]] = set()
        for item in sorted(items, key=lambda item: _RANK.get(item["source"] or "", 2)):
            name = (item["name"] or "").removeprefix("/")
            self._add(item["source"] or "", item["plugin"], item["type"] or "", name)

    def _add(self, source: str, plugin: str | None, kind: str, name: str) -> None:
        plugin = plugin or (name if kind == "plugin" else "")
        if source == FLEA and plugin in ("", FLEA, name):
            self._entities.add(name)
        if plugin and (source, plugin) != (FLEA, FLEA):
            self._plugins.setdefault(plugin, source)
            self._types.add((plugin, kind, name))

    def of(
        self, skill: str | None, subagent: str | None, command: str | None
    ) -> tuple[str, str | None]:
        """`source` and `ref_id` of an event, from its three columns. `ref_id` is the plugin's
        name; None for what has no plugin.
        """
        item = self.key(skill, subagent, command)
        return (item.source, item.parent_plugin or None) if item else (BUILTIN, None)

    def key(self, skill: str | None, subagent: str | None, command: str | None) -> Item | None:
        """What the rollups count the event as; None for what is built in."""
        if not (skill or subagent or command):
            return None  # nearly every call
        kind = "skill" if skill else "agent" if subagent else "command"
        plugin, colon, name = (skill or subagent or command or "").removeprefix("/").partition(":")
        if not (colon and name):
            return None
        if plugin == FLEA and name in self._entities:
            plugin, source = "", FLEA
        elif plugin in self._plugins:
            source = self._plugins[plugin]
        else:
            return None
        return Item(source, self._settled(kind, plugin, name), plugin, name)

    def _settled(self, kind: str, plugin: str, name: str) -> str:
        """A typed `/plugin:name` runs the skill of that name, except where the plugin has only a
        command so named.
        """
        if kind != "command":
            return kind
        only = (plugin, "command", name) in self._types
        return "command" if only and (plugin, "skill", name) not in self._types else "skill"
