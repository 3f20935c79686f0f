"""The tab Cost: tokens by model, and what they cost."""

from __future__ import annotations

from typing import Any

from console.pages.telemetry import words
from console.pages.telemetry.reading import Reading
from console.queries.telemetry_cost import TOKENS
from console.queries.telemetry_filter import NONE
from console.telemetry import cost as telemetry_cost

# What a session answers for itself; by anything else of the filter whole sessions are chosen.
_OF_SESSIONS = ("user_id", "username", "model")


def read(reading: Reading) -> dict[str, Any]:
    """The sums by model with their `share` of the tokens; `sums` by kind of token; `whole`: a
    filter on calls keeps all tokens of the sessions in which it finds one."""
    state = reading.state
    found = telemetry_cost.cost(reading.reader, reading.filter)
    for row in found["rows"]:
        model = NONE if row["model"] is None else row["model"]
        row["name"] = words.label("model", row["model"])
        row["on"], row["url"] = state.has(model=model), state.toggled("model", model)
        row["tokens"] = sum(row[token] for token in TOKENS)
    return {
        **found,
        "sums": {token: sum(row[token] for row in found["rows"]) for token in TOKENS},
        "titles": dict(
            zip(TOKENS, ("Input", "Output", "Cache read", "Cache written"), strict=True)
        ),
        "whole": any(name not in _OF_SESSIONS for name in reading.filter.terms),
    }
