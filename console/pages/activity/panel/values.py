"""Params as a tree for a template: what each value is, and whether the mask changed it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

LONG = 240  # characters of a text that is folded
_PARTS = 100  # of a list or an object; the raw JSON has them all
_DEPTH = 8
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?\Z")


@dataclass(frozen=True)
class Node:
    """`kind`: object, list, text, long, time, plain (a number or a flag) or none. `parts` are named
    in an object only; `more` are left out of them."""

    kind: str
    value: Any = None
    parts: tuple[tuple[str, Node], ...] = ()
    more: int = 0
    masked: bool = False

    @property
    def is_short(self) -> bool:
        """Whether it is a list that reads well in one line."""
        return self.kind == "list" and all(part.kind in ("text", "plain") for _, part in self.parts)


def parsed(text: str | None) -> Any:
    """A column of JSON; the text itself where it is none."""
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return text


def tree(shown: Any, stored: Any, depth: int = 0) -> Node:
    """`shown` as nodes; masked are those that `stored` has otherwise. No stored value is kept."""
    if isinstance(shown, dict | list) and depth < _DEPTH:
        pairs = _pairs(shown, stored)
        parts = tuple((name, tree(part, was, depth + 1)) for name, part, was in pairs[:_PARTS])
        kind = "object" if isinstance(shown, dict) else "list"
        return Node(kind, parts=parts, more=max(0, len(pairs) - _PARTS))
    masked = shown != stored
    if shown is None:
        return Node("none", masked=masked)
    if isinstance(shown, str):
        at = _moment(shown)
        kind = "time" if at else "long" if len(shown) > LONG or "\n" in shown else "text"
        return Node(kind, at or shown, masked=masked)
    return Node("plain", orjson.dumps(shown).decode(), masked=masked)


def written(value: Any) -> str:
    """JSON as people read it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value, option=_INDENTED).decode()


_INDENTED = orjson.OPT_INDENT_2


def _pairs(shown: Any, stored: Any) -> list[tuple[str, Any, Any]]:
    if isinstance(shown, dict):
        was = stored if isinstance(stored, dict) else {}
        return [(name, part, was.get(name)) for name, part in shown.items()]
    was_list = stored if isinstance(stored, list) else []
    return [
        ("", part, was_list[place] if place < len(was_list) else None)
        for place, part in enumerate(shown)
    ]


def _moment(text: str) -> datetime | None:
    """A text of the log that is a moment, naive UTC."""
    if not _MOMENT.match(text):
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
    except (ValueError, OverflowError):
        return None
