"""One reading of the settings, or of a prompt: what every part of the page is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.activity import Reader
from console.audit import Caller
from console.instance import Instance


@dataclass(frozen=True)
class Reading:
    """`about`: the resource whose changes are shown, as the log names it; empty for all."""

    instance: Instance
    caller: Caller
    state: Any
    at: datetime
    about: str = ""
    beat: bool = False

    @property
    def reader(self) -> Reader:
        return Reader(self.instance, self.caller.me)

    def person(self, user_id: str | None) -> str:
        """As people are called; empty for nobody."""
        found = self.instance.people.get(user_id)
        return found.label if found else user_id or ""
