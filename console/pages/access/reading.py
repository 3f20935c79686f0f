"""One reading of a page of users & access: what every part of it is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Generic, TypeVar

from console import effective
from console.activity import Reader
from console.audit import Caller
from console.instance import Instance
from console.pages.access.state import AccessState

S = TypeVar("S", bound=AccessState)


@dataclass(frozen=True)
class Reading(Generic[S]):
    """`at`: when it is read, and how old everything on the page is."""

    instance: Instance
    caller: Caller
    state: S
    at: datetime
    beat: bool = False

    @property
    def reader(self) -> Reader:
        return Reader(self.instance, self.caller.me)

    @cached_property
    def access(self) -> effective.Access:
        """Who may open what; read once for all parts. Blocks."""
        return effective.read(self.instance.store)
