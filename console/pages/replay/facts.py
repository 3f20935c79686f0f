"""What is known of a session beside its conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.pages.replay.reading import Reading
from console.pages.replay.words import brief
from console.queries import replay as queries
from console.sessions import Row
from schema.bind import Text
from schema.policy import Seen
from schema.tables import SESSION_FILES, USAGE_EVENTS

_MCP = "mcp__"
_MOST = 6  # names of a kind that are shown
_LONGEST = 80  # characters of a name


@dataclass(frozen=True)
class Named:
    """What a session used of one kind: names with how often, the most used first, and how many
    more there are."""

    says: str
    names: Sequence[tuple[str, int]]
    more: int


@dataclass(frozen=True)
class Facts:
    """`row` is the session's row of the list, `file` that of its file."""

    row: Row
    file: Row
    size: int
    subagents: int
    named: Sequence[Named]


def read(reading: Reading) -> Facts:
    reader, key = reading.reader, Text(reading.session_file)
    (file,) = reader.ask(queries.stored, Seen(SESSION_FILES, reader.principal), key)
    rows = reader.ask(queries.used, Seen(USAGE_EVENTS, reader.principal), key)
    transcript = reading.transcript
    return Facts(
        row=reading.summary(),
        file=file,
        size=transcript.size if transcript else file["bytes"],
        subagents=len(transcript.subagents) if transcript else 0,
        named=named(rows),
    )


def named(rows: Sequence[Row]) -> list[Named]:
    """Rows of `queries.used` as they are shown: kinds without any are left out."""
    kinds: dict[str, dict[str, int]] = {
        says: {} for says in ("Models", "Tools", "MCP servers", "Skills", "Subagents", "Folders")
    }
    says = {"model": "Models", "skill": "Skills", "subagent": "Subagents", "cwd": "Folders"}
    for row in rows:
        name, kind = row["name"], says.get(row["what"], "Tools")
        if kind == "Tools" and name.startswith(_MCP):
            kind, name = "MCP servers", name.split("__")[1] or name
        kinds[kind][name] = kinds[kind].get(name, 0) + row["uses"]
    return [_named(kind, uses) for kind, uses in kinds.items() if uses]


def _named(says: str, uses: dict[str, int]) -> Named:
    ordered = sorted(uses.items(), key=lambda one: (-one[1], one[0]))
    shown = [(brief(name, _LONGEST), times) for name, times in ordered[:_MOST]]
    return Named(says, shown, max(0, len(ordered) - _MOST))
