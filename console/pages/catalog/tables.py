"""All tables, each with what it is, how many of its rows one sees, and how to begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.pages.catalog.reading import Reading
from console.pages.catalog.snippets import command
from console.tables.offered import Offer
from schema.errors import AgnesError

_TITLES = {
    "agnes_sessions": "Agnes sessions",
    "agnes_telemetry": "Agnes telemetry events",
    "agnes_audit": "Agnes audit log",
    "agnes_findings": "Agnes findings",
    "agnes_feedback": "Agnes feedback",
}


@dataclass(frozen=True)
class Listed:
    """`standing`: rows that are seen, and of how many; None where the table cannot be read, which
    `broken` says. `hits`: columns that the words of the search are found in."""

    offer: Offer
    title: str
    url: str
    command: str
    standing: Mapping[str, Any] | None
    broken: str | None
    hits: Sequence[str]


def read(reading: Reading) -> list[tuple[str, list[Listed]]]:
    """By bucket. With words only the tables in which they are found."""
    found: dict[str, list[Listed]] = {}
    for offer in reading.offers.values():
        hits = matching(offer, reading.state.words)
        if reading.state.words and not hits and not _named(offer, reading.state.words):
            continue
        found.setdefault(offer.bucket, []).append(_listed(reading, offer, hits))
    return list(found.items())


def title(offer: Offer) -> str:
    return _TITLES.get(offer.name, offer.name)


def why_unreadable(error: AgnesError) -> str:
    """The reason alone, where the table is named beside it."""
    return error.message.partition("cannot be read: ")[2] or error.message


def matching(offer: Offer, words: Sequence[str]) -> list[str]:
    """The columns whose name and meaning hold all words; of no words none."""
    return [
        name
        for name, meaning in offer.columns.items()
        if words and all(word in f"{name} {meaning}".casefold() for word in words)
    ]


def _named(offer: Offer, words: Sequence[str]) -> bool:
    text = f"{offer.name} {title(offer)} {offer.meaning}".casefold()
    return all(word in text for word in words)


def _listed(reading: Reading, offer: Offer, hits: Sequence[str]) -> Listed:
    standing, broken = None, None
    if reading.table is None:  # else it is a tab, which shows no figures
        try:
            standing = offer.standing()
        except AgnesError as error:
            broken = why_unreadable(error)
    url = reading.state.url(table=offer.name)
    return Listed(offer, title(offer), url, command(offer.name), standing, broken, hits)
