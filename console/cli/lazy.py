"""Commands that are only imported when they run, so that `agnes --help` answers at once.

One table names every command: its words, where it lives, one line of help. The help of `agnes` is
made from that table alone; `agnes push --help` imports the module of `push` and no other.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from console.cli.exits import named_exits
from schema.errors import AgnesError


@dataclass(frozen=True)
class Command:
    """One line of the table.

    `name` is what a person types after `agnes`, one word or two. `target` is `module:attribute`,
    a function or a `typer.Typer`; empty for the first word of others. `section` is its heading.
    """

    name: str
    target: str
    help: str
    section: str = "Commands"


class LazyGroup(TyperGroup):
    """A group that knows its commands from a table and imports the one that is asked for."""

    def __init__(self, *, table: Sequence[Command] = (), **attributes: Any) -> None:
        super().__init__(**attributes)
        self.entries = {entry.name: entry for entry in table if " " not in entry.name}
        for name, entry in self.entries.items():
            self.add_command(_placeholder(entry, _below(table, name)), name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        entry = self.entries.get(name or "")
        return name, _imported(entry) if entry and entry.target else command, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for entry in self.entries.values():
            sections.setdefault(entry.section, []).append((entry.name, entry.help))
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(rows)


class RootGroup(LazyGroup):
    """`agnes` itself: the only place where errors become text and exit codes."""

    def invoke(self, ctx: Any) -> Any:
        with named_exits():
            return super().invoke(ctx)


class NounGroup(TyperGroup):
    """The commands of one noun; without one of them, the `first`."""

    first = "list"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        helps = ctx.help_option_names
        if not args or (args[0].startswith("-") and args[0] not in helps):
            args = [self.first, *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Those of the first command too, where it is more than a list."""
        if self.first == "list":
            super().format_options(ctx, formatter)
            return
        self.commands[self.first].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def noun(help: str, *, first: str = "list") -> typer.Typer:
    """The app of one noun, to be filled with commands; `first` must be one of them."""
    return _app(cls=type("Noun", (NounGroup,), {"first": first}), help=help)


def _below(table: Sequence[Command], word: str) -> list[Command]:
    start = word + " "
    names = ((entry, entry.name.removeprefix(start)) for entry in table)
    return [replace(entry, name=rest) for entry, rest in names if rest != entry.name]


def _placeholder(entry: Command, below: Sequence[Command]) -> Any:
    plain: dict[str, Any] = {"name": entry.name, "help": entry.help, "rich_markup_mode": None}
    if below:
        return LazyGroup(table=below, no_args_is_help=True, **plain)
    return TyperCommand(**plain)


def _imported(entry: Command) -> Any:
    """The real command behind a line of the table."""
    module, _, attribute = entry.target.partition(":")
    try:
        found: typer.Typer | Callable[..., Any] = getattr(
            importlib.import_module(module), attribute
        )
    except ModuleNotFoundError as error:
        if error.name == module:
            raise AgnesError(f"this installation has no `agnes {entry.name}`") from error
        raise
    if isinstance(found, typer.Typer):
        return get_command(found)
    single = _app()
    single.command()(found)
    return get_command(single)


def _app(**options: Any) -> typer.Typer:
    # Typer's rich help costs 0.14 s at each start; the plain one is as easy to read.
    return typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, **options
    )
