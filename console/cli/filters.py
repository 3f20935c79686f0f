"""Filters as options: one table for each noun, used by every command of it that filters.

A line names the option, the server's parameter it becomes and its help. `filtered_by` gives a
command all of them at once, so that no two commands can differ in what they filter by; `filtered`
those of the audit log.
"""

from __future__ import annotations

import functools
import inspect
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import typer

from console.cli.window import LONGEST, lower_bound, utc
from schema.errors import BadParameter


@dataclass(frozen=True)
class Filter:
    """One option. `param` is the server's own name; empty where `Chosen.params` works it out."""

    flags: tuple[str, ...]
    param: str
    help: str
    metavar: str = "TEXT"
    switch: bool = False

    @property
    def name(self) -> str:
        return self.flags[0].removeprefix("--").replace("-", "_")


CLASSES = "success|error|denied|none|other"
SOURCES = "web|cli|agent|external|scheduler|system|other"

FILTERS = (
    Filter(("--since",), "", "From then on: 30m, 24h, 7d, minutes, or a time (UTC).", "WHEN"),
    Filter(("--until",), "", "Up to then: a time (UTC). --since counts back from it.", "TIME"),
    Filter(("--user",), "", "By whom: a user's id or e-mail.", "USER"),
    Filter(("--action",), "action_prefix", "Actions that begin so.", "PREFIX"),
    Filter(("--action-in",), "action_in", "Exactly these actions, with commas.", "A,B"),
    Filter(("--resource",), "resource", "Exactly this resource."),
    Filter(("--resource-prefix",), "resource_prefix", "Resources that begin so.", "PREFIX"),
    Filter(("--result-pattern",), "result_pattern", "Results like it: % any text, _ any letter."),
    Filter(("--result-class",), "result_class", "How it ended.", CLASSES),
    Filter(("--source",), "source", "Where it came from.", SOURCES),
    Filter(("--client-kind",), "client_kind", "How the caller signed in.", "KIND"),
    Filter(("--correlation",), "correlation_id", "Everything one request started.", "ID"),
    Filter(("--search", "-q"), "q", "Text in action, resource or params; case is ignored."),
    Filter(("--query",), "query", 'field:value, -field:value, since:, until:, "text".'),
    Filter(("--not-user",), "", "Not by this user (id or e-mail).", "USER"),
    Filter(("--not-action",), "action_prefix_not", "Not actions that begin so.", "PREFIX"),
    Filter(("--not-resource-prefix",), "resource_prefix_not", "Not such resources.", "PREFIX"),
    Filter(("--not-result-class",), "result_class_not", "Not these endings.", CLASSES),
    Filter(("--not-source",), "source_not", "Not from there.", SOURCES),
    Filter(("--not-client-kind",), "client_kind_not", "Not signed in so.", "KIND"),
    Filter(("--include-self-reads",), "include_self_reads", "Also reads of these logs.", "", True),
)


@dataclass(frozen=True)
class Chosen:
    """What a person typed, by the names of `filters`; None or False for what they left out.
    `longest`: minutes that `--since` may count back."""

    options: Mapping[str, Any]
    filters: Sequence[Filter]
    longest: int = LONGEST

    def params(self) -> dict[str, str]:
        """The parameters of the request. Raises BadParameter for what cannot be meant."""
        given = self.options
        for each in self.filters:
            if given[each.name] == "":  # the server takes it for no filter at all
                raise BadParameter(each.flags[0], "", "give a value, or leave the option out")
        params = {
            each.param: "true" if each.switch else given[each.name]
            for each in self.filters
            if each.param and given[each.name] not in (None, False)
        }
        if given["since"] is not None:
            params |= lower_bound(given["since"], self.longest)
        if given["until"] is not None:
            params["until"] = utc(given["until"], option="--until")
        return params

    def words(self) -> list[str]:
        """The options as they would be typed again, each safe to paste into a shell."""
        values = {each.flags[0]: self.options[each.name] for each in self.filters}
        return typed(values)


def typed(options: Mapping[str, Any]) -> list[str]:
    """Options and their values as they would be typed, each safe to paste into a shell; without
    those that are None or False."""
    words: list[str] = []
    for flag, value in options.items():
        if value is True:
            words.append(flag)
        elif value not in (None, False):
            # `--flag=value`, so that a value with a dash in front stays a value.
            separate = not str(value).startswith("-")
            words.append(f"{flag}{' ' if separate else '='}{shlex.quote(str(value))}")
    return words


class ChosenEvents(Chosen):
    """Of the audit log: people by e-mail are terms of its query, where the server looks them up."""

    def params(self) -> dict[str, str]:
        params, given = super().params(), self.options
        terms = [
            *_person(params, "user_id", given["user"], "--user", sign=""),
            *_person(params, "user_id_not", given["not_user"], "--not-user", sign="-"),
        ]
        if terms:
            params["query"] = " ".join(filter(None, [*terms, given["query"]]))
        return params


Command: TypeAlias = Callable[..., None]


def filtered_by(
    filters: Sequence[Filter], *, longest: int, chosen: type[Chosen] = Chosen
) -> Callable[[Command], Command]:
    """Give `command(chosen, …)` every option of `filters`, collected into its first parameter."""

    def give(command: Command) -> Command:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        keyword = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
        parameters = [*(_parameter(each) for each in filters), *keyword]

        @functools.wraps(command)
        def wrapper(**given: Any) -> None:
            options = {each.name: given.pop(each.name) for each in filters}
            command(chosen(options, filters, longest), **given)

        # Typer reads both of them to find the options.
        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
        return wrapper

    return give


filtered = filtered_by(FILTERS, longest=LONGEST, chosen=ChosenEvents)


def _parameter(each: Filter) -> inspect.Parameter:
    metavar = None if each.switch else each.metavar
    option = typer.Option(*each.flags, help=each.help, metavar=metavar)
    annotation: Any = Annotated[bool if each.switch else str | None, option]
    default = False if each.switch else None
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(each.name, kind, default=default, annotation=annotation)


def _person(
    params: dict[str, str], param: str, who: str | None, option: str, *, sign: str
) -> list[str]:
    """An id becomes a parameter; an e-mail a term of the query, where the server looks it up."""
    if who is None:
        return []
    if "@" not in who:
        params[param] = who
        return []
    if not re.fullmatch(r"[^\s\"'\\]+", who):
        raise BadParameter(option, who, "give a user's id or e-mail, without spaces or quotes")
    return [f"{sign}user:{who}"]
