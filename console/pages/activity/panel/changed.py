"""Changed fields as lines, with people and grants called as people call them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from console.masking import SHOWN
from console.pages.activity.lines import Lines, folded

Called = Callable[[str, Any], Any]  # a field's name and value -> the value as people call it
_STAMPS = ("added_at", "added_by", "created_at", "created_by", "updated_at", "updated_by")


@dataclass(frozen=True)
class Changed:
    """One field. `unseen`: the mask hides what differs."""

    name: str
    lines: Lines
    unseen: bool


def changed(fields: Iterable[Mapping[str, Any]], called: Called) -> list[Changed]:
    found = []
    for field in fields:
        name, before, after = field["name"], field["before"], field["after"]
        lines = folded(told(name, before, called), told(name, after, called))
        cut = isinstance(before, str) and before == after and len(before) == SHOWN
        found.append(Changed(name, lines, unseen=cut))
    return found


def told(name: str, value: Any, called: Called) -> Any:
    """A value of a field; the columns of a table one a line; the parts of a list as texts, in an
    order in which two lists compare as sets do."""
    if name == "columns" and isinstance(value, str):
        return columns(value)
    if isinstance(value, list):
        return sorted(item(part, called) for part in value)
    return called(name, value)


def columns(value: str) -> Any:
    """The columns of a table, which the registry keeps as JSON, one a line; else as it is."""
    try:
        return [f"{one['name']} {one['type']} {one['meaning']}" for one in orjson.loads(value)]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return value


def item(part: Any, called: Called) -> str:
    """A member, a grant, or whatever stands in a list."""
    if not isinstance(part, dict):
        return str(part)
    if isinstance(part.get("resource_type"), str):
        of = part.get("resource_id")
        return f"{part['resource_type']}:{of}" if of else part["resource_type"]
    if isinstance(part.get("group_id"), str):
        return str(called("group_id", part["group_id"]))
    if isinstance(part.get("user_id"), str):
        return str(called("user_id", part["user_id"]))
    return " ".join(f"{name}={value}" for name, value in part.items() if name not in _STAMPS)
