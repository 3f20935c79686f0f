"""Changes that can be taken back by whoever made them: what was before comes along with them.

Taking back is a change like any other: it names the versions that the first one made, so what
somebody else did meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.audit import Caller, entry
from console.feedback import groups, reports
from console.feedback.record import Row, duplicates, note, one, resource, several, write
from schema.errors import BadParameter, Conflict, shorten
from schema.transaction import Transaction


@dataclass(frozen=True)
class Changed:
    """A report before and after a change, as it is kept."""

    before: Row
    after: Row


@dataclass(frozen=True)
class Place:
    """Where a report stood before it was merged, and its version since."""

    id: str
    version: int
    merged_into: str | None
    kept_apart: bool


@dataclass(frozen=True)
class Merged:
    head: str
    places: Sequence[Place]


def change(
    caller: Caller, id: str, version: int, wanted: Mapping[str, Any]
) -> Callable[[Transaction], Changed]:
    """`reports.change`, with what was before."""
    step = reports.change(caller, id, version, wanted)

    def both(transaction: Transaction) -> Changed:
        before = one(transaction, id, version=version)
        return Changed(before, step(transaction))

    return both


def merge(caller: Caller, ids: Sequence[str], into: str) -> Callable[[Transaction], Merged]:
    """`groups.merge`, with where each report stood before."""
    step = groups.merge(caller, ids, into)

    def both(transaction: Transaction) -> Merged:
        given = several(transaction, ids)
        before = {row["id"]: row for row in (*given, *duplicates(transaction, *ids))}
        done = step(transaction)
        moved = several(transaction, done["merged"])
        places = [
            Place(
                row["id"],
                row["version"],
                before[row["id"]]["merged_into"],
                bool(before[row["id"]]["kept_apart"]),
            )
            for row in moved
        ]
        return Merged(done["head"], places)

    return both


def unmerge(caller: Caller, places: Sequence[Place]) -> Callable[[Transaction], None]:
    """Put merged reports back where they stood. Raises Outdated, and Conflict where what they were
    merged into before is no head any more."""
    if not 0 < len(places) <= groups.MOST:
        raise BadParameter("places", f"{len(places)} reports", f"1 to {groups.MOST}")

    def step(transaction: Transaction) -> None:
        rows = [one(transaction, place.id, version=place.version) for place in places]
        for row in rows:
            if not row["merged_into"]:  # a head with duplicates would become one itself
                raise Conflict(f"report {shorten(row['id'])} is no duplicate")
        alone = {place.id for place in places if place.merged_into is None}
        for head in {place.merged_into for place in places if place.merged_into} - alone:
            if one(transaction, head)["merged_into"] or head in {place.id for place in places}:
                raise Conflict(
                    f"report {shorten(head)} was merged meanwhile",
                    detail="Merge them by hand as they should be.",
                )
        for place, row in zip(places, rows, strict=True):
            values = {"merged_into": place.merged_into, "kept_apart": place.kept_apart}
            write(transaction, row, values)
            note(
                transaction,
                caller,
                place.id,
                "unmerged",
                **{"from": row["merged_into"], "to": place.merged_into},
            )
            if row["merged_into"]:
                note(transaction, caller, row["merged_into"], "unmerged", report=place.id)
        transaction.insert(
            entry(
                caller,
                "feedback.unmerge",
                resource=resource(places[0].id),
                params={"ids": [place.id for place in places], "undone": True},
                before={"merged_into": {row["id"]: row["merged_into"] for row in rows}},
            )
        )

    return step
