"""What an agent asked of a tool, as a person reads it: a word or two for the head of its card, and
below it the command, the change, the list.

Nothing of an input is left out: what a tool's form does not show stands below it as JSON. Inputs
are hostile: a field may be anything, and a form whose fields are not what they should be gives way
to JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from console.pages.activity.lines import Line, compared
from console.pages.replay.words import NOTHING, Folded, brief, cleaned, folded, said, written

Kind = Literal["code", "text", "markdown", "json", "diff", "todo", "choices"]
Input = Mapping[str, Any]
_OPEN = 12  # lines of a command or JSON that stand open
_WIDEST = 4000  # characters of a line of a change
_DIFF_OPEN, _DIFF = 16, 300  # lines of a change: those that stand open, those that are shown
_SHORT, _SHORT_ONES = 60, 4  # characters of a value, and values, that fit into a head
_SUMMARY = 400  # characters
_EDITS = 40  # changes of one call


@dataclass(frozen=True)
class Block:
    """One part of an input. `rows` of a list of things to do are (state, words), of a choice
    (question, answers it offers)."""

    kind: Kind
    text: Folded = NOTHING
    label: str = ""
    lines: tuple[Line, ...] = ()
    rest: tuple[Line, ...] = ()
    beyond: int = 0  # lines or changes that are not shown here
    rows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Asked:
    """`name` of the tool, for MCP with its `server`; `summary`: one line beside it."""

    name: str
    server: str = ""
    summary: str = ""
    blocks: tuple[Block, ...] = ()


def asked(tool: str | None, given: Any) -> Asked:
    name = brief(tool or "a tool without a name", 120)
    server = ""
    if name.startswith("mcp__"):
        server, _, name = name.removeprefix("mcp__").partition("__")
        name = name or server
    if not isinstance(given, dict):
        return Asked(name, server, blocks=() if given is None else (_json(given),))
    form = None if server else _FORMS.get(name.lower())
    shown = form(given) if form else None
    summary, blocks, used = shown or ("", (), ())
    left = {key: value for key, value in given.items() if key not in used}
    if left and all(map(_is_short, left.values())) and len(left) <= _SHORT_ONES:
        words = [f"{cleaned(key)} {said(value)}" for key, value in left.items()]
        summary = " · ".join([*([summary] if summary else []), *words])
    elif left:
        blocks = (*blocks, _json(left))
    line = brief(summary, _SUMMARY)
    if line != summary.strip():
        blocks = (*blocks, _json(given, lines=0))
    return Asked(name, server, line, blocks)


def _is_short(value: Any) -> bool:
    """Whether it may stand in the head of a card, whole."""
    plain = not isinstance(value, dict | list)
    return plain and len(words := said(value)) <= _SHORT and "\n" not in words


_Shown = tuple[str, tuple[Block, ...], tuple[str, ...]] | None
_Form = Callable[[Input], _Shown]


def _command(given: Input) -> _Shown:
    command, about = given.get("command"), given.get("description", "")
    if not isinstance(command, str):
        return None
    code = Block("code", folded(cleaned(command), _OPEN))
    return said(about), (code,), ("command", "description")


def _edit(given: Input) -> _Shown:
    old, new = given.get("old_string"), given.get("new_string")
    if not (isinstance(old, str) and isinstance(new, str)):
        return None
    plain = ("replace_all",) if given.get("replace_all") is False else ()
    used = ("file_path", "old_string", "new_string", *plain)
    return _path(given), (_diff(old, new),), used


def _edits(given: Input) -> _Shown:
    edits = given.get("edits")
    if not isinstance(edits, list) or not all(isinstance(one, dict) for one in edits):
        return None
    blocks = []
    for number, one in enumerate(edits[:_EDITS], 1):
        shown = _edit({**one, "file_path": ""})
        label = f"change {number} of {len(edits)}"
        if shown is None:
            blocks.append(_json(one))
            continue
        (block,) = shown[1]
        blocks.append(_labelled(block, label))
    if beyond := len(edits) - _EDITS:
        blocks += [Block("diff", beyond=beyond)] if beyond > 0 else []
    return _path(given), tuple(blocks), ("file_path", "edits")


def _write(given: Input) -> _Shown:
    content = given.get("content")
    if not isinstance(content, str):
        return None
    return _path(given), (_diff("", content),), ("file_path", "content")


def _notebook(given: Input) -> _Shown:
    source = given.get("new_source")
    if not isinstance(source, str):
        return None
    place = given.get("cell_id", given.get("cell_number"))
    where = _path(given, "notebook_path")
    summary = where if place is None else f"{where} · cell {said(place)}"
    used = ("notebook_path", "new_source", "cell_id", "cell_number")
    return summary, (_diff("", source),), used


def _read(given: Input) -> _Shown:
    first, count = given.get("offset"), given.get("limit")
    where = _path(given)
    if type(first) is int and type(count) is int:
        where += f" · lines {first} to {first + count - 1}"
    elif type(first) is int:
        where += f" · from line {first}"
    elif type(count) is int:
        where += f" · the first {count} lines"
    elif first is not None or count is not None:
        return where, (), ("file_path",)
    return where, (), ("file_path", "offset", "limit")


def _pattern(given: Input) -> _Shown:
    pattern, where = given.get("pattern"), given.get("path")
    if not isinstance(pattern, str):
        return None
    summary = f"{cleaned(pattern)} in {said(where)}" if where else cleaned(pattern)
    return summary, (), ("pattern", "path")


def _agent(given: Input) -> _Shown:
    prompt = given.get("prompt")
    if not isinstance(prompt, str):
        return None
    parts = [said(given[key]) for key in ("subagent_type", "description") if given.get(key)]
    text = Block("text", folded(cleaned(prompt), 8))
    return " · ".join(parts), (text,), ("subagent_type", "description", "prompt")


def _todo(given: Input) -> _Shown:
    todos = given.get("todos")
    if not isinstance(todos, list) or not all(isinstance(one, dict) for one in todos):
        return None
    rows = tuple((said(one.get("status", "")), said(one.get("content", ""))) for one in todos)
    done = sum(status == "completed" for status, _ in rows)
    return f"{done} of {len(rows)} done", (Block("todo", rows=rows),), ("todos",)


def _web(given: Input) -> _Shown:
    where = given.get("url", given.get("query"))
    if not isinstance(where, str):
        return None
    prompt = given.get("prompt")
    asks = (Block("text", folded(cleaned(prompt), 8)),) if isinstance(prompt, str) else ()
    used = ("url", "query", "prompt") if asks or prompt is None else ("url", "query")
    return cleaned(where), asks, used


def _skill(given: Input) -> _Shown:
    name = given.get("skill", given.get("name"))
    if not isinstance(name, str):
        return None
    arguments = given.get("args")
    words = f"{name} {arguments}" if isinstance(arguments, str) and arguments else name
    used = ("skill", "args") if "skill" in given else ("name", "args")
    return words, (), used if arguments is None or isinstance(arguments, str) else used[:1]


def _plan(given: Input) -> _Shown:
    plan = given.get("plan")
    if not isinstance(plan, str):
        return None
    return "", (Block("markdown", Folded(cleaned(plan))),), ("plan",)


def _questions(given: Input) -> _Shown:
    asks = given.get("questions")
    if not isinstance(asks, list) or not all(isinstance(one, dict) for one in asks):
        return None
    rows = []
    for one in asks:
        options = one.get("options")
        offered = options if isinstance(options, list) else []
        labels = [said(part.get("label", "")) for part in offered if isinstance(part, dict)]
        rows.append((said(one.get("question", "")), " · ".join(labels)))
    # What is said of each answer it offers is kept below, folded.
    return "", (Block("choices", rows=tuple(rows)), _json(asks, lines=0)), ("questions",)


_FORMS: Mapping[str, _Form] = {
    **dict.fromkeys(("bash", "powershell", "shell"), _command),
    "edit": _edit,
    "multiedit": _edits,
    "write": _write,
    "notebookedit": _notebook,
    "read": _read,
    **dict.fromkeys(("grep", "glob"), _pattern),
    **dict.fromkeys(("task", "agent"), _agent),
    "todowrite": _todo,
    **dict.fromkeys(("webfetch", "websearch"), _web),
    "skill": _skill,
    "exitplanmode": _plan,
    "askuserquestion": _questions,
}


def _path(given: Input, key: str = "file_path") -> str:
    return said(given.get(key, ""))


def _json(value: Any, *, lines: int = _OPEN) -> Block:
    return Block("json", folded(written(value), lines))


def _diff(old: str, new: str) -> Block:
    found = tuple(compared(cleaned(old) or None, cleaned(new) or None, widest=_WIDEST))
    first = len(found) if len(found) <= _DIFF_OPEN + 4 else _DIFF_OPEN
    return Block(
        "diff",
        lines=found[:first],
        rest=found[first:_DIFF],
        beyond=max(0, len(found) - _DIFF),
    )


def _labelled(block: Block, label: str) -> Block:
    return Block(block.kind, label=label, lines=block.lines, rest=block.rest, beyond=block.beyond)
