"""What the settings of a running server are: what the environment says, else what an admin has set
for this instance, else the default.

A setting that may change while the server runs is looked up where it is used; nobody keeps a copy.
The instance's own values are read anew when their table has changed.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from console.setting import Setting
from schema.errors import BadParameter

ENVIRONMENT, INSTANCE, DEFAULT = "environment", "instance", "default"


class Kept(Protocol):
    """The instance's own values."""

    def version(self) -> int:
        """A number that grows when one has changed. Costs nothing."""
        ...

    def texts(self) -> Mapping[str, str]:
        """By name. Blocks for about a millisecond."""
        ...


@dataclass(frozen=True)
class Standing:
    """How a setting stands. `refused`: what this instance has for it and no reader takes any more,
    so that the default holds."""

    setting: Setting
    text: str
    source: str
    refused: str | None = None


class Live:
    """The values behind `Settings`: those of the environment as plain attributes, the others looked
    up when they are asked for."""

    def __init__(self) -> None:
        self._all: dict[str, Setting] = {}
        self._given: dict[str, str] = {}  # by name: what the environment says
        self._defaults: dict[str, Any] = {}  # by attribute: of those that may change
        self._own: dict[str, Any] = {}  # by attribute: what this instance has
        self._texts: Mapping[str, str] = {}  # by name: the same as it is written
        self._kept: Kept | None = None
        self._seen = -1
        self._lock = threading.Lock()

    def take(self, setting: Setting, given: str) -> None:
        """Begin with what the environment says; empty for nothing. Raises BadParameter."""
        self._all[setting.name] = setting
        value = parsed(setting, given or setting.default)
        if given:
            self._given[setting.name] = given
        if given or not setting.live:
            setattr(self, setting.attribute, value)
        else:
            self._defaults[setting.attribute] = value

    def follow(self, kept: Kept) -> None:
        """From now on the instance's own values count."""
        self._kept, self._seen = kept, -1

    def __getattr__(self, name: str) -> Any:
        """Called for what is no plain attribute: a setting that may change, or none at all."""
        defaults = self.__dict__.get("_defaults", {})
        if name not in defaults:
            raise AttributeError(f"no setting AGNES_{name.upper()}; see console/settings.py")
        self._refresh()
        return self._own.get(name, defaults[name])

    def standing(self, name: str) -> Standing:
        """How a setting stands now. Raises BadParameter for a name that no setting has."""
        if name not in self._all:
            raise BadParameter.unknown(name, self._all, what="setting")
        self._refresh()
        setting, text = self._all[name], self._texts.get(name)
        if name in self._given:
            return Standing(setting, self._given[name], ENVIRONMENT)
        if text is None or not setting.live:
            return Standing(setting, setting.default, DEFAULT)
        if setting.attribute not in self._own:
            return Standing(setting, setting.default, DEFAULT, refused=text)
        return Standing(setting, text, INSTANCE)

    def standings(self) -> list[Standing]:
        """Of all settings, in their order."""
        return [self.standing(name) for name in self._all]

    @property
    def changes(self) -> int:
        """A number that grows when a value may have changed. Costs nothing."""
        return -1 if self._kept is None else self._kept.version()

    def _refresh(self) -> None:
        version = self.changes
        if self._kept is None or version == self._seen:
            return
        with self._lock:
            texts, own = self._kept.texts(), {}
            for name, text in texts.items():
                setting = self._all.get(name)
                if setting is None or setting.attribute not in self._defaults:
                    continue  # of another version, or the environment's
                try:
                    own[setting.attribute] = setting.parse(text)
                except ValueError:
                    continue  # `standing` says so
            self._own, self._texts, self._seen = own, texts, version


def parsed(setting: Setting, text: str) -> Any:
    """Raises BadParameter that names the value and what is allowed."""
    try:
        return setting.parse(text)
    except ValueError:
        shown = "***" if setting.secret and text else text  # messages are logged
        raise BadParameter(setting.name, shown, f"use {setting.allowed}") from None
