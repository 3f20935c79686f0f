"""Which rows of a table a question can use at most: what a source may leave out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

OPERATORS = ("=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Bound:
    """`column` compared with a plain value; rows for which it does not hold are not needed."""

    column: str
    operator: str
    value: int | str


@dataclass(frozen=True)
class Within:
    """All `bounds` hold for each row that is needed; `limit`: any so many of them are enough."""

    bounds: Sequence[Bound] = ()
    limit: int | None = None
