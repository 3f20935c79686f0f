"""The box of the Telemetry page that asks in one's own words: for admins, whose question it sends
to the language model, and shows the SQL with its answer.

A plain form, with scripts and without: a question costs money, so it is a POST, and no page asks
one by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from console.asking import ask_model
from console.asking.ask import LONGEST, Asking
from console.handler import text_of
from console.identity.rights import ADMIN, may
from console.pages.act import Act
from console.pages.render import render
from console.pages.telemetry.reading import Reading
from schema.errors import AgnesError, BadParameter

PATH = "/admin/telemetry"
_SHOWN = 100  # rows of an answer; all of them come with the API
_CELL = 200  # characters


@dataclass(frozen=True)
class Box:
    """`setting`: the one that is to be set before anything can be asked; empty where it is."""

    setting: str
    longest: int = LONGEST


def read(reading: Reading) -> Box | None:
    me = reading.caller.me
    if not may(me, ADMIN) or me.view is not None:
        return None
    return Box("" if reading.reader.instance.settings.anthropic_api_key else ask_model.KEY)


class AskAct(Asking, Act):
    """`question=…`: the answer as a part of the page, or, without scripts, as a page."""

    async def post(self) -> None:
        given = {
            name: text_of(name, values[-1]) for name, values in self.request.body_arguments.items()
        }
        if "question" not in given:
            raise BadParameter("question", "", f"1 to {LONGEST:,} characters")
        found = await self.asked(given["question"])
        if found is not None:
            self._show(asked=shown(found), error=None)

    def show_error(self, error: AgnesError) -> None:
        self._show(asked=None, error=error)

    def _show(self, **context: Any) -> None:
        template = "telemetry/asked.html" if self.is_live else "asked.html"
        self.answer(render(template, back=PATH, **context))


def shown(found: dict[str, Any]) -> dict[str, Any]:
    """The answer with its rows as cells of text, the first of them. `numbers`: the columns that
    hold nothing else."""
    columns, rows = found["columns"], found["rows"] or []
    cells = [[_cell(row[name]) for name in columns] for row in rows[:_SHOWN]]
    numbers = [all(_is_number(row[name]) for row in rows) for name in columns]
    return {**found, "rejected": found.get("rejected"), "cells": cells, "numbers": numbers}


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"


ROUTES = [(rf"{PATH}/ask", AskAct)]
