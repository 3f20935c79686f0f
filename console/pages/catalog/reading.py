"""One reading of the catalog: what every part of the page is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from console.audit import Caller
from console.instance import Instance
from console.pages.catalog.state import CatalogState
from console.tables.offered import Offer


@dataclass(frozen=True)
class Reading:
    """`offers`: what the reader may question, by name; `table`: the one that is open, if any."""

    instance: Instance
    caller: Caller
    state: CatalogState
    at: datetime
    offers: Mapping[str, Offer] = field(default_factory=dict)
    table: Offer | None = None
    beat: bool = False
