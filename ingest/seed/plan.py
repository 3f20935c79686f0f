"""Events as columns of numbers, before any text is made: when, what, by whom, caused by what.

About 84 of 100 are the scheduler's (`scheduled`); the others are people's (`episodes`), the
server's own upkeep, and a few without a client kind, as older releases wrote them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.seed import asking, machines, operating
from ingest.seed.draws import Ints
from ingest.seed.recipe import NEEDLE

RECIPES = (*machines.RECIPES, *asking.RECIPES, *operating.RECIPES, asking.UPLOAD, *asking.REPORTED)
NUMBER = {recipe.action: number for number, recipe in enumerate(RECIPES)}
KINDS = (None, "web", "cli", "agent", "external", "scheduler")
RARE = 50_000  # one query among so many events names the rare table


@dataclass(frozen=True)
class Plan:
    """Events; the arrays run along each other. `person` is a place in the crowd, `group` numbers
    what shares a correlation, begun at `begun`, `spent` is how long it took in milliseconds where
    that is settled already, `link` what `Scene.links` says. -1: none.
    """

    time: Ints
    recipe: npt.NDArray[np.int16]
    person: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int8]
    group: npt.NDArray[np.int32]
    begun: Ints
    spent: npt.NDArray[np.int32]
    link: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.time)

    def at(self, places: Any) -> Plan:
        return Plan(*(getattr(self, field.name)[places] for field in fields(self)))


def part(
    time: Ints,
    *,
    recipe: Any,
    kind: Any,
    person: Any = -1,
    group: Any = None,
    begun: Any = None,
    spent: Any = -1,
    link: Any = -1,
) -> Plan:
    """Events at `time`; the other columns are arrays or one value for all. Without `group` each
    event is its own.
    """
    n = len(time)

    def column(value: Any, kind: Any) -> Any:
        return np.broadcast_to(np.asarray(value), n).astype(kind)

    return Plan(
        time=time,
        recipe=column(recipe, np.int16),
        person=column(person, np.int32),
        kind=column(kind, np.int8),
        group=column(np.arange(n) if group is None else group, np.int32),
        begun=column(time if begun is None else begun, np.int64),
        spent=column(spent, np.int32),
        link=column(link, np.int32),
    )


def stacked(parts: Sequence[Plan]) -> Plan:
    """The events of `parts`, one part after the other, their groups as they are numbered."""
    columns = (
        np.concatenate([getattr(one, field.name) for one in parts]) for field in fields(Plan)
    )
    return Plan(*columns)


def together(parts: Sequence[Plan]) -> Plan:
    """All events in order of time, the groups of each part numbered apart, needles hidden among the
    queries.
    """
    offset = 0
    apart = []
    for one in parts:
        moved = np.where(one.group >= 0, one.group + offset, -1).astype(np.int32)
        apart.append(replace(one, group=moved))
        offset += int(one.group.max(initial=-1)) + 1
    whole = stacked(apart)
    return _with_needles(whole.at(np.argsort(whole.time, kind="stable")))


def _with_needles(plan: Plan) -> Plan:
    queries = np.flatnonzero(plan.recipe == NUMBER["query.local"])
    count = min(len(queries), len(plan) // RARE + 1)
    plan.link[queries[(np.arange(count) * len(queries)) // max(count, 1)]] = NEEDLE
    return plan
