"""What a tool was asked, as a person reads it: the command of Bash, the lines an edit changes, else
field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Any

_TITLES = ("description", "file_path", "notebook_path", "path", "pattern", "query", "url", "skill")
_DEEPEST = 6  # levels; what is below is shown as JSON
_LINES = 1_000  # of a text whose changes are worked out; longer ones are shown whole


def title(name: str, given: Any) -> str:
    """The one line that says what a call is about."""
    if not isinstance(given, Mapping):
        return ""
    if name == "Bash":
        return _text(given.get("description"))
    if name in ("Grep", "Glob"):
        return " in ".join(filter(None, (_text(given.get("pattern")), _text(given.get("path")))))
    found = (_text(given.get(field)) for field in _TITLES)
    return next((text for text in found if text and "\n" not in text), "")


def body(name: str, given: Any) -> Iterator[str]:
    """The rest of it, line by line; what the title says is left out."""
    if not isinstance(given, Mapping):
        yield from _plain(given)
        return
    if name == "Bash" and isinstance(given.get("command"), str):
        yield from _marked(given["command"], "$ ", "  ")
        yield from _fields(given, leave=("command", "description"))
        return
    shown = [field for field in _TITLES if _text(given.get(field)) == title(name, given)][:1]
    if name == "Grep" or name == "Glob":
        shown = ["pattern", "path"]
    changes = list(_changes(given))
    if changes:
        yield from changes
        shown += ["old_string", "new_string", "edits"]
    if isinstance(todos := given.get("todos"), list):
        yield from map(_todo, todos)
        shown.append("todos")
    yield from _fields(given, leave=shown)


def _changes(given: Mapping[str, Any]) -> Iterator[str]:
    """The lines that an edit takes out and puts in."""
    edits = given.get("edits") if isinstance(given.get("edits"), list) else [given]
    for edit in edits or ():
        if isinstance(edit, Mapping) and "new_string" in edit:
            yield from _diff(_text(edit.get("old_string")), _text(edit.get("new_string")))


def _diff(old: str, new: str) -> Iterator[str]:
    before, after = old.splitlines(), new.splitlines()
    if len(before) + len(after) > _LINES:
        yield from (f"- {line}" for line in before)
        yield from (f"+ {line}" for line in after)
        return
    for line in unified_diff(before, after, n=2, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            yield f"{line[0]} {line[1:]}"


def _todo(todo: Any) -> str:
    if not isinstance(todo, Mapping):
        return f"- {_json(todo)}"
    mark = {"completed": "x", "in_progress": ">"}.get(str(todo.get("status")), " ")
    return f"[{mark}] {_text(todo.get('content')) or _json(todo)}"


def _fields(given: Mapping[str, Any], *, leave: list[str] | tuple[str, ...]) -> Iterator[str]:
    for name, value in given.items():
        if name not in leave and not (name == "replace_all" and value is False):
            yield from _named(name, value, 0)


def _named(name: str, value: Any, depth: int) -> Iterator[str]:
    """A field, on one line where it fits on one."""
    lines = list(_tree(value, depth))
    if len(lines) == 1 and not lines[0].startswith("- "):
        yield f"{name}: {lines[0]}"
    else:
        yield f"{name}:"
        yield from (f"  {line}" for line in lines)


def _tree(value: Any, depth: int) -> Iterator[str]:
    """Fields and lists in each other, each level indented."""
    if not value or depth >= _DEEPEST or not isinstance(value, Mapping | list):
        yield from _plain(value)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _named(name, one, depth + 1)
    else:
        for one in value:
            yield from _marked("\n".join(_tree(one, depth + 1)), "- ", "  ")


def _plain(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from value.split("\n")
    elif value not in (None, {}, []):
        yield _json(value)
    elif value is None:
        yield "null"
    else:
        yield "nothing"


def _marked(text: str, first: str, others: str) -> Iterator[str]:
    for number, line in enumerate(text.split("\n")):
        yield (others if number else first) + line


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
