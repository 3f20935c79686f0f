"""Facets: what there is of a thing, how often, and where a click leads. Their template is
`parts/facets.html`; it says `page.counts`, what they count (`event`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from console.pages.state import ListState

SHOWN = 8  # values of a facet; the rest unfolds
NONE = "none"  # as a parameter: what has no value


@dataclass(frozen=True)
class Choice:
    """One value: `label` and `hint` for people, its `word`, and where its two links lead. `key`
    names it whatever it is. Without links it is too long to be asked for; without `exclude` it can
    only be included."""

    label: str
    hint: str
    count: int
    share: float  # of the most frequent value
    word: str
    key: str
    empty: bool = False
    included: bool = False
    excluded: bool = False
    include: str | None = None
    exclude: str | None = None


@dataclass(frozen=True)
class Facet:
    """`shown` and `folded` values; `other` of the answer sums those that are not among them."""

    title: str
    field: str
    shown: list[Choice]
    folded: list[Choice]
    other: Mapping[str, int]

    @property
    def values(self) -> int:
        return sum(choice.count > 0 for choice in self.shown + self.folded) + self.other["values"]


def facet(
    title: str,
    field: str,
    choices: Sequence[Choice],
    other: Mapping[str, int],
    extra: Sequence[Choice] = (),
) -> Facet:
    """`choices`, the most frequent first, of which a few stand open; `extra` ones always do."""
    cut = SHOWN if len(choices) > SHOWN + 1 else len(choices)
    return Facet(title, field, [*choices[:cut], *extra], [*choices[cut:]], other)


def of_parameter(
    state: ListState,
    title: str,
    name: str,
    rows: Sequence[Mapping[str, Any]],
    other: Mapping[str, int],
    labels: Mapping[str, str] | None = None,
) -> Facet:
    """A facet whose values are asked for by the parameter `name`, one at a time. `rows`: `value`
    (null: asked for as `none`) and `count`, of people `id`, `label` (their e-mail, the hint) and
    `name` instead of a value. `labels`: what some values are called. A value that is
    asked for stands there also when nothing has it."""
    most = max((row["count"] for row in rows), default=1) or 1
    found = [_choice(state, name, row, most, labels or {}) for row in rows]
    asked = state.given.get(name)
    if asked and not any(choice.included for choice in found):
        row = {"value": None if asked == NONE else asked, "count": 0}
        return facet(title, name, found, other, [_choice(state, name, row, most, labels or {})])
    return facet(title, name, found, other)


def _choice(
    state: ListState, name: str, row: Mapping[str, Any], most: int, labels: Mapping[str, str]
) -> Choice:
    value = row["id"] if "id" in row else row["value"]
    called, person = row.get("label"), row.get("name")
    word = NONE if value is None else str(value)
    label = person or called or ("" if value is None else labels.get(word, word))
    return Choice(
        label=labels.get(NONE, NONE) if value is None else label or '""',
        hint=str(called) if person and called else "",
        count=row["count"],
        share=round(row["count"] / most, 4),
        word=word,
        key=keyed(name, word),
        empty=value is None,
        included=state.given.get(name) == word,
        include=state.toggled(name, word),
    )


def keyed(field: str, word: str) -> str:
    """A name for a value that may hold anything."""
    return f"{field}-{crc32(word.encode()):08x}"
