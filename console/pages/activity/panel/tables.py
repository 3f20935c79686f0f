"""The tables that an event is about, with where they are shown: those that a question used, or one
that was looked up or changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console import links
from console.activity import Reader, Row
from console.tables.offered import INTERNAL, offered

_PREFIX = "table:"


def tables(reader: Reader, row: Row, params: Any) -> list[tuple[str, str]]:
    """Name and address, as far as the reader may open them; an admin also those that are not
    registered any more. Blocks."""
    named = params.get("table") if isinstance(params, dict) else None
    names = _names(row["resource"]) or ([named] if isinstance(named, str) else [])
    if not names:
        return []
    me = reader.principal
    offers = offered(reader.instance, me)
    by_id = {offer.id: offer for offer in offers.values()}
    found = []
    for name in names:
        offer = offers.get(name) or by_id.get(name)
        if offer is not None and (offer.kind == INTERNAL or not me.is_admin):
            found.append((name, links.href("catalog", offer.name)))
        elif me.is_admin and (offer is not None or row["action"].startswith("registry.")):
            found.append((name, links.href("registered", offer.id if offer else name)))
    return found


def _names(resource: str | None) -> Sequence[str]:
    if not (resource or "").startswith(_PREFIX):
        return []
    return [name for name in (resource or "").removeprefix(_PREFIX).split(",") if name]
