"""How what marketplaces offer is used: every item with its figures of 30 days beside how many
people there are, and every plugin with what of it nobody uses (SPEC section 12). Blocks: call it
through `store.offload`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from console.queries import telemetry_popularity as questions
from console.queries.telemetry_filter import TelemetryFilter
from console.telemetry import Reader, Row
from console.telemetry.popularity import DAYS, popularity
from schema.errors import BadParameter

BUILTIN = "builtin"
# Type of an item -> the kind that popularity calls it.
TYPES: Mapping[str, str] = {
    "plugin": "plugins",
    "skill": "skills",
    "agent": "subagents",
    "command": "commands",
}
SOURCES = ("curated", "flea", BUILTIN)
_ORDERS: Mapping[str, Callable[[Row], Any]] = {
    "most_used": lambda row: row["invocations_30d"],
    "most_adopted": lambda row: (row["distinct_users_30d"], row["invocations_30d"]),
    "trending": lambda row: row["trend_pct"],
    "recent": lambda row: row["last_used"] or "",
}
SORTS = tuple(_ORDERS)
_EVERY = 10**6
_MONTH = "43200"  # minutes
Key = tuple[str, str, str | None, str]


@dataclass(frozen=True)
class Plugin:
    """One plugin of a marketplace: what it offers, and how it is used. `use` is its own row of
    `Use.rows`, None where nobody uses it; `unused` are the items that nobody does."""

    marketplace: str
    source: str
    name: str
    items: Sequence[Row]
    unused: Sequence[Row]
    use: Row | None

    @property
    def used(self) -> int:
        return len(self.items) - len(self.unused)


@dataclass(frozen=True)
class Use:
    """`rows`: what was used, each `{source, marketplace, type, plugin, name, called, description,
    invocations_30d, distinct_users_30d, last_7d, prior_7d, trend_pct, last_used, errors,
    telemetry}`; `offered`: all that is offered; `active_people`: how many people used anything at
    all in these 30 days, of whom `distinct_users_30d` are some, and of whom `adopters` used what is
    offered."""

    rows: Sequence[Row]
    offered: Sequence[Row]
    unused: Sequence[Row]
    plugins: Sequence[Plugin]
    active_people: int
    adopters: int

    def chosen(
        self,
        *,
        sort: str = "most_used",
        type: str | None = None,
        source: str | None = None,
        plugin: str | None = None,
        q: str | None = None,
    ) -> list[Row]:
        """Those rows, in that order; `trending` leaves out what was used too little before. Without
        a source only what a marketplace offers. Raises BadParameter."""
        for name, text, allowed in (
            ("sort", sort, SORTS),
            ("type", type, tuple(TYPES)),
            ("source", source, SOURCES),
        ):
            if text is not None and text not in allowed:
                raise BadParameter(name, text, "one of " + ", ".join(allowed))
        words = (q or "").casefold()
        found = [
            row
            for row in self.rows
            if (row["source"] != BUILTIN if source is None else row["source"] == source)
            and type in (None, row["type"])
            and plugin in (None, row["plugin"])
            and words in f"{row['called']} {row['description'] or ''}".casefold()
            and (sort != "trending" or row["trend_pct"] is not None)
        ]
        found.sort(key=lambda row: (row["called"], row["type"]))
        return sorted(found, key=_ORDERS[sort], reverse=True)


def use(reader: Reader, *, now: datetime) -> Use:
    """Everything, as this reader sees it."""
    found = {type: popularity(reader, kind, limit=_EVERY, now=now) for type, kind in TYPES.items()}
    offered = [row for type in TYPES for row in reader.ask(questions.offered, type)]
    by_key = {_key(row): row for row in reversed(offered)}
    rows = []
    for type in TYPES:
        for row in found[type]["rows"]:
            about = by_key.get((row["source"], type, row["plugin"], row["name"]), {})
            rows.append(_row(row, type, about))
    unused = [row for type in TYPES for row in found[type]["unused"]]
    end = datetime.combine(now.date(), time.max)
    start = datetime.combine(now.date(), time.min) - timedelta(days=DAYS - 1)
    (active,) = reader.ask(questions.active, reader.seen, TelemetryFilter(start, end))
    return Use(rows, offered, unused, _plugins(offered, unused, rows), **_people(active))


def _people(active: Row) -> dict[str, int]:
    return {"active_people": active["people"], "adopters": active["adopters"]}


def _row(row: Row, type: str, about: Row) -> Row:
    called = _called(row, type)
    return {
        **row,
        "type": type,
        "marketplace": about.get("marketplace"),
        "description": about.get("description"),
        "called": called,
        "telemetry": telemetry(type, called),
    }


def _called(row: Row, type: str) -> str:
    """As events name it: `plugin:name`, of the community itself `flea:name`; a plugin by name."""
    if row["source"] == BUILTIN or type == "plugin":
        return str(row["name"])
    return f"{row['plugin'] or row['source']}:{row['name']}"


def telemetry(type: str, called: str) -> str:
    """Where Telemetry shows the calls of an item."""
    asked = {
        "plugin": {"ref_id": called, "group_by": "skill"},
        "skill": {"tab": "skills", "skill": called},
        "agent": {"tab": "subagents", "subagent": called},
        "command": {"q": called.lower(), "event_type": "slash_command", "group_by": "user"},
    }[type]
    return "/admin/telemetry?" + urlencode({**asked, "since_minutes": _MONTH})


def _key(row: Row) -> Key:
    """As the figures name an item: a plugin, and the community's own, have no plugin above."""
    name = (row["name"] or "").removeprefix("/")
    whole = row["type"] == "plugin" or row["plugin"] in ("", None, row["source"], name)
    return row["source"], row["type"], None if whole else row["plugin"], name


def _plugins(offered: Sequence[Row], unused: Sequence[Row], rows: Sequence[Row]) -> list[Plugin]:
    """By use, then by name; a plugin itself is no item of it."""
    idle = {_exact(row) for row in unused}
    uses = {(row["source"], row["name"]): row for row in rows if row["type"] == "plugin"}
    held: defaultdict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in offered:
        parts = held[row["marketplace"], row["source"], row["plugin"]]
        if row["type"] != "plugin":
            parts.append(row)
    plugins = [
        Plugin(
            marketplace=marketplace,
            source=source,
            name=name,
            items=parts,
            unused=[row for row in parts if _exact(row) in idle],
            use=uses.get((source, name)),
        )
        for (marketplace, source, name), parts in held.items()
    ]
    return sorted(plugins, key=lambda one: (-_calls(one), one.name, one.marketplace))


def _exact(row: Row) -> tuple[Any, ...]:
    return row["source"], row["marketplace"], row["plugin"], row["type"], row["name"]


def _calls(plugin: Plugin) -> int:
    return int(plugin.use["invocations_30d"]) if plugin.use else 0
