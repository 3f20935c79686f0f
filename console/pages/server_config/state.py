"""What the reader of the settings, or of a prompt, has chosen. All of it lives in the URL."""

from __future__ import annotations

from console.pages.state import ListState

SHOWN = ("all", "live", "instance", "environment")


class ConfigState(ListState):
    """`q`: words of settings; `tab`: which of them; `setting`: the one that is being changed;
    `undo`: a change that might be undone."""

    filters = ("q",)
    tabs = SHOWN
    more = ("setting", "undo")

    @property
    def q(self) -> str:
        return str(self.given.get("q", ""))

    @property
    def setting(self) -> str:
        return str(self.rest.get("setting", ""))

    @property
    def undo(self) -> str:
        return str(self.rest.get("undo", ""))

    def at(self, setting: str | None = None, **changes: str | None) -> str:
        return self.url(**{"setting": setting, "undo": None, **changes})


class PromptState(ListState):
    """`as_user`: whom the prompt is shown for; `undo`: a change that might be undone."""

    filters = ("as_user",)
    more = ("undo",)

    @property
    def as_user(self) -> str:
        return str(self.given.get("as_user", ""))

    @property
    def undo(self) -> str:
        return str(self.rest.get("undo", ""))

    def at(self, **changes: str | None) -> str:
        return self.url(**{"undo": None, **changes})
