"""How one kind of audit row is made up: how often, by whom, how long it takes, how it ends, what it
says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ingest.seed.draws import Random, amounts, pick
from ingest.seed.people import ROLES, Crowd

T = TypeVar("T")
Row = dict[str, Any]
# What a row says: its resource, its params, and the state before a change.
Said = tuple[str | None, Row | None, Row | None]
Ends = tuple[tuple[str | None, float], ...]

WELL: Ends = (("success", 1.0),)
READ: Ends = (("success", 0.985), ("denied", 0.01), ("error.not_found", 0.005))
CHANGE: Ends = (("success", 0.97), ("error.conflict", 0.015), ("error.bad_parameter", 0.015))
# `Scene.links` of a few rows: a query that names the rare table, a run that found nothing to do.
NEEDLE, IDLE = -2, -3


@dataclass(frozen=True)
class Scene:
    """Rows of one recipe that are to be filled; the lists run alongside each other."""

    rng: Random
    crowd: Crowd
    actors: Sequence[int]  # places in `crowd`, -1 for nobody
    results: Sequence[str | None]
    links: Sequence[int]  # places in `sessions` or `reported`, or NEEDLE, IDLE, or -1
    took: Sequence[int]  # milliseconds
    fresh: Sequence[str]  # an id of its own for each row: of what it made, of its sync
    correlations: Sequence[str | None]
    sessions: Sequence[
        tuple[str, int]
    ]  # session files and their bytes, in the order of their upload
    known: Sequence[int]  # how many of `sessions` were there by then
    reported: Sequence[Said]  # what the log says of reports, in order of time

    @property
    def n(self) -> int:
        return len(self.results)

    def pick(self, values: Sequence[T]) -> list[T]:
        """One of `values` for each row."""
        return pick(self.rng, values, self.n)

    def amounts(self, median: float, spread: float = 1.0) -> list[int]:
        """A whole number for each row, 1 or more."""
        return amounts(self.rng, median, spread, self.n)

    def people(self) -> list[int]:
        """Somebody for each row: to be made, changed, looked at."""
        found: list[int] = self.rng.integers(0, len(self.crowd), self.n).tolist()
        return found

    def uploaded(self) -> list[tuple[str, int]]:
        """For each row a session that was there by then."""
        shares = self.rng.random(self.n).tolist()
        places = [int(share * count) for share, count in zip(shares, self.known, strict=True)]
        return [self.sessions[at] for at in places]


Fill = Callable[[Scene], Iterable[Said]]


@dataclass(frozen=True)
class Recipe:
    """One action. `milliseconds`: median and spread of how long it takes. `ends`: results and their
    shares, among which an outage adds `broken`. `habits`: how often each role does it, among all it
    does.
    """

    action: str
    fill: Fill
    milliseconds: tuple[float, float]
    ends: Ends = WELL
    broken: str | None = None
    habits: Mapping[str, float] = field(default_factory=dict)
    anonymous: bool = False  # nobody is signed in yet
    sessions: bool = False  # only where there are sessions


def recipe(
    action: str,
    fill: Fill,
    milliseconds: tuple[float, float],
    ends: Ends,
    broken: str | None,
    often: Sequence[float],
    *,
    anonymous: bool = False,
    sessions: bool = False,
) -> Recipe:
    """What people do, `often` in the order of ROLES."""
    habits = dict(zip(ROLES, often, strict=True))
    return Recipe(action, fill, milliseconds, ends, broken, habits, anonymous, sessions)


def failed(result: str | None) -> bool:
    return result is not None and result not in ("success", "skipped")
