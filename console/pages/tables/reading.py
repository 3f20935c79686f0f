"""One reading of the tables: what every part of the page is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from console.activity import Reader
from console.audit import Caller
from console.instance import Instance
from console.pages.tables.state import TablesState
from console.tables.offered import Offer

Row = dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """`offers`: what can be questioned, by name; `id`: of the table that is open, `row` what the
    registry says of it, None for one that it does not have any more."""

    instance: Instance
    caller: Caller
    state: TablesState
    at: datetime
    offers: Mapping[str, Offer] = field(default_factory=dict)
    id: str = ""
    row: Row | None = None
    beat: bool = False

    @property
    def reader(self) -> Reader:
        return Reader(self.instance, self.caller.me)

    def offer(self, id: str) -> Offer | None:
        """What can be questioned under this id of the registry."""
        return next((one for one in self.offers.values() if one.id == id), None)
