"""The stored turns of a report, drawn as the replay draws a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.pages.replay.grouped import Item, Known, grouped
from console.sessions import Row
from console.transcript import transcripts

SHOWN = 200  # events that are part of the page, unless the reader asks for all
MOST = 5000


@dataclass(frozen=True)
class ExcerptLinks:
    """Where an event's parts are: on the report's page, as the replay's `EventLinks` says it."""

    page: str

    def at(self, turn: int) -> str:
        return f"#t{turn}"

    def whole(self, turn: int) -> str:
        return f"{self.page}/excerpt/{turn}"

    def image(self, turn: int) -> str:
        return ""

    def kind(self, finding_type: str) -> str | None:
        return None


@dataclass(frozen=True)
class Excerpt:
    """The last `shown` of `total` events; `first` is the number of the first of them. `error`: that
    of the call which failed last, None where none did."""

    items: Sequence[Item]
    links: ExcerptLinks
    first: int
    shown: int
    total: int
    bytes: int
    error: int | None


def read(text: str | None, page: str, *, all: bool = False) -> Excerpt | None:
    """None for a report without turns. What failed is mostly the last, so the end is shown."""
    if not text:
        return None
    rows, total = transcripts.of_text(text, 0, MOST)
    first = 0 if all else max(0, len(rows) - SHOWN)
    shown = [_without_image(row) for row in rows[first:]]
    failed = [row["turn"] for row in shown if row["is_error"]]
    return Excerpt(
        items=grouped(shown, Known()),
        links=ExcerptLinks(page),
        first=first,
        shown=len(shown),
        total=total,
        bytes=len(text.encode("utf-8", "replace")),
        error=failed[-1] if failed else None,
    )


def event(text: str | None, turn: int) -> Row | None:
    rows, _ = transcripts.of_text(text or "", turn, 1)
    return rows[0] if rows else None


def _without_image(row: Row) -> Row:
    """No image travels with a report; what claims to be one has no address here."""
    return {**row, "size": None} if row["kind"] == "image" else row
