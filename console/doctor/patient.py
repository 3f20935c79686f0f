"""What is examined, and what a check says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.audit import now
from schema.store import Store

if TYPE_CHECKING:
    from console.settings import Settings

OK, WARNING, SEVERE = LEVELS = ("ok", "warning", "severe")


@dataclass(frozen=True)
class Patient:
    """The data folder, the database file, and the open store when a server runs here. `settings`
    and `environ` are what it was, or would be, started with; without them, what depends on them is
    not looked at. `clock_jumps`: seconds by which the machine's clock was set while it ran."""

    folder: Path
    database: Path
    store: Store | None = None
    clock: Callable[[], datetime] = now
    settings: Settings | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    clock_jumps: tuple[float, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """`level` is one of LEVELS; `mend` says what to do, where it is not ok."""

    check: str
    level: str
    message: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)
