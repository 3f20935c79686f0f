"""The terminal is described: `docs/CLI.md` is written from the commands themselves.

`python -m tests.test_habit_cli` writes the page anew. The tests of the docs walk `commands`, too.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

from console.cli import app
from console.cli.exits import EXIT_CODES

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "CLI.md"
ANEW = "write it anew: python -m tests.test_habit_cli"

HEAD = """# The command `agnes`

`agnes COMMAND --help` says the same. Commands speak to the console that `AGNES_SERVER` names, else
to that of `agnes login`; those of the section Server run on the console's own machine. Every list
has `--json`. A command ends with one of these codes:

| code | meaning |
| --- | --- |
{codes}

This page is written from the code (`python -m tests.test_habit_cli`); a test compares them.
"""


@dataclass(frozen=True)
class Told:
    """One command: the words that call it, and what it takes."""

    words: tuple[str, ...]
    command: Any
    context: Any
    section: str

    @property
    def name(self) -> str:
        return " ".join(self.words)

    @property
    def arguments(self) -> list[Any]:
        return [one for one in self.command.params if one.param_type_name == "argument"]

    @property
    def options(self) -> list[Any]:
        shown = [one for one in self.command.params if one.param_type_name == "option"]
        return [one for one in shown if not one.hidden and one.name != "help"]

    @property
    def help(self) -> str:
        return inspect.cleandoc(self.command.help or "")


@cache
def commands() -> tuple[Told, ...]:
    """Every command that ends a line, in the order of `agnes --help`."""
    root = get_command(app)
    return tuple(_below(root, ("agnes",), typer.Context(root, info_name="agnes"), ""))


def _below(group: Any, words: tuple[str, ...], context: Any, section: str) -> Iterator[Told]:
    for name in group.list_commands(context):
        _, found, _ = group.resolve_command(context, [name])
        entry = getattr(group, "entries", {}).get(name)
        heading = section or (entry.section if entry else "")
        inner = typer.Context(found, info_name=name, parent=context)
        if hasattr(found, "list_commands"):
            yield from _below(found, (*words, name), inner, heading)
        elif not found.hidden:
            yield Told((*words, name), found, inner, heading)


def written() -> str:
    """The page as the code has it."""
    codes = "\n".join(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())
    parts, section = [HEAD.format(codes=codes)], ""
    for one in sorted(commands(), key=lambda one: _order().index(one.section)):
        if one.section != section:
            section = one.section
            parts.append(f"## {section}\n")
        parts.append(_described(one))
    return "\n".join(parts)


@cache
def _order() -> list[str]:
    return list(dict.fromkeys(one.section for one in commands()))


def _described(one: Told) -> str:
    usage = " ".join([one.name, *one.command.collect_usage_pieces(one.context)])
    lines = [f"### {one.name}", "", f"    {usage}", "", _paragraphs(one.help), ""]
    rows = [each.get_help_record(one.context) for each in (*one.arguments, *one.options)]
    if rows := [row for row in rows if row]:
        lines += ["| | |", "| --- | --- |"]
        lines += [f"| `{_cell(name)}` | {_cell(said)} |" for name, said in rows]
        lines.append("")
    return "\n".join(lines)


def _paragraphs(text: str) -> str:
    parts = (" ".join(part.replace("\b", "").split()) for part in re.split(r"\n\s*\n", text))
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def test_the_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == written(), ANEW


def test_every_command_and_all_it_takes_has_a_sentence() -> None:
    silent = [one.name for one in commands() if not one.help]
    silent += [
        f"{one.name} {each.name}"
        for one in commands()
        for each in (*one.arguments, *one.options)
        if not getattr(each, "help", None)
    ]
    assert silent == []


def test_every_list_has_json() -> None:
    lists = [one for one in commands() if one.words[-1] in ("list", "runs", "catalog", "history")]
    assert len(lists) > 10
    assert [one.name for one in lists if not _has_json(one)] == []


def _has_json(one: Told) -> bool:
    return any("--json" in option.opts for option in one.options)


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
